"""P01, P02: MongoDB away, a process suspended, a provider slow, with every setting as deployed."""

import asyncio
from pathlib import Path

import pytest
from auth_service_stage import Stage
from tablesync.test_kit import eventually

pytestmark = pytest.mark.needs("mongod")

ROOT = Path(__file__).parents[2]
STOPPING = str(ROOT / "services/auth-service/tests/integration/stopping_service.py")


@pytest.mark.parametrize("away", [20, 40, 75])
async def test_p02_one_process_reports_all_through_an_outage(stage: Stage, away: int) -> None:
    service = await stage.service()
    connection = await stage.connect(service)

    heard = await stage.hear_through_an_outage(service, service, connection, away)

    assert set(heard.tokens) <= {200, 503}
    assert "revoked" not in heard.verdicts


@pytest.mark.parametrize("away", [18, 30, 45, 60])
async def test_p01_another_process_is_asked_all_through_an_outage(stage: Stage, away: int) -> None:
    holder, other = await asyncio.gather(stage.service(), stage.service())
    connection = await stage.connect(holder)

    heard = await stage.hear_through_an_outage(holder, other, connection, away)

    assert set(heard.tokens) <= {200, 503}
    assert "revoked" not in heard.verdicts


async def test_p01_who_was_suspended_for_16_s_does_not_send(stage: Stage) -> None:
    sleeper, other = await asyncio.gather(stage.service(STOPPING), stage.service())
    connection = await stage.connect(other)
    await stage.wake_after_anothers_refresh(sleeper, other, connection)


async def test_p02_an_answer_after_12_s_is_stored(stage: Stage) -> None:
    service = await stage.service()
    connection = await stage.connect(service)
    await stage.slow(12_000)

    assert (await service.rig.token(connection)).status_code == 503
    await eventually(stage.refreshes)
    await stage.slow(0)

    await stage.all_is_well(service, connection)
    assert await stage.sent() == [200, 200]
