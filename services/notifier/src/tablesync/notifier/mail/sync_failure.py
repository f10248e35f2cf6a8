"""Mails about syncs: what failed and why, and one line for each that works again."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.notifier.clients.auth_service import AuthServiceClient
from tablesync.notifier.clients.scheduler import SchedulerClient, SyncFacts
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.notifier.mail import wording
from tablesync.notifier.mail.content import Letter, NotYetError
from tablesync.notifier.mail.jobs import MailJob
from tablesync.notifier.mail.plan import MailKind, Recipient
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import INCIDENTS, MAILS
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import Database, Document


@dataclass(frozen=True)
class Line:
    """What a mail says of one sync."""

    name: str
    what: str
    remedy: str
    summary: str
    failed_at: str


class FailureWriter:
    """Writes the mail about failing syncs: one sync, or a digest of many."""

    def __init__(
        self,
        database: Database,
        auth: AuthServiceClient,
        scheduler: SchedulerClient,
        settings: Settings,
    ) -> None:
        self._incidents = database[INCIDENTS]
        self._auth = auth
        self._scheduler = scheduler
        self._settings = settings

    async def write(self, job: MailJob, incidents: Sequence[Document]) -> Letter | None:
        """Write about the incidents that are still open; None if all were closed."""
        lines: list[Line] = []
        owner_id: str | None = None
        failing = [each for each in incidents if each["status"] == "open"]
        # Names are asked for as many as are shown: a digest may speak for hundreds.
        for incident in failing[: wording.SHOWN_MAX]:
            sync = await self._sync(job, incident)
            if sync is not None:
                owner_id = owner_id or sync.owner_id
                lines.append(_line(sync, incident))
        if not lines:
            return None
        # A digest goes to those who look after the workspace, whoever owns its first sync.
        asked_for = None if job.digest else owner_id
        candidates = await self._auth.workspace_recipients(job.workspace_id, asked_for)
        return _letter(lines, max(len(lines), len(failing)), candidates)

    async def _sync(self, job: MailJob, incident: Document) -> SyncFacts | None:
        """Ask for a sync's name and owner; None, and its incident closed, if it was deleted."""
        try:
            return await self._scheduler.sync(incident["sync_id"], job.workspace_id)
        except UnknownToPeerError:
            await self._close(incident)
            return None
        except DependencyUnavailableError as error:
            if job.waited_seconds < self._settings.notifier_sync_list_wait_seconds:
                raise NotYetError("scheduler’s name of the sync", seconds=2.0) from error
            return SyncFacts(sync_id=incident["sync_id"], name=incident["sync_id"])

    async def _close(self, incident: Document) -> None:
        await self._incidents.update_one(
            {"_id": incident["_id"]},
            [
                {"$set": {"status": "closed", "closed_at": "$$NOW"}},
                {"$unset": "open_key"},
            ],
        )


class SyncRecoveryWriter:
    """Writes the mail that syncs work again."""

    def __init__(self, database: Database, scheduler: SchedulerClient) -> None:
        self._mails = database[MAILS]
        self._scheduler = scheduler

    async def write(self, job: MailJob, incidents: Sequence[Document]) -> Letter | None:
        """Write one line a sync to whoever was told of the failure."""
        told = await self._mails.find_one(
            {"incident_ids": incidents[0]["_id"], "kind": MailKind.FAILURE, "to": {"$ne": None}}
        )
        if told is None:
            return None
        ids = list(dict.fromkeys(each["sync_id"] for each in incidents))
        names = [await self._name(job, each) for each in ids[: wording.SHOWN_MAX]]
        subject = (
            f"Sync “{names[0]}” works again"
            if len(ids) == 1
            else f"{wording.counted(len(ids), 'sync')} work again"
        )
        facts = {"names": names, "total": len(ids)}
        recipient = Recipient(**told["to"])
        return Letter("sync_recovery", subject, facts, [recipient], told["message_id"])

    async def _name(self, job: MailJob, sync_id: str) -> str:
        try:
            return wording.plain((await self._scheduler.sync(sync_id, job.workspace_id)).name)
        except UnknownToPeerError:
            return sync_id


def _line(sync: SyncFacts, incident: Document) -> Line:
    what, remedy = wording.failure(incident["cause"])
    return Line(
        name=wording.plain(sync.name),
        what=what,
        remedy=remedy,
        summary=wording.plain(incident["summary"], 300),
        failed_at=wording.moment(incident["last_failed_at"]),
    )


def _letter(lines: Sequence[Line], total: int, candidates: Sequence[Recipient]) -> Letter:
    subject = (
        f"Sync “{lines[0].name}” failed: {lines[0].what}"
        if total == 1
        else f"{wording.counted(total, 'sync')} failed"
    )
    return Letter("failure", subject, {"lines": lines, "total": total}, candidates)
