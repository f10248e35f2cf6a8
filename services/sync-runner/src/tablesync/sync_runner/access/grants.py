"""Grants: the right to call a provider, as auth-service lends it for a while."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from tablesync.contracts import Account, ConnectionEvent
from tablesync.contracts.internal_api import AccessTokenAnswer, AuthFailureRuling


@dataclass(frozen=True)
class Grant:
    """An access token, when to ask again by `clock.seconds()`, and which grant it belongs to.

    `endpoint` is the base URL of the provider's API for this account, where accounts have their
    own: the token is sent there and nowhere else.
    """

    token: str = field(repr=False)
    version: int
    ends_at: float
    account: Account
    endpoint: str | None = None

    @classmethod
    def of(cls, answer: AccessTokenAnswer, asked_at: float) -> Self:
        """Read an answer to a question that was asked at a time of `clock.seconds()`.

        What is left was counted after we asked: the end is never too late, whatever the clocks say.
        """
        ends_at = asked_at + answer.expires_in
        return cls(answer.token, answer.grant_version, ends_at, answer.account, answer.endpoint)


class AuthService(Protocol):
    """What is asked of auth-service; all of it raises DependencyUnavailableError while away."""

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        """Get an access token: the one place that says whether a run may go on.

        Raises ConnectionLostError if the connection is not connected, or was removed.
        """

    async def report(
        self, connection_id: str, workspace_id: str, version: int, status_code: int
    ) -> AuthFailureRuling:
        """Report a refused token; auth-service rules whether the grant is lost."""

    def connection_states(self, since: int = 0) -> AsyncIterator[Sequence[ConnectionEvent]]:
        """Yield pages of the states whose sequence is higher than `since`, the lowest first."""
