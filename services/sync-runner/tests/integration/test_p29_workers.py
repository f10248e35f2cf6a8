"""P29: syncs of one connection that gets no token take no worker from those of others."""

import pytest
from sync_runner_rig import PORTAL, WORKSPACE, Rig
from tablesync.contracts import Account, Provider
from tablesync.contracts.internal_api import GRANT_UNREADABLE
from tablesync.service_kit.http.problems import UNREADABLE_DOCUMENT, Problem

BAD = "con_bad"
WORKERS = 3


async def enqueue_bad(rig: Rig, count: int = WORKERS + 2) -> list[str]:
    """Put runs into the queue whose source is the bad connection, each with a table of its own."""
    rig.auth.connect(BAD, WORKSPACE, Provider.HUBSPOT, Account(id=PORTAL, name="Acme"))
    spec = await rig.spec("deals")
    source = spec.source.model_copy(update={"connection_id": BAD})
    tables = [f"tblBad{number:011}" for number in range(count)]
    destinations = [spec.destination.model_copy(update={"table_id": each}) for each in tables]
    specs = [
        spec.model_copy(update={"sync_id": f"syn_{number}", "source": source, "destination": each})
        for number, each in enumerate(destinations)
    ]
    return [await rig.enqueue(each) for each in specs]


@pytest.mark.parametrize("problem", [GRANT_UNREADABLE, UNREADABLE_DOCUMENT])
async def test_p29_a_grant_that_cannot_be_read_fails_its_own_runs_at_once(
    rig: Rig, problem: str
) -> None:
    rig.auth.troubles[BAD] = Problem(500, problem, "Our own fault.")
    bad = await enqueue_bad(rig)
    async with rig.runner(runner_workers=WORKERS):
        rows = [await rig.ended(each) for each in bad]
        assert (await rig.run(await rig.spec("deals")))["status"] == "succeeded"
    for row in rows:
        assert (row["status"], row["cause"], row["connection_id"]) == ("failed", "internal", BAD)
        assert "cannot be read" in row["summary"]
