"""A service from its first step to its last: prepare, roles, drains, and then the clients."""

import asyncio

import pytest
from pymongo import IndexModel
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings


@pytest.fixture
def steps() -> list[str]:
    return []


class Client:
    """A client that notes when it is closed."""

    def __init__(self, name: str, steps: list[str]) -> None:
        self._name, self._steps = name, steps

    async def aclose(self) -> None:
        self._steps.append(f"{self._name} closed")


async def test_p25_what_is_under_way_ends_before_its_clients_close(
    settings: ServiceSettings, database: Database, steps: list[str]
) -> None:
    resources = Resources.open("sync-runner", settings, database="kit")
    begun = asyncio.Event()

    async def prepare() -> None:
        assert "named" in await database["made"].index_information()
        steps.append("prepared")

    async def role(stop: asyncio.Event) -> None:
        steps.append("role begun")
        begun.set()
        await stop.wait()
        steps.append("role ended")

    async def drain() -> None:
        assert await resources.database["made"].count_documents({}) == 0
        steps.append("drained")

    resources.kept(Client("first", steps))
    resources.kept(Client("second", steps))
    service = Service(
        resources,
        roles=[Role("ticker", role)],
        indexes={"made": [IndexModel("by", name="named")]},
        prepare=[prepare],
        drains=[drain],
    )
    stop = asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    await asyncio.wait_for(begun.wait(), 60)
    assert service.prepared.is_set()
    stop.set()
    await asyncio.wait_for(running, 60)
    ends = ["role ended", "drained", "second closed", "first closed"]
    assert steps == ["prepared", "role begun", *ends]


async def test_p25_a_role_that_fails_ends_the_service_and_drains_it(
    settings: ServiceSettings, steps: list[str]
) -> None:
    resources = Resources.open("sync-runner", settings, database="kit")

    async def failing(stop: asyncio.Event) -> None:
        raise LookupError("no such grant")

    async def drain() -> None:
        steps.append("drained")

    resources.kept(Client("peer", steps))
    service = Service(resources, roles=[Role("ticker", failing)], drains=[drain])
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(service.run(asyncio.Event()), 60)
    assert [str(each) for each in raised.value.exceptions] == ["no such grant"]
    assert steps == ["drained", "peer closed"]
