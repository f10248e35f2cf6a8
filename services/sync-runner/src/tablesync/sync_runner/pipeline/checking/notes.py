"""What a check of everything has found, and what it has seen, as far as one run has come.

The journal saves it: what was found with the checkpoint, what was seen as stamps of states.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from tablesync.contracts import Findings
from tablesync.sync_runner.pipeline.checkpoints import Check
from tablesync.sync_runner.pipeline.record_states import Seen
from tablesync.sync_runner.pipeline.tally import PageTrack


class CheckNotes:
    """The notes of one run on its check; they are empty where it reads only what changed."""

    def __init__(self, found: Findings | None) -> None:
        self._checks = found is not None
        self._found = Counter(found.model_dump() if found else {})
        self._seen = Seen()
        self._pages_count = self._reads_all = False

    @property
    def found(self) -> Mapping[str, int]:
        """What was found, by the names of Findings, without what is still under way."""
        return dict(self._found)

    def shown(self, open_pages: Sequence[PageTrack]) -> Findings | None:
        """Return what was found so far; None for a run that checks only what changed."""
        if not self._checks:
            return None
        under_way = sum(each.checked for each in open_pages)
        return Findings.model_validate(self._found + Counter(checked=under_way))

    def go_on_with(self, check: Check | None) -> None:
        """Begin a check, or go on with one; without one, only changes are read from here on."""
        if check is not None:
            self._found, self._checks = Counter(check.found), True
        self._pages_count = self._reads_all = check is not None

    def end_reading(self) -> None:
        """Take in that all was read that is listed; what is looked for by id was not seen so."""
        self._reads_all = False

    def read_again(self) -> None:
        """Take in that everything is read once more: its records are counted already."""
        self._pages_count = False

    def open_page(self, track: PageTrack, source_ids: Collection[str]) -> None:
        """Take in what a page is about to check."""
        if self._pages_count:
            track.checked = len(source_ids)
        if self._reads_all:
            self._seen.source_ids.update(source_ids)

    def close_page(self, track: PageTrack) -> None:
        """Take in that all of a page has arrived."""
        self._found["checked"] += track.checked

    def find(self, what: str) -> None:
        """Count what is found, by the names of Findings."""
        self._found[what] += 1

    def see_rows(self, row_ids: Collection[str]) -> None:
        """Take in that these rows are in the table."""
        self._seen.row_ids.update(row_ids)

    def take_seen(self) -> Seen:
        """Hand over what was seen, to be saved."""
        seen, self._seen = self._seen, Seen()
        return seen

    def put_back(self, seen: Seen) -> None:
        """Take back what could not be saved."""
        self._seen = seen | self._seen
