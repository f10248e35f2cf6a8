"""What does not run is promised no slot: mail, page, Sync Now, lists and command say the same."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from typing import Any

import httpx
import pytest
from tablesync.demo.story import PORTAL, Story, button_of, mails_of
from tablesync.demo.watch import Watch
from tablesync.local_stack.info import StackInfo
from tablesync.test_kit import eventually

from .newcomers import Newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ON_RECONNECT = "once its connection is reconnected"
ON_RESUME = "once somebody resumes it"
LOOKED_AT = (
    "what it needs is there again (looked at every 15 minutes, less often after tries in "
    "vain, and at once when its mapping is saved again)"
)


async def test_each_kind_of_stop_is_told_as_it_is(ada: Newcomer, told: tuple[Story, Watch]) -> None:
    story, _ = told
    await story.connect()
    await story.create_syncs()
    await story.first_runs()
    await pause(story, "companies")
    await unmap(story, "deals")
    alone = await said_of(ada.info, story)

    await story.sandbox.control("hubspot", PORTAL, "uninstall")
    for object_ in story.syncs:
        await held_by(story, object_, "connection")
    await story.mail_arrives()
    both = await said_of(ada.info, story)

    assert alone["companies"] == f"paused next run: {ON_RESUME}"
    assert alone["deals"].endswith(f"next run: once {LOOKED_AT}")
    assert both["contacts"].endswith(f"next run: {ON_RECONNECT}")
    assert both["companies"].endswith(f"next run: {ON_RESUME} and its connection is reconnected")
    assert both["deals"].endswith(f"next run: {ON_RECONNECT} and {LOOKED_AT}")
    await the_mail_says(
        story,
        contacts="runs once you reconnect",
        companies=f"paused; runs again {ON_RESUME} and its connection is reconnected",
        deals=f"on hold; runs again {ON_RECONNECT} and {LOOKED_AT}",
    )
    for object_, when in (("contacts", ON_RECONNECT), ("deals", f"{ON_RECONNECT} and {LOOKED_AT}")):
        refused = await story.api.attempt("POST", "scheduler", f"{path_of(story, object_)}/run")
        assert refused.status_code == 409
        assert refused.json()["detail"].endswith(f"It runs again {when}.")
    assert [each["next_slot_at"] for each in await story.api.items("scheduler", "/v1/syncs")] == [
        None
    ] * 3


def path_of(story: Story, object_: str) -> str:
    return f"/v1/syncs/{story.syncs[object_]['id']}"


async def pause(story: Story, object_: str) -> None:
    await story.api.post("scheduler", f"{path_of(story, object_)}/pause")


async def unmap(story: Story, object_: str) -> None:
    """Delete a field that a sync maps, and wait until it is held for that."""
    table, sync = story.tables[object_], story.syncs[object_]
    field = next(each["field_id"] for each in sync["mapping"] if each != sync["key"])
    where = {"base": table.base_id, "table": table.table_id}
    await story.sandbox.control("airtable", "-", "delete-field", **where, field=field)
    await held_by(story, object_, "mapping")


async def held_by(story: Story, object_: str, kind: str) -> None:
    async def is_held() -> bool:
        sync = await story.api.get("scheduler", path_of(story, object_))
        return kind in [each["kind"] for each in sync["holds"]]

    await eventually(is_held, timeout=120)


async def said_of(info: StackInfo, story: Story) -> dict[str, str]:
    """Return what `tablesync status` says of each sync behind its name, but for runs and gaps."""
    urls = {f"{name.upper().replace('-', '_')}_URL": url for name, url in info.urls.items()}
    known = {**os.environ, **urls, "TABLESYNC_API_TOKEN": info.api_token, "COLUMNS": "300"}
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tablesync.cli", "status"), env=known, stdout=PIPE
    )
    out, _ = await command.communicate()
    assert command.returncode == 0
    return {name: _entry(out.decode(), sync) for name, sync in story.syncs.items()}


def _entry(status: str, sync: dict[str, Any]) -> str:
    entry = status.partition(sync["name"])[2].partition(sync["id"])[0]
    others = ("last run: ", " missed since ", "run cut short ", ", every ")
    told = [line for line in entry.splitlines() if not any(each in line for each in others)]
    return " ".join(" ".join(told).split())


async def the_mail_says(story: Story, **told: str) -> None:
    (mail,) = await mails_of(story.sandbox, "revocation")
    assert mail["subject"].endswith("2 syncs are on hold")
    text = " ".join(mail["text"].split())
    for object_, words in told.items():
        assert f"{story.syncs[object_]['name']} ({words})" in text
    async with httpx.AsyncClient(trust_env=False, timeout=30) as browser:
        page = " ".join((await browser.get(button_of(mail["html"]))).text.split())
    assert "paused; runs again once somebody resumes it" in page
    for each in (text, page):
        assert "due" not in each
        assert "slot" not in each
