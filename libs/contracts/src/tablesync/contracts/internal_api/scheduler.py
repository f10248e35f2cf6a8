"""What scheduler is asked: syncs that need a connection, their catch-ups and bases, an owner."""

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import (
    Body,
    Items,
    Tolerant,
    is_empty,
    is_none,
    showing,
)
from tablesync.contracts.specs import (
    Gap,
    Hold,
    HoldKind,
    Moment,
    RunCounts,
    RunStatus,
    Source,
    SyncStatus,
)

# The most affected syncs of one page.
AFFECTED_LIMIT = 250
# The most written bases of one page, and the most syncs that are named of each.
WRITTEN_BASES_LIMIT, NAMED_SYNCS = 100, 5

_SYNC = "syn_01997f2c-0e1b-7d24-b3a5-7c4e9a1d5f04"
_CONNECTION = "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03"
_CATCH_UP: JsonDict = {
    "run_id": "run_01997f2d-5f6a-7e35-84c6-9d5fab2e6a05",
    "status": "running",
    "counts": {"read": 1200, "written": 40, "unchanged": 1160, "rejected": 0},
}
_HELD: JsonDict = {
    "sync_id": _SYNC,
    "name": "Contacts",
    "object": "contacts",
    "status": "held",
    "hold": {
        "kind": "connection",
        "connection_id": _CONNECTION,
        "cause": "app_uninstalled",
        "since": "2026-11-22T09:52:41.803Z",
    },
    "gap": {
        "from": "2026-11-22T10:00:00.000Z",
        "to": None,
        "slots_missed": 2,
        "interrupted": True,
    },
    "next_slot_at": None,
    "catch_up": None,
}
_RELEASED: JsonDict = {
    **_HELD,
    "status": "active",
    "hold": None,
    "next_slot_at": "2026-11-22T10:30:00.000Z",
    "gap": {
        "from": "2026-11-22T10:00:00.000Z",
        "to": "2026-11-22T10:20:03.117Z",
        "slots_missed": 2,
        "interrupted": True,
    },
    "catch_up": _CATCH_UP,
}


class CatchUp(Body):
    """The run that covers the gap of a sync that was released."""

    model_config = showing(_CATCH_UP)

    run_id: str
    status: RunStatus
    counts: RunCounts = RunCounts()


class AffectedSync(Body):
    """A sync that needs a connection, and how the loss of it concerns the sync."""

    model_config = showing(_HELD, _RELEASED)

    sync_id: str
    name: str
    object: str = Field(description="The source's object, such as `contacts`.")
    status: SyncStatus
    hold: Hold | None = None
    holds: Tolerant[tuple[Hold, ...]] = Field(
        default=None,
        exclude_if=is_none,
        description="All that stops it; `hold` is the one of them to show first.",
    )
    gap: Gap | None = Field(
        default=None, description="Open while the sync is held, then what its catch-up covers."
    )
    next_slot_at: Moment | None = Field(
        default=None,
        description="UTC, by scheduler's database clock; null while it is stopped.",
    )
    catch_up: CatchUp | None = Field(default=None, description="Null while the sync is held.")

    @property
    def stopped_by(self) -> tuple[Hold, ...]:
        """All its holds, also as told by a scheduler that shows one alone."""
        shown = (self.hold,) if self.hold else ()
        return shown if self.holds is None else self.holds

    def stopped_beside(self, connection_id: str) -> tuple[str, ...]:
        """Return what its holds are told as, but for the loss of this connection."""
        return tuple(each.told_as for each in self.stopped_by if not _is_loss(each, connection_id))

    def stopped_by_loss_of(self, connection_id: str) -> bool:
        """Whether the loss of this connection holds it."""
        return any(_is_loss(each, connection_id) for each in self.stopped_by)


def _is_loss(hold: Hold, connection_id: str) -> bool:
    """Whether this connection's loss is the cause: others name the connection they were met on."""
    return hold.kind is HoldKind.CONNECTION and hold.connection_id == connection_id


class AffectedSyncs(Items[AffectedSync]):
    """The syncs that need a connection, as source or as destination, as they are right now.

    By id, and in pages for those who ask with a `limit`; whoever asks without one gets them all.
    """

    total: Tolerant[int] = Field(
        default=None, exclude_if=is_none, description="How many there are, beyond this page, too."
    )
    next_after: Tolerant[str] = Field(
        default=None,
        exclude_if=is_none,
        description="Send it as `after` for the next page; left out on the last one.",
    )
    unread_ids: tuple[str, ...] = Field(
        default=(),
        exclude_if=is_empty,
        description="Syncs that scheduler knows and cannot tell of: a newer version wrote them.",
    )

    @property
    def count(self) -> int:
        """How many syncs need the connection, as far as the answer says."""
        return len(self.items) if self.total is None else self.total


class CatchUpCounts(Body):
    """How far the catch-ups of all syncs that need a connection are, for a mail that waits."""

    model_config = showing({"total": 3, "held": 0, "by_status": {"succeeded": 2, "running": 1}})

    total: int = Field(ge=0, description="The syncs that need the connection.")
    held: int = Field(ge=0, description="Those of them that the connection still holds.")
    by_status: dict[str, int] = Field(
        description="The last catch-ups of those that nothing holds, counted by their run's status."
    )

    @property
    def at_work(self) -> int:
        """How many syncs are held, or catch up; a status that a reader does not know is none."""
        return self.held + sum(self.by_status.get(each, 0) for each in RunStatus if not each.ended)


class WrittenBase(Body):
    """An Airtable base that syncs write to, paused and held ones too."""

    model_config = showing(
        {
            "base_id": "appAcmeDeals00001",
            "name": "Acme deals",
            "syncs": 7,
            "sync_names": ["Closed deals", "Deals", "Deals of 2025", "Lost deals", "Open deals"],
        }
    )

    base_id: str
    name: str | None = Field(
        default=None, description="As it was called when a sync to it was last checked."
    )
    syncs: int = Field(ge=1, description="How many syncs write to it.")
    sync_names: tuple[str, ...] = Field(
        default=(), description=f"The first of their names, {NAMED_SYNCS} at most."
    )


class WrittenBases(Items[WrittenBase]):
    """The bases that a workspace's syncs write to over a connection, by id, page by page."""

    next_after: Tolerant[str] = Field(
        default=None,
        exclude_if=is_none,
        description="Send it as `after` for the next page; left out on the last one.",
    )


class SyncOwner(Body):
    """Whose sync it is, for whoever mails about it."""

    model_config = showing(
        {
            "sync_id": _SYNC,
            "name": "Contacts",
            "source": {
                "connection_id": _CONNECTION,
                "provider": "hubspot",
                "object": "contacts",
            },
            "owner_id": "op_01997f2a-3c55-7b02-8f10-2a9d4c7e1b02",
        }
    )

    sync_id: str
    name: str
    source: Tolerant[Source] = Field(
        default=None, description="Null for a reader that does not know the provider."
    )
    owner_id: str = Field(description="The operator who made the sync.")
    status: Tolerant[SyncStatus] = Field(
        default=None, exclude_if=is_none, description="Left out by a scheduler that tells none."
    )
    holds: Tolerant[tuple[Hold, ...]] = Field(
        default=None, exclude_if=is_none, description="All that stops it; told with `status`."
    )
