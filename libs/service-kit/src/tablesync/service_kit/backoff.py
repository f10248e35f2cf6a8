"""Backoff (exponential backoff with jitter): waits that double, and that no two callers share."""

from tenacity import AsyncRetrying, RetryCallState, wait_exponential, wait_random_exponential


class Backoff:
    """How long to wait before each next try: from half of a span that doubles to all of it."""

    def __init__(self, first_seconds: float, most_seconds: float) -> None:
        half = {"multiplier": first_seconds / 2, "max": most_seconds / 2}
        self._wait = wait_exponential(**half) + wait_random_exponential(**half)
        self._state = RetryCallState(AsyncRetrying(), fn=None, args=(), kwargs={})

    def next(self) -> float:
        """Return the seconds to wait now; the next time it will be about twice as long."""
        seconds = self._wait(self._state)
        self._state.attempt_number += 1
        return seconds

    def reset(self) -> None:
        """Start small again, after a success."""
        self._state.attempt_number = 1

    def after(self, attempts: int) -> float:
        """Return the seconds to wait after so many attempts, where others keep the count."""
        self._state.attempt_number = attempts
        return self.next()
