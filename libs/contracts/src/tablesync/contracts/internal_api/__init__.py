"""The bodies of `/internal/v1`, which routes answer with, clients read and stand-ins speak.

Services of neighbouring versions talk to each other: readers ignore unknown members, read an
unknown verdict as inconclusive, and take lists with `Items.read`, where what this version does
not know spoils itself alone.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tablesync.contracts.internal_api.auth_service import (
    CONNECTION_NOT_CONNECTED,
    GRANT_UNREADABLE,
    STATES_LIMIT,
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    ConnectionNotConnected,
    ConnectionStates,
    InvitationLinkAnswer,
    InvitationLinkRequest,
    Inviter,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
    Verdict,
)
from tablesync.contracts.internal_api.base import Body, Items, Unreadable
from tablesync.contracts.internal_api.scheduler import (
    AFFECTED_LIMIT,
    NAMED_SYNCS,
    WRITTEN_BASES_LIMIT,
    AffectedSync,
    AffectedSyncs,
    CatchUp,
    CatchUpCounts,
    SyncOwner,
    WrittenBase,
    WrittenBases,
)
from tablesync.contracts.internal_api.sync_runner import (
    RUN_IDS_LIMIT,
    AirtableBase,
    AirtableBases,
    AirtableField,
    AirtableTable,
    AirtableTables,
    RunState,
    RunStates,
    SourceObject,
    SourceObjects,
    SourceOption,
    SourceProperties,
    SourceProperty,
)

_BODIES: tuple[type[Body], ...] = (
    AccessTokenRequest,
    AccessTokenAnswer,
    ConnectionNotConnected,
    AuthFailureReport,
    AuthFailureRuling,
    ReconnectLinkRequest,
    ReconnectLinkAnswer,
    InvitationLinkRequest,
    InvitationLinkAnswer,
    Recipients,
    ConnectionStates,
    AffectedSyncs,
    CatchUpCounts,
    WrittenBases,
    SyncOwner,
    SourceObjects,
    SourceProperties,
    AirtableBases,
    AirtableTables,
    RunStates,
)

# Every body that is sent as a whole, by its name; its schema is committed and only grows.
BODIES: Mapping[str, type[Body]] = MappingProxyType({each.__name__: each for each in _BODIES})

__all__ = [
    "AFFECTED_LIMIT",
    "BODIES",
    "CONNECTION_NOT_CONNECTED",
    "GRANT_UNREADABLE",
    "NAMED_SYNCS",
    "RUN_IDS_LIMIT",
    "STATES_LIMIT",
    "WRITTEN_BASES_LIMIT",
    "AccessTokenAnswer",
    "AccessTokenRequest",
    "AffectedSync",
    "AffectedSyncs",
    "AirtableBase",
    "AirtableBases",
    "AirtableField",
    "AirtableTable",
    "AirtableTables",
    "AuthFailureReport",
    "AuthFailureRuling",
    "Body",
    "CatchUp",
    "CatchUpCounts",
    "ConnectionNotConnected",
    "ConnectionStates",
    "InvitationLinkAnswer",
    "InvitationLinkRequest",
    "Inviter",
    "Items",
    "Recipient",
    "Recipients",
    "ReconnectLinkAnswer",
    "ReconnectLinkRequest",
    "RunState",
    "RunStates",
    "SourceObject",
    "SourceObjects",
    "SourceOption",
    "SourceProperties",
    "SourceProperty",
    "SyncOwner",
    "Unreadable",
    "Verdict",
    "WrittenBase",
    "WrittenBases",
]
