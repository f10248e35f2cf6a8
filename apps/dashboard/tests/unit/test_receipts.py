"""Receipts and cards say what could not be caught up, and call nothing done that is not."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from fastapi import Request
from pydantic import BaseModel, SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.receipts import Receipt
from tablesync.contracts.public_api.runs import RunView
from tablesync.dashboard.pages.receipts import ReceiptPage, parts
from tablesync.dashboard.shown.cards import Deck
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.shown.workspace.receipts import ShownReceipt, outcome
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.silences import Silent
from tablesync.dashboard.web.visitors import Visitor

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
GAP = {"from": CLOCK.now, "to": CLOCK.now, "slots_missed": 2, "interrupted": False}
CAUGHT_UP = "Everything is caught up"
Model = TypeVar("Model", bound=BaseModel)


def example(model: type[BaseModel], **changes: Any) -> dict[str, Any]:
    examples: Any = model.model_json_schema()["examples"]
    return {**examples[0], **changes}


def like(model: type[Model], **changes: Any) -> Model:
    """Return the contract's own example, with some members changed."""
    return model.model_validate(example(model, **changes))


def page() -> PageContext:
    session = SecretStr("session")
    visitor = Visitor(TableSync({}, SessionToken(session)), like(UserToken), session)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    return PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")


def a_page(*history: ConnectionEntry, **changes: Any) -> ReceiptPage:
    return ReceiptPage(ShownReceipt(like(Receipt, **changes)), like(ConnectionView), history)


def receipt(*history: ConnectionEntry, found: ReceiptPage | None = None, **changes: Any) -> str:
    context, who = page(), like(UserToken)
    return Rendering("test").text(
        "pages/receipt.html",
        page=context,
        clock=CLOCK,
        flash=None,
        here="",
        sandbox=False,
        who=who,
        found=found or a_page(*history, **changes),
        outcome=outcome,
        live_path="/live",
    )


def line(name: str, status: str) -> dict[str, Any]:
    run = example(RunView, id=f"run_{name}", status=status)
    return {"sync_id": f"syn_{name}", "name": name, "gap": GAP, "run": run}


def test_a_receipt_of_what_was_brought_says_that_all_is_caught_up() -> None:
    shown = receipt(syncs=1, done=1, lines=[line("Deals", "succeeded")])
    assert CAUGHT_UP in shown
    assert "could not be caught up" not in shown
    assert "more" not in shown.partition("<table")[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("status", "word"), [("failed", "Failed"), ("cancelled", "Cancelled"), ("interrupted", "Stopp")]
)
def test_a_receipt_names_what_was_not_brought_and_leads_to_its_run(status: str, word: str) -> None:
    failures = [line("Deals", status)]
    shown = receipt(syncs=3, done=3, failed=2, failures=failures, lines=failures)
    assert CAUGHT_UP not in shown
    said = shown.partition("<h2>2 syncs could not be caught up</h2>")[2]
    assert 'href="/w/ws_1/runs/run_Deals"' in said.partition("</section>")[0]
    assert word in said.partition("</section>")[0]
    assert "and 1 more" in said.partition("</section>")[0]


def test_a_receipt_says_how_many_syncs_have_no_line() -> None:
    shown = receipt(syncs=1_200, done=1_200, more=700, lines=[line("Deals", "succeeded")])
    assert "and 700 more, which have no line here" in shown


def test_a_receipt_says_what_was_lost_why_and_who_brought_it_back() -> None:
    def entry(kind: str, hour: int, by: str | None) -> ConnectionEntry:
        who = {"id": "op_1", "name": by} if by else None
        at = CLOCK.now.replace(hour=hour)
        return ConnectionEntry.model_validate({"at": at, "kind": kind, "cause": None, "by": who})

    history = (
        entry("reconnected", 11, "Vera"),
        entry("reconnected", 9, "Bob"),
        entry("revoked", 8, None),
        entry("reconnected", 7, "Ada"),
    )
    lost_at, back_at = (CLOCK.now.replace(hour=hour) for hour in (8, 9))
    shown = receipt(*history, lost_at=lost_at, back_at=back_at)
    told = re.sub(r"<[^>]+>", "", shown)
    assert "HubSpot · acme.example" in told
    assert "The TableSync app was uninstalled at HubSpot." in told
    assert "27 November 2026, 09:00:00 UTC, by Bob" in told
    unknown = re.sub(r"<[^>]+>", "", receipt(lost_at=lost_at, back_at=back_at))
    assert "09:00:00 UTC, by" not in unknown
    assert "by Bob" not in receipt(*history, lost_at=lost_at, back_at=None)
    only_newer = receipt(*history[:1], lost_at=lost_at, back_at=back_at)
    assert "by Vera" not in only_newer


def test_a_receipt_changes_while_it_goes_on_and_is_as_it_was_afterwards() -> None:
    so_far = receipt(back_at=CLOCK.now, syncs=3, done=1, lines=[])
    assert "data-live" in so_far
    assert "data-live" not in receipt(back_at=CLOCK.now, syncs=3, done=3, lines=[])
    desk: Any = SimpleNamespace(context=lambda _: page(), rendering=Rendering("test"))
    (before,) = parts(desk, page().asked, a_page(back_at=CLOCK.now, syncs=3, done=1))
    (after,) = parts(desk, page().asked, a_page(back_at=CLOCK.now, syncs=3, done=3))
    assert before.version != after.version
    assert f'id="receipt" data-version="{after.version}"' in after.html()
    assert CAUGHT_UP in after.html()


def test_a_finished_receipt_looks_again_for_the_name_that_nobody_told() -> None:
    finished: dict[str, Any] = {"back_at": CLOCK.now, "syncs": 3, "done": 3, "lines": []}
    nameless = ReceiptPage(ShownReceipt(like(Receipt, **finished)), Silent("auth-service"))
    shown = receipt(found=nameless)
    assert "auth-service has not answered since" in shown
    assert "data-live" in shown
    desk: Any = SimpleNamespace(context=lambda _: page(), rendering=Rendering("test"))
    assert [each.version for each in parts(desk, page().asked, nameless)] == [""]
    (told,) = parts(desk, page().asked, a_page(**finished))
    assert f'data-version="{told.version}"' not in shown
    # What is replaced is all that was told of the silence, and the name.
    part = shown.partition('<article class="card receipt"')[2].partition("</article>")[0]
    assert "auth-service has not answered since" in part
    assert "has not answered" not in told.html()


def test_a_card_counts_apart_what_could_not_be_caught_up() -> None:
    connection = like(ConnectionView, badge="Connected")
    progress = {"total": 3, "done": 2, "gap": GAP, "counts": {}, "run_ids": []}
    for failed, told in (
        (1, "1 of 3 syncs is done, 1 could not be caught up."),
        (0, "2 of 3 syncs are done."),
    ):
        use = like(
            ConnectionUse, connection_id=connection.id, catch_up={**progress, "failed": failed}
        )
        card = Deck([connection], {}, {connection.id: use}).card(connection, CLOCK)
        assert card.face.sentence.endswith(told)
