"""Lists: what narrows them stands in their address, and what nobody knows narrows nothing."""

from tablesync.contracts.public_api.syncs import SyncFilter, SyncView
from tablesync.dashboard.pages.syncs import filter_of, target_of

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
