"""Shows syncs and runs as `/v1` and peers are told of them."""

from datetime import datetime

from tablesync.contracts.internal_api import AffectedSync, CatchUp, SyncOwner
from tablesync.contracts.public_api.ledger import LedgerView
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncView, WrittenField
from tablesync.scheduler.books.ledger import Statement
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync


def run_view(shown: Run, sync_name: str | None = None) -> RunView:
    """Show a run; lists say what its sync is called."""
    view = RunView.model_validate(shown, from_attributes=True)
    return view.model_copy(update={"sync_name": sync_name})


def sync_view(shown: Sync, last_run: Run | None) -> SyncView:
    """Show a sync whose slots are counted until now."""
    own = set(SyncView.model_fields) - {"holds", "last_run", "next_slot_at", "writes"}
    known = {
        **{name: getattr(shown, name) for name in own},
        "holds": shown.stopped_by,
        "writes": _writes(shown),
        "next_slot_at": _next_slot(shown),
        "last_run": last_run,
    }
    return SyncView.model_validate(known, from_attributes=True)


def ledger_view(shown: Statement) -> LedgerView:
    """Show a statement."""
    return LedgerView.model_validate(shown, from_attributes=True)


def affected_sync(sync: Sync, catch_up: Run | None) -> AffectedSync:
    """Show a sync whose slots are counted until now; its catch-up counts once it is released."""
    shown = None if sync.holds else catch_up
    return AffectedSync(
        sync_id=sync.id,
        name=sync.name,
        object=sync.source.object,
        status=sync.status,
        hold=sync.hold,
        holds=tuple(sync.stopped_by),
        gap=sync.gap or (shown.gap if shown else None),
        next_slot_at=_next_slot(sync),
        catch_up=_catch_up(shown) if shown else None,
    )


def sync_owner(sync: Sync) -> SyncOwner:
    """Show whose sync it is."""
    return SyncOwner(
        sync_id=sync.id,
        name=sync.name,
        source=sync.source,
        owner_id=sync.owner_id,
        status=sync.status,
        holds=tuple(sync.stopped_by),
    )


def _writes(sync: Sync) -> tuple[WrittenField, ...]:
    return tuple(
        WrittenField(
            field=sync.names.get(each.field_id, each.field_id),
            field_id=each.field_id,
            source=each.source,
            label=sync.labels.get(each.source),
        )
        for each in (sync.key, *sync.mapping)
    )


def _next_slot(sync: Sync) -> datetime | None:
    """Return when it runs next; slots of one that is paused or held pass without a run."""
    return sync.next_slot_at if sync.claimable else None


def _catch_up(run: Run) -> CatchUp:
    return CatchUp(run_id=run.id, status=run.status, counts=run.counts)
