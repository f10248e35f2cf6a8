"""What the scheduler asks beside its stories: rechecks, reconciliation, pages, peers' questions."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from scheduler_examples import AIRTABLE, HUBSPOT, WORKSPACE
from scheduler_http import Tokens
from scheduler_rig import Rig
from tablesync.contracts import RunFailureCause
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import Reconciliation
from tablesync.test_kit.query_plans import QueryPlans

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PATHS = (
    "/v1/syncs?limit=1",
    f"/v1/syncs?limit=1&state=fine&q=con&connection_id={HUBSPOT}",
    f"/v1/syncs/counts?connection_id={AIRTABLE}",
    "/v1/connections/uses",
    f"/v1/connections/{HUBSPOT}/receipts?limit=1",
    "/v1/runs?limit=1",
    "/v1/runs?limit=1&sync_id={sync}",
    f"/v1/runs?limit=1&connection_id={HUBSPOT}",
    "/v1/runs?limit=1&status=succeeded&from=2026-01-01T00:00:00Z&to=2999-01-01T00:00:00Z",
    "/v1/runs?limit=1&trigger=schedule",
    "/v1/syncs/{sync}/ledger",
    "/v1/syncs/{sync}/slots?limit=1",
    "/v1/sync-drafts",
)
ASKED_BY = {
    f"{HUBSPOT}/affected-syncs?limit=1&": "notifier",
    f"{HUBSPOT}/catch-ups?": "notifier",
    f"{AIRTABLE}/written-bases?": "auth-service",
}
# There are never many of these, or a whole look is what is wanted; each with its reason.
SMALL = {
    "scheduler.outbox": "what waits to be published of one sync is looked through",
    "$gap.slots_missed": "the gaps of one outage, found by their index, are added up",
}


@dataclass
class Scheduler:
    """What works by itself, and what is asked."""

    rig: Rig
    rechecks: Rechecks
    reconciliation: Reconciliation
    api: httpx.AsyncClient
    tokens: Tokens

    async def work(self) -> None:
        """Look again, ask peers, and hold and release once more."""
        await self._post(f"/v1/connections/{HUBSPOT}/pause")
        await self._post(f"/v1/connections/{HUBSPOT}/resume")
        await self.rig.many.tick()
        await self.rechecks.tick()
        await self.reconciliation.connections()
        await self.reconciliation.runs()
        await self.rig.hold()
        await self.rig.release()
        await self.rig.ticker.tick()

    async def be_asked(self, sync: Sync) -> None:
        """List to the second page, and answer peers; then forget the sync."""
        for path in PATHS:
            await self._pages_of(path.format(sync=sync.id))
        for what, peer in ASKED_BY.items():
            path = f"/internal/v1/connections/{what}workspace_id={WORKSPACE}"
            await self._get(path, self.tokens.service(peer))
        (await self.api.delete(f"/v1/syncs/{sync.id}")).raise_for_status()

    async def _pages_of(self, path: str) -> None:
        first = await self._get(path)
        if cursor := first.json().get("next_cursor"):
            await self._get(f"{path}&cursor={cursor}")

    async def _post(self, path: str) -> None:
        (await self.api.post(path)).raise_for_status()

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return (await self.api.get(path, headers=headers)).raise_for_status()


@pytest.fixture
def scheduler(
    rig: Rig,
    rechecks: Rechecks,
    reconciliation: Reconciliation,
    api: httpx.AsyncClient,
    tokens: Tokens,
) -> Scheduler:
    return Scheduler(rig, rechecks, reconciliation, api, tokens)


async def some_that_wait(rig: Rig) -> Sync:
    """Have a sync held for its contents, one owe a catch-up, and runs of which nothing is heard."""
    (sync, run), (_, stopped) = await rig.requested(), await rig.requested()
    await rig.requested()
    await rig.fail(run, RunFailureCause.RESOURCE)
    await rig.hold()
    await rig.release()
    await rig.interrupt(stopped)
    await rig.pass_time(130)
    await rig.recheck_now(sync)
    return sync


async def test_no_query_reads_or_sorts_many_for_few(
    scheduler: Scheduler, mongodb_uri: str, shared_prefix: str
) -> None:
    sync = await some_that_wait(scheduler.rig)
    with QueryPlans(mongodb_uri, shared_prefix) as plans:
        await scheduler.work()
        await scheduler.be_asked(sync)
        asked = await asyncio.to_thread(plans.asked)
        faults = await asyncio.to_thread(plans.faults, asked, SMALL)
    places = {each.place for each in asked}
    assert places >= {f"scheduler.{each}" for each in ("syncs", "runs", "connection_holds", "gaps")}
    assert not faults, "\n".join(faults)
