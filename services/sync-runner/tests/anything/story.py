"""What can happen to two syncs, thing by thing, and what must be so at any time and in the end."""

from collections.abc import Mapping, Sequence

from tablesync.contracts import Provider
from tablesync.service_kit.mongo import Document

from anything.contacts import MAILS, Contacts
from anything.runner import Runner
from anything.table import BY_HAND, SOURCES, Table, two_tables


class Story:
    """Contacts, two syncs of them and their runner; `which` chooses among what there is."""

    def __init__(self, runner: Runner, most_kills: int) -> None:
        self._rig = runner.rig
        self._runner = runner
        self._most_kills = most_kills
        self._contacts = Contacts(runner.rig)
        self._tables: list[Table] = []
        self._number = 0

    async def begin(self) -> None:
        """Have some contacts, and a first run of each sync."""
        await self._rig.at_hubspot("search-lag", seconds=0)
        await self._rig.at_airtable("unbreak")
        await self._rig.sandbox.reset_counters()
        await self._contacts.begin()
        for mail in MAILS:
            await self._contacts.create(email=mail, firstname=self._name("first"), tier="g")
        self._tables = await two_tables(self._rig, self._contacts)
        self._runner.serve(self._tables)
        await self.run()

    # people at HubSpot

    async def create(self, mail: str, values: Mapping[str, str]) -> None:
        """Create a contact."""
        await self._contacts.create(email=mail, firstname=self._name("created"), **values)

    async def edit(self, which: int, values: Mapping[str, str], silently: bool) -> None:
        """Change what a contact is."""
        name = self._name("edited")
        for id_ in await self._living([which]):
            await self._contacts.edit(id_, silently=silently, firstname=name, **values)

    async def give(self, which: int, mail: str, silently: bool) -> None:
        """Give a contact any address, or none."""
        for id_ in await self._living([which]):
            await self._contacts.edit(id_, silently=silently, email=mail)

    async def pass_on(self, which: Sequence[int], silently: bool) -> None:
        """Have contacts swap their addresses, or pass them on in a circle."""
        if ids := await self._living(which):
            await self._contacts.pass_mails_on(ids, silently=silently)

    async def archive(self, which: int) -> None:
        """Delete a contact."""
        for id_ in await self._living([which]):
            await self._contacts.archive(id_)

    async def restore(self, which: int, touched: bool) -> None:
        """Take a contact out of the archive."""
        for id_ in _chosen(await self._contacts.archived(), [which]):
            await self._contacts.restore(id_, touched=touched)

    async def purge(self, which: int, anew: bool) -> None:
        """Delete a contact for good, and maybe create it anew."""
        told = {each["id"]: each["properties"] for each in await self._contacts.all()}
        for id_ in _chosen(sorted(told), [which]):
            await self._contacts.purge([id_])
            if anew:
                mail = told[id_].get("email") or ""
                await self._contacts.create(email=mail, firstname=self._name("anew"))

    async def merge(self, which: Sequence[int], into_new: bool) -> None:
        """Merge contacts."""
        ids = await self._living(which)
        if len(ids) > 1:
            await self._contacts.merge(ids, into_new=into_new)

    async def rename_option(self, which: tuple[str, str, str]) -> None:
        """Rename an option at the source."""
        await self._contacts.rename_option(*which)

    async def move(self, zone: str) -> None:
        """Move the source's account to a time zone."""
        await self._contacts.move(zone)

    async def search_lags(self, seconds: int) -> None:
        """Have HubSpot's index show changes late, or at once again."""
        await self._rig.at_hubspot("search-lag", seconds=seconds)

    # people at Airtable, and who sets all this up

    async def edit_row(self, at: int, which: int, field: str, emptied: bool) -> None:
        """Change a cell by hand, or empty it."""
        cell = self._name("hand") if BY_HAND[field] == "hand" else BY_HAND[field]
        for row_id in self._rows(at, [which]):
            await self._tables[at].edit(row_id, **{field: None if emptied else cell})

    async def take_key(self, at: int, which: Sequence[int]) -> None:
        """Delete a row by hand, give its key to another one's, and check everything.

        A pass over changes does not see whose key a row has by hand, and may give it to a third.
        """
        table, rows = self._tables[at], self._rows(at, which)
        if len(rows) > 1 and (key := table.key_of(rows[0])):
            await table.delete(rows[0])
            await table.edit(rows[1], **{table.key: key})
            await self.check()

    async def empty_row(self, at: int, which: int) -> None:
        """Empty a row by hand."""
        for row_id in self._rows(at, [which]):
            await self._tables[at].edit(row_id, **dict.fromkeys([*SOURCES.values(), "Gone"]))

    async def delete_rows(self, at: int, which: Sequence[int]) -> None:
        """Delete rows by hand."""
        if row_ids := self._rows(at, which):
            await self._tables[at].delete(*row_ids)

    async def write_note(self, at: int, which: int) -> None:
        """Write into a field of people's own."""
        for row_id in self._rows(at, [which]):
            await self._tables[at].note(row_id, self._name("note"))

    async def add_row(self, at: int) -> None:
        """Add a row of people's own."""
        await self._tables[at].add(self._name("theirs"))

    async def change_options(self, at: int, which: tuple[str, str], offered: bool) -> None:
        """Offer an option of a field in a table, or take it away."""
        table = self._tables[at]
        await (table.offer_option(*which) if offered else table.take_option(*which))

    async def edit_mapping(self, at: int, points: bool) -> None:
        """Map a field more, or one less."""
        self._tables[at].map(points=points)

    # runs, and what happens to them

    async def run(self) -> None:
        """Run both syncs."""
        _assert_succeeded(await self._runner.run())

    async def check(self) -> None:
        """Check everything: then all is equal."""
        runs = await self._runner.run(check=True)
        await self.look()
        for table, run in zip(self._tables, runs, strict=True):
            await table.judge(run)

    async def kill_a_runner(self, calls: int, check: bool) -> None:
        """Kill the runner in the middle of both runs; another goes on."""
        if self._runner.kills < self._most_kills:
            runs = await self._runner.run_while(self._runner.kill, check=check, calls=calls)
            _assert_succeeded(runs)

    async def revoke_and_reconnect(self, provider: Provider, calls: int, check: bool) -> None:
        """Lose a connection in the middle of both runs, and connect it again."""

        async def lose() -> None:
            await self._runner.lose(provider)

        runs = await self._runner.run_while(lose, check=check, calls=calls)
        assert {each["status"] for each in runs} <= {"interrupted", "held", "succeeded"}
        await self._runner.reconnect()

    async def edit_during_a_run(self, which: int, mail: str, calls: int, check: bool) -> None:
        """Change a contact while both runs read and write."""
        name = self._name("during")

        async def give() -> None:
            for id_ in await self._living([which]):
                await self._contacts.edit(id_, silently=False, email=mail, firstname=name)

        _assert_succeeded(await self._runner.run_while(give, check=check, calls=calls))

    async def lose_answers(self, performed: bool, count: int) -> None:
        """Have the first calls of a run answered with nothing, after they took effect or not."""
        fault = {"status": 0, "count": count, "performed": performed, "path_contains": "/v0/app"}
        await self._rig.at_airtable("break", **fault)
        await self.run()
        await self._rig.at_airtable("unbreak")

    # what must be so

    async def look(self) -> None:
        """Assert that no row is deleted or doubled, and that what is people's own stays."""
        for each in self._tables:
            await each.look()
        counters = await self._rig.counters(Provider.AIRTABLE)
        assert counters["doubling_writes"] == counters["upsert_duplicates"] == 0

    async def end(self) -> None:
        """Assert that all is equal after a check of everything."""
        await self._rig.at_hubspot("search-lag", seconds=0)
        await self.check()

    async def _living(self, which: Sequence[int]) -> list[str]:
        return _chosen(await self._contacts.ids(), which)

    def _rows(self, at: int, which: Sequence[int]) -> list[str]:
        return _chosen(self._tables[at].of_records, which)

    def _name(self, what: str) -> str:
        self._number += 1
        return f"{what} {self._number}"


def _chosen(all_: Sequence[str], which: Sequence[int]) -> list[str]:
    """Choose some, each once."""
    return list(dict.fromkeys(all_[each % len(all_)] for each in which)) if all_ else []


def _assert_succeeded(runs: Sequence[Document]) -> None:
    assert {each["status"] for each in runs} == {"succeeded"}, [each["summary"] for each in runs]
