"""What auth-service's peers ask it, as the suites do."""

import httpx
from tablesync.contracts import ConnectionEvent, Provider
from tablesync.contracts.internal_api import (
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    ConnectionStates,
    Verdict,
)
from tablesync.test_kit.services import answer_of

from .world import World


async def ask_token(world: World, connection_id: str, **changes: str) -> httpx.Response:
    body = AccessTokenRequest(workspace_id=changes.get("workspace_id", world.workspace_id))
    return await world.edge.post("sync-runner", f"/connections/{connection_id}/access-token", body)


async def token_of(world: World, connection_id: str) -> AccessTokenAnswer:
    return answer_of(AccessTokenAnswer, await ask_token(world, connection_id))


async def send_report(
    world: World, connection_id: str, version: int, status_code: int = 401, **changes: str
) -> httpx.Response:
    body = AuthFailureReport(
        workspace_id=changes.get("workspace_id", world.workspace_id),
        grant_version=version,
        status_code=status_code,
    )
    return await world.edge.post("sync-runner", f"/connections/{connection_id}/auth-failures", body)


async def ruling_on(
    world: World, connection_id: str, version: int, status_code: int = 401
) -> AuthFailureRuling:
    response = await send_report(world, connection_id, version, status_code)
    return answer_of(AuthFailureRuling, response)


async def lost(world: World, provider: Provider = Provider.HUBSPOT) -> tuple[str, int]:
    """Have a loss confirmed; return the connection's id and the version of its grant."""
    connection_id = await world.connect(provider)
    version = (await token_of(world, connection_id)).grant_version
    await world.lose(connection_id)
    assert (await ruling_on(world, connection_id, version)).verdict is Verdict.REVOKED
    return connection_id, version


async def page_of(world: World, **query: int) -> ConnectionStates:
    response = await world.edge.get("scheduler", "/connections", **query)
    return answer_of(ConnectionStates, response)


async def state_of(world: World, connection_id: str) -> ConnectionEvent:
    page = await page_of(world)
    (state,) = (each for each in page.items if each.connection_id == connection_id)
    return state
