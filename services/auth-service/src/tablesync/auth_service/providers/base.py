"""What every provider can do for auth-service, and the values that it gives."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

import httpx
from pydantic import SecretStr
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.providers.profile import Profile
from tablesync.contracts import Account, Provider
from tablesync.contracts.names import LONGEST
from tablesync.contracts.public_api.connections import Places
from tablesync.contracts.wording import one_line
from tablesync.service_kit import clock
from tablesync.service_kit.redaction import foreign_text

# Scopes are a provider's words, and part of what is told of a connection.
MOST_SCOPES = 500
_SCOPE = re.compile(r"[\w.:/*-]{1,150}")
# An address has no more characters (RFC 5321, 4.5.3.1).
_LONGEST_ADDRESS = 254


@dataclass(frozen=True)
class TokenSet:
    """What an exchange or a refresh gave; lifetimes in seconds from the answer.

    `refresh_token` is None where the provider gave none, or did not repeat it; `expires_in` where
    the access token never ends, `scopes` where it did not say.
    """

    access_token: SecretStr
    refresh_token: SecretStr | None
    expires_in: int | None
    refresh_expires_in: int | None = None
    scopes: tuple[str, ...] | None = None
    received_at: float = field(default_factory=clock.seconds, compare=False)

    def age_seconds(self) -> float:
        """Return how long ago the answer came: storing it may have had to wait."""
        return clock.seconds() - self.received_at


@dataclass(frozen=True)
class Identity:
    """Whose grant this is and what it allows.

    `endpoint` is the base URL of the API for this account, where accounts have their own.
    """

    account: Account
    scopes: tuple[str, ...]
    endpoint: str | None = None


class Rotation(Enum):
    """What becomes of a refresh token that is used."""

    NONE = "none"  # it stays: a second sending is harmless
    STRICT = "strict"  # it is over: a second sending may end the grant
    GRACE = "grace"  # it is replaced, and may be sent again if nobody has the new one


class Probe(Enum):
    """Whether the provider takes an access token."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Hints:
    """What people read of a provider.

    `asks`: what its consent page will ask for. `connect`, `reconnect`: what to choose there, the
    first time and any other. `removal`: where to remove the app. `left_out`: what becomes of what
    was not chosen, where that cannot be told of the grant.
    """

    asks: str
    connect: str
    reconnect: str
    removal: str
    left_out: str = ""


@dataclass(frozen=True)
class Hint:
    """What a webhook says: a grant at this host may have ended, at a time by another's clock."""

    host: str
    at: datetime


class Webhooks(Protocol):
    """What a provider sends of its own accord."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Hint | None:
        """Return what a webhook hints at, None for one that says nothing of a grant.

        Raises WebhookRefusedError for what the provider has not sent.
        """
        ...


@dataclass(frozen=True)
class ProviderContext:
    """How this process reaches providers, and where they send browsers back to.

    `refresh_seconds` is how long the answer to a refresh is waited for.
    """

    transport: httpx.AsyncBaseTransport
    http: httpx.AsyncClient
    public_url: str
    refresh_seconds: float

    def redirect_uri(self, provider: Provider) -> str:
        """Return the one redirect URI of a provider."""
        return f"{self.public_url}/oauth/{provider}/callback"


# The parameters of a callback, as they came: a signature may be over all of them.
Query = Sequence[tuple[str, str]]


class OAuthProvider(Protocol):
    """What there is to know of a provider, whoever connects it.

    `idle_seconds`: an unused grant ends after that long; None for never. `webhooks` is None where
    it sends none. `sign_out_url` is where one signs out of it, to be another there, and `places`
    are where its records are looked at.
    """

    name: Provider
    hints: Hints
    profile: Profile
    sign_out_url: str
    places: Places
    rotation: Rotation
    webhooks: Webhooks | None
    required_scopes: tuple[str, ...]
    idle_seconds: int | None
    redirect_uri: str

    def host_of(self, given: str | None) -> str | None:
        """Return the host to connect at, as what was given names it; None where there is one.

        Raises HostRefusedError for what names none, before any address is made of it.
        """
        ...

    def at(self, host: str | None) -> "OAuthHost":
        """Return its endpoints at a host that `host_of` has returned."""
        ...

    def verify_callback(self, query: Query, host: str | None) -> bool:
        """Whether it is the provider that sent a browser here, back from this host."""
        ...


class OAuthHost(Protocol):
    """A provider's OAuth endpoints at one host, or at the only one that it has.

    `web_origins`: where a browser is sent to, for the page's content security policy.

    Every call ends within its own deadline and raises only the errors of `errors.py`.
    """

    name: Provider
    web_origins: tuple[str, ...]

    def authorize_url(
        self, state: SecretStr, verifier: SecretStr, extra_scopes: Sequence[str] = ()
    ) -> str:
        """Return the page on which a person allows access; it carries the verifier's digest."""
        ...

    async def exchange(self, code: SecretStr, verifier: SecretStr) -> TokenSet:
        """Turn a code into tokens."""
        ...

    async def refresh(self, refresh_token: SecretStr, may_go: Callable[[], bool]) -> TokenSet:
        """Get fresh tokens, if the request `may_go` at the moment when its bytes go out."""
        ...

    async def identify(self, access_token: SecretStr) -> Identity:
        """Ask whose token this is; raises GrantLostError if it is nobody's any more."""
        ...

    async def granted_bases(self, access_token: SecretStr) -> frozenset[str] | None:
        """Return the ids of the bases that the token reaches; None where there is no choice."""
        ...

    async def end(self, refresh_token: SecretStr) -> bool:
        """End this grant alone at the provider; False where it offers no such call."""
        ...

    async def probe(self, access_token: SecretStr) -> Probe:
        """Ask whether the token works, without changing anything."""
        ...


def told_account(found: Account, provider: Provider) -> Account:
    """Return what of an account may be told to everybody: its name cut short, an address whole.

    Raises ProviderUnavailableError for an id that cannot be kept: cut short, it would be another's.
    """
    if not _can_be_kept(found.id, LONGEST):
        raise ProviderUnavailableError(provider)
    name = one_line(found.name[:LONGEST]) or found.id
    email = found.email if _can_be_kept(found.email or "", _LONGEST_ADDRESS) else None
    return Account(id=found.id, name=name, email=email)


def _can_be_kept(told: str, most: int) -> bool:
    return 0 < len(told) <= most and told.isprintable() and told == told.strip()


def told_scopes(found: Sequence[str]) -> tuple[str, ...]:
    """Return what of a provider's list may be told to everybody: names, and no end of them."""
    return tuple(filter(_is_scope, found[:MOST_SCOPES]))


def _is_scope(told: str) -> bool:
    return bool(_SCOPE.fullmatch(told)) and foreign_text(told) == told


def missing_scopes(provider: OAuthProvider, granted: Sequence[str]) -> tuple[str, ...]:
    """Return what was asked for and left out; nothing is known of what was not told."""
    return tuple(each for each in provider.required_scopes if granted and each not in granted)
