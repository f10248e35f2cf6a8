"""People edit, delete, restore, merge and create at random; each run ends with the keys settled."""

import random
from collections import defaultdict
from typing import Any

import pytest
from sync_runner_rig import Rig, text
from tablesync.contracts import FieldMapping, Provider, SyncSpec
from tablesync.service_kit.mongo import Document

Json = dict[str, Any]
MAILS = [f"{letter}@acme.test" for letter in "abcdefgh"]
STEPS = 12


class People:
    """People at HubSpot who do one thing after another to few contacts with few addresses."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self._rig = rig
        self._random = random.Random(seed)
        self._archived: list[str] = []
        self._number = 0

    async def act(self) -> str:
        """Do one thing; return what."""
        living = [each["id"] for each in await self._rig.hubspot_records("contacts")]
        if len(living) < 4:
            return await self.create()
        deeds = (self.give, self.give, self.give, self.swap, self.delete, self.restore, self.merge)
        return await self._random.choice((self.again, *deeds))(living)

    async def create(self, mail: str | None = None) -> str:
        """Create a contact."""
        self._number += 1
        record = {"email": mail or self._mail(), "firstname": f"created {self._number}"}
        made = await self._rig.at_hubspot("create", object="contacts", records=[record])
        return f"create {made['created']} {record['email']}"

    async def give(self, living: list[str]) -> str:
        """Give a contact any address, another's maybe, or none."""
        record = self._random.choice(living)
        mail = self._random.choice([*MAILS, ""])
        await self._rig.edit("contacts", [record], email=mail)
        return f"give {record} {mail}"

    async def swap(self, living: list[str]) -> str:
        """Have contacts pass their addresses on in a circle."""
        circle = self._random.sample(living, self._random.randint(2, min(4, len(living))))
        mails = {each["id"]: each["properties"].get("email") for each in await self._records()}
        for record, other in zip(circle, [*circle[1:], circle[0]], strict=True):
            await self._rig.edit("contacts", [record], email=mails[other] or "")
        return f"swap {circle}"

    async def delete(self, living: list[str]) -> str:
        """Delete a contact."""
        record = self._random.choice(living)
        await self._rig.at_hubspot("archive", object="contacts", ids=[record])
        self._archived.append(record)
        return f"delete {record}"

    async def again(self, living: list[str]) -> str:
        """Delete a contact and create it anew."""
        mails = {each["id"]: each["properties"].get("email") for each in await self._records()}
        record = living[0]
        await self._rig.at_hubspot("purge", object="contacts", ids=[record])
        return f"purge {record}, " + await self.create(mails[record])

    async def restore(self, living: list[str]) -> str:
        """Take a contact out of the archive, and touch it."""
        if not self._archived:
            return "nothing"
        record = self._archived.pop()
        await self._rig.at_hubspot("restore", object="contacts", ids=[record])
        await self._rig.edit("contacts", [record], lastname="back")
        return f"restore {record}"

    async def merge(self, living: list[str]) -> str:
        """Merge two contacts, into one of them or into a new one."""
        pair = self._random.sample(living, 2)
        into_new = self._random.random() < 0.5
        await self._rig.at_hubspot("merge", object="contacts", ids=pair, into_new=into_new)
        return f"merge {pair} into_new={into_new}"

    async def _records(self) -> list[Json]:
        return await self._rig.hubspot_records("contacts")

    def _mail(self) -> str:
        return self._random.choice(MAILS)


async def sync_by_mail(rig: Rig, *, archived: bool) -> SyncSpec:
    there = [each["id"] for each in await rig.hubspot_records("contacts")]
    await rig.at_hubspot("purge", object="contacts", ids=there)
    gone = {"name": "Gone", "type": "checkbox", "options": {"icon": "check", "color": "redBright"}}
    table, (mail, id_, name, gone_id) = await rig.new_table(
        text("Mail"), text("Id"), text("Name"), gone
    )
    mapping = [("id", id_), ("firstname", name), *([("archived", gone_id)] if archived else [])]
    return await rig.spec(
        "contacts",
        destination=table,
        key=FieldMapping(source="email", field_id=mail),
        mapping=tuple(FieldMapping(source=source, field_id=field) for source, field in mapping),
    )


async def settled(rig: Rig, spec: SyncSpec, run: Document, story: list[str]) -> None:
    """Assert that each key is the row of a living record that has it, and of no other."""
    assert run["status"] == "succeeded", story
    records: dict[str, dict[str, str]] = defaultdict(dict)
    for each in await rig.hubspot_records("contacts"):
        records[each["properties"].get("email") or ""][each["id"]] = each["properties"]["firstname"]
    rows: dict[str, list[Json]] = defaultdict(list)
    for row in await rig.named_rows(spec):
        rows[row.get("Mail") or ""].append(row)
    rejected = set(await rig.rejections(run["_id"]))
    for mail in MAILS:
        living = records.get(mail, {})
        assert len(rows[mail]) == 1 if living else len(rows[mail]) <= 1, (mail, story)
        if living:
            (row,) = rows[mail]
            assert row.get("Name") == living.get(row["Id"]), (mail, row, living, story)
            assert not row.get("Gone"), (row, story)
            assert living.keys() - {row["Id"]} <= rejected, (mail, story)
            assert row["Id"] not in rejected, (mail, story)
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["doubling_writes"] == counters["upsert_duplicates"] == 0, story


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
async def test_keys_are_settled_whatever_people_do(rig: Rig, seed: int, archived: bool) -> None:
    spec = await sync_by_mail(rig, archived=archived)
    people, story = People(rig, seed), list[str]()
    for mail in MAILS[:6]:
        await people.create(mail)
    async with rig.runner():
        await rig.run(spec)
        for step in range(STEPS):
            story += [f"{step}: " + await people.act() for _ in range(4)]
            await settled(rig, spec, await rig.run(spec), story)
        await rig.much_later(spec)
        last = await rig.run(spec)
    await settled(rig, spec, last, story)
