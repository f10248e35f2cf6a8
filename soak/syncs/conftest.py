"""Two syncs on the sandbox, run by processes, for as long as it takes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sync_runner_rig import Rig, rigged, runner_settings
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl
from tablesync.test_kit.stand_ins import AuthServiceStandIn


@pytest_asyncio.fixture
async def rig(
    stores: dict[str, str], service_keys: ServiceKeys, sandbox: SandboxControl, tmp_path: Path
) -> AsyncIterator[Rig]:
    async with AuthServiceStandIn(service_keys.trusted_keys_file) as auth:
        settings = runner_settings(stores, service_keys, sandbox.url, auth.url)
        async with rigged(settings, sandbox, auth, tmp_path) as rig:
            yield rig
