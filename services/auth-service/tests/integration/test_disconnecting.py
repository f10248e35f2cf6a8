"""An operator disconnects: the grant ends at HubSpot too, whatever is away in that moment."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest
from auth_service_rig import Json
from auth_service_stage import Service, Stage, is_stopped, listens
from tablesync.test_kit import eventually

pytestmark = [pytest.mark.needs("mongod"), pytest.mark.timeout(300)]

STOPPING = str(Path(__file__).with_name("stopping_at_commit.py"))
REVOKE = "/token/revoke"
QUICK = {"MONGODB_OPERATION_SECONDS": "1"}


async def test_p11_a_grant_ends_upstream_although_mongodb_went_away_after_the_commit(
    stage: Stage,
) -> None:
    service = await stage.service(STOPPING, **QUICK)
    connection = await service.rig.connect("hubspot")

    await lose_mongodb_after_the_commit(stage, service, connection)
    os.kill(service.process.pid, signal.SIGCONT)
    await outlast_mongodb(stage, service)

    assert await eventually(lambda: revocations(stage)) == [200]
    assert (await service.rig.connection(connection["id"]))["status"] == "disconnected"


async def test_p25_sigterm_waits_until_the_grant_has_ended_upstream(stage: Stage) -> None:
    service = await stage.service(STOPPING, **QUICK)
    connection = await service.rig.connect("hubspot")

    await lose_mongodb_after_the_commit(stage, service, connection)
    os.kill(service.process.pid, signal.SIGTERM)
    os.kill(service.process.pid, signal.SIGCONT)
    await eventually(lambda: not listens(service.process.pid))
    await outlast_mongodb(stage, service)

    assert service.process.wait() == 0
    assert await revocations(stage) == [200]


async def test_p11_a_grant_ends_upstream_although_nobody_heard_of_the_commit(stage: Stage) -> None:
    """The transaction was committed, and all that MongoDB answers is that it may not last."""
    service = await stage.service()
    connection = await service.rig.connect("hubspot")
    unheard = {"code": 64, "errmsg": "waiting for replication timed out"}

    with stage.mongod.failing(["commitTransaction"], writeConcernError=unheard):
        answer = await disconnect(service, connection)

    assert answer.status_code == 503
    assert await eventually(lambda: revocations(stage)) == [200]


async def test_what_was_not_committed_ends_nothing_upstream(stage: Stage) -> None:
    service = await stage.service()
    connection = await service.rig.connect("hubspot")

    with stage.mongod.failing(["commitTransaction"], errorCode=13):
        refused = await disconnect(service, connection)
    os.kill(service.process.pid, signal.SIGTERM)

    assert refused.status_code == 503
    assert service.process.wait() == 0
    assert await revocations(stage) == []


async def test_a_grant_ends_upstream_as_soon_as_hubspot_is_back(stage: Stage) -> None:
    service = await stage.service()
    connection = await service.rig.connect("hubspot")
    await lose_hubspot(stage, retry_after=1, count=2)

    (await disconnect(service, connection)).raise_for_status()

    async def ended() -> bool:
        return await revocations(stage) == [503, 503, 200]

    await eventually(ended)


async def test_p25_sigterm_does_not_wait_for_a_hubspot_that_is_away(stage: Stage) -> None:
    service = await stage.service()
    connection = await service.rig.connect("hubspot")
    await lose_hubspot(stage, retry_after=3_600)
    (await disconnect(service, connection)).raise_for_status()
    await eventually(lambda: revocations(stage))

    os.kill(service.process.pid, signal.SIGTERM)

    assert service.process.wait() == 0
    assert await revocations(stage) == [503, 503]
    assert "grant not ended" in service.process.log.read_text()


async def test_what_was_reconnected_meanwhile_is_left_alone_upstream(stage: Stage) -> None:
    """HubSpot may have given the new consent the same refresh token."""
    service = await stage.service()
    connection = await service.rig.connect("hubspot")
    await lose_hubspot(stage, retry_after=3_600)
    (await disconnect(service, connection)).raise_for_status()
    await eventually(lambda: revocations(stage))

    again = await service.rig.connect("hubspot")
    os.kill(service.process.pid, signal.SIGTERM)

    assert again["id"] == connection["id"]
    assert service.process.wait() == 0
    assert await revocations(stage) == [503]


async def lose_hubspot(stage: Stage, retry_after: int, **times: int) -> None:
    """Let HubSpot be away whenever a grant is to be ended, or so many times."""
    away = {"status": 503, "headers": {"Retry-After": str(retry_after)}}
    await stage.sandbox.control("hubspot", "-", "break", path_contains=REVOKE, **away, **times)


async def disconnect(service: Service, connection: Json) -> httpx.Response:
    operator = await service.rig.operator()
    return await operator.post(f"/v1/connections/{connection['id']}/disconnect")


async def lose_mongodb_after_the_commit(stage: Stage, service: Service, connection: Json) -> None:
    """Let MongoDB go when the tokens are in no database any more, and HubSpot knows nothing."""
    caller = asyncio.create_task(disconnect(service, connection))
    await eventually(lambda: is_stopped(service.process.pid))
    assert await stage.database["grants"].find_one({"_id": connection["id"]}) is None
    await stage.lose_mongodb()
    caller.cancel()


async def outlast_mongodb(stage: Stage, service: Service) -> None:
    """Let MongoDB be back after a look at it has failed."""
    await eventually(lambda: "will try again" in service.process.log.read_text())
    await stage.regain_mongodb()


async def revocations(stage: Stage) -> list[int]:
    """Return how HubSpot answered each request to end a grant."""
    requests = (await stage.sandbox.log(provider="hubspot"))["requests"]
    return [each["status"] for each in requests if each["path"].endswith(REVOKE)]
