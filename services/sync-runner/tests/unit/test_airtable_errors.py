"""Airtable's errors come in four shapes; what matters in them is found in each."""

import httpx
import pytest
from tablesync.sync_runner.airtable.errors import named_field, named_row, read_error


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"error": {"type": "A", "message": "m"}}, "A", "m"),
        ({"error": "NOT_FOUND"}, "NOT_FOUND", "NOT_FOUND"),
        ({"error": {"type": "A"}}, "A", "A"),
        ({"errors": [{"error": "RATE_LIMIT_REACHED", "message": "m"}]}, "RATE_LIMIT_REACHED", "m"),
        ({}, "", "HTTP 422"),
        ({"errors": []}, "", "HTTP 422"),
        ({"errors": 5}, "", "HTTP 422"),
        ({"errors": {"a": 1}}, "", "HTTP 422"),
    ],
)
def test_every_shape_is_read(body: object, kind: str, message: str) -> None:
    assert read_error(httpx.Response(422, json=body)) == (kind, message)


def test_what_is_no_json_is_read_too() -> None:
    assert read_error(httpx.Response(502, text="<html>")) == ("", "HTTP 502")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ('Unknown field name: "fldAbc"', "fldAbc"),
        ('Field "Deal type" cannot accept the provided value', "Deal type"),
        ('Insufficient permissions to create new select option ""x""', None),
    ],
)
def test_the_named_field_is_found(message: str, field: str | None) -> None:
    assert named_field(message) == field


def test_the_named_row_is_found() -> None:
    message = "Record ID recAAAAAAAAAAAAAA does not exist in this table"
    assert named_row(message) == "recAAAAAAAAAAAAAA"
    assert named_row("record not found") is None
