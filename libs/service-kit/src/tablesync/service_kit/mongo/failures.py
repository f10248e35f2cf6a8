"""What a failure of MongoDB says: that it was away, that it was late, or that we asked for it.

The codes are those of the server; a name beside each, as its documentation spells it.
"""

from collections.abc import Iterator

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

# It did not answer in time: it may be away, or what it was asked may be too much.
LATE = (NetworkTimeout, ExecutionTimeout)

UNAUTHORIZED = 13
WRITE_CONFLICT = 112
# Nobody is served, or nobody with our rights: whatever was asked may be asked again later.
AWAY_CODES = frozenset(
    {
        # Our account: its password was changed, a role taken from it.
        11,  # UserNotFound
        UNAUTHORIZED,
        18,  # AuthenticationFailed
        214,  # AuthenticationRestrictionUnmet
        391,  # ReauthenticationRequired
        8000,  # AtlasError: of account or quota
        # Its disk is full, or it is told to take no writes.
        39,  # FileStreamFailed
        264,  # TooManyFilesOpen
        371,  # UserWritesBlocked
        14031,  # OutOfDiskSpace
        # It steps down, shuts down or has no primary.
        91,  # ShutdownInProgress
        94,  # NotYetInitialized
        133,  # FailedToSatisfyReadPreference
        189,  # PrimarySteppedDown
        216,  # ElectionInProgress
        10058,  # LegacyNotPrimary
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        # Its members do not reach each other.
        6,  # HostUnreachable
        7,  # HostNotFound
        64,  # WriteConcernTimeout
        89,  # NetworkTimeout
        100,  # UnsatisfiableWriteConcern
        134,  # ReadConcernMajorityNotAvailableYet
        202,  # NetworkInterfaceExceededTimeLimit
        407,  # PooledConnectionAcquisitionExceededTimeLimit
        9001,  # SocketException
        # It has too much to do, or somebody ended what we had begun.
        24,  # LockTimeout
        46,  # LockBusy
        107,  # LockFailed
        WRITE_CONFLICT,
        246,  # SnapshotUnavailable
        262,  # ExceededTimeLimit
        279,  # ClientDisconnect
        290,  # TransactionExceededLifetimeLimitSeconds
        355,  # InterruptedDueToStorageChange
        365,  # TemporarilyUnavailable
        402,  # ResourceExhausted
        433,  # AdmissionQueueOverflow
        449,  # RateLimitExceeded
        11601,  # Interrupted
    }
)
# The server looked at one document, or at how it was to be changed, and refuses just that.
DOCUMENT_CODES = frozenset(
    {
        2,  # BadValue
        9,  # FailedToParse
        14,  # TypeMismatch
        40,  # ConflictingUpdateOperators
        52,  # DollarPrefixedFieldName
        53,  # InvalidIdField
        56,  # EmptyFieldName
        57,  # DottedFieldName
        66,  # ImmutableField
        121,  # DocumentValidationFailure
        171,  # CannotIndexParallelArrays
        10334,  # BSONObjectTooLarge
        11000,  # DuplicateKey
        17280,  # KeyTooLong
    }
)
# The server or the driver says itself that all may be well the next time.
AWAY_LABELS = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
    "SystemOverloadedError",
)


def is_late(error: BaseException) -> bool:
    """Whether an answer did not come in time, for whatever reason."""
    return isinstance(error, LATE)


def is_conflict(error: PyMongoError) -> bool:
    """Whether another transaction had the same document, rather than a lock on all of them."""
    return WRITE_CONFLICT in _codes(error)


def is_signed_out(error: BaseException) -> bool:
    """Whether the connection's account is gone, rather than one of its rights."""
    return (
        isinstance(error, OperationFailure)
        and error.code == UNAUTHORIZED
        and "requires authentication" in str(error)
    )


def is_unavailable(error: BaseException) -> bool:
    """Whether MongoDB was away or late, rather than the request wrong."""
    if isinstance(error, (*LATE, ConnectionFailure, NotPrimaryError, WriteConcernError)):
        return True
    return isinstance(error, PyMongoError) and (
        any(map(error.has_error_label, AWAY_LABELS)) or not AWAY_CODES.isdisjoint(_codes(error))
    )


def is_refused_document(error: BaseException) -> bool:
    """Whether MongoDB looked at what was to be written, and refused just that.

    A key that is taken, a document that is too large or does not pass validation. In a transaction
    the server words whatever a write meets as if the document were to blame: its code decides.
    """
    if isinstance(error, WriteError | BulkWriteError):
        codes = set(_codes(error))
        return bool(codes) and codes <= DOCUMENT_CODES and not is_unavailable(error)
    return isinstance(error, DocumentTooLarge)


def _codes(error: PyMongoError) -> Iterator[int]:
    """Yield every code that an error carries; one of many writes has one for each, none itself."""
    if not isinstance(error, OperationFailure):
        return
    details = error.details or {}
    each_write = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
    yield from (each["code"] for each in each_write if "code" in each)
    if error.code is not None and not isinstance(error, BulkWriteError):
        yield error.code
