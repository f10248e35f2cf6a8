"""Lists: what narrows them stands in their address, and what nobody knows narrows nothing.

None ends without a word of what it leaves out.
"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import Request
from pydantic import BaseModel, SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts.public_api.bulk_changes import BulkAction, BulkChangeView, NewBulkChange
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.syncs import SyncFilter, SyncView
from tablesync.dashboard.pages.syncs import filter_of, query_of, target_of
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.visitors import Visitor

BASE, TABLE = "appLeads000000001", "tblLeads000000001"
CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
NOTHING = dict.fromkeys(("q", "state", "connection", "base", "table"), "")


def test_syncs_are_narrowed_to_a_table() -> None:
    wanted = filter_of({**NOTHING, "base": BASE, "table": TABLE, "state": "failing"})
    assert (wanted.base_id, wanted.table_id, wanted.state) == (BASE, TABLE, "failing")


def test_a_filter_that_nobody_knows_filters_nothing() -> None:
    assert filter_of({**NOTHING, "state": "bogus"}) == SyncFilter()
    assert filter_of({**NOTHING, "q": "deals", "table": "<b>"}) == SyncFilter(q="deals")
    assert filter_of({**NOTHING, "q": "a\0b", "base": BASE}) == SyncFilter(base_id=BASE)
    assert filter_of({**NOTHING, "q": "a" * 300}) == SyncFilter(q="a" * 200)


def test_the_table_is_called_by_its_name_where_a_sync_tells_it() -> None:
    example = SyncView.model_json_schema()["examples"][0]
    sync = SyncView.model_validate({**example, "names": {BASE: "Sales", TABLE: "Leads"}})
    wanted = SyncFilter(base_id=BASE, table_id=TABLE)
    assert target_of(wanted, [sync]) == "Sales / Leads"
    assert target_of(wanted, []) == f"{BASE} / {TABLE}"
    assert target_of(SyncFilter(), [sync]) == ""


async def test_filters_of_an_address_that_nobody_knows_are_none() -> None:
    query = await query_of(q="Deals", state="bogus", connection="con_1", table="tblDeals000000001")
    assert query == {
        "q": "Deals",
        "state": "",
        "connection": "con_1",
        "base": "",
        "table": "tblDeals000000001",
    }


def test_what_was_searched_goes_on_as_it_was_typed() -> None:
    """A hidden field holds the text alone, without the marks that keep it from turning others."""
    query = {"q": "אנשי קשר & Co", "state": "", "connection": "", "base": "", "table": "tblX"}
    shown = Rendering("1").text(
        "pages/change_syncs.html",
        page=page(),
        clock=CLOCK,
        flash=None,
        here="/w/ws_1/syncs/bulk",
        sandbox=False,
        query=query,
        form=Form({"chosen": "matching"}),
        change=NewBulkChange(action=BulkAction.DELETE, matching=SyncFilter()),
        count=2,
        others_match=False,
        target="Deals",
    )
    assert 'name="q" value="אנשי קשר &amp; Co"' in shown
    assert 'name="table" value="tblX"' in shown
    assert "Delete 2 syncs?" in shown


@pytest.mark.parametrize(
    ("failed", "told"),
    [(1, ""), (3, "Only the first is named here."), (240, "Only the first 100 are named here.")],
)
def test_the_report_of_many_changes_says_how_many_failures_it_names(failed: int, told: str) -> None:
    named = {1: 1, 3: 1, 240: 100}[failed]
    failure = example(BulkChangeView)["failed"][0]
    shown = report(failed=[failure] * named, failed_total=failed)
    assert ("Only the first" in shown) is bool(told)
    assert told in shown


@pytest.mark.parametrize(
    ("unchanged", "told"), [(1, "1 was so already."), (24, "24 were so already.")]
)
def test_what_was_so_already_is_counted_briefly(unchanged: int, told: str) -> None:
    assert f"<p>{told}</p>" in report(unchanged=unchanged)
    assert "so already" not in report(unchanged=0)


def report(**changes: Any) -> str:
    return Rendering("test").text(
        "pages/bulk_change.html",
        page=page(),
        clock=CLOCK,
        flash=None,
        here="",
        sandbox=False,
        change=BulkChangeView.model_validate({**example(BulkChangeView), **changes}),
    )


def page() -> PageContext:
    session = SecretStr("session")
    who = UserToken.model_validate(example(UserToken))
    visitor = Visitor(TableSync({}, SessionToken(session)), who, session)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    return PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")


def example(model: type[BaseModel]) -> Any:
    """Return the contract's own example."""
    examples: Any = model.model_json_schema()["examples"]
    return examples[0]
