"""Mails on a phone: none is wider than the screen, however long a name, and numbers stay whole."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from playwright.async_api import Browser
from tablesync.contracts import Gap, RunCounts, RunStatus
from tablesync.contracts.internal_api import AffectedSync, ReconnectLinkAnswer
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.catch_ups import Recovered
from tablesync.notifier.mail.sync_failure import Healed, Line
from tablesync.notifier.mail.wording import NAME_MAX, failure
from tablesync.test_kit.browser import cut_words, width_of

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
PHONE, TABLET = 360, 800
PAGE = f"https://tablesync.test/w/ws_{'x' * 36}/connections/con_{'x' * 36}"
HELP = "https://tablesync.test/help/causes/app-uninstalled"
LONG = "Northern" * (NAME_MAX // 8)
WORDS = "Every deal that the northern sales team closed in the year before the one past"
GAP = Gap.model_validate({"from": NOW, "to": NOW, "slots_missed": 12})
HOLD = {"kind": "mapping", "cause": "Field “Stage” is gone.", "since": NOW}
COUNTS = RunCounts(written=1_234_567, unchanged=1_234_567, rejected=1_234_567)


def mails(name: str) -> dict[str, tuple[MailKind, dict[str, Any]]]:
    """Return each kind of mail in which names stand, by template."""
    sync = AffectedSync.model_validate(
        {"sync_id": "syn_1", "name": name, "object": "x", "status": "held", "hold": HOLD}
    )
    link = ReconnectLinkAnswer(
        url=f"https://tablesync.example/reconnect/{'x' * 43}", expires_at=NOW
    )
    about = {"provider": "HubSpot", "account": name}
    return {
        "revocation": (
            MailKind.REVOCATION,
            about
            | {"account_email": f"{name[:60].replace(' ', '.')}@acme.test", "reminder": False}
            | {"lost_at": NOW, "down_for": "", "loss": "The app was uninstalled at HubSpot."}
            | {"help_page": HELP, "page": PAGE}
            | {"syncs": [sync], "link": link}
            | {"connection_id": "con_1", "put_on_hold": "this sync"},
        ),
        "recovery": (
            MailKind.RECOVERY,
            about
            | {"back_at": NOW, "written": 1, "complete": True, "stopped": False, "at_work": False}
            | {"page": PAGE}
            | {"syncs": [Recovered(name, RunStatus.SUCCEEDED, COUNTS, GAP)]},
        ),
        "failure": (
            MailKind.FAILURE,
            {
                "lines": [Line(name, failure("mapping"), name * 3, "now", HELP, PAGE)],
                "total": 1,
                "happened": "failed",
            },
        ),
        "sync_recovery": (MailKind.RECOVERY, {"syncs": [Healed(name, PAGE)], "total": 1}),
    }


@pytest.mark.parametrize("width", [PHONE, TABLET])
async def test_no_mail_is_wider_than_the_screen(
    browser: Browser, build: Callable[..., EmailMessage], width: int
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 800})
    for name in (LONG, WORDS):
        for template in mails(name):
            await page.set_content(html_of(build, template, name))
            assert await width_of(page) <= width, (template, name)


async def test_numbers_and_dates_are_not_cut_within_a_word(
    browser: Browser, build: Callable[..., EmailMessage]
) -> None:
    """A word that is cut stands on two lines, so it is higher than a line."""
    page = await browser.new_page(viewport={"width": PHONE, "height": 800})
    for template in ("revocation", "recovery"):
        await page.set_content(html_of(build, template, LONG))
        assert await cut_words(page, ".number") == []


def html_of(build: Callable[..., EmailMessage], template: str, name: str) -> str:
    kind, facts = mails(name)[template]
    html = build(template, "Subject", facts, kind).get_body(("html",))
    assert html
    return str(html.get_content())
