"""Findings: why an attempt to connect came to nothing or too little, in words for who made it."""

from collections.abc import Sequence

from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.contracts import Account, Provider
from tablesync.contracts.internal_api import WrittenBase
from tablesync.contracts.public_api.connections import Finding, NamedAccount
from tablesync.contracts.wording import PROVIDER_LABELS, one_line

ANOTHER_ACCOUNT, BASES_LEFT_OUT = "another_account", "bases_left_out"
# What is said of bases that may be hundreds.
SHOWN = 20


def another_account(expected: Account, found: Account) -> Finding:
    """Describe that somebody signed in to another account, with both names."""
    return Finding(
        kind=ANOTHER_ACCOUNT,
        expected=_named(expected),
        found=_named(found),
        message=f"This connection belongs to {expected.name}, but you signed in to {found.name}. "
        f"Nothing was changed. Try again and choose {expected.name}.",
    )


def bases_left_out(bases: Sequence[WrittenBase]) -> Finding:
    """Describe that a consent does not reach bases that syncs write to."""
    told = "; ".join(map(_told, bases[:SHOWN]))
    more = f"; and {len(bases) - SHOWN} more" if len(bases) > SHOWN else ""
    return Finding(
        kind=BASES_LEFT_OUT,
        bases=tuple(bases[:SHOWN]),
        bases_total=len(bases),
        message=f"Bases that syncs write to were left out on Airtable's page: {told}{more}. Those "
        "syncs are held until their base is chosen: connect once more and choose it too.",
    )


def base_name(base: WrittenBase) -> str:
    """Return a base's name with its id, or the id alone where no name is known."""
    name = one_line(base.name or "")
    return f"{name} ({base.base_id})" if name else base.base_id


def sync_names(base: WrittenBase) -> str:
    """Count the syncs that write to a base, and name the first ones."""
    count = "1 sync" if base.syncs == 1 else f"{base.syncs} syncs"
    more = base.syncs - len(base.sync_names)
    names = ", ".join(map(one_line, base.sync_names)) + (f" and {more} more" if more else "")
    return f"{count}: {names}" if base.sync_names else count


def _named(account: Account) -> NamedAccount:
    return NamedAccount(id=account.id, name=account.name)


def _told(base: WrittenBase) -> str:
    return f"{base_name(base)}, {sync_names(base)}"


def failed(provider: Provider, error: ProviderError | ProviderUnavailableError) -> Finding:
    """Say what went wrong, by the error's kind: its text may come from the provider."""
    away = isinstance(error, ProviderUnavailableError)
    why = "did not answer" if away else "did not accept the sign-in"
    return Finding(
        kind="provider_unavailable" if away else "not_accepted",
        message=f"{PROVIDER_LABELS[provider]} {why}. Nothing was changed. Please start again.",
    )
