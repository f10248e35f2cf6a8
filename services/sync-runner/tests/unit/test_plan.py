"""Plans: what is missing is named, and what needs a full pass is told from what does not."""

import pytest
from tablesync.contracts import (
    Destination,
    FieldMapping,
    Provider,
    RunFailureCause,
    Source,
    SyncSpec,
)
from tablesync.sync_runner.airtable.schema import Table, TablesAnswer, read_tables
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.pipeline.plan import digest, fingerprint, make_plan
from tablesync.sync_runner.sources.base import SourceProperty

FIELDS = [
    {"id": "fldKey", "name": "Key", "type": "singleLineText"},
    {"id": "fldSum", "name": "Sum", "type": "number", "options": {"precision": 0}},
    {"id": "fldTotal", "name": "Total", "type": "formula"},
    {"id": "fldMail", "name": "Mail", "type": "email"},
]
PROPERTIES = [SourceProperty(name, name, "string") for name in ("id", "amount")]


def tables() -> list[Table]:
    told = {"tables": [{"id": "tbl1", "name": "Deals", "fields": FIELDS}]}
    return read_tables(TablesAnswer.model_validate(told))


def spec(**changes: object) -> SyncSpec:
    given: dict[str, object] = {
        "sync_id": "syn_1",
        "workspace_id": "ws_1",
        "name": "Deals",
        "version": 1,
        "source": Source(connection_id="con_1", provider=Provider.HUBSPOT, object="deals"),
        "destination": Destination(connection_id="con_2", base_id="app1", table_id="tbl1"),
        "key": FieldMapping(source="id", field_id="fldKey"),
        "mapping": (FieldMapping(source="amount", field_id="fldSum"),),
    }
    return SyncSpec.model_validate(given | changes)


def test_a_good_spec_becomes_a_plan() -> None:
    plan = make_plan(spec(), PROPERTIES, tables())
    assert plan.properties == PROPERTIES
    assert plan.key_is_record_id
    assert plan.fields["fldSum"].options == {"precision": 0}


@pytest.mark.parametrize(
    ("changes", "cause", "named"),
    [
        (
            {"destination": Destination(connection_id="c", base_id="app1", table_id="tbl2")},
            RunFailureCause.RESOURCE,
            "tbl2",
        ),
        (
            {"mapping": (FieldMapping(source="amount", field_id="fldX"),)},
            RunFailureCause.MAPPING,
            "fldX",
        ),
        (
            {"mapping": (FieldMapping(source="gone", field_id="fldSum"),)},
            RunFailureCause.MAPPING,
            "gone",
        ),
        (
            {"mapping": (FieldMapping(source="amount", field_id="fldTotal"),)},
            RunFailureCause.MAPPING,
            "formula",
        ),
        ({"key": FieldMapping(source="id", field_id="fldMail")}, RunFailureCause.MAPPING, "Mail"),
    ],
)
def test_what_is_wrong_is_named(
    changes: dict[str, object], cause: RunFailureCause, named: str
) -> None:
    with pytest.raises(RunFailedError, match=named) as failure:
        make_plan(spec(**changes), PROPERTIES, tables())
    assert failure.value.cause is cause


def test_only_what_decides_the_cells_needs_a_full_pass() -> None:
    assert fingerprint(spec()) == fingerprint(spec(name="Other", version=7))
    assert fingerprint(spec()) == fingerprint(spec(names={"fldSum": "Sum", "tbl1": "Deals"}))
    assert fingerprint(spec()) != fingerprint(spec(mapping=()))
    assert fingerprint(spec()) != fingerprint(
        spec(key=FieldMapping(source="amount", field_id="fldKey"))
    )


def test_an_old_mappings_fingerprint_is_byte_for_byte_what_it_was() -> None:
    """A mapping that says nothing new needs no full pass for an upgrade."""
    assert fingerprint(spec()) == "1cb9f86d2e72693bc42688c19a24c7da"


def test_equal_cells_have_equal_digests() -> None:
    assert digest({"a": 1, "b": None}) == digest({"b": None, "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
