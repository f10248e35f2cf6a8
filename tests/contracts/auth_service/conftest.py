"""The real auth-service, for the suites that what stands in for it has to pass as well."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tablesync.auth_service import bootstrap
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import free_port

Serve = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="module")
def first_workspace(
    service_keys: ServiceKeys, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A workspace whose operator may use the API too: the file, and what it says."""
    content = service_keys.bootstrap()
    for each in content["operators"]:
        each["api_token"] = secrets.token_urlsafe(32)
    file = tmp_path_factory.mktemp("auth-service") / "bootstrap.json"
    file.write_text(json.dumps(content))
    return file, content


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auth_service(
    serve: Serve,
    own_databases: dict[str, str],
    service_keys: ServiceKeys,
    sandbox_url: str,
    first_workspace: tuple[Path, dict[str, Any]],
) -> AsyncIterator[str]:
    """Serve the API of the real auth-service, without Kafka, and return its URL."""
    port = free_port()
    async with serve(
        bootstrap,
        "auth-service",
        "api",
        **own_databases,
        http_port=port,
        auth_public_url=f"http://127.0.0.1:{port}",
        auth_encryption_keys_file=service_keys.encryption_keys_file,
        auth_bootstrap_file=first_workspace[0],
        auth_hubspot_client_id="sandbox-hubspot",
        auth_hubspot_client_secret="sandbox-hubspot-secret",
        auth_airtable_client_id="sandbox-airtable",
        auth_airtable_client_secret="sandbox-airtable-secret",
        hubspot_api_url=f"{sandbox_url}/hubspot",
        hubspot_app_url=f"{sandbox_url}/hubspot",
        airtable_web_url=f"{sandbox_url}/airtable",
        airtable_api_url=f"{sandbox_url}/airtable",
        scheduler_url=f"http://127.0.0.1:{free_port()}",
    ) as url:
        yield url
