"""P13: a service whose account is spoilt parks nothing, says so, and goes on once it is right."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest
from service_process import environment, service
from tablesync.service_kit import mongo
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.messaging.kafka import ensure_topics, new_producer
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import send
from tablesync.test_kit.own_mongod import OwnMongod

NAME, PASSWORD = "runner", "first"
Trouble = Callable[[OwnMongod, str], AbstractContextManager[None]]

pytestmark = pytest.mark.needs("mongod")


def role(name: str, database: str) -> dict[str, str]:
    return {"role": name, "db": database}


def create(mongod: OwnMongod, database: str) -> None:
    roles = [role("readWrite", database)]
    mongod.admin.command("createUser", NAME, pwd=PASSWORD, roles=roles)


@contextmanager
def changed_password(mongod: OwnMongod, _: str) -> Iterator[None]:
    """It counts for new connections alone, so that an operator may well see it days later."""
    mongod.admin.command("updateUser", NAME, pwd="second")
    mongod.restart()
    yield
    mongod.admin.command("updateUser", NAME, pwd=PASSWORD)


@contextmanager
def lost_role(mongod: OwnMongod, database: str) -> Iterator[None]:
    mongod.admin.command("updateUser", NAME, roles=[])
    yield
    mongod.admin.command("updateUser", NAME, roles=[role("readWrite", database)])


@contextmanager
def read_only_role(mongod: OwnMongod, database: str) -> Iterator[None]:
    mongod.admin.command("updateUser", NAME, roles=[role("read", database)])
    yield
    mongod.admin.command("updateUser", NAME, roles=[role("readWrite", database)])


@contextmanager
def dropped_account(mongod: OwnMongod, database: str) -> Iterator[None]:
    mongod.admin.command("dropUser", NAME)
    yield
    create(mongod, database)


TROUBLES: dict[Trouble, set[str]] = {
    changed_password: {"mongodb", "writes"},
    lost_role: {"mongodb", "writes"},
    read_only_role: {"writes"},
    dropped_account: {"mongodb", "writes"},
}


async def test_p13_a_spoilt_account_parks_nothing_is_told_and_needs_no_restart(
    settings: ServiceSettings, own_mongod: OwnMongod, event
) -> None:
    database = f"{settings.mongodb_database_prefix}kit"
    own_mongod.demand_passwords()
    create(own_mongod, database)
    effects = own_mongod.admin.client[database]["effects"]
    own = settings.with_(mongodb_uri=own_mongod.uri_of(NAME, PASSWORD))
    await ensure_topics(own, "sync-runner")
    async with service(environment(own)):
        for trouble, told in TROUBLES.items():
            await fails(own, set())
            done, kept = effects.count_documents({}), await times_kept(own)
            with trouble(own_mongod, database):
                await send(own, *(event(f"run_{done + n}") for n in range(2)))
                await fails(own, told)
                await eventually(lambda kept=kept: has_kept(own, kept + 2))
                assert effects.count_documents({}) == done, trouble
            await eventually(lambda done=done: effects.count_documents({}) == done + 2)
        await fails(own, set())
    letters = DeadLetters(own, "sync-runner", lambda: new_producer(own))
    assert await letters.list("sync-requests") == []
    ids = [each["run_id"] for each in effects.find()]
    assert sorted(ids) == [f"run_{n}" for n in range(2 * len(TROUBLES))]


async def test_p13_an_account_that_may_read_and_write_alone_sees_what_it_left_open(
    settings: ServiceSettings, own_mongod: OwnMongod
) -> None:
    """Of a killed process, which had the same account: nothing is parked for what it locks."""
    name = f"{settings.mongodb_database_prefix}kit"
    own_mongod.demand_passwords()
    create(own_mongod, name)
    client = mongo.connect(own_mongod.uri_of(NAME, PASSWORD))
    database = mongo.open_database(client, name)
    assert not await mongo.is_held(database)
    async with await client.start_session() as left:
        left.start_transaction()
        await database["effects"].insert_one({}, session=left)
        await eventually(lambda: mongo.is_held(database), timeout=30)
    assert not await mongo.is_held(database)
    client.close()


async def fails(settings: ServiceSettings, checks: set[str]) -> None:
    """Wait until readiness names these checks, and no other."""

    async def named() -> bool:
        answer = await asked(settings, "/readyz")
        return answer is not None and {n for n, ok in answer.json().items() if not ok} == checks

    await eventually(named, timeout=90)


async def has_kept(settings: ServiceSettings, times: int) -> bool:
    return await times_kept(settings) >= times


async def times_kept(settings: ServiceSettings) -> int:
    """Return how often a message was given back to its topic."""
    line = 'messages_consumed_total{end="kept",topic="sync-requests"} '
    answer = await asked(settings, "/metrics")
    said = answer.text.splitlines() if answer else []
    return sum(int(float(each.removeprefix(line))) for each in said if each.startswith(line))


async def asked(settings: ServiceSettings, path: str) -> httpx.Response | None:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return await http.get(f"http://127.0.0.1:{settings.http_port}{path}")
        except httpx.TransportError:
            return None
