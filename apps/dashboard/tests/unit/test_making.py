"""What the wizard says of a mapping, how cells look, and what a form brings back of a draft."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from tablesync.contracts import MappedAs
from tablesync.contracts.internal_api import AirtableField, SourceOption, SourceProperty
from tablesync.contracts.public_api.catalog import CellFault, Trial, TriedRecord
from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.schedule_form import split
from tablesync.dashboard.shown.making.cells import shown_cell
from tablesync.dashboard.shown.making.fields import conversions, doubts
from tablesync.dashboard.shown.making.new_fields import new_fields
from tablesync.dashboard.shown.making.rows import FEW, mapping_table
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.signing import Signing

pytestmark = pytest.mark.unit

CLOCK = Clock(datetime(2026, 11, 26, 14, 2, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
AMOUNT = AirtableField(id="fldAmount00000001", name="Amount", type="number", mergeable=True)
STAGE = AirtableField(
    id="fldStage000000001",
    name="Stage",
    type="singleSelect",
    options={"choices": [{"name": "Won", "color": "greenLight2"}]},
    mergeable=True,
)
SIGNING = Signing(SecretStr("a key that nobody can guess, for tests alone"))


def a_property(name: str, kind: str = "text", **more: object) -> SourceProperty:
    given = {"name": name, "label": name.capitalize(), "type": "string", "kind": kind}
    return SourceProperty.model_validate({**given, **more})


def a_field(type_: str, **options: object) -> AirtableField:
    return AirtableField(id="fld1", name="F", type=type_, options=options, mergeable=False)


def a_trial(*values: str) -> Trial:
    """Make a trial of texts for the field Amount: what is no number is a fault."""
    records = []
    for place, value in enumerate(values):
        fault = CellFault(
            field_id=AMOUNT.id,
            field=AMOUNT.name,
            value=value,
            message="is not a number",
            remedy="Map it to a text field.",
        )
        good = value.isdecimal()
        cells = {AMOUNT.id: int(value)} if good else {}
        faults = () if good else (fault,)
        records.append(TriedRecord(source_id=str(place), cells=cells, faults=faults))
    rejected = sum(bool(each.faults) for each in records)
    return Trial(records=tuple(records), rejected=rejected)


def test_a_warning_counts_the_records_that_would_be_rejected() -> None:
    mapping = [NewMapping(source="code", field_id=AMOUNT.id)]

    table = mapping_table([a_property("code")], [AMOUNT], mapping, trial=a_trial("7", "B2B", "X"))

    [row] = table.rows
    assert row.example == "7"
    assert [(each.tone, each.text) for each in row.hints] == [
        (
            "w",
            "2 of the 3 records below would be rejected: “B2B” is not a number. "
            "Map it to a text field.",
        )
    ]
    assert table.summary == "1 of 1 mapped, 1 warning"


def test_many_properties_without_a_field_are_folded_away_and_few_are_not() -> None:
    mapping = [NewMapping(source="p0", field_id=AMOUNT.id)]
    few = [a_property(f"p{place}") for place in range(FEW + 1)]
    many = [*few, a_property("one_more")]

    shown = mapping_table(few, [AMOUNT], mapping)
    folded = mapping_table(many, [AMOUNT], mapping)

    assert (len(shown.mapped), len(shown.others)) == (FEW + 1, 0)
    assert (len(folded.mapped), len(folded.others)) == (1, FEW + 1)


def test_a_row_with_an_error_is_never_folded_away() -> None:
    many = [a_property(f"p{place}") for place in range(FEW + 3)]

    table = mapping_table(many, [AMOUNT], [], errors={"field.p5": "mapped already"})

    assert [each.name for each in table.mapped] == ["p5"]


def test_options_that_airtable_lacks_are_named_as_they_would_be_written() -> None:
    stage = a_property(
        "stage",
        options=(SourceOption(value="w", label="Won"), SourceOption(value="l", label="Lost")),
        suits=("singleSelect",),
    )

    [by_label] = conversions(stage, STAGE, MappedAs.LABEL)
    [by_value] = conversions(stage, STAGE, MappedAs.VALUE)

    assert by_label.startswith("1 option is not in Airtable yet: “Lost”.")
    assert by_value.startswith("2 options are not in Airtable yet: “w” and “l”.")


def test_a_type_that_does_not_suit_is_doubted_and_one_that_does_is_not() -> None:
    text = a_property("code", suits=("singleLineText",))

    assert list(doubts(text, a_field("singleLineText"))) == []
    assert list(doubts(text, AMOUNT)) == [
        "Text in a field of type Number: what it cannot take is rejected."
    ]


@pytest.mark.parametrize(
    ("value", "field", "text"),
    [
        (1204.9, a_field("currency", symbol="€", precision=2), "€\u202f1\u202f204.90"),
        (1200000, a_field("number"), "1\u202f200\u202f000"),
        (0.25, a_field("percent", precision=0), "25 %"),
        (5_430, a_field("duration"), "1:30:30"),
        ("2026-11-26", a_field("date"), "26 Nov 2026"),
        ("2026-11-26T13:02:11.000Z", a_field("dateTime"), "26 Nov 2026, 14:02"),
        ({"text": "4006381333931"}, a_field("barcode"), "4006381333931"),
        ("x" * 100, a_field("singleLineText"), "x" * 80 + "…"),
        (None, a_field("number"), ""),
    ],
)
def test_a_cell_looks_as_in_airtable(value: object, field: AirtableField, text: str) -> None:
    assert shown_cell(value, field, CLOCK).text == text


def test_a_select_has_its_options_in_their_colours() -> None:
    assert shown_cell("Won", STAGE, CLOCK).options == [("Won", "a")]
    assert shown_cell(["Won", "New"], STAGE, CLOCK).options == [("Won", "a"), ("New", "")]


def test_a_new_table_has_the_key_first_and_no_two_names_alike() -> None:
    properties = [
        a_property("email", suits=("email",)),
        a_property("id"),
        a_property("a", label="Note"),
        a_property("b", label="NOTE"),
        a_property("tags", kind="texts", suits=("multipleSelects",)),
    ]

    fields = new_fields(properties, "HubSpot")

    assert [(each.field.name, each.field.type) for each in fields.items] == [
        ("HubSpot ID", "singleLineText"),
        ("Email", "email"),
        ("Note", "singleLineText"),
        ("NOTE (b)", "singleLineText"),
        ("Tags", "multilineText"),
    ]
    chosen = fields.chosen(["email"])
    assert [each.field.name for each in chosen.items] == ["HubSpot ID", "Email"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(90, (90, "seconds")), (900, (15, "minutes")), (7_200, (2, "hours")), (86_400, (1, "days"))],
)
def test_an_interval_is_told_in_its_largest_unit(seconds: int, told: tuple[int, str]) -> None:
    assert split(seconds) == told


def test_a_draft_comes_back_from_a_form_as_it_was_and_no_other_does() -> None:
    mapping = (NewMapping(source="id", field_id=AMOUNT.id, as_=MappedAs.VALUE),)
    draft = Draft(connection="con_1", object="contacts", mapping=mapping, key="id", every=15)

    assert Draft.read(SIGNING, draft.signed(SIGNING)) == draft
    assert Draft.read(SIGNING, draft.signed(SIGNING)[:-1]) == Draft()
    assert Draft.read(SIGNING, "") == Draft()


def test_another_table_or_object_needs_another_mapping_and_another_name_does_not() -> None:
    mapping = (NewMapping(source="id", field_id=AMOUNT.id),)
    draft = Draft(connection="con_1", object="contacts", table="tbl1", mapping=mapping, key="id")

    assert draft.but(name="Other").mapping == mapping
    assert draft.but(table="tbl2").mapping is None
    assert draft.but(object="deals").key == ""
