"""P01, P02: thousands of callers for one token, and ten thousand races for one refresh."""

import asyncio

import httpx
import pytest
from auth_service_rig import aged
from auth_service_stage import Service, Stage
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import eventually

pytestmark = pytest.mark.needs("mongod")

PROCESSES, RUNNERS, CALLERS = 8, 20, 50
RACES, AT_ONCE = 10_000, 2


async def test_p01_8_000_callers_in_8_processes_refresh_once(stage: Stage) -> None:
    services = await asyncio.gather(*(stage.service() for _ in range(PROCESSES)))
    connection = await stage.connect(services[0])

    versions = await asyncio.gather(
        *(
            until_there_is_a_token(each, connection, runner)
            for each in services
            for runner in runners(each)
            for _ in range(CALLERS)
        )
    )

    assert versions == [2] * PROCESSES * RUNNERS * CALLERS
    assert await stage.refreshes() == 1
    assert await stage.airtables_grants() == [(True, "")]


def runners(service: Service) -> list[httpx.AsyncClient]:
    """Make runners, each with connections of its own: all of its callers are heard at once."""
    return [service.rig.service_at(service.rig.url, "sync-runner") for _ in range(RUNNERS)]


async def until_there_is_a_token(
    service: Service, connection_id: str, runner: httpx.AsyncClient
) -> int:
    """Ask as a runner does, which comes back when it is told to."""
    return await eventually(
        lambda: service.version(connection_id, runner), timeout=1_800, interval=1
    )


async def test_p02_10_000_forced_races_disconnect_nobody(stage: Stage) -> None:
    services = await asyncio.gather(*(stage.service() for _ in range(AT_ONCE)))
    connection = await stage.connect(services[0])
    thief = asyncio.create_task(steal_leases(stage.database))
    for _ in range(RACES):
        await aged(stage.database, connection)
        answers = await asyncio.gather(*(each.rig.token(connection) for each in services))
        assert {each.status_code for each in answers} <= {200, 503}
    thief.cancel()

    assert await stage.events(connection) == ["established"]
    assert await stage.airtables_grants() == [(True, "")]
    grant = await stage.database["grants"].find_one({"_id": connection})
    assert grant is not None
    assert grant["version"] == await stage.refreshes() + 1


async def steal_leases(database: Database) -> None:
    """Let every refresh lease be free again while its holder is at work."""
    while True:
        await database["leases"].delete_many({"_id": {"$regex": "^refresh/"}})
        await asyncio.sleep(0)
