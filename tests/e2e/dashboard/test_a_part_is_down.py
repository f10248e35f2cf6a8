"""A service is gone or silent behind the pages: each says which and since when, and goes on."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually

from .looking import look_at
from .visitor import LOOKS, PATIENCE_MS, PORTAL, Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Prepared = tuple[Visitor, dict[str, str]]
# What each page shows while a service is gone: its status, and something that others tell of.
REST = {
    "notifier": {
        "/settings": (200, "Members"),
        "/incidents": (503, "This page has to wait for notifier"),
    },
    "sync-runner": {"/runs/{run}": (200, "Written")},
    "scheduler": {
        "/integrations": (200, "not known"),
        "/connections/{hubspot}": (200, "What happened to it"),
        "/connections/{hubspot}/disconnect": (200, "Keep it connected"),
        "/syncs": (503, "This page has to wait for scheduler"),
        "/runs": (503, "This page has to wait for scheduler"),
        "/syncs/{sync}": (503, "This page has to wait for scheduler"),
    },
    "auth-service": {
        "/syncs": (200, "Next run"),
        "/syncs/{sync}": (200, "Slot by slot"),
        "/runs": (200, "Every run, newest first"),
        "/incidents": (200, "No incident"),
        "/settings": (200, "Mail me when something"),
        "/connections/{hubspot}": (503, "This page has to wait for auth-service"),
        "/integrations": (503, "This page has to wait for auth-service"),
    },
}
# Of each service a page that it alone holds up, and what stands there once it is back.
HELD_UP = {
    "notifier": ("/incidents", "No incident"),
    "scheduler": ("/syncs", "Next run"),
    "auth-service": ("/integrations", "Warnings first"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def prepared(stack: LocalStack, browser: Browser) -> AsyncIterator[Prepared]:
    """Ada, with a sync that has run."""
    assert stack.info.sandbox
    async with (
        SandboxControl(stack.info.sandbox) as sandbox,
        visiting(stack, browser, sandbox, "ada") as ada,
    ):
        await ada.has_a_workspace("A part is down")
        hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
        sync = await ada.makes_a_sync("deals", hubspot, airtable)
        run = ada.page.url.rpartition("/")[2]
        yield ada, {"hubspot": hubspot, "sync": sync.id, "run": run}


@contextmanager
def gone(stack: LocalStack, service: str) -> Iterator[None]:
    """Have a service end for a block, and be whole again behind it."""
    stack.stop_program(service)
    try:
        yield
    finally:
        stack.start_program(service)
        stack.wait_ready(service)


@contextmanager
def silent(stack: LocalStack, service: str) -> Iterator[None]:
    """Have a service take connections for a block and answer nothing."""
    pid = stack.pid(service)
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        # One that was killed meanwhile is another by now.
        if stack.pid(service) == pid:
            os.kill(pid, signal.SIGCONT)


def told_of(ada: Visitor, service: str) -> Locator:
    """Return the panels that say since when a service has not answered."""
    panels = ada.page.locator("main .banner", has_text=f"{service} has not answered since")
    return panels.filter(has=ada.page.locator("time"))


@pytest.mark.parametrize("service", REST)
async def test_a_page_says_who_is_gone_and_shows_the_rest_until_it_is_back(
    prepared: Prepared, stack: LocalStack, service: str
) -> None:
    ada, known = prepared
    await ada.open("/incidents")
    with gone(stack, service):
        for path, (status, rest) in REST[service].items():
            assert await ada.open(path.format_map(known)) == status, path
            await expect(told_of(ada, service).first).to_be_visible()
            await expect(ada.page.locator("main")).to_contain_text(rest)
            await expect(ada.page.get_by_label("Main", exact=True)).to_be_visible()
        if service in HELD_UP:
            assert await ada.open(HELD_UP[service][0]) == 503
    if service in HELD_UP:
        main = ada.page.locator("main")
        await expect(main).to_contain_text(HELD_UP[service][1], timeout=PATIENCE_MS)
    for path in REST[service]:
        assert await ada.open(path.format_map(known)) == 200, path
        await expect(ada.page.get_by_text("has not answered")).to_have_count(0)


async def test_a_service_that_is_silent_holds_nothing_up_and_is_told_of_live(
    prepared: Prepared, stack: LocalStack
) -> None:
    ada, known = prepared
    await ada.open("/integrations")
    await expect(ada.page.locator("[data-live]")).to_have_attribute("data-live", "on")
    with silent(stack, "scheduler"):
        async with ada.tablesync as tablesync:
            await tablesync.connections.rename(known["hubspot"], "Meanwhile")
        await ada.page.evaluate(LOOKS)
        name = ada.card("HubSpot").locator(".name").first
        await expect(name).to_have_text("Meanwhile", timeout=PATIENCE_MS)
        await expect(told_of(ada, "scheduler")).to_be_visible()
        assert await look_at(ada.page) == []
        ada.page.set_default_navigation_timeout(9_000)
        assert await ada.open(f"/connections/{known['hubspot']}") == 200
        await expect(told_of(ada, "scheduler").first).to_be_visible()
        ada.page.set_default_navigation_timeout(PATIENCE_MS)
        assert await ada.open("/syncs") == 503
    await expect(ada.page.get_by_role("heading", name="Syncs")).to_be_visible(timeout=PATIENCE_MS)
    await ada.open("/integrations")
    await expect(told_of(ada, "scheduler")).to_have_count(0)


async def test_a_change_that_nobody_confirmed_is_said_to_be_so_and_sent_once_more(
    prepared: Prepared, stack: LocalStack
) -> None:
    """The service has the request, and ends before it has answered."""
    ada, _ = prepared
    await ada.open("/settings")
    await ada.page.get_by_label("Mail me when").uncheck()
    with silent(stack, "notifier"):
        await ada.page.get_by_role("button", name="Save").click(no_wait_after=True)
        await eventually(lambda: _has_unread(stack.plan.port("notifier")))
        stack.kill("notifier")
        try:
            unconfirmed = ada.page.get_by_role("heading", name="Nobody has confirmed this")
            await expect(unconfirmed).to_be_visible(timeout=PATIENCE_MS)
            await expect(ada.page.get_by_text("may have been done, or not")).to_be_visible()
            await expect(ada.page.get_by_label("Main", exact=True)).to_be_visible()
        finally:
            stack.start_program("notifier")
            stack.wait_ready("notifier")
    await expect(ada.page.get_by_role("link", name="Look again")).to_be_visible()
    assert await look_at(ada.page) == []
    await ada.page.get_by_role("button", name="Send it once more").click()
    await expect(ada.page.get_by_label("Mail me when")).not_to_be_checked()


def _has_unread(port: int) -> bool:
    """Whether something was sent to a port that whoever listens there has not read."""
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    fields = [each.split() for each in lines]
    return any(
        local.endswith(f":{port:04X}") and int(queues.partition(":")[2], 16)
        for _, local, _, state, queues, *_ in fields
        if state == "01"
    )
