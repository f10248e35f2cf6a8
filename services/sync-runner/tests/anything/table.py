"""A sync's table: what people do in it by hand, and whether it is what the source has."""

from collections import defaultdict
from typing import Any

from expected_cells import Mapped, RefusedError, expected_cells
from row_comparison import compare
from sync_runner_rig import Json, Rig, destination, text
from tablesync.contracts import FieldMapping, MappedAs, SyncSpec
from tablesync.service_kit.mongo import Document

from anything.contacts import DEFINITIONS, OPTIONS, Contacts

ISO = {"dateFormat": {"name": "iso"}}
BOX = {"icon": "check", "color": "redBright"}
CHOICES = {
    name: {"choices": [{"name": each} for each in options.values()]}
    for name, options in OPTIONS.items()
}
FIELDS: list[Json] = [
    text("Id"),
    text("Mail"),
    text("Name"),
    {"name": "Points", "type": "number", "options": {"precision": 2}},
    {"name": "Score", "type": "number", "options": {"precision": 8}},
    {"name": "Took", "type": "duration", "options": {"durationFormat": "h:mm:ss"}},
    {"name": "Born", "type": "date", "options": ISO},
    {"name": "Met", "type": "date", "options": ISO},
    {"name": "Agreed", "type": "checkbox", "options": BOX},
    {"name": "Tier", "type": "singleSelect", "options": CHOICES["tier"]},
    {"name": "Likes", "type": "multipleSelects", "options": CHOICES["likes"]},
    {"name": "Gone", "type": "checkbox", "options": BOX},
    text("Ours"),
]
SOURCES = {"id": "Id", "email": "Mail", "firstname": "Name"} | {
    name: name.capitalize() for name in DEFINITIONS
}
# What people put into cells by hand; a text gets a number, so that no two rows have one key.
BY_HAND: dict[str, Any] = {
    "Mail": "hand",
    "Name": "hand",
    "Points": 77,
    "Score": 0.25,
    "Took": 60,
    "Born": "2020-02-02",
    "Met": "2020-02-02",
    "Agreed": True,
    "Likes": ["Red"],
    "Gone": True,
}
Rows = dict[str, Json]


class Table:
    """One sync and its table, as `rows` showed it last: cells by field name, by row id."""

    def __init__(
        self, rig: Rig, contacts: Contacts, spec: SyncSpec, fields: dict[str, str]
    ) -> None:
        self.spec = spec
        self.rows: Rows = {}
        self._rig = rig
        self._contacts = contacts
        self._fields = fields
        self._fields_by_id = {field_id: name for name, field_id in fields.items()}
        self._theirs: Rows = {}
        self._ours: dict[str, str] = {}

    # what people do

    async def edit(self, row_id: str, **cells: Any) -> None:
        """Change cells of a row."""
        fields = {self._fields[name]: cell for name, cell in cells.items()}
        await self._rig.at_table(self.spec, "edit-row", row=row_id, fields=fields)

    async def note(self, row_id: str, note: str) -> None:
        """Write into a field that no sync knows of."""
        self._ours[row_id] = note
        await self.edit(row_id, Ours=note)

    async def add(self, name: str) -> None:
        """Add a row that is of no record."""
        to, cells = self.spec.destination, {"Name": name, "Ours": "theirs"}
        path = f"/v0/{to.base_id}/{to.table_id}"
        made = await self._rig.call(self._rig.airtable, "POST", path, {"fields": cells})
        self._theirs[made["id"]] = cells

    async def delete(self, *row_ids: str) -> None:
        """Delete rows."""
        await self._rig.at_table(self.spec, "delete-rows", rows=list(row_ids))
        for each in row_ids:
            del self.rows[each]
            self._ours.pop(each, None)

    async def take_option(self, name: str, label: str) -> None:
        """Take an option of a field away."""
        field = self._fields[name]
        await self._rig.at_table(self.spec, "delete-option", field=field, option=label)

    async def offer_option(self, name: str, label: str) -> None:
        """Offer an option of a field, by using it for a moment in a row of one's own."""
        await self.add("offers")
        row_id = next(reversed(self._theirs))
        await self.edit(row_id, **{name: [label] if name == "Likes" else label})
        await self.edit(row_id, **{name: None})

    def map(self, *, points: bool) -> None:
        """Edit the mapping: with the points or without."""
        others = [each for each in self.spec.mapping if each.source != "points"]
        mapped = [FieldMapping(source="points", field_id=self._fields["Points"])] if points else []
        changes = {"mapping": (*others, *mapped), "version": self.spec.version + 1}
        self.spec = self.spec.model_copy(update=changes)

    @property
    def of_records(self) -> list[str]:
        """The ids of the rows that a sync has made, in the order of their records."""
        mine = self.rows.keys() - self._theirs.keys()
        return sorted(mine, key=lambda each: (self.rows[each].get("Id", ""), each))

    @property
    def key(self) -> str:
        """The name of the field that rows are found by."""
        return self._fields_by_id[self.spec.key.field_id]

    def key_of(self, row_id: str) -> str | None:
        """Return what a row has as key."""
        return self.rows[row_id].get(self.key)

    # what must be so

    async def look(self) -> None:
        """See the rows as they are: none was deleted but by hand, and what is people's stays."""
        to = self.spec.destination
        place = {"base": to.base_id, "table": to.table_id}
        found = await self._rig.sandbox.records("airtable", "-", **place)
        before, self.rows = self.rows, {each["id"]: each["fields"] for each in found}
        assert before.keys() <= self.rows.keys(), "a row was deleted"
        for row_id, cells in self._theirs.items():
            assert self.rows[row_id] == cells, "a row of theirs was changed"
        notes = {each: self.rows[each].get("Ours") for each in self._ours}
        assert notes == self._ours, "a field of theirs was changed"

    async def judge(self, run: Document) -> None:
        """Assert that the table is what the source has, after a check of everything."""
        assert run["status"] == "succeeded", run["summary"]
        mapping = await self._rig.mapped(self.spec)
        living = {each["id"]: each for each in await self._contacts.all()}
        rejections = await self._rig.rejections(run["_id"])
        self._judge_rows(living, mapping, rejections)
        self._judge_rejections(living, mapping, rejections)
        self._judge_marks(living)

    def _judge_rows(
        self,
        living: dict[str, Json],
        mapping: list[Mapped],
        rejections: dict[str, Document],
    ) -> None:
        rows = [
            {self._fields[name]: cell for name, cell in self.rows[each].items()}
            for each in self.of_records
            if self.key_of(each)  # of one that has none, nobody claims anything
        ]
        found = compare(living.values(), rows, mapping, rejections)
        found.unexpected.clear()  # rows of records that are gone: see the marks
        assert not found, found
        rows_of: dict[str, int] = defaultdict(int)
        for each in self.of_records:
            rows_of[self.rows[each].get("Id", "")] += 1
        wrong = {id_: rows_of[id_] for id_ in living if rows_of[id_] > 1}
        assert not wrong, f"rows by record: {wrong}"
        assert not [id_ for id_ in living if id_ not in rejections and rows_of[id_] != 1]

    def _judge_rejections(
        self,
        living: dict[str, Json],
        mapping: list[Mapped],
        rejections: dict[str, Document],
    ) -> None:
        gone = {id_: each["reason"] for id_, each in rejections.items() if id_ not in living}
        assert not gone, f"rejected, and gone: {gone}"
        wrong = {
            id_: rejection["reason"]
            for id_, rejection in rejections.items()
            if not self._is_true(rejection, living[id_], living, mapping)
        }
        assert not wrong, wrong

    def _is_true(
        self,
        rejection: Document,
        record: Json,
        living: dict[str, Json],
        mapping: list[Mapped],
    ) -> bool:
        """Whether a record is rejected for what is so."""
        reason, mail = str(rejection["reason"]), record["properties"].get("email")
        try:
            expected_cells(record, mapping)
        except RefusedError as error:
            return reason == str(error)
        if self.spec.key.source == "email" and not mail:
            return reason == 'its key "email" is empty'
        same = [id_ for id_, each in living.items() if each["properties"].get("email") == mail]
        others = [each for each in same if each != record["id"]]
        return reason in [f'record {each} has the same "email"' for each in others]

    def _judge_marks(self, living: dict[str, Json]) -> None:
        if "archived" not in [each.source for each in self.spec.mapping]:
            return
        rows = [self.rows[each] for each in self.of_records]
        unmarked = [each for each in rows if "Id" in each and each["Id"] not in living]
        assert all(each.get("Gone") for each in unmarked), f"gone, and not marked: {unmarked}"


async def two_tables(rig: Rig, contacts: Contacts) -> list[Table]:
    """Sync the contacts twice: by id, and by address with what is gone marked."""
    tables = [{"name": name, "fields": FIELDS} for name in ("By id", "By mail")]
    base = await rig.new_base("Anything", *tables)
    return [
        await _table(rig, contacts, base, shown, by)
        for shown, by in zip(base["tables"], ("id", "email"), strict=True)
    ]


async def _table(rig: Rig, contacts: Contacts, base: Json, shown: Json, by: str) -> Table:
    fields = {each["name"]: each["id"] for each in shown["fields"]}
    marks = {"archived": "Gone"} if by == "email" else {}
    mapped = {
        source: FieldMapping(
            source=source,
            field_id=fields[name],
            as_=MappedAs.LABEL if source in OPTIONS else None,
        )
        for source, name in (SOURCES | marks).items()
    }
    key = mapped.pop(by)
    to = destination(base, shown)
    spec = await rig.spec("contacts", destination=to, key=key, mapping=tuple(mapped.values()))
    return Table(rig, contacts, spec, fields)
