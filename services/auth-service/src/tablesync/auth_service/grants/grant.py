"""A grant: the encrypted tokens of one connection, and how old they are by the database's clock."""

from datetime import datetime, timedelta
from math import inf

from pydantic import Field
from tablesync.auth_service.keyring import Sealed
from tablesync.contracts import Account, Provider
from tablesync.contracts.specs import Sparse, Value
from tablesync.service_kit.mongo import Document

REFRESH_AHEAD_SECONDS = 300
# Nobody keeps an access token for longer without asking: not even one that never ends.
LENT_SECONDS = 3_600


class Intent(Value):
    """A refresh that was about to be sent, and whose outcome is not known.

    `owner` is the process at work, `at` when it last said so; versions before named no owner,
    and said so once.
    """

    id: str
    at: datetime
    given_up: bool = False
    owner: Sparse[str] = None


class Grant(Value):
    """A grant as it was stored at the moment `now` of the database's clock.

    `version` grows by one at each refresh or reconnect; `live` ends when the provider has ended
    the grant. `host` is where the provider is asked about it, `endpoint` where its API is, where
    these are not the same for all; `expires_at` is None for an access token that never ends.
    """

    connection_id: str
    workspace_id: str
    provider: Provider
    account: Account
    version: int
    live: bool
    access_token: Sealed
    refresh_token: Sparse[Sealed] = None
    key_id: Sparse[str] = None
    obtained_at: Sparse[datetime] = None
    expires_at: datetime | None
    lifetime_seconds: int | None
    refresh_expires_at: datetime | None = None
    refresh_at: Sparse[datetime] = None
    intent: Sparse[Intent] = None
    cooldown_until: Sparse[datetime] = None
    forced_at: Sparse[datetime] = None
    host: Sparse[str] = None
    endpoint: Sparse[str] = None
    now: datetime = Field(exclude=True)

    @property
    def refreshable(self) -> bool:
        """Whether there is anything to refresh it with: else its access token is all there is."""
        return self.refresh_token is not None

    @property
    def remaining_seconds(self) -> float:
        """How long the access token lives; negative once it is over, infinite if it never is."""
        return _seconds(self.now, self.expires_at) if self.expires_at else inf

    @property
    def lent_until(self) -> datetime:
        """Until when the access token may be used before it is asked for again."""
        latest = self.now + timedelta(seconds=LENT_SECONDS)
        return min(self.expires_at or latest, latest)

    @property
    def fresh(self) -> bool:
        """Whether the access token need not be refreshed yet, or cannot be and is not over."""
        ahead = min(REFRESH_AHEAD_SECONDS, (self.lifetime_seconds or 0) / 2)
        return self.remaining_seconds > (ahead if self.refreshable else 0)

    @property
    def intent_age_seconds(self) -> float | None:
        """How long ago its owner last was at work; None if nobody waits for an outcome."""
        if self.intent is None or self.intent.given_up:
            return None
        return _seconds(self.intent.at, self.now)

    @property
    def cooldown_seconds(self) -> float:
        """How long the provider is to be left alone."""
        return max(0.0, _seconds(self.now, self.cooldown_until)) if self.cooldown_until else 0.0

    @property
    def since_forced_seconds(self) -> float | None:
        """How long ago a failure report forced a refresh."""
        return _seconds(self.forced_at, self.now) if self.forced_at else None

    @property
    def refresh_token_over(self) -> bool:
        """Whether the refresh token's own life is over by the clock."""
        return self.refresh_expires_at is not None and self.refresh_expires_at <= self.now

    def to_document(self) -> Document:
        """Return the stored form."""
        return {"_id": self.connection_id, **self.model_dump(exclude={"connection_id"})}

    @classmethod
    def from_document(cls, document: Document) -> "Grant":
        """Read the stored form, with the `now` that PROJECTION adds to it."""
        return cls.model_validate({**document, "connection_id": document["_id"]})


# What to find a grant with.
PROJECTION: Document = {
    **dict.fromkeys(Grant.model_fields, 1),
    "now": "$$NOW",
}


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
