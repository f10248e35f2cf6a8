"""P29: what cannot be read is passed over, alarmed once, counted each time, and put back."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import BaseModel, Field
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import Collection, Database, Document, database_now
from tablesync.service_kit.mongo.reading import (
    UnreadableDocumentError,
    alone,
    read,
    read_all,
    read_or_none,
    set_aside,
)
from tablesync.test_kit.logs import own_logs

pytestmark = pytest.mark.integration


class Thing(BaseModel):
    id: int = Field(alias="_id")
    size: int


def thing_of(document: Document) -> Thing:
    return Thing.model_validate(document)


def counted() -> float:
    return (
        REGISTRY.get_sample_value("documents_set_aside_total", {"collection": "reading_things"})
        or 0
    )


def errors(logs: list[Any]) -> list[Any]:
    return [each for each in logs if each["log_level"] == "error"]


@pytest.fixture
async def things(database: Database) -> Collection:
    found = database["reading_things"]
    await found.delete_many({})
    return found


def rows(*sizes: object) -> list[Document]:
    return [{"_id": number, "size": size} for number, size in enumerate(sizes)]


async def test_p29_the_others_are_read_and_the_alarm_is_raised_once(things: Collection) -> None:
    before = counted()
    with own_logs() as logs:
        for _ in range(3):
            found = read_all(things, thing_of, rows(1, "a secret", 3))
    assert [each.id for each in found.items] == [0, 2]
    assert (found.unread_ids, len(found)) == ([1], 3)
    (error,) = errors(logs)
    assert (error["collection"], error["id"]) == ("reading_things", "1")
    assert error["why"].startswith("size: ")
    assert "secret" not in str(logs)
    assert counted() - before == 3


async def test_p29_what_was_mended_is_told_and_alarms_anew(things: Collection) -> None:
    with own_logs() as logs:
        for size in ("bad", 1, "bad"):
            read_or_none(things, thing_of, {"_id": 5, "size": size})
    told = [each["event"] for each in logs]
    assert told == ["document set aside", "document is read again", "document set aside"]


async def test_p29_one_that_is_needed_names_no_value_either(things: Collection) -> None:
    with pytest.raises(UnreadableDocumentError, match="7 of reading_things") as caught:
        read(things, thing_of, {"_id": 7, "size": "a secret"})
    assert "secret" not in str(caught.value)
    with pytest.raises(UnreadableDocumentError, match="name: missing"):
        read(things, lambda document: document["name"], {"_id": 8})


async def test_p29_its_own_error_is_alarmed_and_an_outage_is_raised(things: Collection) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def succeed() -> None:
        return None

    with own_logs() as logs:
        assert await alone(things, "x", succeed())
        assert not await alone(things, "x", fail(AssertionError("a secret")))
    (error,) = errors(logs)
    assert error["why"].startswith("AssertionError in fail")
    assert "secret" not in str(logs)
    with pytest.raises(DependencyUnavailableError):
        await alone(things, "x", fail(DependencyUnavailableError("mongodb")))


async def test_p29_what_is_put_back_comes_a_minute_later(things: Collection) -> None:
    await things.insert_many(rows(1, 2))
    now = await database_now(things.database)
    await set_aside(things, [0], "due_at")
    found = {each["_id"]: each for each in await things.find().to_list(None)}
    assert 59 < (found[0]["due_at"] - now).total_seconds() < 90
    assert found[0]["set_aside_at"] >= now
    assert "due_at" not in found[1]
