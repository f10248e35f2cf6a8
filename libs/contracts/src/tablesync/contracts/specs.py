"""The values that events are made of: accounts, sync specs, gaps, holds and counts."""

import operator
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

T = TypeVar("T")


def rfc3339(moment: datetime) -> str:
    """Print a moment as RFC 3339, UTC, milliseconds, as every contract does."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


Moment = Annotated[
    AwareDatetime, PlainSerializer(rfc3339, return_type=str, when_used="json-unless-none")
]


def is_none(value: object) -> bool:
    """Whether a member is left out of what is sent; for `exclude_if`."""
    return value is None


# A field of which nothing is sent or stored while it is None, as sparse indexes want.
Sparse = Annotated[T | None, Field(exclude_if=is_none)]


class Value(BaseModel):
    """Base of all contract values: immutable, and deaf to fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Provider(StrEnum):
    """A service that TableSync connects to."""

    AIRTABLE = "airtable"
    HUBSPOT = "hubspot"
    SHOPIFY = "shopify"
    MAILCHIMP = "mailchimp"


class ConnectionStatus(StrEnum):
    """What a connection is: `revoked` by the provider, `disconnected` by an operator."""

    CONNECTED = "connected"
    REVOKED = "revoked"
    DISCONNECTED = "disconnected"


class ConnectionCause(StrEnum):
    """Why a connection is not connected."""

    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - a cause, not a secret
    GRANT_REVOKED = "grant_revoked"
    GRANT_EXPIRED = "grant_expired"
    APP_UNINSTALLED = "app_uninstalled"
    SCOPE_REDUCED = "scope_reduced"
    ROTATION_LOST = "rotation_lost"
    OPERATOR = "operator"


class Trigger(StrEnum):
    """What asked for a run."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    CATCH_UP = "catch_up"


class RunStatus(StrEnum):
    """Where a run stands; an end is final.

    A run that has not begun is `requested` for scheduler and `queued` for sync-runner.
    """

    REQUESTED = "requested"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # a hold stopped it: a catch-up inherits its checkpoint
    HELD = "held"  # refused before any call of the source
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end."""
        return self not in _OPEN


_OPEN = frozenset({RunStatus.REQUESTED, RunStatus.QUEUED, RunStatus.RUNNING})


class SyncStatus(StrEnum):
    """What a sync is for an operator; a pause is shown before a hold."""

    ACTIVE = "active"
    PAUSED = "paused"
    HELD = "held"


class Overlap(StrEnum):
    """What happens to a slot that comes due while the sync is running."""

    COALESCE = "coalesce"  # one follow-up, at once when the running one ends
    SKIP = "skip"  # the slot is passed over, and counted


class HoldKind(StrEnum):
    """What TableSync holds a sync for."""

    CONNECTION = "connection"
    RESOURCE = "resource"
    MAPPING = "mapping"
    QUOTA = "quota"
    PLANNED = "planned"


# What a hold for lack of a scope or base is told as, beside the kinds: a reconnect ends it.
NOT_GRANTED = "not_granted"


class RunFailureCause(StrEnum):
    """Why a run did not succeed, sorted by who has to act."""

    CONNECTION = "connection"  # the grant is lost: auth-service and the operator
    RESOURCE = "resource"  # an object, base, table or scope is missing: the operator
    MAPPING = "mapping"  # a mapped field or property is missing: the operator
    QUOTA = "quota"  # the provider's daily or monthly quota is used up: time
    PROVIDER = "provider"  # the provider fails or times out: time
    CANCELLED = "cancelled"  # an operator cancelled the run
    STALLED = "stalled"  # no progress within the deadline
    SHUTDOWN = "shutdown"  # the runner was asked to stop and handed the run on
    INTERNAL = "internal"  # our own fault


class Account(Value):
    """Who the provider says a grant belongs to, such as a HubSpot portal."""

    id: str
    name: str
    email: str | None = None


class Source(Value):
    """Where a sync reads: one object of one connection."""

    connection_id: str
    provider: Provider
    object: str = Field(description="The provider's object, such as `contacts`.")


class Destination(Value):
    """Where a sync writes: one table of one Airtable base."""

    connection_id: str
    base_id: str
    table_id: str


class MappedAs(StrEnum):
    """Which of the two that an option has at its source is written."""

    VALUE = "value"
    LABEL = "label"


class FieldMapping(Value):
    """One source property and the Airtable field that it is written to."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True
    )

    source: str = Field(description="Property name; `id` is the source's record id.")
    field_id: str = Field(description="Airtable field id, which survives renaming.")
    as_: MappedAs | None = Field(
        default=None,
        alias="as",
        exclude_if=operator.not_,
        description="What is written of a property with options: an option's value, which absence "
        "means, or its label.",
    )


class SlotRule(Value):
    """When slots are due; other kinds of rules come as further optional members."""

    every_seconds: int | None = Field(
        default=None, description="Seconds between two slots; absent from a rule of another kind."
    )


class SyncSpec(Value):
    """Everything a runner needs to know of a sync: it asks nobody else."""

    sync_id: str
    workspace_id: str
    name: str
    version: int = Field(ge=1, description="Grows with each edit; a runner never goes back.")
    source: Source
    destination: Destination
    key: FieldMapping = Field(description="The mapping whose field identifies a row.")
    mapping: tuple[FieldMapping, ...] = Field(description="All other mapped fields.")
    names: Mapping[str, str] = Field(
        default={},
        exclude_if=operator.not_,
        description="What base, table and fields were called when last checked, by id: for people "
        "to read once they are gone. Another name is no other mapping.",
    )


class Gap(Value):
    """The interval in which a held sync missed slots; `to` is open while it is held."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    from_: Moment = Field(alias="from")
    to: Moment | None = None
    slots_missed: int = Field(ge=0)
    interrupted: bool = Field(
        default=False, description="A run was stopped before it had brought everything."
    )


class Hold(Value):
    """Why TableSync stopped a sync, and since when."""

    kind: HoldKind
    connection_id: str | None = None
    cause: str
    since: Moment
    lacks: tuple[str, ...] = Field(
        default=(),
        exclude_if=operator.not_,
        description="Scopes and ids of bases that its connection was not granted, and that the "
        "sync needs; `cause` says them in words. Empty for any other hold.",
    )
    until: Moment | None = Field(
        default=None,
        exclude_if=is_none,
        description="When a used-up quota is refilled, as far as the provider says.",
    )

    @property
    def told_as(self) -> str:
        """What words there are for its end: those of its kind, but for what was not granted."""
        return NOT_GRANTED if self.lacks else self.kind


class RunCounts(Value):
    """Records that a run has read, written, found unchanged and had rejected."""

    read: int = Field(default=0, ge=0)
    written: int = Field(default=0, ge=0)
    unchanged: int = Field(default=0, ge=0)
    rejected: int = Field(default=0, ge=0)


class Findings(Value):
    """What a check of everything has found and mended, in all the runs that it took."""

    checked: int = Field(default=0, ge=0, description="Records that were read at the source.")
    missing: int = Field(default=0, ge=0, description="Rows that were gone, written again.")
    altered: int = Field(default=0, ge=0, description="Rows changed by others, corrected.")
    outdated: int = Field(default=0, ge=0, description="Rows that lacked what the source has.")
    gone: int = Field(default=0, ge=0, description="Records found to be gone at the source.")
    returned: int = Field(default=0, ge=0, description="Records that are back at the source.")
