"""What a sync would do (sync-runner): asked, and nothing is written."""

from tablesync.client.edge import Edge
from tablesync.contracts.public_api.catalog import ExplainedRecord, Explanation, Trial, TriedSync


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
