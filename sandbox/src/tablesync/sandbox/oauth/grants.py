"""Grants and their tokens: one grant is one code exchange and all that was refreshed from it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from tablesync.sandbox.clock import now

TokenKind = Literal["access", "refresh"]
TokenState = Literal["live", "consumed"]


@dataclass(slots=True)
class Grant:
    """What one person allowed the app to do in one account."""

    id: str
    provider: str
    account: str
    user: str
    client_id: str
    scopes: list[str]
    bases: set[str] | None = None
    """Airtable base ids that the person picked; None stands for all of them."""
    alive: bool = True
    end: str = ""
    """Why the grant died, in the words of the control action."""
    created_at: float = field(default_factory=now)


@dataclass(slots=True)
class Token:
    """One access or refresh token; dead ones are kept, so that their calls can be attributed."""

    value: str
    kind: TokenKind
    grant: Grant
    expires_at: float | None
    state: TokenState = "live"
    consumed_at: float = 0.0
    narrowed: frozenset[str] | None = None
    """The scopes that a refresh asked for, where they were fewer than the grant's."""

    @property
    def scopes(self) -> list[str]:
        """What may be done with it: of what is granted now, in the same order."""
        narrowed = self.narrowed
        return [each for each in self.grant.scopes if narrowed is None or each in narrowed]

    @property
    def expired(self) -> bool:
        """Whether its life is over by the clock."""
        return self.expires_at is not None and self.expires_at <= now()

    @property
    def usable(self) -> bool:
        """Whether the provider accepts it."""
        return self.grant.alive and self.state == "live" and not self.expired

    def consume(self) -> None:
        """Take it out of use."""
        self.state = "consumed"
        self.consumed_at = now()


class GrantStore:
    """All grants and tokens of one provider, found by token value."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.by_id: dict[str, Grant] = {}
        self._tokens: dict[str, Token] = {}
        self._of_grant: dict[str, list[Token]] = {}
        self._numbers = count(1)

    def open(
        self,
        account: str,
        user: str,
        client_id: str,
        scopes: Iterable[str],
        bases: set[str] | None = None,
    ) -> Grant:
        """Create a grant without tokens."""
        name = f"{self.provider}-{next(self._numbers)}"
        grant = Grant(name, self.provider, account, user, client_id, list(scopes), bases)
        self.by_id[name] = grant
        self._of_grant[name] = []
        return grant

    def issue(
        self, grant: Grant, kind: TokenKind, value: str, seconds: float | None = None
    ) -> Token:
        """Store a token of the grant that lives for so many seconds (None: for ever)."""
        token = Token(value, kind, grant, None if seconds is None else now() + seconds)
        self._tokens[value] = token
        self._of_grant[grant.id].append(token)
        return token

    def find(self, value: str, kind: TokenKind | None = None) -> Token | None:
        """Return the token, dead or alive."""
        token = self._tokens.get(value)
        return token if token and kind in (None, token.kind) else None

    def tokens_of(self, grant: Grant, kind: TokenKind) -> Iterator[Token]:
        """Yield the grant's tokens of one kind, oldest first."""
        return (token for token in self._of_grant[grant.id] if token.kind == kind)

    def of_account(self, account: str) -> Iterator[Grant]:
        """Yield the living grants of an account; `-` stands for every account."""
        return (
            grant
            for grant in list(self.by_id.values())
            if grant.alive and account in ("-", grant.account)
        )

    def end_account(self, account: str, why: str) -> list[str]:
        """Kill every grant of the account; return their ids."""
        ended = list(self.of_account(account))
        for grant in ended:
            grant.alive, grant.end = False, why
        return [grant.id for grant in ended]

    def expire_access(self, account: str) -> int:
        """Let all live access tokens of the account expire now; return how many there were."""
        moment = now()
        live = [
            token
            for grant in self.of_account(account)
            for token in self.tokens_of(grant, "access")
            if token.usable
        ]
        for token in live:
            token.expires_at = moment
        return len(live)
