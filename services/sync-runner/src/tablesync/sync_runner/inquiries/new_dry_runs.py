"""Takes dry runs in: what cannot be is said at once, and one workspace does not fill the queue."""

from collections.abc import Sequence

from tablesync.contracts import FieldMapping
from tablesync.contracts.ids import new_id
from tablesync.contracts.public_api.catalog import DryRun, NewDryRun
from tablesync.service_kit.http.problems import conflict, not_found
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner.inquiries.dry_runs import DryRuns
from tablesync.sync_runner.inquiries.inquiry import Inquiries
from tablesync.sync_runner.inquiries.known_records import KnownSync

MOST_OPEN = 5


class NewDryRuns:
    """What operators ask for; raises Problem."""

    def __init__(self, inquiries: Inquiries, dry_runs: DryRuns, database: Database) -> None:
        self._inquiries = inquiries
        self._dry_runs = dry_runs
        self._database = database

    async def check(self, workspace_id: str, asked: NewDryRun) -> None:
        """Raise what stands against it, by the member of the request that says it."""
        if await self._dry_runs.open_of(workspace_id) >= MOST_OPEN:
            detail = f"{MOST_OPEN} dry runs of this workspace are under way; wait, or cancel one."
            raise conflict("too-many-dry-runs", detail, limit=MOST_OPEN)
        known: Sequence[FieldMapping] = ()
        if asked.sync_id is not None:
            known = (await KnownSync.find(self._database, workspace_id, asked.sync_id)).mapping
        async with self._inquiries.open(workspace_id, asked, known):
            pass

    async def add(self, unit: UnitOfWork, workspace_id: str, asked: NewDryRun) -> DryRun:
        """Store one for a worker."""
        return await self._dry_runs.add(unit, new_id("dry"), workspace_id, asked)

    async def get(self, workspace_id: str, id_: str) -> DryRun:
        """Return one of a workspace."""
        return _found(await self._dry_runs.find(workspace_id, id_))

    async def cancel(self, unit: UnitOfWork, workspace_id: str, id_: str) -> DryRun:
        """Have one stop."""
        return _found(await self._dry_runs.cancel(unit, workspace_id, id_))


def _found(dry_run: DryRun | None) -> DryRun:
    if dry_run is None:
        raise not_found("dry run")
    return dry_run
