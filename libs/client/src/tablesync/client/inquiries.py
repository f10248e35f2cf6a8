"""What a sync would do (sync-runner): asked, and nothing is written."""

from tablesync.client.edge import Edge
from tablesync.contracts.public_api.catalog import (
    DryRun,
    ExplainedRecord,
    Explanation,
    NewDryRun,
    Trial,
    TriedSync,
)


class Trials:
    """Syncs that are tried before they are saved."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def make(self, tried: TriedSync) -> Trial:
        """Return the first ten records as Airtable would show them."""
        return await self._edge.ask("/v1/trials", Trial, tried)


class Explanations:
    """Single records: why they are what they are."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def make(self, asked: ExplainedRecord) -> Explanation:
        """Return all that is known of one, named by its id at the source or by its key."""
        return await self._edge.ask("/v1/explanations", Explanation, asked)


class DryRuns:
    """What runs over everything would do, counted by a worker."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def start(self, wanted: NewDryRun, *, idempotency_key: str | None = None) -> DryRun:
        """Have one counted; raises InvalidError naming what is not there."""
        return await self._edge.change(
            "POST", "/v1/dry-runs", DryRun, wanted, idempotency_key=idempotency_key
        )

    async def get(self, dry_run_id: str) -> DryRun:
        """Return how far one has come, or what it came to."""
        return await self._edge.get(f"/v1/dry-runs/{dry_run_id}", DryRun)

    async def cancel(self, dry_run_id: str, *, idempotency_key: str | None = None) -> DryRun:
        """Have one stop; one that has ended stays as it is."""
        return await self._edge.change(
            "POST", f"/v1/dry-runs/{dry_run_id}/cancel", DryRun, idempotency_key=idempotency_key
        )
