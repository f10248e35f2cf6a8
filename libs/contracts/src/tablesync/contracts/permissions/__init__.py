"""What scopes allow and which syncs need them: one file for each provider, asked for here alone."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from tablesync.contracts.permissions import airtable, hubspot
from tablesync.contracts.permissions.base import Permission
from tablesync.contracts.specs import Provider
from tablesync.contracts.wording import provider_label

__all__ = [
    "Permission",
    "extra_permissions",
    "extra_scopes",
    "in_words",
    "not_granted",
    "required_scopes",
    "scopes_to_read",
    "scopes_to_write",
]

PERMISSIONS: Mapping[str, Sequence[Permission]] = MappingProxyType(
    {Provider.AIRTABLE: airtable.PERMISSIONS, Provider.HUBSPOT: hubspot.PERMISSIONS}
)


def required_scopes(provider: str) -> tuple[str, ...]:
    """Return what every consent is asked for."""
    return tuple(each.scope for each in PERMISSIONS.get(provider, ()) if not each.extra)


def extra_permissions(provider: str) -> Mapping[str, Permission]:
    """Return what a consent may be asked for beside, by the names by which it is wished for."""
    return {each.extra: each for each in PERMISSIONS.get(provider, ()) if each.extra}


def extra_scopes(provider: str, names: Collection[str]) -> tuple[str, ...]:
    """Return the scopes of what is wished for by these names."""
    return tuple(each.scope for name, each in extra_permissions(provider).items() if name in names)


def scopes_to_read(provider: str, object_: str) -> tuple[str, ...]:
    """Return the scopes without which this object of a source cannot be read."""
    return tuple(each.scope for each in PERMISSIONS.get(provider, ()) if object_ in each.reads)


def scopes_to_write(provider: str) -> tuple[str, ...]:
    """Return the scopes without which no table can be written."""
    return tuple(each.scope for each in PERMISSIONS.get(provider, ()) if each.writes)


def in_words(provider: str, scopes: Collection[str]) -> str:
    """Return what scopes allow, such as `read contacts and read deals`; unknown ones as they are.

    They stand in the order in which the provider's page lists them.
    """
    words = {each.scope: each.words for each in PERMISSIONS.get(provider, ())}
    known = [words[each] for each in words if each in scopes]
    said = [*known, *(each for each in scopes if each not in words)]
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))


def not_granted(provider: str, scopes: Collection[str], base: str | None = None) -> str:
    """Return what a consent left out, and what to do about it, in a sentence or two for people."""
    label, parts = provider_label(provider), []
    if scopes:
        parts.append(
            f"TableSync was not allowed to {in_words(provider, scopes)} at {label} "
            f"({', '.join(scopes)}): reconnect {label} and allow it."
        )
    if base:
        parts.append(
            f"The base {base} was not chosen on {label}’s page: reconnect {label} and choose it "
            "too."
        )
    return " ".join(parts)
