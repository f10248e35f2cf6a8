"""What auth-service is asked: tokens, rulings, reconnect links, recipients, connection states."""

from enum import StrEnum
from math import inf
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.config import JsonDict
from tablesync.contracts.connection_events import ConnectionEvent
from tablesync.contracts.internal_api.base import Body, Items, Text, Tolerant, is_none, showing
from tablesync.contracts.specs import Account, ConnectionCause, ConnectionStatus, Moment

# The most connection states of one page, and as many as come unless fewer are asked for.
STATES_LIMIT = 1_000
# The problem type of a 409 that carries the members of ConnectionNotConnected.
CONNECTION_NOT_CONNECTED = "connection-not-connected"
# The problem type of a 500: the stored grant cannot be read, and asking again does not mend it.
GRANT_UNREADABLE = "grant-unreadable"

_WORKSPACE = "ws_01997f2a-3c10-7a41-9d52-6b1f0c8e4a01"
_CONNECTION = "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03"
_OWNER = "op_01997f2a-3c55-7b02-8f10-2a9d4c7e1b02"
_ACCOUNT: JsonDict = {"id": "48211907", "name": "acme.example", "email": "ada@acme.example"}


class AccessTokenRequest(Body):
    """What sync-runner sends for an access token."""

    model_config = showing({"workspace_id": _WORKSPACE})

    workspace_id: Text


class AccessTokenAnswer(Body):
    """A short-lived access token in plain text, and the grant that it belongs to."""

    model_config = showing(
        {
            "token": "the provider's access token",
            "expires_at": "2026-11-22T10:22:41.803Z",
            "expires_in": 1799.2,
            "grant_version": 3,
            "account": _ACCOUNT,
        }
    )

    token: str = Field(repr=False, description="Sent to the provider alone; never logged.")
    expires_at: Moment = Field(
        description="When it ends, UTC, by auth-service's database clock; or, of one that lives "
        "for longer or for ever, when to ask again."
    )
    expires_in: float = Field(
        description="Seconds that were left when auth-service answered: whoever counts them from "
        "when it asked is never too late, whatever the clocks say."
    )
    grant_version: int = Field(ge=0, description="To be named when a provider refuses the token.")
    account: Account
    endpoint: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="The base URL of the provider's API for this account, where accounts have "
        "their own.",
    )


class ConnectionNotConnected(Body):
    """What the problem `connection-not-connected` (409) says beside its detail."""

    model_config = showing(
        {
            "connection_id": _CONNECTION,
            "connection_status": "revoked",
            "cause": "app_uninstalled",
            "grant_version": 3,
        }
    )

    connection_id: Tolerant[str] = None
    connection_status: Tolerant[ConnectionStatus] = None
    cause: Tolerant[ConnectionCause] = None
    grant_version: Tolerant[int] = None


class AuthFailureReport(Body):
    """A provider refused a token of this grant version."""

    model_config = showing({"workspace_id": _WORKSPACE, "grant_version": 3, "status_code": 401})

    workspace_id: Text
    grant_version: int = Field(ge=0, description="Of the grant whose token was refused.")
    status_code: int | None = Field(
        default=None,
        ge=100,
        le=599,
        exclude_if=is_none,
        description="The provider's HTTP status.",
    )
    detail: str | None = Field(
        default=None,
        max_length=2_000,
        exclude_if=is_none,
        description="The provider's own words, without a token.",
    )


class Verdict(StrEnum):
    """What whoever reported a refused token is to do."""

    STALE = "stale"  # use the newer token
    RECOVERED = "recovered"  # refreshed: try again
    NOT_CONFIRMED = "not_confirmed"  # the grant works: this object is forbidden
    INCONCLUSIVE = "inconclusive"  # the provider cannot be asked: wait
    REVOKED = "revoked"  # stop

    @classmethod
    def _missing_(cls, value: object) -> "Verdict":
        """Read a verdict that this version does not know as the one that harms nothing."""
        return cls.INCONCLUSIVE


def _a_wait(seconds: float) -> float:
    """Refuse what nobody can wait for; a reader then waits as it does where nothing is said."""
    if not 0 <= seconds < inf:
        raise ValueError("is no time to wait")
    return seconds


class AuthFailureRuling(Body):
    """What became of a grant that a provider refused."""

    model_config = showing(
        {"verdict": "revoked", "grant_version": 3},
        {"verdict": "inconclusive", "grant_version": 3, "retry_after": 12.5},
    )

    verdict: Verdict = Field(description="One that a reader does not know is `inconclusive`.")
    grant_version: int = Field(ge=0, description="The grant's version now.")
    retry_after: Tolerant[Annotated[float, AfterValidator(_a_wait)]] = Field(
        default=None,
        exclude_if=is_none,
        description="Seconds to wait from this answer on; left out where waiting does not help.",
    )


class ReconnectLinkRequest(Body):
    """What notifier sends for a fresh reconnect link."""

    model_config = showing({"workspace_id": _WORKSPACE, "recipient_id": _OWNER})

    workspace_id: Text
    recipient_id: Text | None = Field(
        default=None,
        exclude_if=is_none,
        description="Whom the mail goes to: the link ends once they may not connect accounts. "
        "Without it, the link is its own right.",
    )


class ReconnectLinkAnswer(Body):
    """A fresh link: whoever has it may reconnect this connection, to the same account alone."""

    model_config = showing(
        {
            "url": "https://auth.tablesync.example/reconnect/the-secret",
            "expires_at": "2026-11-29T09:52:41.803Z",
        }
    )

    url: str = Field(repr=False, description="It goes into the body of a mail and nowhere else.")
    expires_at: Moment = Field(description="When it ends, UTC, by auth-service's database clock.")


class InvitationLinkRequest(Body):
    """What notifier sends for what an invitation's mail says."""

    model_config = showing({"workspace_id": _WORKSPACE})

    workspace_id: Text


class Inviter(Body):
    """Who invites, as the one invited may know them."""

    model_config = showing({"email": "ada@acme.example", "name": "Ada"})

    email: str
    name: str


class InvitationLinkAnswer(Body):
    """An invitation and a fresh link: whoever has it may join the workspace as the one invited."""

    model_config = showing(
        {
            "url": "https://auth.tablesync.example/invitations/the-secret",
            "expires_at": "2026-11-29T09:52:41.803Z",
            "email": "grace@acme.example",
            "name": "Grace",
            "role": "operator",
            "workspace_name": "Acme",
            "invited_by": {"email": "ada@acme.example", "name": "Ada"},
        }
    )

    url: str = Field(repr=False, description="It goes into the body of a mail and nowhere else.")
    expires_at: Moment = Field(description="When it ends, UTC, by auth-service's database clock.")
    email: str = Field(description="The one address that the mail may go to.")
    name: str = Field(description="As whoever invites has written it.")
    role: str = Field(description="`viewer`, `operator` or `admin`.")
    workspace_name: str
    invited_by: Inviter


class Recipient(Body):
    """A person who may be mailed."""

    model_config = showing(
        {
            "operator_id": _OWNER,
            "email": "ada@acme.example",
            "name": "Ada",
            "role": "operator",
        }
    )

    operator_id: str
    email: str
    name: str
    role: str = Field(description="`viewer`, `operator` or `admin`.")


class Recipients(Items[Recipient]):
    """Who may be mailed: the owner first, if still a member, then admins; each address once."""


class ConnectionStates(Items[ConnectionEvent]):
    """One page of connection states of all workspaces, oldest change first.

    Each is what a connection event would say. Those of one moment are never parted, so that a
    page may be longer than was asked for.
    """

    model_config = showing(
        {
            "items": [
                {
                    "workspace_id": _WORKSPACE,
                    "sequence": 1_795_341_161_803,
                    "connection_id": _CONNECTION,
                    "provider": "hubspot",
                    "account": _ACCOUNT,
                    "grant_version": 3,
                    "status": "revoked",
                    "cause": "app_uninstalled",
                    "owner_id": _OWNER,
                    "changed_at": "2026-11-22T09:52:41.803Z",
                }
            ]
        }
    )

    def next_since(self, since: int, limit: int = STATES_LIMIT) -> int | None:
        """Return the `since_sequence` of the page after this one; None if this is the last.

        States that could not be read count as well: a reader goes past them.
        """
        unread = (_sequence_of(each.item) for each in self.unreadable)
        newest = max((*(each.sequence for each in self.items), *unread), default=since)
        full = len(self.items) + len(self.unreadable) >= limit
        return newest if full and newest > since else None


def _sequence_of(item: Any) -> int:
    sequence = item.get("sequence") if isinstance(item, dict) else None
    return sequence if isinstance(sequence, int) else 0
