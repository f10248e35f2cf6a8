"""What Airtable's answers mean; its refusals are sorted by what the writer must do."""

import httpx
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.sync_runner.access.budgets import Budget
from tablesync.sync_runner.access.outcomes import (
    AuthFailed,
    Ok,
    Outcome,
    Refused,
    Throttled,
    Transient,
)
from tablesync.sync_runner.access.provider_client import WAIT_MAX_SECONDS
from tablesync.sync_runner.airtable.errors import (
    RefusedError,
    RowGoneError,
    named_field,
    named_row,
    read_error,
)
from tablesync.sync_runner.errors import RunFailedError

# So long nobody may call a base, or as a user, once a limit was met.
PENALTY_SECONDS = 30.0
_OF_THE_BATCH = (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.REQUEST_ENTITY_TOO_LARGE)


class AirtableOutcomes:
    """Sorts the answers to calls on one base, or of one user where there is none."""

    def __init__(self, narrowest: Budget, base_id: str | None, connection_id: str) -> None:
        self._narrowest = narrowest
        self._base_id = base_id
        self._connection_id = connection_id

    def classify(self, response: httpx.Response) -> Outcome:
        """Sort an answer."""
        status = response.status_code
        if response.is_success:
            return Ok()
        if status == httpx.codes.UNAUTHORIZED:
            return AuthFailed()
        kind, message = read_error(response)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return self._too_many(kind, message)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            wait = retry_after(response, None, at_most=WAIT_MAX_SECONDS)
            return Transient(f"Airtable answered {status}", wait)
        return Refused(self._refusal(status, kind, message))

    def _too_many(self, kind: str, message: str) -> Outcome:
        if kind == "PUBLIC_API_BILLING_LIMIT_EXCEEDED":
            summary = f"Airtable's monthly quota is used up: {message}"
            return Refused(RunFailedError.quota(summary, self._connection_id))
        return Throttled("Airtable's rate limit", PENALTY_SECONDS, [self._narrowest])

    def _refusal(self, status: int, kind: str, message: str) -> Exception:
        if kind == "ROW_DOES_NOT_EXIST" and (row := named_row(message)):
            return RowGoneError(row)
        if kind == "UNKNOWN_FIELD_NAME":
            return RunFailedError.mapping(f"A mapped field is no longer in the table: {message}")
        if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            where = f"base {self._base_id}" if self._base_id else "the bases"
            summary = f"Airtable refuses {where}: {message}"
            return RunFailedError.resource(summary, self._connection_id)
        if status in _OF_THE_BATCH:
            return RefusedError(message, named_field(message))
        summary = f"Airtable answered {status}: {message}"
        return RunFailedError.provider(summary, self._connection_id)
