"""The scheduler's parts without their loops: tests say what happens when."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Self, TypeVar

from scheduler_examples import WORKSPACE
from tablesync.contracts import Event
from tablesync.contracts.envelope import decode
from tablesync.scheduler.api.commands import Commands
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.loops.bulk_changes import BulkChanges
from tablesync.scheduler.loops.hold_jobs import HoldJobs
from tablesync.scheduler.loops.jitter import Jitter
from tablesync.scheduler.loops.ticker import Ticker
from tablesync.scheduler.settings import NAME
from tablesync.scheduler.store import Store
from tablesync.scheduler.subscriptions import subscriptions
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

EventType = TypeVar("EventType", bound=Event)

MOMENTS = {
    "syncs": ("anchor", "next_slot_at", "due_at", "created_at", "last_catch_up_at",
              "missed.from_", "planned.at", "recheck_at", "found_at", "check_at",
              "last_success_at", "pause.since"),
    "gaps": ("gap.from", "gap.to", "hold.since"),
    "pauses": ("since", "until"),
    "runs": ("slot", "requested_at", "started_at", "ended_at", "checked_at"),
    "connection_holds": ("changed_at", "job_at"),
    "bulk_changes": ("due_at", "created_at"),
}  # fmt: skip


@dataclass
class Parts:
    """One scheduler's parts on a database; what it has handled is kept, oldest first.

    With a jitter catch-ups begin at some moment within so many seconds, without it at once.
    """

    database: Database
    jitter_seconds: float = 0
    handled: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        jitter = Jitter(self.jitter_seconds, per_second=1 / 3600)
        self.units, self.store = UnitsOfWork(self.database, NAME), Store(self.database)
        self.handlers = Handlers(self.store, jitter.moment)
        checks = FullChecks()
        self.ticker = Ticker(self.units, self.store, checks)
        self.many = BulkChanges(self.units, self.store, checks)
        self.jobs = HoldJobs(self.units, self.store, jitter)
        self.commands = Commands(self.store, jitter.moment, 1_000_000, checks)
        self.queries = Queries(self.store)
        self.principal = Principal(
            operator_id="op_1", workspace_id=WORKSPACE, role=OperatorRole.ADMIN
        )

    def beside(self, jitter_seconds: float = 0) -> Self:
        """Return another scheduler on the same database."""
        return type(self)(self.database, jitter_seconds)

    # time

    async def now(self) -> datetime:
        return await self.store.now()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for all that is stored, by moving its past further back."""
        for collection, fields in MOMENTS.items():
            for name in fields:
                back = {"$subtract": [f"${name}", round(seconds * 1000)]}
                await self.database[collection].update_many(
                    {name: {"$type": "date"}}, [{"$set": {name: back}}]
                )

    # events

    async def handle(self, event: Event) -> None:
        """Handle an event as the consumer does, without its inbox."""
        self.handled.append(event)
        handlers = {
            kind: handler
            for each in subscriptions(self.handlers)
            for kind, handler in each.handlers.items()
        }
        await self.units.run(partial(handlers[type(event)], event))

    async def events(self, kind: type[EventType]) -> list[EventType]:
        """Return the events of a kind in the outbox, oldest first."""
        rows = await self.database["outbox"].find().sort("_id", 1).to_list(None)
        found = [_event_of(row) for row in rows]
        return [each for each in found if isinstance(each, kind)]

    async def sent(self) -> None:
        """Mark all events as the relay does once Kafka has them."""
        await self.database["outbox"].update_many(
            {"pending": True}, [{"$set": {"published_at": "$$NOW"}}, {"$unset": "pending"}]
        )


def _event_of(row: Document) -> Event:
    return decode([(name, text.encode()) for name, text in row["headers"]], row["value"]).event
