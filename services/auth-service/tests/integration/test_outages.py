"""MongoDB away, a process asleep, an answer that is late: none of them costs a grant.

Shortened: `soak/` has the lengths at which each did harm.
"""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest
from auth_service_rig import answer_for
from auth_service_stage import Stage, listens
from tablesync.test_kit import eventually, press
from tcp_gate import gate_to

pytestmark = [pytest.mark.needs("mongod"), pytest.mark.timeout(300)]

STOPPING = str(Path(__file__).with_name("stopping_service.py"))
ABANDONED, LEASE = 5, 2
# Enough for whoever counts the time of the outage to believe that a refresh was abandoned.
AWAY = ABANDONED + LEASE + 1
PATIENCE = 6
ANSWERED = {"answered_state": {"$exists": True}}
QUICK = {
    "AUTH_REFRESH_ABANDONED_SECONDS": str(ABANDONED),
    "AUTH_REFRESH_LEASE_SECONDS": str(LEASE),
}


async def test_p02_reports_wait_for_tokens_that_are_not_stored_yet(stage: Stage) -> None:
    service = await stage.service(**QUICK)
    connection = await stage.connect(service)

    heard = await stage.hear_through_an_outage(service, service, connection, AWAY)

    assert await service.unsaved() == 0
    assert set(heard.tokens) <= {200, 503}
    assert set(heard.verdicts) <= {503, "inconclusive", "recovered", "stale"}


async def test_p01_an_outage_ages_nobodys_intent(stage: Stage) -> None:
    holder, other = await asyncio.gather(stage.service(**QUICK), stage.service(**QUICK))
    connection = await stage.connect(holder)

    heard = await stage.hear_through_an_outage(holder, other, connection, AWAY)

    assert set(heard.tokens) <= {200, 503}
    assert "revoked" not in heard.verdicts


async def test_p25_sigterm_waits_until_new_tokens_are_stored(stage: Stage) -> None:
    holder, other = await asyncio.gather(stage.service(**QUICK), stage.service(**QUICK))
    connection = await stage.connect(holder)

    await stage.lose_mongodb_in_mid_refresh(holder, connection)
    os.kill(holder.process.pid, signal.SIGTERM)
    await eventually(lambda: not listens(holder.process.pid))
    await asyncio.sleep(AWAY)
    assert psutil.pid_exists(holder.process.pid)
    await stage.regain_mongodb()

    assert holder.process.wait() == 0
    await stage.all_is_well(other, connection)


async def test_p01_who_slept_before_the_request_does_not_send_it(stage: Stage) -> None:
    sleeper, other = await asyncio.gather(stage.service(STOPPING, **QUICK), stage.service(**QUICK))
    connection = await stage.connect(other)
    await stage.wake_after_anothers_refresh(sleeper, other, connection)


async def test_p02_an_answer_that_is_late_is_stored(stage: Stage) -> None:
    service = await stage.service(AUTH_REFRESH_WAIT_SECONDS="0.5")
    connection = await stage.connect(service)
    await stage.hold()

    hurried = await service.rig.token(connection)
    ruling = await service.rig.report(connection, 1)

    assert (hurried.status_code, hurried.headers["retry-after"]) == (503, "1")
    assert (ruling["verdict"], ruling["retry_after"]) == ("inconclusive", 1.0)
    assert await stage.refreshes() == 0
    await stage.answer()
    await stage.all_is_well(service, connection)
    assert await stage.sent() == [200, 200]


async def test_p02_an_answer_that_came_while_we_slept_is_stored(stage: Stage) -> None:
    service = await stage.service(AUTH_REFRESH_ANSWER_SECONDS=str(PATIENCE))
    connection = await stage.connect(service)
    await stage.hold()
    await stage.begin(service, connection)
    await stage.sending()
    os.kill(service.process.pid, signal.SIGSTOP)
    await stage.answer()
    await eventually(stage.refreshes)

    await asyncio.sleep(PATIENCE)
    os.kill(service.process.pid, signal.SIGCONT)

    await stage.all_is_well(service, connection)
    assert await stage.sent() == [200, 200]


async def test_p02_a_refusal_is_stored_for_what_it_was_however_long_mongodb_is_away(
    stage: Stage,
) -> None:
    """Its intent tells nothing of it: whoever finds that alone takes the grant for torn."""
    service = await stage.service(**QUICK)
    connection = await stage.connect(service)
    await stage.hold()
    await stage.begin(service, connection)
    await stage.sending()
    await stage.sandbox.control("airtable", "ada@acme.test", "revoke")
    await stage.lose_mongodb()
    await stage.answer()

    async def refused() -> bool:
        return await stage.sent() == [200, 400]

    await eventually(refused)
    await asyncio.sleep(AWAY)
    await stage.regain_mongodb()

    assert await eventually(lambda: stage.cause(service, connection)) == "grant_revoked"
    assert await stage.sent() == [200, 400], "the refused token was not sent again"
    assert await stage.events(connection) == ["established", "revoked"]


@pytest.mark.parametrize("alive", [False, True], ids=["dead", "alive"])
async def test_p17_tokens_of_a_grant_that_was_given_up_are_probed_before_it_revives(
    stage: Stage, alive: bool
) -> None:
    async with gate_to(stage.mongod_port) as gate:
        way = f"mongodb://127.0.0.1:{gate.port}/?directConnection=true"
        cut_off, other = await asyncio.gather(
            stage.service(MONGODB_URI=way, **QUICK), stage.service(**QUICK)
        )
        connection = await stage.connect(other)
        await stage.hold()
        await stage.begin(cut_off, connection)
        await stage.sending()
        gate.shut()
        await stage.answer()
        await eventually(cut_off.unsaved)

        # The other reads no sign of life for long enough, and sends the used token again. Airtable
        # ends the whole grant for that; where it does not, a refusal has to do.
        if alive:
            await stage.refuse_refreshes()
        await stage.sandbox.control("airtable", "ada@acme.test", "end-races")
        await eventually(lambda: stage.cause(other, connection))
        assert await stage.cause(other, connection) == "rotation_lost"
        await gate.open()

        await eventually(lambda: stage.all_is_stored(cut_off))
    revived = ["reconnected"] if alive else []
    assert await stage.events(connection) == ["established", "revoked", *revived]
    status = (await other.rig.connection(connection))["status"]
    assert status == ("connected" if alive else "revoked")


async def test_p03_tokens_of_a_new_consent_wait_for_mongodb(stage: Stage) -> None:
    """Its code is burnt, and nobody else has them: the person need not begin again."""
    service = await stage.service()
    operator = await service.rig.operator()
    body = {"provider": "airtable"}
    attempt = (await operator.post("/v1/authorizations", json=body)).raise_for_status().json()
    await stage.sandbox.answer("airtable", **answer_for("airtable", "ada@acme.test"))
    await stage.slow(2_000)
    browser = service.rig.client(follow_redirects=True)
    person = asyncio.create_task(press(browser, attempt["start_url"]))
    await eventually(lambda: stage.database["authorizations"].find_one(ANSWERED), timeout=60)
    await stage.lose_mongodb()
    await stage.answer()
    await eventually(service.unsaved, timeout=60)
    await asyncio.sleep(AWAY)
    await stage.regain_mongodb()
    await person

    assert await eventually(lambda: stage.all_is_stored(service), timeout=60)
    outcome = (await operator.get(f"/v1/authorizations/{attempt['id']}")).json()
    assert outcome["status"] == "completed"
    assert (await service.rig.token(outcome["connection_id"])).is_success
    assert await stage.sent() == [200]
