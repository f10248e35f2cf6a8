"""Asks the source what the records are now that have, or had, the keys of one page."""

from collections.abc import Mapping, Sequence

from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.pipeline.record_states import RecordState
from tablesync.sync_runner.sources.base import Source, SourceRecord

# So many requests in a row are about what is known to be needed alone.
PATIENCE = 2
# Of how many chains the neighbours are asked too: of many, many are asked at once anyway.
MOST_CHAINS = 5


class Asking:
    """Asks on behalf of one page.

    Each answer may tell of another key, and that of another holder: a chain of its own length in
    requests, if each was asked for alone. Where keys were shifted, who is next has the next id or
    the next key: along a chain such neighbours are asked at once. Only the last answer is kept.
    """

    def __init__(self, plan: Plan, journal: Journal, source: Source, at_once: int) -> None:
        self._plan = plan
        self._journal = journal
        self._source = source
        self._at_once = at_once
        self._ahead: Mapping[str, SourceRecord] = {}
        self._alone = 0

    async def records(self, holders: Sequence[RecordState]) -> dict[str, SourceRecord]:
        """Return what holders are now, by id; those that are gone are left out."""
        ids = {each.source_id for each in holders}
        found = {id_: each for id_, each in self._ahead.items() if id_ in ids}
        if found:
            self._alone = PATIENCE  # it was worth while
        left = [each for each in holders if each.source_id not in found]
        for start in range(0, len(left), self._at_once):
            batch = left[start : start + self._at_once]
            self._ahead = await self._read(batch)
            asked = {each.source_id for each in batch} & self._ahead.keys()
            found |= {id_: self._ahead[id_] for id_ in asked}
        return found

    async def _read(self, holders: Sequence[RecordState]) -> Mapping[str, SourceRecord]:
        known = [each.source_id for each in holders]
        ids = list(dict.fromkeys([*known, *await self._neighbours(holders)]))
        object_, properties = self._plan.spec.source.object, self._plan.properties
        there = await self._source.read_ids(object_, properties, ids)
        return {each.id: each for each in there}

    async def _neighbours(self, holders: Sequence[RecordState]) -> list[str]:
        if self._alone < PATIENCE or len(holders) > MOST_CHAINS:
            self._alone += 1
            return []
        self._alone = 0
        room = (self._at_once - len(holders)) // len(holders)
        return [id_ for each in holders for id_ in await self._journal.neighbours(each, room)]
