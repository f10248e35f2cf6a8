"""Seeded records are deterministic, awkward, and cheap in large numbers."""

import time
from datetime import UTC, datetime

import pytest
from tablesync.sandbox.clock import iso_milliseconds, java_instant, parse_instant
from tablesync.sandbox.hubspot.crm_records import CrmRecords
from tablesync.sandbox.seed.catalogue import CATALOGUE


@pytest.mark.parametrize("kind", list(CATALOGUE))
def test_the_same_seed_gives_the_same_records(kind):
    one, two, other = (CrmRecords(kind, 50, seed, "acme.test") for seed in (1, 1, 2))
    first = [record.properties for record in one]
    assert first == [record.properties for record in two]
    assert first != [record.properties for record in other]


@pytest.mark.parametrize("kind", list(CATALOGUE))
def test_every_property_is_defined_and_nearly_every_one_is_used(kind):
    records = list(CrmRecords(kind, 300, 1, "acme.test"))
    names = {spec.name for spec in CATALOGUE[kind]}
    assert all(set(record.properties) == names for record in records)
    assert all(any(record.properties[name] for record in records) for name in names)


@pytest.mark.parametrize("kind", list(CATALOGUE))
def test_enumerations_hold_only_their_options(kind):
    options = {spec.name: {value for value, _ in spec.options} for spec in CATALOGUE[kind]}
    for record in CrmRecords(kind, 200, 1, "acme.test"):
        for name, allowed in options.items():
            value = record.properties[name]
            assert not allowed or value is None or set(value.split(";")) <= allowed


def test_a_million_records_can_be_held():
    begun = time.process_time()
    records = CrmRecords("contacts", 1_000_000, 1, "acme.test")
    assert len(records) == 1_000_000
    assert records.after(records.live_ids[999_990], 100, archived=False)[-1].properties["email"]
    assert time.process_time() - begun < 30


def test_instants_are_printed_as_the_providers_do():
    whole = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp() * 1000
    assert java_instant(whole) == "2026-05-06T07:08:09Z"
    assert java_instant(whole + 678) == "2026-05-06T07:08:09.678Z"
    assert iso_milliseconds(whole) == "2026-05-06T07:08:09.000Z"
    assert all(parse_instant(java_instant(whole + n)) == whole + n for n in range(1000))
