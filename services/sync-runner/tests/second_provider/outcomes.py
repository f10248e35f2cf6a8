"""What a shop's answers mean: most refusals are said with 200."""

from collections.abc import Mapping
from typing import Any

import httpx
from tablesync.service_kit.http.client import json_or_none
from tablesync.sync_runner.access.outcomes import (
    AccountState,
    AuthFailed,
    Ok,
    Outcome,
    Refused,
    Throttled,
    Transient,
)
from tablesync.sync_runner.errors import RunFailedError

from second_provider.budgets import ShopBudgets

BUSY_SECONDS = 0.2


class ShopOutcomes:
    """Sorts the answers to one connection's calls."""

    def __init__(self, budgets: ShopBudgets, connection_id: str) -> None:
        self._budgets = budgets
        self._connection_id = connection_id

    def classify(self, response: httpx.Response) -> Outcome:
        """Sort an answer by its status, and one with 200 by what it says."""
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return Throttled("Too many calls at once.", BUSY_SECONDS, [self._budgets.at_once])
        if response.status_code == httpx.codes.PAYMENT_REQUIRED:
            return self._account_state("The shop has not paid its bill.")
        if not response.is_success:
            return Transient(f"The shop answered {response.status_code}.")
        error = _error(response) if b'"errors"' in response.content else None
        return self._refused(error) if error else Ok()

    def _refused(self, error: Mapping[str, Any]) -> Outcome:
        message = str(error["message"])
        match error["code"]:
            case "UNAUTHENTICATED":
                return AuthFailed()
            case "THROTTLED":
                return Throttled(message, BUSY_SECONDS, [self._budgets.points])
            case "SHOP_FROZEN":
                return self._account_state(message)
            case "UNKNOWN_OBJECT" | "ACCESS_DENIED":
                return Refused(RunFailedError.resource(message, self._connection_id))
            case "EXPORT_GONE":
                return Refused(ExportGoneError(message))
        return Transient(message)

    def _account_state(self, summary: str) -> Outcome:
        return AccountState(RunFailedError.resource(summary, self._connection_id))


class ExportGoneError(Exception):
    """An export that a position names is not there any more."""


def _error(response: httpx.Response) -> Mapping[str, Any] | None:
    found = json_or_none(response)
    errors = found.get("errors") if isinstance(found, dict) else None
    return errors[0] if errors else None
