"""What a failure of MongoDB says is told apart by its code, wherever an error carries it."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)
from tablesync.service_kit.mongo import is_late, is_refused_document, is_unavailable

SHUTDOWN, FULL_DISK, UNAUTHORIZED, WRONG_PASSWORD, TOO_LATE = 91, 14031, 13, 18, 50
DUPLICATE, INVALID, UNKNOWN = 11000, 121, 8


def many(*codes: int, concern: int | None = None) -> BulkWriteError:
    return BulkWriteError(
        {
            "writeErrors": [{"code": each, "index": 0, "errmsg": ""} for each in codes],
            "writeConcernErrors": [{"code": concern}] if concern else [],
        }
    )


def labelled(label: str) -> OperationFailure:
    return OperationFailure("", UNKNOWN, {"errorLabels": [label]})


@pytest.mark.parametrize(
    "error",
    [
        *(OperationFailure("", code) for code in (SHUTDOWN, FULL_DISK, UNAUTHORIZED)),
        OperationFailure("", WRONG_PASSWORD),
        WriteError("", FULL_DISK),
        many(DUPLICATE, FULL_DISK),
        many(concern=SHUTDOWN),
        labelled("TransientTransactionError"),
        labelled("UnknownTransactionCommitResult"),
        AutoReconnect(""),
        ServerSelectionTimeoutError(""),
        WTimeoutError("", 64),
        WriteConcernError("", TOO_LATE),
    ],
    ids=repr,
)
def test_whatever_serves_nobody_is_away_and_not_about_a_document(error: Exception) -> None:
    assert (is_unavailable(error), is_late(error), is_refused_document(error)) == (1, 0, 0)


@pytest.mark.parametrize("error", [NetworkTimeout(""), ExecutionTimeout("", TOO_LATE)], ids=repr)
def test_what_is_late_may_be_away(error: Exception) -> None:
    assert (is_unavailable(error), is_late(error), is_refused_document(error)) == (1, 1, 0)


@pytest.mark.parametrize(
    "error",
    [
        DuplicateKeyError("", DUPLICATE),
        WriteError("", INVALID),
        many(DUPLICATE, INVALID),
        DocumentTooLarge(""),
    ],
    ids=repr,
)
def test_a_refused_document_is_not_away(error: Exception) -> None:
    assert (is_unavailable(error), is_late(error), is_refused_document(error)) == (0, 0, 1)


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("", UNKNOWN),
        WriteError("", UNKNOWN),
        many(UNKNOWN),
        many(DUPLICATE, UNKNOWN),
        many(),
        ValueError(),
    ],
    ids=repr,
)
def test_of_anything_else_nothing_is_known(error: Exception) -> None:
    assert (is_unavailable(error), is_late(error), is_refused_document(error)) == (0, 0, 0)
