"""What people can do to a provider to watch a recovery: a few actions, in their own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .reading import Body


@dataclass(frozen=True)
class Way:
    """An action under the words of whoever chooses it, and what then is to be seen."""

    action: str
    title: str
    outcome: str
    body: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> Body:
        """Return it as the control API says it."""
        return {
            "action": self.action,
            "title": self.title,
            "outcome": self.outcome,
            "body": dict(self.body),
        }


_LOST = "The next call is refused: the connection is lost, its syncs wait, and one mail goes out."
_PATIENT = "Runs wait and try again: nothing is lost, and nobody is mailed."
_SHARED = (
    Way("revoke", "Take the access back", _LOST),
    Way("expire", "Let the access token expire", "It is refreshed, and nobody notices."),
    Way("throttle", "Answer “too many requests” for a minute", _PATIENT, {"seconds": 60}),
    Way("break", "Answer the next ten requests with errors", _PATIENT, {"count": 10}),
    Way("latency", "Be slow: two seconds for each answer", _PATIENT, {"ms": 2000}),
)
_WAYS: dict[str, Sequence[Way]] = {
    "hubspot": (Way("uninstall", "Uninstall the TableSync app", _LOST), *_SHARED),
    "airtable": (Way("change-password", "Change the password", _LOST), *_SHARED),
}
_MENDS = (
    Way("unbreak", "Stop errors and refusals", "Runs go on."),
    Way("latency", "Be quick again", "Runs go on.", {"ms": 0}),
)


def ways(provider: str) -> list[Body]:
    """Return what can be done to an account of a provider."""
    return [each.shown() for each in (*_WAYS.get(provider, ()), *_MENDS)]
