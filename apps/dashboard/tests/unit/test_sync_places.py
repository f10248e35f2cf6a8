"""Where both ends of a sync are looked at."""

import pytest
from tablesync.contracts.public_api.connections import ConnectionView, Places, ProviderView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.shown.syncs import SyncPlaces

pytestmark = pytest.mark.unit

(SYNC, *_) = SyncView.model_json_schema()["examples"]
(CONNECTION, *_) = ConnectionView.model_json_schema()["examples"]
(PROVIDER, *_) = ProviderView.model_json_schema()["examples"]
OBJECT = SYNC["source"]["object"]
AT_CRM = Places(
    lists={OBJECT: "https://crm.test/{account}/list"},
    records={OBJECT: "https://crm.test/{account}/{record}"},
)
AT_AIRTABLE = Places(table="https://airtable.test/{base}/{table}")


def places(*uses: ConnectionView) -> SyncPlaces:
    known = ProviderView.model_validate(PROVIDER).model_copy(update={"places": AT_CRM})
    airtable = known.model_copy(update={"name": "airtable", "places": AT_AIRTABLE})
    return SyncPlaces(SyncView.model_validate(SYNC), uses, [known, airtable])


def test_both_ends_are_looked_at_where_their_providers_say() -> None:
    source = ConnectionView.model_validate(
        {**CONNECTION, "id": SYNC["source"]["connection_id"], "provider": "hubspot"}
    )
    to = SYNC["destination"]
    target = source.model_copy(update={"id": to["connection_id"], "provider": "airtable"})
    shown = places(source, target)
    assert shown.records == f"https://crm.test/{source.account.id}/list"
    assert shown.record("17") == f"https://crm.test/{source.account.id}/17"
    assert shown.table == f"https://airtable.test/{to['base_id']}/{to['table_id']}"
    assert shown.row("rec1") is None
    assert shown.record(None) is None


def test_an_end_of_which_nobody_tells_has_no_address() -> None:
    shown = places()
    assert (shown.records, shown.table) == (None, None)
