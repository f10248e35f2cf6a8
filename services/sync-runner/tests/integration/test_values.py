"""Values as people met them: each is written as what it is, or its record is rejected alone."""

from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import orjson
from expected_cells import Mapped, RefusedError, expected_cell
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, MappedAs, SyncSpec
from tablesync.sync_runner.airtable.cells import Cell, CoercionError, coerce, is_writable
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.values import Value

OPTIONS: dict[str, Json] = {
    "number": {"precision": 8},
    "currency": {"precision": 2, "symbol": "$"},
    "percent": {"precision": 8},
    "duration": {"durationFormat": "h:mm:ss.SSS"},
    "rating": {"max": 5, "icon": "star", "color": "yellowBright"},
    "checkbox": {"icon": "check", "color": "greenBright"},
    "date": {"dateFormat": {"name": "iso"}},
    "dateTime": {
        "dateFormat": {"name": "iso"},
        "timeFormat": {"name": "24hour"},
        "timeZone": "utc",
    },
}
PLAIN = ("singleLineText", "multilineText", "richText", "email", "url", "phoneNumber", "barcode")
NUMBER, DURATION = {"type": "number"}, {"type": "number", "numberDisplayHint": "duration"}
BOOL = {"type": "bool"}
DATE, MOMENT = {"type": "date"}, {"type": "datetime"}
SEVERAL = {"type": "enumeration", "fieldType": "checkbox"}
STAGES = {
    "type": "enumeration",
    "fieldType": "select",
    "options": [{"value": "1043225341", "label": "Won big"}],
}
LETTERS = SEVERAL | {"options": [{"value": "a", "label": "One"}, {"value": "b", "label": "Two"}]}
SURE = BOOL | {"options": [{"value": "true", "label": "Certainly"}]}
OPTED_IN = {
    "type": "enumeration",
    "fieldType": "booleancheckbox",
    "options": [{"value": "true", "label": "Opted in"}, {"value": "false", "label": "Nein"}],
}
FIVE = STAGES | {"options": [{"value": "5", "label": "Five"}]}
ALPHA = STAGES | {"options": [{"value": "a", "label": "Alpha"}]}
LABEL = MappedAs.LABEL
NO_NUMBER = "is not a number; map it to a text field"
TOO_LONG = "has more digits than a number keeps; map it to a text field"
GOLD = ("Gold", "Gold, rosé", 'He said "hi"')


@dataclass(frozen=True)
class Case:
    """What HubSpot has, the field it goes to, and its cell, or a part of why it is rejected."""

    value: str
    kind: str
    cell: object = None
    refused: str | None = None
    definition: Json = field(default_factory=dict)
    names: tuple[str, ...] = ()
    mapped_as: MappedAs | None = None

    def field(self, name: str) -> Json:
        """Describe a field that takes it."""
        choices = {"choices": [{"name": each} for each in self.names]}
        options = choices if self.names else OPTIONS.get(self.kind)
        return {"name": name, "type": self.kind} | ({"options": options} if options else {})


CASES = [
    # codes are no numbers
    Case("12E34567890", "number", refused=f"'12E34567890' {NO_NUMBER}"),
    Case("100E10", "number", refused=f"'100E10' {NO_NUMBER}"),
    Case("1_000", "number", refused=f"'1_000' {NO_NUMBER}"),
    Case("１２", "number", refused=f"'１２' {NO_NUMBER}"),
    Case("12E34567890", "number", refused=NO_NUMBER, definition=NUMBER),
    Case("1_000", "currency", refused=NO_NUMBER, definition=NUMBER),
    Case("134376773869;137654776000", "number", refused=NO_NUMBER, definition=NUMBER),
    Case("NaN", "number", refused=NO_NUMBER, definition=NUMBER),
    # a number survives, or is refused
    Case("0.1", "number", 0.1, definition=NUMBER),
    Case("1.5E+3", "number", 1500, definition=NUMBER),
    Case("12345678901234567", "number", refused=TOO_LONG, definition=NUMBER),
    Case("0.12345678901234567", "number", refused=TOO_LONG, definition=NUMBER),
    Case("12345678901234567", "singleLineText", "12345678901234567", definition=NUMBER),
    Case("-12.50", "currency", -12.5, definition=NUMBER),
    Case("1e3", "number", 1000, definition=NUMBER),
    Case("+5", "number", 5, definition=NUMBER),
    Case("-0", "number", 0, definition=NUMBER),
    Case("9007199254740991", "number", 9_007_199_254_740_991, definition=NUMBER),
    Case("9007199254740993", "number", refused=TOO_LONG, definition=NUMBER),
    Case("1E-400", "number", refused=TOO_LONG, definition=NUMBER),
    Case("1E+309", "number", refused="is not a finite number; map it", definition=NUMBER),
    Case("007", "number", 7),
    Case("4", "rating", 4, definition=NUMBER),
    Case("6", "rating", refused="is not a whole number from 0 to 5; map it", definition=NUMBER),
    Case("4.5", "rating", refused="is not a whole number from 0 to 5", definition=NUMBER),
    # in a text field a number is what the source writes
    Case("0.0000001", "singleLineText", "0.0000001", definition=NUMBER),
    Case("0.00000012", "singleLineText", "0.00000012", definition=NUMBER),
    Case("100000000000000000000000000000", "multilineText", "1" + "0" * 29, definition=NUMBER),
    Case("007.5", "singleLineText", "007.5", definition=NUMBER),
    Case("1.50", "singleLineText", "1.50", definition=NUMBER),
    Case("100E10", "singleLineText", "100E10", definition=NUMBER),
    Case("-0", "singleLineText", "-0", definition=NUMBER),
    Case("0.0000001", "barcode", {"text": "0.0000001"}, definition=NUMBER),
    Case("0.50", "singleSelect", "0.50", None, NUMBER, ("0.5", "0.50")),
    # truth
    Case("true", "checkbox", cell=True, definition=BOOL),
    Case("false", "checkbox", definition=BOOL),
    Case("yes", "checkbox", cell=True),
    Case("perhaps", "checkbox", refused="'perhaps' is neither true nor false", definition=BOOL),
    Case("true", "singleLineText", "true", definition=BOOL),
    # units
    Case("0.5", "duration", 0.0005, definition=DURATION),
    Case("-1500", "duration", -1.5, definition=DURATION),
    Case("12345678901234567", "duration", None, f"'12345678901234567' {TOO_LONG}", DURATION),
    Case("1000.0000000000000000000000000000001", "duration", None, TOO_LONG, DURATION),
    Case("90", "duration", 90, definition=NUMBER),
    Case("5400000", "singleLineText", "5400000", definition=DURATION),
    Case("5400000", "duration", 5400, definition=DURATION),
    Case("1500", "duration", 1.5, definition=DURATION),
    Case("5400000", "number", 5_400_000, definition=DURATION),
    # days are those of the account's zone, which is New York here, and dates are never shifted
    Case("2026-03-01T03:30:00Z", "date", "2026-02-28", definition=MOMENT),
    Case("1772335800000", "date", "2026-02-28", definition=MOMENT),
    Case("2026-03-01T03:30:00Z", "dateTime", "2026-03-01T03:30:00.000Z", definition=MOMENT),
    Case("2026-03-01", "date", "2026-03-01", definition=DATE),
    Case("1772323200000", "date", "2026-03-01", definition=DATE),
    Case("86400000", "date", "1970-01-02", definition=DATE),
    Case("2026-03-01T00:00:00Z", "date", "2026-03-01", definition=DATE),
    Case("2026-03-01 00:00:00", "date", "2026-03-01", definition=DATE),
    Case("2026-03-01T00:00:00.000Z", "date", "2026-03-01", definition=DATE),
    Case("2026-03-01", "dateTime", "2026-03-01T00:00:00.000Z", definition=DATE),
    Case("2026-03-01", "singleLineText", "2026-03-01", definition=DATE),
    Case("2026-03-01T03:30:00Z", "date", "2026-03-01"),
    Case("1772335800000", "date", "2026-03-01"),
    Case("2026-03-08T04:59:59Z", "date", "2026-03-07", definition=MOMENT),
    Case("2026-03-08T05:00:00Z", "date", "2026-03-08", definition=MOMENT),
    Case("2026-03-09T03:59:59Z", "date", "2026-03-08", definition=MOMENT),
    Case("2026-03-09T04:00:00Z", "date", "2026-03-09", definition=MOMENT),
    Case("2026-11-02T04:30:00Z", "date", "2026-11-01", definition=MOMENT),
    Case("2026-03-01T03:30:00.25+02:00", "dateTime", "2026-03-01T01:30:00.250Z", None, MOMENT),
    Case("2026-03-01T03:30:00Z", "singleLineText", "2026-03-01T03:30:00Z", definition=MOMENT),
    Case("1772335800000", "singleLineText", "2026-03-01T03:30:00Z", definition=MOMENT),
    # figures of a text are a moment only where they can hardly be anything else
    Case("202603011200", "dateTime", refused="is not a date; map it to a text field"),
    Case("12025550123", "date", refused="is not a date; map it to a text field"),
    Case("yesterday", "dateTime", refused="is not a date; map it to a text field"),
    Case("86400000", "dateTime", "1970-01-02T00:00:00.000Z", definition=MOMENT),
    Case("-86400000", "dateTime", "1969-12-31T00:00:00.000Z", definition=MOMENT),
    Case("2021-02-10 21:38:58", "dateTime", "2021-02-10T21:38:58.000Z", definition=MOMENT),
    Case("12026-02-10", "date", refused="is not a date; map it to a text field", definition=DATE),
    # options
    Case("1043225341", "singleSelect", "Won big", None, STAGES, ("Won big",), MappedAs.LABEL),
    Case("1043225341", "singleSelect", "1043225341", None, STAGES, ("1043225341",)),
    Case("1043225341", "singleSelect", "1043225341", None, STAGES, ("1043225341",), MappedAs.VALUE),
    Case("1043225341", "singleLineText", "Won big", None, STAGES, (), MappedAs.LABEL),
    Case("1043225341", "singleLineText", "1043225341", None, STAGES, (), MappedAs.VALUE),
    Case("a;b", "multipleSelects", ["One", "Two"], None, LETTERS, ("One", "Two"), MappedAs.LABEL),
    Case("a;b", "multipleSelects", ["a", "b"], None, LETTERS, ("a", "b"), MappedAs.VALUE),
    Case("a;b", "multipleSelects", None, "'b' is no option", LETTERS, ("a", "One", "Two")),
    Case("true", "singleLineText", "Certainly", None, SURE, (), MappedAs.LABEL),
    Case("true", "singleLineText", "true", None, SURE, (), MappedAs.VALUE),
    Case("true", "checkbox", True, None, SURE, (), MappedAs.LABEL),
    Case("true", "checkbox", True, None, OPTED_IN, (), MappedAs.LABEL),
    Case("false", "checkbox", None, None, OPTED_IN, (), MappedAs.LABEL),
    Case("5", "number", 5, None, FIVE, (), MappedAs.LABEL),
    Case(" a ", "singleSelect", "Alpha", None, ALPHA, ("Alpha",), MappedAs.LABEL),
    Case("b ; a", "multipleSelects", ["Two", "One"], None, LETTERS, ("One", "Two"), LABEL),
    Case("b; a;", "singleLineText", "b; a;", definition=LETTERS),
    Case("Gold ", "singleSelect", "Gold", names=GOLD),
    Case("Silver", "singleSelect", refused="'Silver' is no option of it, which has 'G", names=GOLD),
    Case(";Gold; Gold;", "multipleSelects", ["Gold"], None, SEVERAL, GOLD),
    Case("Gold, rosé;He said \"hi\"", "multipleSelects", list(GOLD[1:]), None, SEVERAL, GOLD),
    Case("Gold;Tin", "multipleSelects", None, "'Tin' is no option of it", SEVERAL, GOLD),
    # blanks are nothing
    Case("  ", "number", definition=NUMBER),
    Case(" \t", "date", definition=DATE),
    Case(" ", "checkbox", definition={"type": "bool"}),
    Case(" ", "singleSelect", names=GOLD),
    Case(" ; ", "multipleSelects", definition=SEVERAL, names=GOLD),
    # what no cell holds
    Case("Ada\x00 \x07Löwe", "singleLineText", "Ada Löwe"),
    Case("\ufeffAda", "singleLineText", "Ada"),
    Case("x" * 100_001, "multilineText", refused="longer than 100,000 characters; shorten it"),
]  # fmt: skip


async def test_each_value_is_written_as_it_is_or_rejected_with_field_value_and_remedy(
    rig: Rig,
) -> None:
    await rig.at_hubspot("time-zone", name="America/New_York")
    names = [f"case_{number}" for number in range(len(CASES))]
    for name, case in zip(names, CASES, strict=True):
        definition = {"name": name, "label": name} | case.definition
        await rig.at_hubspot("property", object="deals", definition=definition)
    created = await rig.at_hubspot(
        "create",
        object="deals",
        records=[{name: case.value} for name, case in zip(names, CASES, strict=True)],
    )
    spec = await spec_of_cases(rig, names)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    rows = {each["Key"]: each for each in await rig.named_rows(spec)}
    rejections = await rig.rejections(row["_id"])
    wrong = [
        f"{case}: {rows.get(id_)} {rejections.get(id_)}"
        for id_, name, case in zip(created["created"], names, CASES, strict=True)
        if not as_expected(case, name, rows.get(id_), rejections.get(id_))
    ]
    assert not wrong, "\n".join(wrong)


async def spec_of_cases(rig: Rig, names: list[str]) -> SyncSpec:
    fields = [case.field(name) for name, case in zip(names, CASES, strict=True)]
    to, (key, *others) = await rig.new_table(text("Key"), *fields)
    mapping = [
        FieldMapping(source=name, field_id=field_id, as_=case.mapped_as)
        for name, field_id, case in zip(names, others, CASES, strict=True)
    ]
    return await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=tuple(mapping),
    )


def as_expected(case: Case, name: str, row: Json | None, rejection: Json | None) -> bool:
    if case.refused is None:
        return rejection is None and row is not None and row.get(name) == case.cell
    if row is not None or rejection is None:
        return False
    told: str = rejection["reason"]
    return case.refused in told and rejection["field"] == name and f'field "{name}"' in told


def test_the_oracle_expects_what_is_written_by_hand() -> None:
    """All comparisons of tables with their source rest on it."""
    wrong = [f"{case}: {cell}" for case in CASES if not expects(case, cell := of_oracle(case))]
    assert not wrong, "\n".join(wrong)


def of_oracle(case: Case) -> object:
    """Return the cell, or why there is none."""
    definition = {"name": "case", "type": "string", "fieldType": "text"} | case.definition
    mapped = Mapped(definition, case.field("Case"), case.mapped_as, "America/New_York")
    try:
        return expected_cell(case.value, mapped)
    except RefusedError as error:
        return error


def expects(case: Case, found: object) -> bool:
    """Whether it is the cell, or for the same reason none."""
    if isinstance(found, RefusedError):
        return case.refused is not None and case.refused in str(found)
    return case.refused is None and found == case.cell


async def test_a_number_that_does_not_survive_is_no_key(rig: Rig) -> None:
    """Two keys that one double stands for would be one row."""
    await rig.at_hubspot("property", object="deals", definition={"name": "code"} | NUMBER)
    codes = ("9007199254740993", "12345678901234567", "42")
    ids = (await rig.at_hubspot("create", object="deals", records=[{"code": it} for it in codes]))[
        "created"
    ]
    number = {"name": "Code", "type": "number", "options": {"precision": 0}}
    to, (key,) = await rig.new_table(number)
    spec = await rig.spec(
        "deals", destination=to, key=FieldMapping(source="code", field_id=key), mapping=()
    )
    async with rig.runner():
        row = await rig.run(spec)
    found = await rig.rejections(row["_id"])
    assert TOO_LONG in found[ids[0]]["reason"]
    assert TOO_LONG in found[ids[1]]["reason"]
    assert [each["Code"] for each in await rig.named_rows(spec)] == [42]


async def test_what_is_emptied_at_the_source_is_emptied_in_the_table(rig: Rig) -> None:
    spec = await rig.spec("deals")
    wanted = ("dealname", "amount", "closedate", "dealtype")
    spec = await rig.spec("deals", mapping=[m for m in spec.mapping if m.source in wanted])
    first, second = [each["id"] for each in await rig.deals()][:2]
    async with rig.runner():
        await rig.run(spec)
        await rig.edit("deals", [first], **dict.fromkeys(wanted, ""))
        await rig.edit("deals", [second], amount=" ", closedate=" ", dealtype=" ")
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["rejected"]) == ("succeeded", 0), row["summary"]
    rows = {each["HubSpot ID"]: each for each in await rig.named_rows(spec)}
    assert set(rows[first]) == {"HubSpot ID"}
    assert set(rows[second]) == {"HubSpot ID", "Deal name"}


VALUES: st.SearchStrategy[Value] = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.from_regex(r"[-+]?[0-9]{1,25}([.][0-9]{0,25})?([eE][-+]?[0-9]{1,6})?", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{0,12}Z?)?", fullmatch=True),
    st.decimals(),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.timezones()),
    st.lists(st.sampled_from(["Gold", " Gold", "Tin", "", "Gold, rosé"]), max_size=3).map(tuple),
    st.sampled_from(["true", "no", "3", "5.0", "Gold", "0.1", "1e3"]),
)


def drawn(count: int) -> list[Value]:
    """Draw values, the same each time."""
    found: list[Value] = []

    @settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate], deadline=None
    )
    @given(VALUES)
    def collect(value: Value) -> None:
        found.append(value)

    collect()
    return found


async def test_no_cell_that_a_value_becomes_is_refused(rig: Rig) -> None:
    selects = ({"choices": [{"name": each} for each in GOLD]}, ("singleSelect", "multipleSelects"))
    options: dict[str, Any] = OPTIONS | dict.fromkeys(selects[1], selects[0])
    wanted = [
        {"name": kind, "type": kind} | ({"options": options[kind]} if kind in options else {})
        for kind in (*PLAIN, *options)
    ]
    assert all(is_writable(each["type"]) for each in wanted)
    to, ids = await rig.new_table(*wanted)
    fields = [
        Field(id_, each["name"], each["type"], each.get("options", {}))
        for id_, each in zip(ids, wanted, strict=True)
    ]
    rows = [cells_of(value, fields) for value in drawn(400)]
    assert sum(len(each) for each in rows) > 3_000, "enough of the values become cells"
    path = f"/v0/{to.base_id}/{to.table_id}"
    for start in range(0, len(rows), 10):
        batch = {"records": [{"fields": each} for each in rows[start : start + 10]]}
        await rig.call(rig.airtable, "POST", path, orjson.loads(orjson.dumps(batch)))


def cells_of(value: Value, fields: list[Field]) -> dict[str, Cell]:
    """Return the cells that a value becomes in fields of all types."""
    found: dict[str, Cell] = {}
    for each in fields:
        try:
            found[each.id] = coerce(value, each, UTC)
        except CoercionError:
            continue
    return found
