"""Findings: why an attempt to connect came to nothing, in words for whoever made it."""

from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.auth_service.store import Sparse
from tablesync.contracts import Account, Provider
from tablesync.contracts.specs import Value
from tablesync.contracts.wording import PROVIDER_LABELS

ANOTHER_ACCOUNT = "another_account"


class NamedAccount(Value):
    """An account as people know it."""

    id: str
    name: str

    @classmethod
    def of(cls, account: Account) -> "NamedAccount":
        """Name an account."""
        return cls(id=account.id, name=account.name)


class Finding(Value):
    """What an operator should know of an attempt; with both names if it was another account."""

    kind: str
    expected: Sparse[NamedAccount] = None
    found: Sparse[NamedAccount] = None
    message: str


def another_account(expected: Account, found: Account) -> Finding:
    """Describe that somebody signed in to another account, with both names."""
    return Finding(
        kind=ANOTHER_ACCOUNT,
        expected=NamedAccount.of(expected),
        found=NamedAccount.of(found),
        message=f"This connection belongs to {expected.name}, but you signed in to {found.name}. "
        f"Nothing was changed. Try again and choose {expected.name}.",
    )


def failed(provider: Provider, error: ProviderError | ProviderUnavailableError) -> Finding:
    """Say what went wrong, by the error's kind: its text may come from the provider."""
    away = isinstance(error, ProviderUnavailableError)
    why = "did not answer" if away else "did not accept the sign-in"
    return Finding(
        kind="provider_unavailable" if away else "not_accepted",
        message=f"{PROVIDER_LABELS[provider]} {why}. Nothing was changed. Please start again.",
    )
