"""`/v1`: what a sync would do; whoever makes syncs may ask, since records are shown."""

from fastapi import APIRouter, Depends
from tablesync.contracts.public_api.catalog import Trial, TriedSync
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.sync_runner.inquiries.trials import Trials


def routes(trials: Trials, verifier: Verifier) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["inquiries"], responses=declares(404, 409))
    operator = Depends(at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/trials")
    async def try_sync(body: TriedSync, who: Principal = operator) -> Trial:
        """Read ten records and convert them as a run would; nothing is written."""
        return await trials.make(who.workspace_id, body)

    return router
