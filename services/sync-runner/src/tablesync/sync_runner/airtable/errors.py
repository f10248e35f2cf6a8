"""Airtable's refusals, sorted by what the writer must do.

TransientError (of access/)   repeat the call
RunEndedError (of the spine)  the run cannot go on: base, table, field, rights or quota
CreatesRefusedError           the table takes no new rows, but changes of those it has
RowGoneError                  a row that we knew was deleted: find it by its key, or create it
ListingGoneError              a listing of rows was idle for too long: begin it again
RefusedError                  something in the batch: find the record, reject it
ForbiddenError                who is connected may not do it, or was not granted it
"""

import re
from typing import Any

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.redaction import foreign_text
from tablesync.sync_runner.errors import RunFailedError

_FIELD = re.compile(r'[Ff]ield (?:name: )?"([^"]+)"')
_ROW = re.compile(r"\brec\w{14}\b")
_OPTIONS = "INVALID_MULTIPLE_CHOICE_OPTIONS"
# Types of refusals that are about what one record holds, whatever else their message says.
_OF_A_RECORD = frozenset({_OPTIONS, "INVALID_VALUE_FOR_COLUMN", "ROW_DOES_NOT_EXIST"})
_DOUBLE = re.compile(r"(?i)\bmore than one (?:record|row)|\bmultiple (?:records|rows)")
_CHANGING = re.compile(r"\w*\d\w*")


class RefusedError(Exception):
    """Airtable refused the batch for something in it; the message is Airtable's."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.field = named_field(message)
        self.of_options = kind == _OPTIONS or "select option" in message
        self.of_double_rows = _DOUBLE.search(message) is not None
        self.of_a_record = kind in _OF_A_RECORD or self.of_options or self.of_double_rows

    def is_like(self, other: "RefusedError") -> bool:
        """Whether both say the same, but for numbers and ids."""
        return self._wording == other._wording

    @property
    def _wording(self) -> str:
        return _CHANGING.sub("", self.message)


class TooLargeError(RefusedError):
    """The request has more bytes than Airtable takes."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.of_a_record = True


class ForbiddenError(Exception):
    """Airtable forbids a call; the message is Airtable's, and `of_role` if the person may not."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.message = message
        self.of_role = kind == "INVALID_PERMISSIONS"


class CreatesRefusedError(Exception):
    """The table takes no new rows; `ending` is what becomes of the run."""

    def __init__(self, ending: RunFailedError) -> None:
        super().__init__(ending.summary)
        self.ending = ending


class RowGoneError(Exception):
    """The batch names a row that is not in the table; None where it is not said which."""

    def __init__(self, row_id: str | None) -> None:
        super().__init__(f"Row {row_id} does not exist." if row_id else "A row does not exist.")
        self.row_id = row_id


class ListingGoneError(Exception):
    """Airtable has forgotten where a listing of rows goes on."""


def read_error(response: httpx.Response) -> tuple[str, str]:
    """Return type and message; Airtable's errors come in four shapes, and proxies send none."""
    body = json_or_none(response)
    error: Any = None
    if isinstance(body, dict):
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        error = body.get("error") or first
    if isinstance(error, dict):
        kind = str(error.get("type") or error.get("error") or "")
        return kind, foreign_text(str(error.get("message") or kind))
    return str(error or ""), foreign_text(str(error or f"HTTP {response.status_code}"))


def named_field(message: str) -> str | None:
    """Find the field that a message names."""
    found = _FIELD.search(message)
    return found[1] if found else None


def named_row(message: str) -> str | None:
    """Find the row that a message names."""
    found = _ROW.search(message)
    return found[0] if found else None
