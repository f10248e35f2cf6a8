"""Runs: their history (scheduler) and the records that they rejected (sync-runner)."""

from collections.abc import AsyncIterator
from datetime import datetime

from tablesync.client.edge import Edge
from tablesync.client.pages import Page, read_all, read_page
from tablesync.contracts import RunStatus, Trigger
from tablesync.contracts.public_api.runs import (
    CancelledRun,
    RejectionView,
    RunProgress,
    RunView,
)


class Runs:
    """The runs of a workspace."""

    def __init__(self, scheduler: Edge, sync_runner: Edge) -> None:
        self._scheduler = scheduler
        self._sync_runner = sync_runner

    async def page(
        self,
        *,
        sync_id: str | None = None,
        connection_id: str | None = None,
        status: RunStatus | None = None,
        trigger: Trigger | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[RunView]:
        """Return a page of those that fit, newest first: requested from `since`, before `until`."""
        query = {
            "sync_id": sync_id,
            "connection_id": connection_id,
            "status": status,
            "trigger": trigger,
            "from": since.isoformat() if since else None,
            "to": until.isoformat() if until else None,
            "limit": limit,
            "cursor": cursor,
        }
        return await read_page(self._scheduler, "/v1/runs", RunView, query)

    async def get(self, run_id: str) -> RunView:
        """Return one."""
        return await self._scheduler.get(f"/v1/runs/{run_id}", RunView)

    async def cancel(self, run_id: str, *, idempotency_key: str | None = None) -> CancelledRun:
        """Ask one to stop; raises ConflictError once it has ended."""
        return await self._scheduler.change(
            "POST", f"/v1/runs/{run_id}/cancel", CancelledRun, idempotency_key=idempotency_key
        )

    async def progress(self, run_id: str) -> RunProgress:
        """Return how far one has come."""
        return await self._sync_runner.get(f"/v1/runs/{run_id}/progress", RunProgress)

    async def rejections_page(
        self, run_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[RejectionView]:
        """Return a page of the records that one could not write."""
        query = {"limit": limit, "cursor": cursor}
        path = f"/v1/runs/{run_id}/rejections"
        return await read_page(self._sync_runner, path, RejectionView, query)

    def rejections(self, run_id: str) -> AsyncIterator[RejectionView]:
        """Yield the records that one could not write."""
        return read_all(self._sync_runner, f"/v1/runs/{run_id}/rejections", RejectionView)
