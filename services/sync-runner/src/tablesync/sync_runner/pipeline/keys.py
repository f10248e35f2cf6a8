"""Settles whose a key is: a key belongs to the living record that has it at the source.

Before a record is rejected for its key, or gets one whose row is another's, the source is asked
about the other: it is gone, has another key by now, or has this one still. Keys change hands in
two steps, so that never two rows have one: the rows that had them are released, which empties
their key cells, and only when that is acknowledged are the others sent.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import orjson
from tablesync.sync_runner.airtable.cells import Cell, CoercionError
from tablesync.sync_runner.airtable.client import Row
from tablesync.sync_runner.airtable.reasons import Reason
from tablesync.sync_runner.airtable.writer import RowWrite
from tablesync.sync_runner.pipeline.asking import Asking
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.mapper import Item, Mapper
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.pipeline.record_states import RecordState
from tablesync.sync_runner.pipeline.tally import PageTrack
from tablesync.sync_runner.sources.base import UNTOLD, Source

# What one page may bring in of others: a key that went through more hands waits for the next run.
MOST_STRANGERS = 500

# Waits until nothing is under way that has one of these keys, or had.
Arrival = Callable[[Collection[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Release:
    """A row that has to give its key up before another may have it."""

    holder: RecordState
    keys: Sequence[str]
    row: RowWrite
    released: RecordState


@dataclass(frozen=True, slots=True)
class Settled:
    """A page whose keys are settled: `releases` are to be acknowledged before it is written."""

    items: list[Item]
    releases: Sequence[Release] = ()


class Keys:
    """Settles the keys of one run's pages."""

    def __init__(self, plan: Plan, journal: Journal, mapper: Mapper, source: Source) -> None:
        self._plan = plan
        self._journal = journal
        self._mapper = mapper
        self._source = source

    async def settle(self, items: list[Item], track: PageTrack, arrival: Arrival) -> Settled:
        """Return a page as it is to be written, with the records from which it takes keys.

        Nothing under way has a key that is settled: what became of it decides.
        """
        if self._plan.key_is_record_id:
            return Settled(items)
        seen, holders = await self._seen(items, track, arrival)
        askable = self._source.ids_at_once is not None
        settlement = _Settlement(self._plan, seen, holders, askable=askable)
        settlement.settle()
        for each in settlement.handed_over:
            self._journal.note(each)
        own, strangers = _parted(list(settlement.seen.values()), len(items))
        track.tally.read += len(strangers)
        return Settled([*own, *strangers], settlement.releases)

    async def astray(self, items: Iterable[Item], arrival: Arrival) -> list[Release]:
        """Return the rows that people gave a key with which another's is to be written.

        A record without a row would take such a row for its own, whose record has to have it.
        """
        if self._journal.check_id is None:
            return []  # only a check sees such keys
        field_id = self._plan.key.field.id
        owners = {
            orjson.dumps(each.cells[field_id]).decode(): each.source_id
            for each in items
            if each.to_write and not each.gone
        }
        await arrival(owners.keys())
        return [
            _without_stray_key(each, field_id)
            for each in await self._journal.astray(owners.keys())
            if owners[each.former_key or ""] != each.source_id
        ]

    async def _seen(
        self, items: Sequence[Item], track: PageTrack, arrival: Arrival
    ) -> tuple[Mapping[str, Item], Mapping[str, RecordState]]:
        """Return a page and all that it takes keys from, and the rows that have these keys."""
        seen = {each.source_id: each for each in items}
        holders: dict[str, RecordState] = {}
        looked_up: set[str] = set()
        claimed, room, size = _claimed(items), MOST_STRANGERS, self._source.ids_at_once
        asking = Asking(self._plan, self._journal, self._source, size) if size else None
        while claimed:
            await arrival(claimed)
            found = await self._journal.holders(claimed)
            holders |= {each.source_id: each for each in found}
            unseen = [each for each in found if each.source_id not in seen][:room]
            strangers = await self._ask(unseen, track, asking)
            seen |= {each.source_id: each for each in strangers}
            room -= len(strangers)
            looked_up |= claimed
            claimed = _claimed(strangers) - looked_up
        return seen, holders

    async def _ask(
        self, holders: Sequence[RecordState], track: PageTrack, asking: Asking | None
    ) -> list[Item]:
        """Return what holders are now, if that can be told."""
        if asking is None:
            return [_gone(each, track) for each in holders if each.gone]
        there = await asking.records(holders)
        return [
            self._mapper.item(there[each.source_id], each, track)
            if each.source_id in there
            else _gone(each, track)
            for each in holders
        ]


def _without_stray_key(holder: RecordState, key_field: str) -> Release:
    row = RowWrite(holder.source_id, {key_field: None}, holder.row_id, in_place=True)
    released = replace(holder.without_key(), rejected=not holder.gone)
    return Release(holder, holder.keys, row, released)


def _claimed(items: Iterable[Item]) -> set[str]:
    return {each.key for each in items if each.claims and each.key}


def _parted(items: list[Item], own: int) -> tuple[list[Item], list[Item]]:
    """Return a page's own records, and of the others those that are to be written."""
    return items[:own], [each for each in items[own:] if each.to_write]


def _gone(holder: RecordState, track: PageTrack) -> Item:
    return Item(holder.source_id, holder, track, fate=holder.gone or UNTOLD, unchanged=True)


class Releases:
    """Takes in what became of the rows that have to give their keys up."""

    def __init__(self, releases: Iterable[Release], journal: Journal) -> None:
        self._releases = {each.holder.source_id: each for each in releases}
        self._journal = journal
        self._refusals: dict[str, str] = {}

    def written(self, source_id: str, row: Row) -> None:
        """Take in that a row has no key any more."""
        self._journal.note(self._releases[source_id].released)

    def refused(self, source_id: str, reason: Reason) -> None:
        """Take in that a row keeps its key."""
        self._refusals[source_id] = reason.text

    def lost(self, source_id: str) -> None:
        """Take in that there is no such row any more."""
        self._journal.note(replace(self._releases[source_id].released, row_id=None))

    def withheld(self, source_id: str) -> None:
        """Take in that there is no such row, and that none is made: none has to be."""
        self.lost(source_id)

    def applied(self, items: Sequence[Item]) -> list[Item]:
        """Return a page as it can be written now: a key that was not released is not given on."""
        if not self._refusals:
            return list(items)
        kept = {
            key: f"record {source_id} keeps its key: {reason}"
            for source_id, reason in self._refusals.items()
            for key in self._releases[source_id].keys
        }
        return [self._applied(each, kept) for each in items]

    @cached_property
    def _kept_rows(self) -> set[str | None]:
        return {self._releases[each].holder.row_id for each in self._refusals}

    def _applied(self, item: Item, kept: Mapping[str, str]) -> Item:
        if item.source_id in self._refusals:
            item = replace(item, known=self._releases[item.source_id].holder)
        elif item.known and item.row_id in self._kept_rows:  # it was to be handed that row
            item = replace(item, known=item.known.without_row())
        if item.claims and item.key and item.key in kept:
            return item.because(kept[item.key])
        return item


class _Settlement:
    """Decides whose the keys of a page are; `seen` holds each record as it is now, by id."""

    def __init__(
        self,
        plan: Plan,
        seen: Mapping[str, Item],
        holders: Mapping[str, RecordState],
        *,
        askable: bool,
    ) -> None:
        self.seen = dict(seen)
        self.releases: list[Release] = []
        self.handed_over: list[RecordState] = []
        self._plan = plan
        self._holders = holders
        self._askable = askable
        self._owners = self._find_owners()

    def settle(self) -> None:
        """Reject those whose key is another's, and take keys from those that have given them up."""
        for item in list(self.seen.values()):
            if item.claims and item.key and self._owners[item.key] != item.source_id:
                self._put(item.because(self._reason(item.key)))
        for holder in self._holders.values():
            self._take_keys_of(holder)
        for item in list(self.seen.values()):
            if item.claims and item.known and item.in_doubt:
                self._release(item.known, ())

    def _find_owners(self) -> dict[str, str]:
        """Return the owners by key: who has it, in row and life; else who comes first.

        One that could not be asked has it, as far as is known. Owners of rows come before others.
        """
        living, unasked = [], []
        for holder in sorted(self._holders.values(), key=lambda each: each.former_key is not None):
            item = self.seen.get(holder.source_id)
            if item is None:
                unasked += [(key, holder.source_id) for key in holder.keys]
            elif not item.gone and item.key in holder.keys:
                living.append((item.key, holder.source_id))
        claims = [each for each in self.seen.values() if each.claims]
        claims.sort(key=lambda each: each.row_id is None)
        owners: dict[str, str] = {}
        for key, source_id in (*living, *unasked, *((each.key, each.source_id) for each in claims)):
            owners.setdefault(key or "", source_id)
        return owners

    def _take_keys_of(self, holder: RecordState) -> None:
        """Take a row, or its key, from who has given it up to one that is to be written with it."""
        if holder.source_id not in self.seen:
            return
        taken = [key for key in holder.keys if self._is_given_on(key, holder)]
        if not taken:
            return
        owner = self.seen[self._owners[taken[0]]]
        if self.seen[holder.source_id].gone and owner.row_id is None and len(holder.keys) == 1:
            self._hand_over(holder, owner)
        else:
            self._release(holder, taken)

    def _is_given_on(self, key: str, holder: RecordState) -> bool:
        owner = self.seen.get(self._owners.get(key, ""))
        return owner is not None and owner.claims and owner.source_id != holder.source_id

    def _hand_over(self, holder: RecordState, owner: Item) -> None:
        left, mark = holder.without_row(), self._mark()
        known = owner.known or RecordState(owner.source_id, None, None)
        if holder.gone or not mark:
            self.handed_over.append(left)
        else:  # it shows who is gone until its new record is written
            row = RowWrite(holder.source_id, mark, holder.row_id, in_place=True)
            self.releases.append(Release(holder, holder.keys, row, left))
        self._put(replace(self.seen[holder.source_id], known=left, fault=None, unchanged=True))
        self._put(replace(owner, known=replace(known, row_id=holder.row_id, key=owner.key)))

    def _mark(self) -> Mapping[str, Cell]:
        """Return what marks who is gone; nothing where its field does not take that.

        Then who is gone is rejected for it, and keeps no key from those who live.
        """
        with suppress(CoercionError):
            return self._plan.mark
        return {}

    def _release(self, holder: RecordState, keys: Sequence[str]) -> None:
        item, key_field = self.seen[holder.source_id], self._plan.key.field.id
        cells: dict[str, Cell] = {key_field: None}
        if item.gone:
            cells |= self._mark()
        row = RowWrite(holder.source_id, cells, holder.row_id, in_place=True)
        # One that lives is looked at in each run until it is written.
        released = replace(holder.without_key(), rejected=not item.gone)
        self.releases.append(Release(holder, keys, row, released))
        item = replace(item, known=holder.without_key())
        if item.gone:
            item = item.without_key(key_field, None)
        self._put(item)

    def _put(self, item: Item) -> None:
        self.seen[item.source_id] = item

    def _reason(self, key: str) -> str:
        owner, name = self._owners[key], self._plan.key.source.name
        if owner in self.seen:
            return f'record {owner} has the same "{name}"'
        who = "the next run asks again" if self._askable else "the next full pass decides"
        return f'record {owner} had the same "{name}" when it was last read; {who}'
