"""A service of the kit's tests as a process of its own (`integration/slow_service.py`)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tablesync.service_kit.settings import ServiceSettings

SERVICE = Path(__file__).parent / "integration/slow_service.py"
DRAIN_SECONDS = 30
START_SECONDS = 90


def environment(settings: ServiceSettings, **changes: str) -> dict[str, str]:
    own = {name.upper(): str(value) for name, value in settings if value is not None}
    return {**os.environ, **own, **changes}


@asynccontextmanager
async def service(
    given: Mapping[str, str], *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SERVICE),
        *arguments,
        env=given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def has_begun(process: asyncio.subprocess.Process, run_id: str) -> None:
    """Wait until the service has begun to handle the message that asks for a run."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        await process.stdout.readuntil(f"begun {run_id}\n".encode())
