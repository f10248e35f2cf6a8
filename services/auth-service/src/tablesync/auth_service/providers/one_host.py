"""What is the same at providers that are at one host for everybody: they ask for none.

They send no webhooks either, unless one says otherwise.
"""

from typing import Self

from tablesync.auth_service.errors import HostRefusedError
from tablesync.auth_service.providers.base import Query, Webhooks
from tablesync.auth_service.providers.oauth_client import CodeFlow, OAuthClient
from tablesync.contracts import Provider
from tablesync.contracts.wording import PROVIDER_LABELS


class OneHost(CodeFlow):
    """A provider that is its own host; `issuer` is what it calls itself, where it says so."""

    name: Provider
    webhooks: Webhooks | None = None

    def __init__(self, oauth: OAuthClient, issuer: str) -> None:
        super().__init__(oauth)
        self._issuer = issuer

    def host_of(self, given: str | None) -> None:
        """Return None; raises HostRefusedError if a host was given."""
        if given is not None:
            raise HostRefusedError(f"{PROVIDER_LABELS[self.name]} asks for none", "Leave it out.")

    def at(self, host: str | None) -> Self:
        """Return itself."""
        return self

    def verify_callback(self, query: Query, host: str | None) -> bool:
        """Whether the issuer is the right one, where it is named (RFC 9207)."""
        return dict(query).get("iss", self._issuer) == self._issuer
