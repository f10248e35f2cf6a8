"""The story of a lost and regained connection, small enough to be told often."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from tablesync.demo.api import Api
from tablesync.demo.console import Stage
from tablesync.demo.person import Person
from tablesync.demo.story import Plot, Story
from tablesync.demo.timeline import Timeline
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl

SMALL = {"SANDBOX_CONTACTS": "40", "SANDBOX_COMPANIES": "20", "SANDBOX_DEALS": "20"}
HURRY = {"SCHEDULER_MIN_INTERVAL_SECONDS": "1", "SCHEDULER_CATCH_UP_JITTER_SECONDS": "1"}
PLOT = Plot(edited=30, pages_before_uninstall=1, slots_to_miss=1, patience=180)
EVERY_SECONDS = 3


@asynccontextmanager
async def story_on(stack: LocalStack) -> AsyncIterator[Story]:
    """Yield a story about to be told on this stack."""
    info = stack.info
    assert info.sandbox
    api = Api(info.urls, info.api_token)
    async with SandboxControl(info.sandbox) as sandbox:
        person = Person(api, sandbox)
        with Stage(Timeline(), Console(quiet=True)) as stage:
            try:
                yield Story(api, person, sandbox, stage, PLOT)
            finally:
                await person.close()
                await api.close()


async def tell(story: Story) -> None:
    """Connect, sync, lose the connection in mid-life, reconnect by the mail's link, catch up."""
    await story.connect()
    await story.create_syncs()
    for sync in story.syncs.values():
        path = f"/v1/syncs/{sync['id']}"
        often = {"schedule": {"every_seconds": EVERY_SECONDS}}
        answer = await story.api.attempt("PATCH", "scheduler", path, often)
        assert answer.is_success, answer.text
    await story.first_runs()
    await story.edit_and_uninstall()
    await story.held()
    await story.mail_arrives()
    await story.slots_are_missed()
    await story.press_the_button()
    await story.catch_up()
    await story.recovery_mail()
    await story.compare_everything()
    await story.ledgers_balance()


async def mails_by_kind(story: Story) -> dict[str, int]:
    """Count the mails that arrived."""
    kinds = [mail["headers"]["X-TableSync-Kind"] for mail in await story.sandbox.messages()]
    return {kind: kinds.count(kind) for kind in kinds}
