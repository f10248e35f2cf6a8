"""Airtable's refusals, sorted by what the writer must do.

TransientError (of access/)   repeat the call
RunEndedError (of the spine)  the run cannot go on: base, table, field, rights or quota
RowGoneError                  a row that we knew was deleted: find it by its key, or create it
RefusedError                  a value that no cell takes: find the record, reject it
"""

import re
from typing import Any

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.redaction import foreign_text

_FIELD = re.compile(r'[Ff]ield (?:name: )?"([^"]+)"')
_ROW = re.compile(r"\brec\w{14}\b")


class RefusedError(Exception):
    """Airtable refused the batch for something in it; the message is Airtable's."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RowGoneError(Exception):
    """The batch names a row that is not in the table."""

    def __init__(self, row_id: str) -> None:
        super().__init__(row_id)
        self.row_id = row_id


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
