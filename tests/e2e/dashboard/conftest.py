"""One platform with its dashboard for all stories of this folder, and people who use it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from platform_settings import HURRY, ROOT, SMALL
from playwright.async_api import Browser
from tablesync.local_stack import LocalStack
from tablesync.local_stack.plan import ALL
from tablesync.test_kit import SandboxControl, unique_prefix
from tablesync.test_kit.browser import chromium
from tablesync.test_kit.isolation import drop_databases, drop_topics

from .everything import Full, everything
from .visitor import PORTAL, Visitor, visiting


@pytest.fixture(scope="package")
def stack(kafka_bootstrap: str, mongodb_uri: str) -> Iterator[LocalStack]:
    """Run a platform that every story shares; each has a workspace of its own."""
    prefix = unique_prefix("-")
    databases = prefix.replace("-", "_")
    stack = LocalStack(
        ROOT,
        f"test-{prefix.strip('-')}",
        programs=ALL,
        kafka_bootstrap=kafka_bootstrap,
        mongodb_uri=mongodb_uri,
        topic_prefix=prefix,
        database_prefix=databases,
        env={
            "sandbox": SMALL,
            "scheduler": HURRY,
            "auth-service": {"AUTH_WORKSPACES_PER_PERSON": "500"},
        },
        fresh=True,
    )
    with stack:
        yield stack
    stack.remove()
    drop_databases(mongodb_uri, databases)
    drop_topics(kafka_bootstrap, prefix)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run the machine's Chromium."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture
async def sandbox(stack: LocalStack) -> AsyncIterator[SandboxControl]:
    """Steer this platform's own sandbox."""
    assert stack.info.sandbox
    async with SandboxControl(stack.info.sandbox) as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def ada(
    stack: LocalStack, browser: Browser, sandbox: SandboxControl
) -> AsyncIterator[Visitor]:
    """Ada, who administers a workspace that is made for this story."""
    async with visiting(stack, browser, sandbox, "ada") as ada:
        await ada.has_a_workspace("Acme")
        yield ada


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def made_full(stack: LocalStack, browser: Browser) -> AsyncIterator[Full]:
    """Ada in a workspace with one of everything, made once."""
    assert stack.info.sandbox
    async with (
        SandboxControl(stack.info.sandbox) as sandbox,
        visiting(stack, browser, sandbox, "ada") as ada,
    ):
        await ada.has_a_workspace("One of everything")
        yield Full(ada, await everything(ada))


@pytest_asyncio.fixture
async def full(made_full: Full) -> AsyncIterator[Full]:
    """Ada in a workspace with one of everything, for stories that only look at it."""
    yield made_full
    # Her tab stays open for the stories to come: it is not to be one of her live ones meanwhile.
    await made_full.visitor.page.goto("about:blank")


@pytest_asyncio.fixture
async def lost(ada: Visitor) -> Visitor:
    """Ada, whose connection to HubSpot has just been lost."""
    hubspot, airtable = await ada.connects("hubspot", PORTAL), await ada.connects("airtable")
    await ada.makes_a_sync("deals", hubspot, airtable)
    await ada.open("/integrations")
    await ada.sees("HubSpot", "Connected")
    await ada.loses_hubspot()
    await ada.sees("HubSpot", "Disconnected")
    return ada
