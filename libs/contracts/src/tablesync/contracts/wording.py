"""What people read of a provider, a cause, a moment and a name: said once, wherever it is shown."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from tablesync.contracts.names import UNPRINTED
from tablesync.contracts.specs import ConnectionCause, Provider

# What turns the reading direction of all that follows. Joiners are format characters as well, but
# scripts and emoji are spelled with them.
_STEERING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})

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


def provider_label(provider: str) -> str:
    """Return a provider's name; one that this version does not know is called by its id."""
    return PROVIDER_LABELS.get(provider, provider)


def loss(cause: str | None, provider: str) -> str:
    """Return one sentence that says why a connection to this provider was lost, known or not."""
    text = _LOSSES.get(cause or "", _LOSS_OTHERWISE)
    return text.format(provider=provider_label(provider))


def one_line(text: str) -> str:
    """Return a text from outside so that it fits on a line and changes nothing around it."""
    kept = (each for each in text if unicodedata.bidirectional(each) not in _STEERING)
    shown = (" " if unicodedata.category(each) in UNPRINTED else each for each in kept)
    return " ".join("".join(shown).split())


def moment(when: datetime) -> str:
    """Return a moment such as `22 November 2026, 19:30 UTC`: we do not know where people are."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"
