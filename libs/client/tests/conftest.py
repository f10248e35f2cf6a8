"""A real auth-service, without Kafka, and clients of it."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from auth_service_processes import environments
from client_instruments import AuthService, Connect
from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.settings import Settings
from tablesync.client import ApiToken, TableSync
from tablesync.client.credentials import Credentials
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.test_kit import free_port, unique_prefix
from tablesync.test_kit.isolation import drop_databases
from tablesync.test_kit.services import serving


@pytest.fixture(scope="session")
def first_workspace(service_keys: ServiceKeys) -> dict[str, Any]:
    """Return a workspace in which each role has an API token."""
    content = service_keys.bootstrap()
    for each in content["operators"]:
        each["api_token"] = f"tsk_{secrets.token_urlsafe(32)}"
    return content


@pytest.fixture(scope="session")
def bootstrap_file(
    first_workspace: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Write that workspace down."""
    file = tmp_path_factory.mktemp("client") / "bootstrap.json"
    file.write_text(json.dumps(first_workspace))
    return file


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def auth_service(
    mongodb_uri: str,
    service_keys: ServiceKeys,
    sandbox_url: str,
    first_workspace: dict[str, Any],
    bootstrap_file: Path,
) -> AsyncIterator[AuthService]:
    """Serve the API of auth-service."""
    prefix, kafka = unique_prefix("_"), f"127.0.0.1:{free_port()}"
    made = environments(kafka, mongodb_uri, ("", prefix), service_keys, sandbox_url)(
        AUTH_BOOTSTRAP_FILE=str(bootstrap_file)
    )
    settings = Settings.model_validate({name.lower(): value for name, value in made.items()})
    tokens = {each["role"]: each["api_token"] for each in first_workspace["operators"]}
    client = mongo.connect(mongodb_uri)
    database = mongo.open_database(client, f"{prefix}auth")
    async with serving(build(settings), "api") as url:
        yield AuthService(url, tokens, first_workspace["workspace"]["id"], database)
    client.close()
    drop_databases(mongodb_uri, prefix)


@pytest_asyncio.fixture
async def connect(auth_service: AuthService) -> AsyncIterator[Connect]:
    """Yield a function that makes clients, as an operator unless told otherwise."""
    async with AsyncExitStack() as stack:

        async def make(credentials: Credentials | None = None, url: str = "") -> TableSync:
            who = credentials or ApiToken(auth_service.tokens["operator"])
            urls = {"auth-service": url or auth_service.url}
            return await stack.enter_async_context(TableSync(urls, who))

        yield make
