"""What people read of a provider, a cause, a moment and a name: said once, wherever it is shown."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from tablesync.contracts.names import UNPRINTED, legible
from tablesync.contracts.specs import (
    NOT_GRANTED,
    ConnectionCause,
    HoldKind,
    Provider,
    SyncStatus,
)

_FROM_THE_RIGHT = frozenset({"R", "AL"})

PROVIDER_LABELS: Mapping[str, str] = MappingProxyType(
    {
        Provider.AIRTABLE: "Airtable",
        Provider.HUBSPOT: "HubSpot",
        Provider.SHOPIFY: "Shopify",
        Provider.MAILCHIMP: "Mailchimp",
    }
)

_LOSSES: Mapping[str, str] = MappingProxyType(
    {
        ConnectionCause.TOKEN_REJECTED: "{provider} no longer accepts TableSync’s access, "
        "as happens after a password change or when access is withdrawn.",
        ConnectionCause.GRANT_REVOKED: "TableSync’s access was withdrawn at {provider}.",
        ConnectionCause.GRANT_EXPIRED: "TableSync’s access to {provider} has expired.",
        ConnectionCause.APP_UNINSTALLED: "The TableSync app was uninstalled at {provider}.",
        ConnectionCause.SCOPE_REDUCED: "Permissions that TableSync needs were taken away "
        "at {provider}.",
        ConnectionCause.ROTATION_LOST: "TableSync was interrupted while it renewed its access to "
        "{provider}, which hands it out only once; nothing on your side caused this.",
        ConnectionCause.OPERATOR: "A member of your team disconnected {provider}.",
    }
)
_LOSS_OTHERWISE = "{provider} no longer gives TableSync access."

_FOUND_AGAIN = (
    "what it needs is there again (looked at every 15 minutes, less often after tries in vain, "
    "and at once when its mapping is saved again)"
)
_ENDS: Mapping[str, str] = MappingProxyType(
    {
        HoldKind.CONNECTION: "its connection is reconnected",
        HoldKind.RESOURCE: _FOUND_AGAIN,
        HoldKind.MAPPING: _FOUND_AGAIN,
        NOT_GRANTED: "its connection is reconnected with all of that allowed",
        HoldKind.QUOTA: "the provider’s quota is refilled",
        HoldKind.PLANNED: "the reconnect that was announced is done",
    }
)
_ENDS_OTHERWISE = "what holds it is over"
_BOTH_RECONNECTED = "both its connections are reconnected"
_RESUMED = "somebody resumes it"


def provider_label(provider: str) -> str:
    """Return a provider's name; one that this version does not know is called by its id."""
    return PROVIDER_LABELS.get(provider, provider)


def loss(cause: str | None, provider: str) -> str:
    """Return one sentence that says why a connection to this provider was lost, known or not."""
    text = _LOSSES.get(cause or "", _LOSS_OTHERWISE)
    return text.format(provider=provider_label(provider))


def runs_again(status: str, hold_kinds: Sequence[str]) -> str | None:
    """Return when a sync that is stopped runs again, such as `once somebody resumes it`.

    `hold_kinds` has one for each hold, as it is told. None for a sync that nothing stops: its next
    slot says when it runs.
    """
    kinds = sorted(hold_kinds, key=lambda each: each != HoldKind.CONNECTION)
    ends = [_ENDS.get(each, _ENDS_OTHERWISE) for each in kinds]
    if kinds.count(HoldKind.CONNECTION) > 1:
        ends = [_BOTH_RECONNECTED, *(each for each in ends if each != _ENDS[HoldKind.CONNECTION])]
    if status == SyncStatus.PAUSED:
        ends = [_RESUMED, *ends]
    return f"once {' and '.join(dict.fromkeys(ends))}" if ends else None


def stopped(status: str, hold_kinds: Sequence[str]) -> str:
    """Return how a sync stands that is paused or held, and when it runs again."""
    state = "paused" if status == SyncStatus.PAUSED else "on hold"
    return f"{state}; runs again {runs_again(status, hold_kinds)}"


def one_line(text: str) -> str:
    """Return a text from outside so that it fits on a line and changes nothing around it."""
    shown = (" " if unicodedata.category(each) in UNPRINTED else each for each in text)
    return " ".join(legible("".join(shown)).split())


def isolated(text: str) -> str:
    """Return a line in marks of its own direction, if it is read from the right.

    So it cannot turn the words around it.
    """
    is_turned = any(unicodedata.bidirectional(each) in _FROM_THE_RIGHT for each in text)
    return f"\u2068{text}\u2069" if is_turned else text


def moment(when: datetime) -> str:
    """Return a moment such as `22 November 2026, 19:30 UTC`: we do not know where people are."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"
