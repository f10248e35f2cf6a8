"""Airtable's words decide whether a refusal is about a record, a field, new rows or the table."""

import pytest
from tablesync.contracts import RunFailureCause
from tablesync.sync_runner.airtable.errors import (
    CreatesRefusedError,
    RefusedError,
    RowGoneError,
    TooLargeError,
)
from tablesync.sync_runner.airtable.refusals import Refusals
from tablesync.sync_runner.errors import RunFailedError

BASE = "appAAAAAAAAAAAAAA"
WRITING = (RefusedError, RowGoneError, CreatesRefusedError)


def error(status: int, kind: str, message: str) -> Exception:
    return Refusals(BASE, "con_1", WRITING).error(status, kind, message)


@pytest.mark.parametrize(
    "message",
    [
        "This base has reached its record limit",
        "You have exceeded the limit of 1,000 records in this base",
        "Row limit exceeded",
        "The maximum number of records was reached",
        "Too many records in this workspace",
    ],
)
@pytest.mark.parametrize("status", [403, 422])
def test_a_full_base_takes_no_new_rows(status: int, message: str) -> None:
    found = error(status, "INVALID_REQUEST_UNKNOWN", message)
    assert isinstance(found, CreatesRefusedError)
    assert found.ending.cause is RunFailureCause.RESOURCE
    assert message in found.ending.summary
    assert BASE in found.ending.summary


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "INVALID_REQUEST_UNKNOWN",
            "A maximum of 10 records can be created per request but you have provided 11.",
        ),
        (
            "INVALID_MULTIPLE_CHOICE_OPTIONS",
            'Insufficient permissions to create new select option ""record limit""',
        ),
        ("INVALID_REQUEST_UNKNOWN", 'Field "record limit" cannot accept the provided value'),
        ("INVALID_VALUE_FOR_COLUMN", 'Field "Synced table" cannot accept the provided value'),
        ("INVALID_REQUEST_UNKNOWN", 'Cannot accept ""synced table""'),
        ("INVALID_REQUEST_UNKNOWN", 'Cannot accept ""a "record limit" in this base""'),
        ("INVALID_REQUEST_UNKNOWN", 'Cannot accept ""because the field is computed""'),
        (
            "INVALID_VALUE_FOR_COLUMN",
            'Field "Stock because the field is computed" cannot accept the provided value',
        ),
        ("ROW_DOES_NOT_EXIST", "No such linked row in the synced table"),
        ("INVALID_REQUEST_UNKNOWN", "More than one record matches on Name"),
        ("", "HTTP 422"),
    ],
)
def test_what_may_be_one_record_s_fault_is_looked_for_there(kind: str, message: str) -> None:
    assert isinstance(error(422, kind, message), RefusedError)


@pytest.mark.parametrize(
    ("status", "message", "cause"),
    [
        (422, "This table is externally synced and cannot be modified", RunFailureCause.RESOURCE),
        (403, "You are not permitted to perform this operation", RunFailureCause.RESOURCE),
        (404, "Table not found", RunFailureCause.RESOURCE),
        (404, 'Table "Record" not found', RunFailureCause.RESOURCE),
        (404, "Could not find table Records in application app", RunFailureCause.RESOURCE),
        (403, 'You may not edit table "write a field"', RunFailureCause.RESOURCE),
        (403, 'You may not write cell values in field "Sum"', RunFailureCause.MAPPING),
        (
            422,
            'Field "Sum" cannot accept the provided value because the field is computed',
            RunFailureCause.MAPPING,
        ),
        (400, "Odd", RunFailureCause.PROVIDER),
        (302, "HTTP 302", RunFailureCause.PROVIDER),
    ],
)
def test_what_concerns_all_records_ends_the_run(
    status: int, message: str, cause: RunFailureCause
) -> None:
    found = error(status, "", message)
    assert isinstance(found, RunFailedError)
    assert found.cause is cause
    assert message in found.summary


def test_rights_to_change_rows_may_be_there_without_those_to_add_some() -> None:
    told = 'You are not permitted to create records in table "cell values in field notes"'
    found = error(403, "INVALID_PERMISSIONS", told)
    assert isinstance(found, CreatesRefusedError)
    assert found.ending.cause is RunFailureCause.RESOURCE


@pytest.mark.parametrize(
    ("status", "kind", "message", "row"),
    [
        (422, "ROW_DOES_NOT_EXIST", "Record ID recAAAAAAAAAAAAAA does not exist in this table",
         "recAAAAAAAAAAAAAA"),
        (404, "MODEL_ID_NOT_FOUND", "Record not found", None),
    ],
)  # fmt: skip
def test_a_row_that_is_gone_is_no_table_that_is(
    status: int, kind: str, message: str, row: str | None
) -> None:
    found = error(status, kind, message)
    assert isinstance(found, RowGoneError)
    assert found.row_id == row


def test_a_body_that_is_too_large_is_halved() -> None:
    assert isinstance(error(413, "", "HTTP 413"), TooLargeError)


def test_refusals_are_alike_whatever_numbers_they_bear() -> None:
    one, other = RefusedError("Request req1a2b3 refused"), RefusedError("Request req99 refused")
    assert one.is_like(other)
    assert not one.is_like(RefusedError("Another refusal"))
