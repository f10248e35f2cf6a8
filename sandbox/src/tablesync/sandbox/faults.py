"""Faults that a script switches on: broken answers, throttling, latency and armed actions."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .calls import Call

EVERYONE = "-"


@dataclass(slots=True)
class Break:
    """Answer matching requests with a status; 0 drops the connection without an answer.

    With `performed` the request takes effect first and only its answer is lost; with
    `late_seconds` it takes effect, and its own answer comes so much later.
    """

    account: str
    status: int
    left: int | None
    path_contains: str
    body: Any
    headers: dict[str, str]
    performed: bool
    late_seconds: float = 0.0

    def matches(self, call: Call) -> bool:
        """Whether the call falls under this fault."""
        return (
            self.account in (EVERYONE, call.account)
            and self.path_contains in call.path_qs
            and (self.left is None or self.left > 0)
        )


@dataclass(slots=True)
class Arm:
    """Perform an action when so many successful answers have matched."""

    account: str
    path_contains: str
    page_of: str | None
    left: int
    action: str
    body: dict[str, Any]

    def matches(self, call: Call, page_of: str | None) -> bool:
        """Whether an answered call counts towards this arm."""
        if self.page_of is not None and self.page_of != page_of:
            return False
        return self.account in (EVERYONE, call.account) and self.path_contains in call.path_qs


class Faults:
    """The faults of one provider."""

    def __init__(self, latency_ms: float = 0) -> None:
        self._latency = {EVERYONE: latency_ms}
        self._slow_writes: dict[str, float] = {}
        self.delayed = 0
        self._hurried = asyncio.Event()
        self._throttled_until: dict[str, float] = {}
        self.breaks: list[Break] = []
        self.arms: list[Arm] = []

    def set_latency(self, account: str, milliseconds: float) -> None:
        """Delay every answer to the account (or `-`, everyone)."""
        self._latency[account] = milliseconds

    def latency_seconds(self, call: Call) -> float:
        """Return how long the call has to wait for its answer."""
        own = self._latency.get(call.account or EVERYONE)
        return (self._latency[EVERYONE] if own is None else own) / 1000

    def slow_writes(self, account: str, seconds: float) -> None:
        """Let writes of the account (or `-`, everyone's) take effect so long after they began."""
        self._slow_writes[account] = seconds

    async def write_slowly(self, call: Call) -> None:
        """Wait between looking rows up and writing them."""
        own = self._slow_writes.get(call.account or EVERYONE)
        seconds = self._slow_writes.get(EVERYONE, 0.0) if own is None else own
        if seconds:
            await asyncio.sleep(seconds)

    async def delay(self, call: Call) -> None:
        """Let a call wait for its answer, and be counted as long as it does."""
        if seconds := self.latency_seconds(call):
            self.delayed += 1
            try:
                await asyncio.wait_for(self._hurried.wait(), seconds)
            except TimeoutError:
                pass
            finally:
                self.delayed -= 1

    def hurry(self) -> int:
        """Let all that wait for their answers have them now; return how many there were."""
        self._hurried.set()
        self._hurried = asyncio.Event()
        return self.delayed

    def throttle(self, scope: str, seconds: float) -> None:
        """Answer 429 to an account, a base or `-` for so many seconds."""
        self._throttled_until[scope] = time.monotonic() + seconds

    def is_throttled(self, call: Call) -> bool:
        """Whether an API call has to be answered with 429."""
        scopes = (EVERYONE, call.account, call.base)
        moment = time.monotonic()
        return call.is_api and any(
            self._throttled_until.get(scope, 0) > moment for scope in scopes if scope
        )

    def add_break(self, account: str, body: Mapping[str, Any]) -> Break:
        """Add a fault from a control request's body."""
        fault = Break(
            account=account,
            status=int(body.get("status", 503)),
            left=body.get("count"),
            path_contains=str(body.get("path_contains") or ""),
            body=body.get("body"),
            headers=dict(body.get("headers") or {}),
            performed=bool(body.get("performed")),
            late_seconds=float(body.get("late_seconds") or 0),
        )
        self.breaks.append(fault)
        return fault

    def mend(self, account: str) -> int:
        """Remove the account's faults and throttling (`-`: all); return how many there were."""
        kept = [fault for fault in self.breaks if account not in (EVERYONE, fault.account)]
        removed = len(self.breaks) - len(kept)
        self.breaks = kept
        self._throttled_until = {
            scope: until
            for scope, until in self._throttled_until.items()
            if account not in (EVERYONE, scope)
        }
        return removed

    def take_break(self, call: Call) -> Break | None:
        """Return the first fault that the call falls under, and count it."""
        fault = next((fault for fault in self.breaks if fault.matches(call)), None)
        if fault and fault.left is not None:
            fault.left -= 1
        return fault

    def due_arms(self, call: Call, page_of: str | None) -> Iterator[Arm]:
        """Count a successful answer; yield the arms that it completed, once each."""
        for arm in [arm for arm in self.arms if arm.matches(call, page_of)]:
            arm.left -= 1
            if arm.left <= 0:
                self.arms.remove(arm)
                yield arm
