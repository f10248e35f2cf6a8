"""The instrument of tests about keys: contacts in a table that is keyed by what people change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, Provider, SyncSpec
from tablesync.service_kit.mongo import Document

ANN, BOB, CLEO = "ann@acme.test", "bob@acme.test", "cleo@acme.test"


@dataclass
class Contacts:
    """A table of contacts whose rows are found by something else than the record's id."""

    rig: Rig
    spec: SyncSpec
    ids: list[str]

    async def run(self) -> Document:
        """Run the sync; nothing but what has changed is found by its change."""
        row = await self.rig.run(self.spec)
        assert row["status"] == "succeeded", row["summary"]
        return row

    async def run_much_later(self) -> Document:
        """Run the sync when no record is found by its change any more."""
        await self.rig.much_later(self.spec)
        return await self.run()

    async def give(self, record: str, key: str) -> None:
        """Give a contact another key."""
        await self.rig.edit("contacts", [record], **{self.spec.key.source: key})

    async def delete(self, *records: str) -> None:
        """Delete contacts as people do."""
        await self.rig.at_hubspot("archive", object="contacts", ids=list(records))

    async def create(self, *contacts: Mapping[str, str]) -> list[str]:
        """Create contacts; return their ids."""
        made = await self.rig.at_hubspot("create", object="contacts", records=list(contacts))
        return list(made["created"])

    async def row_ids(self) -> dict[str, str]:
        """Return the rows' ids by the names in them."""
        return {
            row["fields"]["Name"]: row["id"]
            for row in await self._rows()
            if row["fields"].get("Key")
        }

    async def names(self) -> dict[str, str]:
        """Return the names in the rows by their keys; rows without a key are left out."""
        rows = [row["fields"] for row in await self._rows()]
        keyed = [row for row in rows if row.get("Key")]
        found = {row["Key"]: row["Name"] for row in keyed}
        assert len(found) == len(keyed), "no two rows with one key"
        return found

    async def without_key(self) -> list[Json]:
        """Return the rows without a key."""
        rows = [row["fields"] for row in await self._rows()]
        return [row for row in rows if not row.get("Key")]

    async def reasons(self, run: Document) -> dict[str, str]:
        """Return why a run rejected which record."""
        found = await self.rig.rejections(run["_id"])
        return {each: rejection["reason"] for each, rejection in found.items()}

    async def never_doubled(self) -> None:
        """Assert that after no write two rows had one key."""
        counters = await self.rig.counters(Provider.AIRTABLE)
        assert counters["doubling_writes"] == counters["duplicates"] == 0
        assert counters["upsert_duplicates"] == 0

    async def _rows(self) -> list[Json]:
        to = self.spec.destination
        return await self.rig.sandbox.records("airtable", "-", base=to.base_id, table=to.table_id)


async def contacts(
    rig: Rig,
    *keys: str,
    source: str = "email",
    field: Mapping[str, Any] | None = None,
    archived: bool = False,
) -> Contacts:
    """Make one contact for each key, named by its number, and a sync that is keyed by it."""
    there = [each["id"] for each in await rig.hubspot_records("contacts")]
    await rig.at_hubspot("purge", object="contacts", ids=there)
    made = await rig.at_hubspot(
        "create",
        object="contacts",
        records=[{source: key, "firstname": str(number)} for number, key in enumerate(keys)],
    )
    marked = {
        "name": "Gone",
        "type": "checkbox",
        "options": {"icon": "check", "color": "redBright"},
    }
    # A select cannot be a table's first field.
    fields = [text("Name"), {"name": "Key", **(field or {"type": "singleLineText"})}, marked]
    table, (name, key_field, gone) = await rig.new_table(*fields)
    mapping = [FieldMapping(source="firstname", field_id=name)]
    if archived:
        mapping.append(FieldMapping(source="archived", field_id=gone))
    spec = await rig.spec(
        "contacts",
        destination=table,
        key=FieldMapping(source=source, field_id=key_field),
        mapping=tuple(mapping),
    )
    return Contacts(rig, spec, made["created"])


def keys(count: int) -> list[str]:
    """Return so many keys."""
    return [f"{number}@acme.test" for number in range(count)]
