"""What Airtable's answers mean for a call."""

from collections.abc import Collection

import httpx
from tablesync.service_kit.http.retry_after import retry_after
from tablesync.sync_runner.access.budgets import Budget
from tablesync.sync_runner.access.outcomes import (
    WAIT_MAX_SECONDS,
    AuthFailed,
    Ok,
    Outcome,
    Refused,
    Throttled,
    Transient,
    not_its_own,
)
from tablesync.sync_runner.access.refills import next_month
from tablesync.sync_runner.airtable.errors import read_error
from tablesync.sync_runner.airtable.refusals import Refusals
from tablesync.sync_runner.errors import RunFailedError

# So long nobody may call a base, or as a user, once a limit was met.
PENALTY_SECONDS = 30.0


class AirtableOutcomes:
    """Sorts the answers to calls on one base, or of one user where there is none.

    `foreseen` is what the caller can do something about; all else that is refused ends the run.
    """

    def __init__(
        self,
        narrowest: Budget,
        base_id: str | None,
        connection_id: str,
        foreseen: Collection[type[Exception]] = (),
    ) -> None:
        self._narrowest = narrowest
        self._refusals = Refusals(base_id, connection_id, foreseen)
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
            return self._too_many(response, kind, message)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return _in_trouble(response, kind)
        refused = Refused(self._refusals.error(status, kind, message))
        if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:  # whoever stands before it says so
            return refused
        return not_its_own(response, "Airtable") or refused

    def _too_many(self, response: httpx.Response, kind: str, message: str) -> Outcome:
        if kind == "PUBLIC_API_BILLING_LIMIT_EXCEEDED":
            summary = f"Airtable's monthly quota is used up: {message}"
            refilled = next_month(response)
            return Refused(RunFailedError.quota(summary, self._connection_id, refilled))
        return Throttled("Airtable's rate limit", PENALTY_SECONDS, [self._narrowest])


def _in_trouble(response: httpx.Response, kind: str) -> Outcome:
    """Sort a failure: Airtable itself says where repeating is safe; a gateway does not know."""
    return Transient(
        f"Airtable answered {response.status_code}",
        retry_after(response, None, at_most=WAIT_MAX_SECONDS),
        harmless=kind == "RETRIABLE_ERROR",
        at_work=response.status_code == httpx.codes.GATEWAY_TIMEOUT,
    )
