"""The scheduler over HTTP: the service itself, or some roles of it, and whoever asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from scheduler_examples import WORKSPACE
from tablesync.local_stack.keys import ServiceKeys
from tablesync.scheduler.bootstrap import build
from tablesync.scheduler.settings import NAME, Settings
from tablesync.service_kit.http.client import new_client
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.test_kit import NO_TLS
from tablesync.test_kit.services import serving
from tablesync.test_kit.stand_ins import StandIn

Headers = dict[str, str]
Json = dict[str, Any]


class Tokens:
    """Makes the headers with which operators and services sign in."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys

    def operator(
        self,
        role: OperatorRole = OperatorRole.OPERATOR,
        workspace_id: str = WORKSPACE,
        operator_id: str = "op_1",
    ) -> Headers:
        """Sign in as an operator, as auth-service lets people do."""
        who = Principal(
            operator_id=operator_id, workspace_id=workspace_id, role=role, platform=True
        )
        return _bearer(issue(self._signer("auth-service"), who))

    def service(self, caller: str) -> Headers:
        """Sign in as a service that asks the scheduler."""
        return _bearer(self._signer(caller).service_token(NAME))

    def _signer(self, name: str) -> Signer:
        return Signer.from_file(name, self._keys.private_key_file(name))


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def client_of(
    settings: Settings, headers: Headers, *roles: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the service, or some of its roles; yield a client of it."""
    async with (
        serving(build(settings), *roles) as url,
        httpx.AsyncClient(
            base_url=url, headers=headers, timeout=60, trust_env=False, verify=NO_TLS
        ) as client,
    ):
        yield client


def ask_as_scheduler(peer: StandIn, keys: ServiceKeys) -> httpx.AsyncClient:
    """Return a client of a peer that signs in as the scheduler; to be closed."""
    signer = Signer.from_file(NAME, keys.private_key_file(NAME))
    return new_client(peer.url, auth=ServiceAuth(signer, peer.name))


async def create_sync(api: httpx.AsyncClient, body: Json) -> Json:
    """Create a sync; return it as it is shown."""
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 201, answer.text
    created: Json = answer.json()
    return created
