"""Where both ends of a sync are looked at, and what goes from one to the other."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tablesync.contracts.public_api.connections import ConnectionView, Places, ProviderView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.shown.syncs import ShownSync, SyncPlaces
from tablesync.dashboard.shown.times import Clock

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


def mapped_as(*sides: str | None) -> list[tuple[str, str]]:
    """Return what is said of a key and of fields that are mapped so."""

    def mapped(number: int, side: str | None = None) -> dict[str, str]:
        more = {"as": side} if side else {}
        return {"source": f"property_{number}", "field_id": f"fld{number:014}", **more}

    mapping = [mapped(number, side) for number, side in enumerate(sides, 1)]
    writes = [
        {"field": f"Field {number}", "field_id": each["field_id"], "source": each["source"]}
        for number, each in enumerate([mapped(0), *mapping])
    ]
    sync = SyncView.model_validate({**SYNC, "key": mapped(0), "mapping": mapping, "writes": writes})
    shown = ShownSync(sync, Clock(datetime(2026, 11, 28, tzinfo=UTC), ZoneInfo("UTC")))
    return [(each.field, how) for each, how in shown.mapped]


def test_a_mapping_says_only_where_values_of_options_are_written() -> None:
    assert mapped_as("label", None, "value") == [
        ("Field 0", "Key"),
        ("Field 1", ""),
        ("Field 2", "Its options’ values"),
        ("Field 3", "Its options’ values"),
    ]
    of_an_old_sync = mapped_as(None, None)
    assert [how for _, how in of_an_old_sync] == ["Key", "", ""]
