"""`/v1`: what a sync would do; whoever makes syncs may ask, since records are shown."""

from fastapi import APIRouter, Depends
from tablesync.contracts.public_api.catalog import (
    DryRun,
    ExplainedRecord,
    Explanation,
    NewDryRun,
    Trial,
    TriedSync,
)
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.sync_runner.inquiries.explanations import Explanations
from tablesync.sync_runner.inquiries.new_dry_runs import NewDryRuns
from tablesync.sync_runner.inquiries.trials import Trials


def routes(
    units: UnitsOfWork,
    trials: Trials,
    explanations: Explanations,
    dry_runs: NewDryRuns,
    verifier: Verifier,
) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["inquiries"], responses=declares(404, 409))
    operator = Depends(at_least(verifier, OperatorRole.OPERATOR))
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/trials")
    async def try_sync(body: TriedSync, who: Principal = operator) -> Trial:
        """Read ten records and convert them as a run would; nothing is written."""
        return await trials.make(who.workspace_id, body)

    @router.post("/explanations")
    async def explain_record(body: ExplainedRecord, who: Principal = operator) -> Explanation:
        """Look one record up at both ends, and in what runs have made of it."""
        return await explanations.make(who.workspace_id, body)

    @router.post("/dry-runs", status_code=202)
    async def start_dry_run(body: NewDryRun, once: Once = once_as_operator) -> DryRun:
        """Count what a run over everything would do; it is checked now, and counted by a worker."""
        workspace_id = once.principal.workspace_id
        await dry_runs.check(workspace_id, body)
        return await once(lambda unit: dry_runs.add(unit, workspace_id, body))

    @router.get("/dry-runs/{dry_run_id}")
    async def show_dry_run(dry_run_id: str, who: Principal = operator) -> DryRun:
        """Tell how far it has come, or what it came to; it is kept for a week."""
        return await dry_runs.get(who.workspace_id, dry_run_id)

    @router.post("/dry-runs/{dry_run_id}/cancel", status_code=202)
    async def cancel_dry_run(dry_run_id: str, once: Once = once_as_operator) -> DryRun:
        """Have it stop within a second; one that has ended stays as it is."""
        workspace_id = once.principal.workspace_id
        return await once(lambda unit: dry_runs.cancel(unit, workspace_id, dry_run_id))

    return router
