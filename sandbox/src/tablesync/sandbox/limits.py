"""The two kinds of limiter that the providers use."""

import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]


class Bucket:
    """A bucket of `size` places refilled at `per_second`, with a penalty when it is overdrawn."""

    def __init__(
        self, size: float, per_second: float, penalty_seconds: float, clock: Clock = time.monotonic
    ) -> None:
        self._size = size
        self._per_second = per_second
        self._penalty = penalty_seconds
        self._clock = clock
        self._level = size
        self._filled_at = clock()
        self._locked_until = 0.0

    def admit(self) -> bool:
        """Take one place; False while the penalty runs or when none is left."""
        moment = self._clock()
        if moment < self._locked_until:
            return False
        gained = (moment - self._filled_at) * self._per_second
        self._level = min(self._size, self._level + gained)
        self._filled_at = moment
        # Sums of fractions may fall short of one place by their rounding.
        if self._level < 1 - 1e-9:
            self._locked_until = moment + self._penalty
            return False
        self._level -= 1
        return True


class Window:
    """At most `maximum` calls in any `seconds`; a refused call does not count."""

    def __init__(self, maximum: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self.maximum = maximum
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def admit(self) -> bool:
        """Take one place; False when none is left."""
        moment = self._clock()
        while self._taken and self._taken[0] <= moment - self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self.maximum:
            return False
        self._taken.append(moment)
        return True

    @property
    def remaining(self) -> int:
        """How many places are left right now."""
        return self.maximum - len(self._taken)
