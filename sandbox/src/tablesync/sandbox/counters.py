"""Ground truth: what the sandbox saw, counted where it happened."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .calls import Call
from .clock import now_ms

LOG_LENGTH = 50_000


@dataclass(slots=True)
class BaseCount:
    """The traffic of one Airtable base; times are unix milliseconds."""

    requests: int = 0
    violations: int = 0
    first_ms: float | None = None
    last_ms: float | None = None


@dataclass(slots=True)
class GrantCount:
    """The data calls made with one grant's tokens; times are unix milliseconds."""

    account: str
    data_calls: int = 0
    first_call_at: float | None = None
    last_call_at: float | None = None
    first_401_at: float | None = None
    last_ok_at: float | None = None


@dataclass(slots=True)
class ProviderCounters:
    """The counts that both providers have."""

    requests: int = 0
    data_requests: int = 0
    rate_violations: int = 0
    refreshes: int = 0
    grants: dict[str, GrantCount] = field(default_factory=dict)


@dataclass(slots=True)
class AirtableCounters(ProviderCounters):
    """What Airtable saw; after `doubling_writes` two rows had one value to merge on."""

    records_created: int = 0
    records_updated: int = 0
    upsert_duplicates: int = 0
    doubling_writes: int = 0
    by_base: dict[str, BaseCount] = field(default_factory=dict)

    def base(self, base_id: str) -> BaseCount:
        """Return the count of one base."""
        return self.by_base.setdefault(base_id, BaseCount())


@dataclass(slots=True)
class HubSpotCounters(ProviderCounters):
    """What HubSpot saw; `pages` counts list and search pages served, by object."""

    pages: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class MailCounters:
    """What the mail catcher saw."""

    accepted: int = 0
    refused: int = 0


class Counters:
    """All counters and the ring of recent requests."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        self.airtable = AirtableCounters()
        self.hubspot = HubSpotCounters()
        self.mail = MailCounters()
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)

    def observe(self, call: Call, status: int) -> None:
        """Count one answered request."""
        mine: ProviderCounters = self.airtable if call.provider == "airtable" else self.hubspot
        mine.requests += 1
        if call.data:
            mine.data_requests += 1
            self._observe_grant(mine, call, status)
        if call.base:
            _stamp_base(self.airtable.base(call.base), call.at)
        self.log.append(_log_row(call, status))

    def _observe_grant(self, mine: ProviderCounters, call: Call, status: int) -> None:
        if call.grant is None:
            return
        seen = mine.grants.setdefault(call.grant.id, GrantCount(call.grant.account))
        seen.data_calls += 1
        seen.first_call_at = seen.first_call_at or call.at
        seen.last_call_at = call.at
        if status == 401:
            seen.first_401_at = seen.first_401_at or now_ms()
        elif status < 300:
            seen.last_ok_at = now_ms()


def _stamp_base(base: BaseCount, at: float) -> None:
    base.requests += 1
    base.first_ms = base.first_ms or at
    base.last_ms = at


def _log_row(call: Call, status: int) -> dict[str, Any]:
    return {
        "at": call.at,
        "provider": call.provider,
        "method": call.method,
        "path": call.path,
        "status": status,
        "grant": call.grant.id if call.grant else None,
        "account": call.account,
        "base": call.base,
    }
