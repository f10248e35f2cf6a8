"""A base that is left out at a reconnect is named, and holds the one sync that writes to it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.test_kit import eventually

# Each part is tested with its service, and the whole once more as the dashboard's story.
pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(600)]

DEALS = "Acme deals"


async def test_a_base_left_out_at_a_reconnect_is_named_until_it_is_chosen(
    told: tuple[Story, Watch], stack: LocalStack, browser: Browser, tmp_path: Path
) -> None:
    story, _ = told
    await story.connect()
    await story.create_syncs()
    await story.first_runs()
    left_out = story.tables["deals"].base_id
    person = await browser.new_page()

    stack.info.write(tmp_path / ".local" / "up.json")
    command, start_url = await tablesync("reconnect", story.airtable, folder=tmp_path)
    await person.goto(start_url)
    await to_the_bases(person)
    await person.get_by_test_id("cancel").click()
    await person.get_by_role("button", name="Start again").click()
    await to_the_bases(person)
    await person.get_by_test_id(f"base-{left_out}").uncheck()
    await person.get_by_test_id("allow").click()

    await person.get_by_role("heading", name="A base that syncs write to").wait_for()
    assert await listed(person) == [f"{DEALS} {story.syncs['deals']['name']} 1 sync"]
    assert command.stdout
    said, named = (await command.stdout.read()).decode(), f"{DEALS} ({left_out}), 1 sync: "
    assert await command.wait() == 0
    assert "● Connected" in said, "the command goes along with what is begun anew"
    assert " ".join(said.split()).count(named) == 1
    denied = await outcome_of(story, parse_qs(urlsplit(start_url).query)["authorization"][0])
    lacking = await outcome_of(story, denied["continued_by"])
    assert (denied["status"], lacking["status"]) == ("denied", "completed")
    assert named + story.syncs["deals"]["name"] in lacking["finding"]["message"]
    held = await eventually(sync_that(story, "deals", status="held"), timeout=120)
    assert held["hold"]["kind"] == "resource"
    assert f'"{DEALS}" ({left_out})' in held["hold"]["cause"]
    assert held["hold"]["lacks"] == [left_out]
    since = held["hold"]["since"]
    runs = await story.runs(held)
    assert not [each for each in runs if each["requested_at"] > since], "no run has to meet it"
    done = {object_: len(await story.runs(story.syncs[object_])) for object_ in story.syncs}
    for object_ in ("contacts", "companies"):
        more = runs_beyond(story, object_, done[object_])
        assert await eventually(more, timeout=120), "syncs to other bases go on"
        assert await sync_that(story, object_, status="active")()

    await person.get_by_role("button", name="Connect once more").click()
    await to_the_bases(person)
    await person.get_by_test_id("allow").click()

    await person.get_by_role("heading", name="Airtable is connected", exact=True).wait_for()
    assert await listed(person) == []
    following = (await outcome_of(story, lacking["id"]))["continued_by"]
    assert (await outcome_of(story, following))["finding"] is None
    assert await eventually(sync_that(story, "deals", status="active"), timeout=120)


async def tablesync(*arguments: str, folder: Path) -> tuple[Process, str]:
    """Run the command; return it, and the page that it says is to be opened."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tablesync.cli", *arguments, cwd=folder, stdout=PIPE
    )
    assert process.stdout
    line = (await process.stdout.readline()).decode()
    return process, line.removeprefix("Open in a browser: ").strip()


async def to_the_bases(person: Page) -> None:
    """Press the button of our page and sign in, up to where Airtable asks for bases."""
    await person.get_by_role("button", name="Reconnect Airtable").click()
    await person.get_by_test_id("user-ada@acme.test").click()
    await person.get_by_test_id("allow").wait_for()


async def outcome_of(story: Story, authorization_id: str) -> dict[str, Any]:
    """Read what the API tells of an attempt."""
    return dict(await story.api.get("auth-service", f"/v1/authorizations/{authorization_id}"))


async def listed(page: Page) -> list[str]:
    """Return the lines of a page's lists, each on one line."""
    return [" ".join(each.split()) for each in await page.get_by_role("listitem").all_inner_texts()]


def sync_that(
    story: Story, object_: str, status: str
) -> Callable[[], Awaitable[dict[str, Any] | None]]:
    """Return what reads a sync once it has this status."""

    async def found() -> dict[str, Any] | None:
        path = f"/v1/syncs/{story.syncs[object_]['id']}"
        sync = dict(await story.api.get("scheduler", path))
        return sync if sync["status"] == status else None

    return found


def runs_beyond(story: Story, object_: str, count: int) -> Callable[[], Awaitable[bool]]:
    """Return what tells whether a sync has run more often than that, and well."""

    async def found() -> bool:
        runs = await story.runs(story.syncs[object_])
        return len([each for each in runs if each["status"] == "succeeded"]) > count

    return found
