"""`/v1/dlq`: list, show and replay what was parked, for platform principals only."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord
from fastapi import FastAPI
from tablesync.contracts import RunCancelRequested
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http import dead_letter_routes, problems
from tablesync.service_kit.http.service_auth import Signer, Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.service_kit.messaging import dead_letters
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.dead_letters import CUT_VALUE_BYTES
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running, send_raw


class Moody:
    """A handler that fails until it is mended."""

    def __init__(self) -> None:
        self.mended = False

    async def __call__(self, event: RunCancelRequested, unit: UnitOfWork) -> None:
        if not self.mended and event.run_id != "run_good":
            raise LookupError("no such run")
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
def subscriptions(new_subscriptions, moody: Moody) -> Subscriptions:
    return new_subscriptions(moody)


def bearer(keys: ServiceKeys, *, platform: bool) -> dict[str, str]:
    signer = Signer.from_file("auth-service", keys.private_key_file("auth-service"))
    who = Principal(
        operator_id="op_1", workspace_id="ws_1", role=OperatorRole.ADMIN, platform=platform
    )
    return {"Authorization": f"Bearer {issue(signer, who)}"}


@pytest_asyncio.fixture
async def client(
    subscriptions: Subscriptions, units: UnitsOfWork, service_keys: ServiceKeys
) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    verifier = Verifier.from_file("sync-runner", service_keys.trusted_keys_file)
    app.include_router(dead_letter_routes.routes(subscriptions, units.database, verifier))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://sync-runner",
        headers=bearer(service_keys, platform=True),
    ) as client:
        yield client


@pytest_asyncio.fixture
async def parked(settings: ServiceSettings, subscriptions: Subscriptions, event, effects) -> None:
    """Park a message that fails and one that cannot be read, before one that is handled."""
    await ensure_topics(settings, "sync-runner")
    bad, good = event("run_bad"), event("run_good")
    await send_raw(
        settings,
        "sync-requests",
        (bad.headers(), bad.value()),
        ([*event().headers(), ("note", None)], b"\xff not JSON"),
        (good.headers(), good.value()),
    )
    async with running(subscriptions.run):
        await eventually(lambda: effects(1), timeout=90)


@pytest.mark.usefixtures("parked")
async def test_p13_letters_are_listed_with_their_reasons(client: httpx.AsyncClient) -> None:
    first, second = (await client.get("/v1/dlq")).json()["items"]
    assert first["reason"] == "LookupError: no such run"
    assert (first["topic"], first["id"], first["offset"]) == ("sync-requests", 0, 0)
    assert first["type"] == "tablesync.run.cancel-requested.v1"
    assert first["replayed_at"] is None
    assert second["reason"].startswith("MalformedEventError: tablesync.run.cancel-requested.v1:")
    whole = (await client.get("/v1/dlq/sync-requests/0")).json()
    assert '"run_bad"' in whole["value"]
    assert whole["headers"]["ce_source"] == "scheduler"
    unreadable = (await client.get("/v1/dlq/sync-requests/1")).json()
    assert unreadable["encoding"] == "base64"
    assert unreadable["headers"]["note"] == ""


async def pages(client: httpx.AsyncClient, **params: str) -> list[list[int]]:
    """Return the ids on each page, the last one excepted: it is empty."""
    found: list[list[int]] = []
    start: dict[str, str] = {}
    while True:
        page = (await client.get("/v1/dlq", params={**params, **start})).json()
        if page["next"] is None:
            assert page["items"] == []
            return found
        found.append([each["id"] for each in page["items"]])
        start = {"from": page["next"]}


async def test_p13_every_letter_is_reached_page_by_page(
    client: httpx.AsyncClient, settings: ServiceSettings, event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is so many letters or bytes; it is empty where all of them were replayed."""
    await ensure_topics(settings, "sync-runner")
    good = event("run_good")
    letters = [(good.headers(), good.value())] * 5
    await send_raw(settings, "sync-requests.sync-runner-dlq", *letters)
    assert await pages(client) == [[0, 1, 2, 3, 4]]
    assert await pages(client, limit="2") == [[0, 1], [2, 3], [4]]

    for each in (2, 3, 4):
        assert (await client.post(f"/v1/dlq/sync-requests/{each}/replay")).status_code == 200
    assert await pages(client, limit="2") == [[0, 1], [], []]
    assert await pages(client, limit="2", replayed="true") == [[0, 1], [2, 3], [4]]

    monkeypatch.setattr(dead_letters, "PAGE_BYTES", 1)
    assert await pages(client) == [[0], [1], [], [], []]


async def test_p29_a_letter_whose_notes_cannot_be_read_is_shown_as_far_as_it_can(
    client: httpx.AsyncClient, settings: ServiceSettings, event
) -> None:
    """Somebody else wrote it; the letters around it are shown, and it can be replayed."""
    await ensure_topics(settings, "sync-runner")
    good = event("run_good")
    notes = [
        {"dlq_reason": b"why", "dlq_partition": b"3", "dlq_offset": b"17", "dlq_cut_from": b"0"},
        {"dlq_reason": b"why", "dlq_partition": b"abc", "dlq_offset": b"17"},
        {"dlq_partition": b"\xff", "dlq_offset": b"9" * 5_000, "dlq_cut_from": None},
        {"dlq_cut_from": b"some"},
        {},
    ]
    letters = [([*good.headers(), *each.items()], good.value()) for each in notes]
    await send_raw(settings, "sync-requests.sync-runner-dlq", *letters)
    items = (await client.get("/v1/dlq")).json()["items"]
    assert [(each["id"], each["partition"], each["offset"]) for each in items] == [
        (0, 3, 17),
        (1, -1, 17),
        (2, -1, -1),
        (3, -1, -1),
        (4, -1, -1),
    ]
    assert [each["reason"] for each in items] == [
        "why",
        "why (not to be read: partition)",
        "(not to be read: partition, offset)",
        "(not to be read: partition, offset, cut_from)",
        "(not to be read: partition, offset)",
    ]
    assert all(each["cut_from_bytes"] is None for each in items)
    for each in items:
        path = f"/v1/dlq/sync-requests/{each['id']}"
        assert (await client.get(path)).json()["reason"] == each["reason"]
        assert (await client.post(f"{path}/replay")).status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        {"from": "run-events/0"},
        {"from": "sync-requests"},
        {"from": "sync-requests/x"},
        {"from": "sync-requests/9999999999999999999"},
        {"limit": "0"},
        {"limit": "1001"},
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    answer = await client.get("/v1/dlq", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in params


@pytest.mark.usefixtures("parked")
async def test_p13_a_letter_is_replayed_once_it_can_be_handled(
    client: httpx.AsyncClient, moody: Moody, effects
) -> None:
    failed = await client.post("/v1/dlq/sync-requests/0/replay")
    assert failed.status_code == 409
    assert "no such run" in failed.json()["detail"]
    assert (await client.get("/v1/dlq/sync-requests/0")).json()["replayed_at"] is None

    moody.mended = True
    replayed = await client.post("/v1/dlq/sync-requests/0/replay")
    assert replayed.status_code == 200
    assert await effects() == ["run_good", "run_bad"]
    assert [each["id"] for each in (await client.get("/v1/dlq")).json()["items"]] == [1]
    listed = (await client.get("/v1/dlq", params={"replayed": "true"})).json()["items"]
    assert listed[0]["replayed_at"] == replayed.json()["replayed_at"]

    assert (await client.post("/v1/dlq/sync-requests/0/replay")).status_code == 200
    assert await effects() == ["run_good", "run_bad"]


@pytest.mark.usefixtures("parked")
async def test_a_letter_that_cannot_be_read_stays(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/dlq/sync-requests/1/replay")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:tablesync:problem:dead-letter-unreadable"
    assert len((await client.get("/v1/dlq")).json()["items"]) == 2


async def test_p13_a_letter_that_was_cut_says_where_the_original_is(
    client: httpx.AsyncClient, settings: ServiceSettings, subscriptions: Subscriptions, event
) -> None:
    await ensure_topics(settings, "sync-runner")
    large = event("run_" + "x" * 8 * 1024 * 1024)
    record = ConsumerRecord(
        topic="sync-requests",
        partition=3,
        offset=17,
        timestamp=0,
        timestamp_type=0,
        key=b"syn_1",
        value=large.value(),
        checksum=None,
        serialized_key_size=5,
        serialized_value_size=len(large.value()),
        headers=large.headers(),
    )
    await subscriptions.dead_letters.park("sync-requests", record, LookupError("no such run"))

    whole = (await client.get("/v1/dlq/sync-requests/0")).json()
    assert whole["cut_from_bytes"] > len(large.value())
    assert whole["value"].encode() == large.value()[:CUT_VALUE_BYTES]
    assert whole["type"] == "tablesync.run.cancel-requested.v1"
    answer = await client.post("/v1/dlq/sync-requests/0/replay")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:tablesync:problem:dead-letter-cut"
    for said in (str(whole["cut_from_bytes"]), "sync-requests, partition 3, offset 17", "smaller"):
        assert said in answer.json()["detail"]
    assert (await client.get("/v1/dlq/sync-requests/0")).json()["replayed_at"] is None


@pytest.mark.usefixtures("parked")
async def test_unknown_letters_are_404(client: httpx.AsyncClient) -> None:
    for path in ("sync-requests/99", "sync-requests/-1", "run-events/0", "nothing/0"):
        assert (await client.get(f"/v1/dlq/{path}")).status_code == 404
        assert (await client.post(f"/v1/dlq/{path}/replay")).status_code == 404


async def test_only_platform_principals_are_admitted(
    client: httpx.AsyncClient, service_keys: ServiceKeys
) -> None:
    admin = bearer(service_keys, platform=False)
    assert (await client.get("/v1/dlq", headers=admin)).status_code == 403
    assert (await client.get("/v1/dlq", headers={"Authorization": ""})).status_code == 401
