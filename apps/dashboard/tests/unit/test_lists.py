"""Lists: what narrows them stands in their address, and what nobody knows narrows nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import Request
from pydantic import SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts.public_api.bulk_changes import BulkAction, NewBulkChange
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.syncs import SyncFilter, SyncView
from tablesync.dashboard.pages.syncs import filter_of, query_of, target_of
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.visitors import Visitor

CLOCK = Clock(datetime(2026, 11, 28, 12, tzinfo=UTC), ZoneInfo("UTC"))
SESSION = SecretStr("session")
(WHO, *_) = UserToken.model_json_schema()["examples"]
BASE, TABLE = "appLeads000000001", "tblLeads000000001"
NOTHING = dict.fromkeys(("q", "state", "connection", "base", "table"), "")


def test_syncs_are_narrowed_to_a_table() -> None:
    wanted = filter_of({**NOTHING, "base": BASE, "table": TABLE, "state": "failing"})
    assert (wanted.base_id, wanted.table_id, wanted.state) == (BASE, TABLE, "failing")


def test_a_filter_that_nobody_knows_filters_nothing() -> None:
    assert filter_of({**NOTHING, "state": "bogus"}) == SyncFilter()
    assert filter_of({**NOTHING, "q": "deals", "table": "<b>"}) == SyncFilter(q="deals")


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
    visitor = Visitor(TableSync({}, SessionToken(SESSION)), UserToken.model_validate(WHO), SESSION)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    shown = Rendering("1").text(
        "pages/delete_syncs.html",
        page=PageContext(asked, may_operate=True, may_administer=True, csrf="", once=""),
        clock=CLOCK,
        flash=None,
        here="/w/ws_1/syncs/bulk",
        sandbox=False,
        query=query,
        form=Form({"chosen": "matching"}),
        change=NewBulkChange(action=BulkAction.DELETE, matching=SyncFilter()),
        count=2,
        target="Deals",
    )
    assert 'name="q" value="אנשי קשר &amp; Co"' in shown
    assert 'name="table" value="tblX"' in shown
    assert "Delete 2 syncs?" in shown
