"""The demo's report: what was measured, and whether everything held."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

# A verdict has to be in state within a second of the first refused call.
HELD_WITHIN_MS = 1_000
EDITED_AT_LEAST = 1_200


class Mails(BaseModel):
    """How many mails of each kind arrived."""

    revocation: int
    recovery: int
    other: int = 0


class Report(BaseModel):
    """What `.local/demo/report.json` holds. Times are milliseconds.

    `revoked_to_held_ms` and `revoked_to_last_call_ms` count from the sandbox's first 401 on a data
    call: to the arrival of the last SyncHeld event (so Kafka's hop is included), and to the last
    data call with that grant. `reconnected_to_first_request_ms` counts from the reconnect's commit
    to the first data call with the new grant.
    """

    broker: Literal["kafka", "embedded"]
    records: dict[str, int]
    edited: int
    tables_equal: bool
    rejected: int
    revoked_to_held_ms: float
    revoked_to_last_call_ms: float
    reconnected_to_first_request_ms: float
    missed_slots: int
    catch_up_runs: int
    catch_up_runs_by_sync: dict[str, int]
    mails: Mails
    rate_violations: int
    duplicates: int
    interrupted_runs: int
    failed_runs: int
    other_portal_refused: bool
    seconds: float

    def failures(self) -> list[str]:
        """Name each thing that did not hold; empty if all did."""
        return [what for what, held in self._checks() if not held]

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")

    def _checks(self) -> Iterator[tuple[str, bool]]:
        yield "every table equals its source", self.tables_equal
        yield "no record was rejected", self.rejected == 0
        yield f"at least {EDITED_AT_LEAST} contacts were edited", self.edited >= EDITED_AT_LEAST
        yield "everything was held within a second", 0 <= self.revoked_to_held_ms <= HELD_WITHIN_MS
        yield "nothing was called for long", self.revoked_to_last_call_ms <= HELD_WITHIN_MS
        yield "a run was interrupted in its middle", self.interrupted_runs > 0
        yield "no run failed", self.failed_runs == 0
        yield "slots were missed", self.missed_slots > 0
        yield "one catch-up a sync", set(self.catch_up_runs_by_sync.values()) == {1}
        yield "one mail of each kind and no other", self.mails == Mails(revocation=1, recovery=1)
        yield "no limit was violated", self.rate_violations == 0
        yield "no row is there twice", self.duplicates == 0
        yield "another portal was refused", self.other_portal_refused
