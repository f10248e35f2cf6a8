"""The page that leads a newcomer to the first sync says what is so."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import pytest
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, press

from .conftest import SMALL

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs" / "first-sync.md"


async def test_the_page_leads_to_a_sync_that_is_held_once_access_is_lost(
    stack: LocalStack, tmp_path: Path
) -> None:
    stack.info.write(tmp_path / ".local" / "up.json")
    pasted = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    complaints = tmp_path / "stderr"
    with complaints.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-iq", cwd=tmp_path, stdin=PIPE, stdout=PIPE, stderr=stderr
        )
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{pasted}\n".encode())
    process.stdin.close()
    said = []
    async for line in process.stdout:
        said.append(line.decode())
        if said[-1].startswith("open "):
            await consent(stack, said[-1].removeprefix("open ").strip())
    assert await process.wait() == 0
    assert "Error" not in complaints.read_text(), complaints.read_text()
    (ended,) = (line for line in said if line.startswith("succeeded"))
    assert f"'written': {SMALL['SANDBOX_DEALS']}," in ended
    assert "app_uninstalled" in said[-1]


async def consent(stack: LocalStack, start_url: str) -> None:
    """Open what the page says to open, press the button; the sandbox answers its own pages."""
    assert stack.info.sandbox
    provider = "airtable" if "/airtable/" in start_url else "hubspot"
    choice = {"bases": "all"} if provider == "airtable" else {"account": "7001"}
    async with SandboxControl(stack.info.sandbox) as sandbox:
        await sandbox.answer(provider, user="ada@acme.test", decision="allow", times=1, **choice)
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False, timeout=30) as browser:
        (await press(browser, start_url)).raise_for_status()
