"""As whom services are called: what lasts is exchanged for a token of five minutes."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from pydantic import SecretStr
from tablesync.contracts.public_api.people import Credentials as Sent
from tablesync.contracts.public_api.people import UserToken

# A token is not used to its very end: it has to arrive while it is good.
SPARE_SECONDS = 30.0
Exchange = Callable[[Sent], Awaitable[UserToken]]


class Credentials(Protocol):
    """What somebody has who may call services."""

    def use(self, exchange: Exchange) -> None:
        """Take how auth-service is asked; called once, before all else."""
        ...

    async def token(self) -> str:
        """Return a token that is good now; raises TableSyncError."""
        ...

    def forget(self) -> None:
        """Ask for another token the next time: this one was refused."""
        ...


class Exchanged:
    """What is exchanged for user tokens; each is kept for as long as it is good."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._exchange: Exchange | None = None
        self._held: UserToken | None = None
        self._good_until = 0.0

    def use(self, exchange: Exchange) -> None:
        """Take how auth-service is asked."""
        self._exchange = exchange

    async def token(self) -> str:
        """Return a token that is good now."""
        return (await self.signed_in()).access_token

    async def signed_in(self) -> UserToken:
        """Return the token with whose it is."""
        # Whoever slept meanwhile is refused, and asks anew.
        now = time.monotonic()  # noqa: TID251
        if self._held is None or now >= self._good_until:
            assert self._exchange, "these credentials belong to no client yet"
            held = await self._exchange(self._sent)
            self._held = held
            self._good_until = now + held.expires_in - SPARE_SECONDS
        return self._held

    def forget(self) -> None:
        """Ask for another token the next time."""
        self._held = None


class SessionToken(Exchanged):
    """The session of somebody signed in, in one of their workspaces.

    Without a workspace it is the only one they have, and none for somebody who has none.
    """

    def __init__(self, secret: SecretStr, workspace_id: str | None = None) -> None:
        super().__init__(Sent(session_token=secret, workspace_id=workspace_id))


class ApiToken(Exchanged):
    """An API token of one workspace, as `TABLESYNC_API_TOKEN` has it."""

    def __init__(self, secret: str | SecretStr) -> None:
        super().__init__(
            Sent(api_token=secret if isinstance(secret, SecretStr) else SecretStr(secret))
        )
