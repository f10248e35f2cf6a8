"""Sorts Airtable's refusals by what they are about: a record, a field, a table or a base.

The codes for a full base and for a table that is filled from outside are documented nowhere, so
that their words count: Airtable's own, and not what it quotes of people. Words that are not known
here are judged by the writer, by what else is refused alike.
"""

import re
from collections.abc import Collection

import httpx
from tablesync.sync_runner.airtable.errors import (
    CreatesRefusedError,
    ForbiddenError,
    ListingGoneError,
    RefusedError,
    RowGoneError,
    TooLargeError,
    named_row,
)
from tablesync.sync_runner.errors import RunFailedError

_FULL = re.compile(
    r"""(?xi) \b(?:record|row)s?\ (?:count\ )?(?:limit|quota)\b
    | \blimit\ (?:of|on|for)\ (?:the\ )?(?:number\ of\ )?[\d,.]*\ ?(?:records|rows)\b
    | \b(?:maximum|allowed)\ number\ of\ (?:records|rows)\b
    | \b(?:records|rows)\ (?:per|in\ (?:a|this|the|your))\ (?:base|workspace|plan|table)\b"""
)
_OF_ONE_REQUEST = re.compile(r"(?i)\bper request\b")
_FILLED_FROM_OUTSIDE = re.compile(r"(?i)\b(?:externally )?synced\b.*\btable|\btable\b.*\bsynced\b")
_OF_A_FIELD = re.compile(r"(?i)\bcell values? in (?:the )?field\b|\bwrite\b.*\bfield\b")
_OF_CREATING = re.compile(r"(?i)\bcreate (?:a )?(?:new )?(?:records?|rows?)\b")
_COMPUTED = re.compile(r"(?i)\bbecause the field is computed\b")
_OF_A_RECORD = re.compile(r"(?i)\brecord\b")
_OF_A_TABLE = re.compile(r"(?i)\btable\b")
# From the first quote to the last: what is quoted may hold some, too.
_QUOTED = re.compile(r'(?s)".*"')
_UNAVAILABLE = (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND)
_OF_THE_BATCH = (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.REQUEST_ENTITY_TOO_LARGE)


class Refusals:
    """Sorts what is refused of one base, or of one user where there is none.

    What is neither `foreseen` nor of the mapping ends the run for base or provider: who reads has
    no record that could be to blame.
    """

    def __init__(
        self, base_id: str | None, connection_id: str, foreseen: Collection[type[Exception]]
    ) -> None:
        self._where = f"base {base_id}" if base_id else "the bases"
        self._connection_id = connection_id
        self._foreseen = tuple(foreseen)

    def error(self, status: int, kind: str, message: str) -> Exception:
        """Return what a refusal is raised as."""
        if status == httpx.codes.FORBIDDEN and ForbiddenError in self._foreseen:
            return ForbiddenError(message, kind)
        found = self._sorted(status, kind, message)
        if isinstance(found, (RunFailedError, *self._foreseen)):
            return found
        if isinstance(found, CreatesRefusedError):
            return found.ending
        if status in _UNAVAILABLE:
            return self._unavailable(message)
        return self._odd(status, message)

    def _sorted(self, status: int, kind: str, message: str) -> Exception:
        if kind == "ROW_DOES_NOT_EXIST" and (row := named_row(message)):
            return RowGoneError(row)
        if kind == "LIST_RECORDS_ITERATOR_NOT_AVAILABLE":
            return ListingGoneError(message)
        if fault := _of_the_mapping(kind, message):
            return fault
        if status in _UNAVAILABLE:
            return self._of_the_table(message) or self._of_a_part(status, message)
        if status in _OF_THE_BATCH:
            return self._of_the_batch(status, kind, message)
        return self._odd(status, message)

    def _odd(self, status: int, message: str) -> RunFailedError:
        summary = f"Airtable answered {status}: {message}"
        return RunFailedError.provider(summary, self._connection_id)

    def _of_the_batch(self, status: int, kind: str, message: str) -> Exception:
        if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            return TooLargeError(message)
        refused = RefusedError(message, kind)
        about_all = None if refused.of_a_record else self._of_the_table(message)
        return about_all or refused

    def _of_the_table(self, message: str) -> Exception | None:
        """Tell what is refused of any record; None for what may be one record's own fault."""
        words = _own_words(message)
        if _FULL.search(words) and not _OF_ONE_REQUEST.search(words):
            return CreatesRefusedError(self._full(message))
        if _FILLED_FROM_OUTSIDE.search(words):
            summary = f"Airtable lets nobody write this table of {self._where}: {message}"
            return RunFailedError.resource(summary, self._connection_id)
        return None

    def _full(self, message: str) -> RunFailedError:
        """Tell of a plan that allows no more rows."""
        summary = (
            f"Airtable adds no more rows to {self._where}, until somebody makes room or raises "
            f"the plan's limit: {message}"
        )
        return RunFailedError.resource(summary, self._connection_id)

    def _of_a_part(self, status: int, message: str) -> Exception:
        """Tell what is forbidden or not there: a field, new rows, a row, or all of it."""
        words = _own_words(message)
        of_a_row = _OF_A_RECORD.search(words) and not _OF_A_TABLE.search(words)
        if status == httpx.codes.NOT_FOUND and of_a_row:
            return RowGoneError(named_row(message))
        if _OF_A_FIELD.search(words):
            return RunFailedError.mapping(f"Airtable forbids to write a mapped field: {message}")
        forbidden = self._unavailable(message)
        return CreatesRefusedError(forbidden) if _OF_CREATING.search(words) else forbidden

    def _unavailable(self, message: str) -> RunFailedError:
        summary = f"Airtable refuses {self._where}: {message}"
        return RunFailedError.resource(summary, self._connection_id)


def _of_the_mapping(kind: str, message: str) -> RunFailedError | None:
    if kind == "UNKNOWN_FIELD_NAME":
        return RunFailedError.mapping(f"A mapped field is no longer in the table: {message}")
    if _COMPUTED.search(_own_words(message)):
        return RunFailedError.mapping(f"Airtable computes a mapped field by now: {message}")
    return None


def _own_words(message: str) -> str:
    """Return what Airtable says itself: names and values that it quotes are people's."""
    return _QUOTED.sub("", message)
