"""Bad input gets a clear answer that names field and remedy; nothing is lost, nothing crashes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from tablesync.contracts import TOPICS
from tablesync.demo.api import Api
from tablesync.demo.story import PORTAL, Story
from tablesync.demo.syncs import definition, tables_of
from tablesync.local_stack import LocalStack
from tablesync.test_kit import eventually

from .newcomers import newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def story(stack: LocalStack) -> AsyncIterator[Story]:
    """Ada has connected both accounts; nothing is synced yet."""
    async with newcomer(stack) as ada, ada.telling() as (story, _):
        await story.connect()
        story.tables = tables_of((await story.sandbox.bases())["bases"])
        yield story


async def body(story: Story, object_: str = "deals", **changes: Any) -> dict[str, Any]:
    """Return a good body of `POST /v1/syncs`, with some parts changed."""
    path = f"/v1/catalog/{story.hubspot}/objects/{object_}/properties"
    properties = await story.api.items("sync-runner", path)
    good = definition(object_, story.tables[object_], properties, story.hubspot, story.airtable)
    return good | changes


async def refused(story: Story, path: str, service: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send what must be refused; return the problem."""
    answer = await story.api.attempt("POST", service, path, body)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert 400 <= answer.status_code < 500, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def named(problem: dict[str, Any]) -> str:
    """Return all that the problem names, for a look inside."""
    assert all(each["remedy"] for each in problem["errors"])
    return " ".join(each["field"] + " " + each["message"] for each in problem["errors"])


async def test_an_unknown_provider_is_named(story: Story) -> None:
    problem = await refused(story, "/v1/authorizations", "auth-service", {"provider": "fax"})
    assert "provider" in named(problem)


@pytest.mark.parametrize("seconds", [0, -5, "soon"])
async def test_a_schedule_of_no_time_is_refused(story: Story, seconds: Any) -> None:
    bad = await body(story, schedule={"every_seconds": seconds})
    assert "schedule.every_seconds" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_a_key_that_does_not_merge_is_refused(story: Story) -> None:
    fields = story.tables["deals"].fields
    unmergeable = next(each for each in fields.values() if each["type"] == "checkbox")
    bad = await body(story, key={"source": "id", "field_id": unmergeable["id"]})
    bad["mapping"] = [each for each in bad["mapping"] if each["field_id"] != unmergeable["id"]]
    assert "key" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_a_key_that_is_not_mapped_is_refused(story: Story) -> None:
    bad = await body(story)
    del bad["key"]
    assert "key" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_a_table_that_is_not_there_is_named(story: Story) -> None:
    good = await body(story)
    bad = good | {"destination": good["destination"] | {"table_id": "tblDoesNotExist00"}}
    assert "tblDoesNotExist00" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_a_field_that_is_not_there_is_named(story: Story) -> None:
    bad = await body(story, mapping=[{"source": "dealname", "field_id": "fldDoesNotExist00"}])
    assert "fldDoesNotExist00" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_a_property_that_is_not_there_is_named(story: Story) -> None:
    good = await body(story)
    bad = good | {"mapping": [{**good["mapping"][0], "source": "no_such_property"}]}
    assert "no_such_property" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_a_connection_of_nobody_is_refused(story: Story) -> None:
    good = await body(story)
    stranger = "con_00000000-0000-7000-8000-000000000000"
    bad = good | {"source": good["source"] | {"connection_id": stranger}}
    assert "source.connection_id" in named(await refused(story, "/v1/syncs", "scheduler", bad))


async def test_p14_one_refused_value_costs_one_record_and_no_other(story: Story) -> None:
    """Airtable refuses one value of a batch: that record is reported, the others are written."""
    choice = next(
        each for each in story.tables["deals"].fields.values() if each["type"] == "singleSelect"
    )
    good = await body(story)
    source = next(each["source"] for each in good["mapping"] if each["field_id"] == choice["id"])
    edited = await story.sandbox.control(
        "hubspot", PORTAL, "edit", object="deals", count=1, properties={source: "no-such-choice"}
    )
    sync = await story.api.post("scheduler", "/v1/syncs", good)
    run = await eventually(lambda: ended_run(story, sync), timeout=90)

    assert run["status"] == "succeeded", run
    assert run["counts"]["rejected"] == 1
    assert "1 rejected" in run["summary"]
    rejections = await story.api.items("sync-runner", f"/v1/runs/{run['id']}/rejections")
    assert [each["source_id"] for each in rejections] == edited["edited"]
    assert "no-such-choice" in rejections[0]["reason"]
    table = story.tables["deals"]
    rows = await story.sandbox.records("airtable", "-", base=table.base_id, table=table.table_id)
    assert len(rows) == len(await story.sandbox.records("hubspot", PORTAL, object="deals")) - 1
    await story.api.post("scheduler", f"/v1/syncs/{sync['id']}/pause")


STAGE, LABEL = "1043225341", "Terms agreed"


async def test_stages_arrive_by_the_labels_that_people_see_unless_values_are_asked_for(
    story: Story,
) -> None:
    """HubSpot stores a stage as a number; Airtable's select has what people call it."""
    offered = await with_stages(story)
    assert {"value": STAGE, "label": LABEL} in offered["options"]
    new = await body(story) | await table_of_stages(story)
    sync = await story.api.post("scheduler", "/v1/syncs", new)
    assert [each["as"] for each in sync["mapping"]] == ["label"]
    run = await eventually(lambda: ended_run(story, sync), timeout=90)
    assert (run["status"], run["counts"]["rejected"]) == ("succeeded", 0)
    to = new["destination"]
    rows = await story.sandbox.records("airtable", "-", base=to["base_id"], table=to["table_id"])
    assert [each["fields"].get("Stage") for each in rows].count(LABEL) == 3

    by_value = [new["mapping"][0] | {"as": "value"}]
    path = f"/v1/syncs/{sync['id']}"
    edited = await story.api.attempt("PATCH", "scheduler", path, {"mapping": by_value})
    assert edited.status_code == 200, edited.text
    asked = await story.api.post("scheduler", f"{path}/run")

    async def asked_run() -> dict[str, Any] | None:
        runs = await story.runs(sync)
        return next((it for it in runs if it["id"] == asked["run_id"] and it["ended_at"]), None)

    refused_run = await eventually(asked_run, timeout=90)
    assert refused_run["counts"]["rejected"] == 3
    found = await story.api.items("sync-runner", f"/v1/runs/{refused_run['id']}/rejections")
    assert {each["field"] for each in found} == {"Stage"}
    for each in found:
        assert f"'{STAGE}' is no option of it, which has '{LABEL}'; add it" in each["reason"]
        assert "permission" not in each["reason"]
    await story.api.post("scheduler", f"{path}/pause")


async def with_stages(story: Story) -> dict[str, Any]:
    """Have three deals in a stage of the portal's own; return what the catalogue offers of it."""
    definition = {
        "name": "renewal_stage",
        "label": "Renewal stage",
        "type": "enumeration",
        "fieldType": "select",
        "options": [{"value": STAGE, "label": LABEL}],
    }
    control = story.sandbox.control
    await control("hubspot", PORTAL, "property", object="deals", definition=definition)
    stage = {"renewal_stage": STAGE}
    await control("hubspot", PORTAL, "edit", object="deals", count=3, properties=stage)
    path = f"/v1/catalog/{story.hubspot}/objects/deals/properties"
    properties = await story.api.items("sync-runner", path)
    return next(each for each in properties if each["name"] == "renewal_stage")


async def table_of_stages(story: Story) -> dict[str, Any]:
    """Make a table for stages; return which part of a sync's body it changes."""
    base_id = story.tables["deals"].base_id
    fields = [
        {"name": "Key", "type": "singleLineText"},
        {"name": "Stage", "type": "singleSelect", "options": {"choices": [{"name": LABEL}]}},
    ]
    table = await story.sandbox.control(
        "airtable", "-", "create-table", base=base_id, name="Stages", fields=fields
    )
    key, stage = (each["id"] for each in table["fields"])
    return {
        "destination": {
            "connection_id": story.airtable,
            "base_id": base_id,
            "table_id": table["id"],
        },
        "key": {"source": "id", "field_id": key},
        "mapping": [{"source": "renewal_stage", "field_id": stage}],
    }


async def test_p13_malformed_events_are_parked_and_the_partition_goes_on(
    story: Story, stack: LocalStack
) -> None:
    topic = stack.plan.given.topic_prefix + "sync-requests"
    producer = AIOKafkaProducer(bootstrap_servers=stack.info.kafka)
    await producer.start()
    bad = [
        (b"{", [("ce_id", b"bad-1"), ("ce_type", b"tablesync.sync.requested.v1")]),
        (b"{}", [("ce_id", b"\xff\xfe"), ("ce_type", b"\xff")]),
        (b"", []),
    ]
    try:
        for partition in range(TOPICS["sync-requests"].partitions):
            for value, headers in bad:
                await producer.send_and_wait(topic, value, headers=headers, partition=partition)
    finally:
        await producer.stop()

    expected = len(bad) * TOPICS["sync-requests"].partitions
    letters = await eventually(lambda: parked(stack, expected), timeout=60)
    assert all(each["reason"] for each in letters)
    sync = await story.api.post("scheduler", "/v1/syncs", await body(story, "companies"))
    run = await eventually(lambda: ended_run(story, sync), timeout=90)
    assert run["status"] == "succeeded"
    await story.api.post("scheduler", f"/v1/syncs/{sync['id']}/pause")


async def ended_run(story: Story, sync: dict[str, Any]) -> dict[str, Any] | None:
    runs = await story.runs(sync)
    return next((run for run in reversed(runs) if run["ended_at"]), None)


async def parked(stack: LocalStack, count: int) -> list[dict[str, Any]] | None:
    """Return what is parked, once it is so much; only who runs the platform may see it."""
    api = Api(stack.info.urls, stack.info.api_token)
    letters = await api.items("sync-runner", "/v1/dlq")
    await api.close()
    return letters if len(letters) == count else None
