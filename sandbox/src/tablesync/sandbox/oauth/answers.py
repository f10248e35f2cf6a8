"""Auto-answers: scripts say beforehand what a person would click."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Decision = Literal["allow", "deny"]


@dataclass(slots=True)
class Answer:
    """What the next authorize requests are answered with; `times` None stands for every one."""

    user: str
    account: str | None
    decision: Decision
    scopes: list[str] | None
    bases: list[str] | None
    times: int | None


class AnswerBook:
    """The one answer configured for a provider, if any."""

    def __init__(self) -> None:
        self._answer: Answer | None = None

    def configure(self, body: Mapping[str, Any]) -> Answer:
        """Set the answer from a control request's body."""
        bases = body.get("bases")
        self._answer = Answer(
            user=str(body.get("user") or ""),
            account=None if body.get("account") is None else str(body["account"]),
            decision="deny" if body.get("decision") == "deny" else "allow",
            scopes=body.get("scopes"),
            bases=None if bases in (None, "all") else list(bases),
            times=body.get("times"),
        )
        return self._answer

    def clear(self) -> None:
        """Let people click again."""
        self._answer = None

    def take(self) -> Answer | None:
        """Return the answer for one authorize request and count it."""
        answer = self._answer
        if answer is None or answer.times is None:
            return answer
        answer.times -= 1
        if answer.times <= 0:
            self._answer = None
        return answer
