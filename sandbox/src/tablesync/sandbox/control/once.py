"""What was asked twice under one key is done once, as the platform's own services have it."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

MOST_KEPT = 1_000


class Once:
    """The newest answers by their `Idempotency-Key`; a refusal is none, and may be asked again."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    def answer(self, key: str | None, act: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what came of an act, done now or under the same key before."""
        if key is None:
            return act()
        if key not in self._answers:
            self._answers[key] = act()
            if len(self._answers) > MOST_KEPT:
                self._answers.popitem(last=False)
        return self._answers[key]
