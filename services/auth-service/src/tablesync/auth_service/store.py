"""The collections of auth-service, what they are found by, and how what is stored gets there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.mongo.indexes import Indexes, Retired, expiry
from tablesync.service_kit.roles import persist

T = TypeVar("T")

WORKSPACES = "workspaces"
OPERATORS = "operators"
MEMBERSHIPS = "memberships"
API_TOKENS = "api_tokens"
CONNECTIONS = "connections"
GRANTS = "grants"
AUTHORIZATIONS = "authorizations"
RECONNECT_LINKS = "reconnect_links"
INVITATIONS = "invitations"
INVITATION_LINKS = "invitation_links"
SESSIONS = "sessions"
AUDIT = "audit"
AUDIT_HEADS = "audit_heads"

RETRY_AT_MOST_EVERY_SECONDS = 1.0

_TURN = [("live", ASCENDING), ("retry_at", ASCENDING)]
_LISTED = [("order", ASCENDING), ("_id", ASCENDING)]
_ENDING = [(each, ASCENDING) for each in ("workspace_id", "status", "expires_at", "_id")]
INDEXES: Indexes = {
    OPERATORS: [IndexModel([("email_key", ASCENDING)], name="by_email", unique=True)],
    MEMBERSHIPS: [
        IndexModel([("workspace_id", ASCENDING), ("role", DESCENDING)], name="by_workspace"),
        IndexModel([("operator_id", ASCENDING)], name="by_operator"),
    ],
    API_TOKENS: [
        IndexModel([("digest", ASCENDING)], name="by_digest", unique=True),
        IndexModel([("workspace_id", ASCENDING), ("_id", ASCENDING)], name="by_workspace"),
        IndexModel([("workspace_id", ASCENDING), ("operator_id", ASCENDING)], name="by_member"),
    ],
    CONNECTIONS: [
        IndexModel(
            [("workspace_id", ASCENDING), ("provider", ASCENDING), ("account.id", ASCENDING)],
            name="one_per_account",
            unique=True,
        ),
        IndexModel([("provider", ASCENDING), ("account.id", ASCENDING)], name="by_account"),
        IndexModel([("host", ASCENDING)], name="by_host", sparse=True),
        IndexModel([("sequence", ASCENDING)], name="by_sequence"),
        IndexModel([("workspace_id", ASCENDING), *_LISTED], name="in_order"),
        IndexModel(
            [("workspace_id", ASCENDING), ("provider", ASCENDING), *_LISTED],
            name="in_order_by_provider",
        ),
        Retired("by_workspace"),
    ],
    GRANTS: [
        # Those never tried, which have no `retry_at`, in the order of what makes them due.
        IndexModel([*_TURN, ("refresh_at", ASCENDING)], name="idle_in_turn"),
        IndexModel([*_TURN, ("intent.at", ASCENDING)], name="torn_in_turn"),
        IndexModel([("key_id", ASCENDING), ("_id", ASCENDING)], name="by_key_and_id"),
        *map(Retired, ("refresh_due", "open_intents", "by_key")),
    ],
    AUTHORIZATIONS: [
        IndexModel([("state_digest", ASCENDING)], name="by_state", unique=True, sparse=True),
        IndexModel([("answered_state", ASCENDING)], name="by_answered_state", sparse=True),
        IndexModel([("superseded_states", ASCENDING)], name="by_superseded_state", sparse=True),
        IndexModel(
            [("workspace_id", ASCENDING), ("operator_id", ASCENDING), ("status", ASCENDING)],
            name="by_member",
        ),
        IndexModel(_ENDING, name="in_order"),
        IndexModel(
            _ENDING, name="begun_in_order", partialFilterExpression={"binding": {"$exists": True}}
        ),
    ],
    RECONNECT_LINKS: [
        IndexModel([("connection_id", ASCENDING)], name="by_connection"),
        IndexModel([("workspace_id", ASCENDING), ("recipient_id", ASCENDING)], name="by_recipient"),
    ],
    INVITATIONS: [
        IndexModel(
            [("workspace_id", ASCENDING), ("email_key", ASCENDING)], name="one_each", unique=True
        ),
        IndexModel([("workspace_id", ASCENDING), ("_id", ASCENDING)], name="by_workspace"),
        IndexModel([("email_key", ASCENDING), ("_id", ASCENDING)], name="by_person"),
    ],
    INVITATION_LINKS: [
        IndexModel([("invitation_id", ASCENDING)], name="by_invitation"),
    ],
    SESSIONS: [
        IndexModel([("digest", ASCENDING)], name="by_digest", unique=True),
        IndexModel([("email_key", ASCENDING), ("_id", ASCENDING)], name="by_person"),
        IndexModel([("email_key", ASCENDING), ("began_at", DESCENDING)], name="newest"),
    ],
    AUDIT: [
        IndexModel([("workspace_id", ASCENDING), ("number", ASCENDING)], name="chain"),
        IndexModel(
            [(each, ASCENDING) for each in ("workspace_id", "subject", "action", "number")],
            name="history",
        ),
    ],
}


def expiries(days: int) -> Indexes:
    """Return what has attempts, invitations, links and sessions expire so long after their end.

    The audit trail never does: a chain of hashes that is cut can no longer be verified.
    """
    ending = (AUTHORIZATIONS, RECONNECT_LINKS, INVITATIONS, INVITATION_LINKS, SESSIONS)
    return {name: [expiry("expires_at", days)] for name in ending}


async def through_outages(work: Callable[[], Awaitable[T]], name: str) -> T:
    """Do what concerns something that we alone hold, in memory, however long MongoDB is away."""
    return await persist(work, name, wait_max=RETRY_AT_MOST_EVERY_SECONDS, on=is_unavailable)
