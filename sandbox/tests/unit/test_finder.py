"""The finder answers by index exactly what a scan over all records answers."""

import random

import pytest
from tablesync.sandbox.clock import java_instant
from tablesync.sandbox.hubspot.crm_records import CrmRecords
from tablesync.sandbox.hubspot.definitions import PropertyDefinitions
from tablesync.sandbox.hubspot.finder import Finder
from tablesync.sandbox.hubspot.query import read_query
from tablesync.sandbox.web import Refusal

RECORDS = CrmRecords("contacts", 200, 7, "acme.test")
DEFINITIONS = PropertyDefinitions("contacts")
FINDER = Finder(RECORDS, DEFINITIONS)
ALL = list(RECORDS)
MIDDLE = ALL[100].modified_ms


def found(body: dict, limit: int = 200) -> list[int]:
    query = read_query({"limit": limit, **body}, DEFINITIONS)
    return FINDER.find(query, None).part(query.after, query.limit)


def by(name: str, operator: str, value=None, **more) -> dict:
    entry = {"propertyName": name, "operator": operator, "value": value, **more}
    return {"filters": [entry]}


@pytest.mark.parametrize("operator", ["EQ", "LT", "LTE", "GT", "GTE"])
@pytest.mark.parametrize("as_text", [str, java_instant])
def test_ranges_of_the_last_change(operator, as_text):
    compare = {
        "EQ": MIDDLE.__eq__,
        "LT": MIDDLE.__gt__,
        "LTE": MIDDLE.__ge__,
        "GT": MIDDLE.__lt__,
        "GTE": MIDDLE.__le__,
    }[operator]
    expected = sorted((r.modified_ms, r.id) for r in ALL if compare(r.modified_ms))
    body = {"filterGroups": [by("lastmodifieddate", operator, as_text(MIDDLE))]}
    rising = found({**body, "sorts": ["lastmodifieddate"]})
    assert rising == [record_id for _, record_id in expected]
    assert found({**body, "sorts": ["-lastmodifieddate"]}) == rising[::-1]
    assert found(body) == sorted(rising)


def test_pages_fit_together_in_both_directions():
    for sort in ("lastmodifieddate", "-lastmodifieddate", "hs_object_id", "email"):
        whole = found({"sorts": [sort]})
        pages = [found({"sorts": [sort], "after": str(n)}, limit=30) for n in range(0, 200, 30)]
        assert [record_id for page in pages for record_id in page] == whole
        assert sorted(whole) == [record.id for record in ALL]


def test_keyset_by_id():
    middle = ALL[150].id
    body = {"filterGroups": [by("hs_object_id", "GT", str(middle))], "sorts": ["hs_object_id"]}
    assert found(body) == [record.id for record in ALL if record.id > middle]


def test_groups_are_ored_and_filters_anded():
    tier = by("loyalty_tier", "EQ", "gold")
    late = by("lastmodifieddate", "GTE", str(MIDDLE))
    both = {"filters": [*tier["filters"], *late["filters"]]}
    gold = {record.id for record in ALL if record.properties["loyalty_tier"] == "gold"}
    recent = {record.id for record in ALL if record.modified_ms >= MIDDLE}
    assert set(found({"filterGroups": [tier, late]})) == gold | recent
    assert set(found({"filterGroups": [both]})) == gold & recent


@pytest.mark.parametrize(
    ("group", "test"),
    [
        (by("email", "NOT_HAS_PROPERTY"), lambda p: p["email"] is None),
        (by("email", "HAS_PROPERTY"), lambda p: p["email"] is not None),
        (by("email", "EQ", "PERSON7@ACME.TEST"), lambda p: p["email"] == "person7@acme.test"),
        (by("loyalty_tier", "EQ", "GOLD"), lambda p: False),
        (by("loyalty_tier", "NEQ", "gold"), lambda p: p["loyalty_tier"] != "gold"),
        (
            by("num_associated_deals", "BETWEEN", "3", highValue="5"),
            lambda p: 3 <= int(p["num_associated_deals"]) <= 5,
        ),
        (
            by("loyalty_tier", "IN", values=["gold", "silver"]),
            lambda p: p["loyalty_tier"] in ("gold", "silver"),
        ),
        (
            by("loyalty_tier", "NOT_IN", values=["gold"]),
            lambda p: p["loyalty_tier"] != "gold",
        ),
        (by("email", "CONTAINS_TOKEN", "person1*"), lambda p: "person1" in (p["email"] or "")),
    ],
)
def test_operators(group, test):
    expected = [record.id for record in ALL if test(record.properties)]
    assert found({"filterGroups": [group]}) == expected


def test_edits_archives_and_creations_move_through_the_index():
    records = CrmRecords("deals", 50, 3, "acme.test")
    finder = Finder(records, PropertyDefinitions("deals"))
    source, last = random.Random(1), records.by_modified[-1][0]
    edited = source.sample(list(records.live_ids), 10)
    for record_id in edited:
        records.edit(record_id, {"dealname": "x"})
    records.archive(edited[0])
    made = records.create({"dealname": "new"}).id
    group = {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GT", "value": last}]}
    body = {"filterGroups": [group], "sorts": ["hs_lastmodifieddate"], "limit": 100}
    query = read_query(body, PropertyDefinitions("deals"))
    hits = finder.find(query, None)
    assert set(hits.part(0, 100)) == {*edited[1:], made}
    assert hits.total == 10


def test_the_ten_thousandth_result_is_the_last():
    read_query({"limit": 200, "after": "9800"}, DEFINITIONS)
    with pytest.raises(Refusal) as refusal:
        read_query({"limit": 200, "after": "10000"}, DEFINITIONS)
    assert refusal.value.status == 400
