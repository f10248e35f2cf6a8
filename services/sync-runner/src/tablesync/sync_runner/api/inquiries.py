"""`/v1`: what a sync would do; whoever makes syncs may ask, since records are shown."""

from fastapi import APIRouter, Depends
from tablesync.contracts.public_api.catalog import (
    ExplainedRecord,
    Explanation,
    Trial,
    TriedSync,
)
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.sync_runner.inquiries.explanations import Explanations
from tablesync.sync_runner.inquiries.trials import Trials


def routes(trials: Trials, explanations: Explanations, verifier: Verifier) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["inquiries"], responses=declares(404, 409))
    operator = Depends(at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/trials")
    async def try_sync(body: TriedSync, who: Principal = operator) -> Trial:
        """Read ten records and convert them as a run would; nothing is written."""
        return await trials.make(who.workspace_id, body)

    @router.post("/explanations")
    async def explain_record(body: ExplainedRecord, who: Principal = operator) -> Explanation:
        """Look one record up at both ends, and in what runs have made of it."""
        return await explanations.make(who.workspace_id, body)

    return router
