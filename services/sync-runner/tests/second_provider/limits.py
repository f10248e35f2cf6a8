"""A shop's two limits, as its server keeps them: points that come back, and calls at once."""

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Points:
    """A bucket of points; a call that asks for more than there are is refused and counted."""

    capacity: float = 1_000_000.0
    per_second: float = 1_000_000.0
    refused: int = 0
    spent: float = 0.0
    _left: float = field(default=1_000_000.0)
    _at: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """How many there are now."""
        now = time.monotonic()
        self._left = min(self.capacity, self._left + (now - self._at) * self.per_second)
        self._at = now
        return self._left

    def limit(self, capacity: float, per_second: float) -> None:
        """Give the shop another plan; the bucket is full."""
        self.capacity, self.per_second = capacity, per_second
        self._left, self._at = capacity, time.monotonic()

    def drain(self) -> None:
        """Have somebody else use up what there is."""
        self._left, self._at = 0.0, time.monotonic()

    def take(self, wanted: float) -> bool:
        """Whether there are as many points as a call may need; they are taken."""
        if wanted > self.left:
            self.refused += 1
            return False
        self._left -= wanted
        return True

    def settle(self, wanted: float, needed: float) -> None:
        """Give back what a call has not needed."""
        self._left += wanted - needed
        self.spent += needed

    def shown(self, wanted: float, needed: float | None) -> dict[str, Any]:
        """Return what an answer tells of its own cost and of the bucket."""
        return {
            "requested": wanted,
            "actual": needed,
            "bucket": {
                "maximum": self.capacity,
                "available": self.left,
                "restored_per_second": self.per_second,
            },
        }


@dataclass
class AtOnce:
    """How many calls are answered at once; those above are refused and counted."""

    allowed: int = 1_000
    now: int = 0
    most: int = 0
    refused: int = 0

    def enter(self) -> bool:
        """Whether one more may be answered."""
        if self.now >= self.allowed:
            self.refused += 1
            return False
        self.now += 1
        self.most = max(self.most, self.now)
        return True

    def leave(self) -> None:
        """Have answered one."""
        self.now -= 1
