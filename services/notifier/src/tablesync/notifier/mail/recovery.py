"""The recovery mail: what the catch-ups brought, once they all have ended or time is up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tablesync.contracts import Gap, RunCounts
from tablesync.notifier.clients.scheduler import AffectedSync, CatchUp, SchedulerClient
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import Letter, NotYetError
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import MailKind, MailStatus, Recipient
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import MAILS, RUNS, SYNCS
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import Database, Document

ENDED = {"succeeded", "failed", "interrupted", "held", "cancelled"}
# How long a sync may look as if nothing had happened to it: events are on their way.
SETTLE_SECONDS = 60.0
# Released without a catch-up: none was owed, or scheduler plans none for a paused sync.
WITHOUT_CATCH_UP = {"unmissed", "paused"}


@dataclass(frozen=True)
class Recovered:
    """A sync in a recovery mail; `status` is waiting, running, unmissed, paused or a run's end."""

    name: str
    status: str
    counts: RunCounts
    gap: Gap | None

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come."""
        return self.status in ENDED | WITHOUT_CATCH_UP


class RecoveryWriter:
    """Writes the mail that a connection is back."""

    def __init__(
        self,
        database: Database,
        scheduler: SchedulerClient,
        settings: Settings,
    ) -> None:
        self._database = database
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob, incidents: Sequence[Document]) -> Letter | None:
        """Write about a closed incident whose revocation mail was sent; None if it was not."""
        incident = incidents[0]
        told = await self._database[MAILS].find_one(
            {"incident_ids": incident["_id"], "kind": MailKind.REVOCATION}
        )
        if told is None or told["status"] not in {MailStatus.SENT, MailStatus.PENDING}:
            return None
        if told["status"] == MailStatus.PENDING:
            raise NotYetError("the revocation mail to be settled", seconds=1.0)
        elapsed = (job.claimed_at - incident["closed_at"]).total_seconds()
        syncs = await self._recovered(incident, elapsed)
        return _letter(incident, syncs, told)

    async def _recovered(self, incident: Document, elapsed: float) -> list[Recovered]:
        """Return every sync's catch-up; raises NotYetError while one may still end in time."""
        in_time = elapsed < self._settings.notifier_recovery_wait_seconds
        affected = await self._affected(incident, in_time and elapsed < SETTLE_SECONDS)
        released = await self._releases(incident)
        if affected is None:
            syncs = [await self._from_events(row) for row in released.values()]
        else:
            syncs = [
                await self._one(each, released.get(each.sync_id), incident, elapsed)
                for each in affected
            ]
        if in_time and not all(each.settled for each in syncs):
            raise NotYetError("catch-ups to end", seconds=min(15.0, max(1.0, elapsed / 10)))
        return syncs

    async def _affected(self, incident: Document, insist: bool) -> list[AffectedSync] | None:
        try:
            return await self._scheduler.affected_syncs(
                incident["connection_id"], incident["workspace_id"]
            )
        except (DependencyUnavailableError, UnknownToPeerError) as error:
            if insist:
                raise NotYetError("scheduler’s list of catch-ups", seconds=2.0) from error
            return None

    async def _releases(self, incident: Document) -> dict[str, Document]:
        """Return the hold states that this incident caused, by sync."""
        cursor = self._database[SYNCS].find({"hold.connection_id": incident["connection_id"]})
        return {row["_id"]: row async for row in cursor if _belongs(row, incident)}

    async def _one(
        self, sync: AffectedSync, release: Document | None, incident: Document, elapsed: float
    ) -> Recovered:
        status, counts, gap = await self._catch_up(sync, release, incident)
        if status == "unknown":
            status = "unmissed" if elapsed >= SETTLE_SECONDS else "waiting"
        elif status in ENDED and gap is None and elapsed < SETTLE_SECONDS:
            status = "waiting"  # for the release, which tells the gap
        return Recovered(sync.name, status, counts, gap)

    async def _catch_up(
        self, sync: AffectedSync, release: Document | None, incident: Document
    ) -> tuple[str, RunCounts, Gap | None]:
        """Say how far a sync's catch-up is: by its events if they came, else as scheduler says."""
        if sync.hold is not None and sync.hold.connection_id == incident["connection_id"]:
            return "waiting", RunCounts(), sync.gap
        if release is not None and not release["held"]:
            status, counts = await self._released(release)
            if status != "waiting" or sync.catch_up is None:
                return status, counts, _gap(release)
        if sync.catch_up is None or _is_older(sync.gap, incident):
            return "unknown", RunCounts(), None
        return await self._as_told(sync, sync.catch_up)

    async def _released(self, release: Document) -> tuple[str, RunCounts]:
        run_id = release["catch_up_run_id"]
        run = await self._run(run_id)
        if run is not None:
            return run["status"], RunCounts(**run["counts"])
        if run_id:
            return "waiting", RunCounts()
        gap = _gap(release)
        return "paused" if gap.slots_missed or gap.interrupted else "unmissed", RunCounts()

    async def _as_told(
        self, sync: AffectedSync, catch_up: CatchUp
    ) -> tuple[str, RunCounts, Gap | None]:
        run = await self._run(catch_up.run_id)
        if run is not None:
            return run["status"], RunCounts(**run["counts"]), sync.gap
        status = catch_up.status if catch_up.status in ENDED else "running"
        return status, catch_up.counts or RunCounts(), sync.gap

    async def _from_events(self, row: Document) -> Recovered:
        """Judge a sync by its events alone, while scheduler does not answer."""
        if row["held"]:
            return Recovered(row["name"], "waiting", RunCounts(), _gap(row))
        status, counts = await self._released(row)
        return Recovered(row["name"], status, counts, _gap(row))

    async def _run(self, run_id: str | None) -> Document | None:
        return await self._database[RUNS].find_one({"_id": run_id}) if run_id else None


def _is_older(gap: Gap | None, incident: Document) -> bool:
    """Whether a catch-up followed an earlier loss: scheduler shows the last one there was."""
    lost_at: datetime = incident["lost_at"]
    return gap is not None and gap.to is not None and gap.to < lost_at


def _belongs(row: Document, incident: Document) -> bool:
    """Whether a hold overlaps the incident: an older one was another incident's."""
    until: datetime | None = row["gap"]["to"]
    lost_at: datetime = incident["lost_at"]
    return row["held"] or until is None or until >= lost_at


def _gap(row: Document) -> Gap:
    return Gap.model_validate(row["gap"])


def _letter(incident: Document, syncs: Sequence[Recovered], told: Document) -> Letter:
    provider = wording.provider_name(incident["provider"])
    account = wording.plain(incident["account"]["name"] or incident["account"]["id"])
    facts = {
        "provider": provider,
        "account": account,
        "back_at": incident["closed_at"],
        "syncs": syncs,
        "written": sum(each.counts.written for each in syncs),
        "complete": all(each.status in {"succeeded", "unmissed"} for each in syncs),
        "at_work": not all(each.settled for each in syncs),
        "paused": any(each.status == "paused" for each in syncs),
    }
    return Letter(
        "recovery",
        f"{provider} “{account}” is connected again{_tail(syncs)}",
        facts,
        [Recipient(**told["to"])],
        answers=told["message_id"],
    )


def _tail(syncs: Sequence[Recovered]) -> str:
    done = sum(each.status == "succeeded" for each in syncs)
    if not done or done < len(syncs):
        return ""
    return f": {wording.counted(done, 'sync')} {'has' if done == 1 else 'have'} caught up"
