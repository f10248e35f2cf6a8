"""What a service could not handle, for those who run TableSync."""

from collections.abc import AsyncIterator

from tablesync.client.edge import Edge
from tablesync.contracts.public_api.dead_letters import (
    DeadLetterPage,
    DeadLetterView,
    Replayed,
    WholeDeadLetter,
)


class DeadLetters:
    """The dead letters of one service."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def all(self, *, replayed: bool = False) -> AsyncIterator[DeadLetterView]:
        """Yield them, oldest first; those that were `replayed` as well, if wanted."""
        start: str | None = None
        while True:
            query = {"replayed": "true" if replayed else "false", "from": start}
            page = await self._edge.get("/v1/dlq", DeadLetterPage, query)
            for each, said in zip(page.items, page.said["items"], strict=True):
                yield each.heard(said)
            start = page.next
            if start is None:
                return

    async def get(self, topic: str, letter_id: int) -> WholeDeadLetter:
        """Return one whole."""
        return await self._edge.get(f"/v1/dlq/{topic}/{letter_id}", WholeDeadLetter)

    async def replay(self, topic: str, letter_id: int) -> Replayed:
        """Have one handled again; raises ProblemError where it fails once more."""
        return await self._edge.change("POST", f"/v1/dlq/{topic}/{letter_id}/replay", Replayed)
