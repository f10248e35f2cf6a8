"""P29 for records: an odd one is rejected alone, with a reason for people; all others go on."""

from collections.abc import Callable
from typing import Any

import pytest
from hostile_hubspot import hostile_runner
from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, SyncSpec
from tablesync.sync_runner import store
from tablesync.sync_runner.pipeline import columns, mapper
from tablesync.sync_runner.sources.hubspot import answers, values

MEGABYTES_10 = 10 * 2**20
DEEP: list[Any] = []
for _ in range(500):
    DEEP = [DEEP]
NAN, INFINITY = float("nan"), float("inf")


def with_property(name: str, value: object) -> Callable[[Json], object]:
    return lambda told: told | {"properties": told["properties"] | {name: value}}


def with_id(id_: object) -> Callable[[Json], object]:
    return lambda told: told | {"id": id_}


# What a record is made, and what its rejection says; where that is None it is written.
ODD: dict[str, tuple[Callable[[Json], object], str | None]] = {
    "no id": (lambda told: {"properties": told["properties"]}, "no id"),
    "a list as id": (with_id([1]), "no id"),
    "an empty id": (with_id(""), "no id"),
    "an endless id": (with_id("7" * 5_000), "no id"),
    "a NUL in its id": (with_id("7\x00"), "no id"),
    "a text": (lambda _: "a record", "no id"),
    "nothing": (lambda _: None, "no id"),
    "properties in a list": (lambda told: told | {"properties": []}, "HubSpot tells nothing"),
    "an object as value": (with_property("dealname", {"a": 1}), 'property "dealname" holds no'),
    "a list as value": (with_property("dealname", ["a"]), 'property "dealname" holds no text'),
    "a value nested deeply": (with_property("dealname", DEEP), "holds no text, but [[[["),
    "NaN": (with_property("amount", NAN), "is not a number; map it"),
    "Infinity": (with_property("amount", INFINITY), "is not a number; map it"),
    "10 MB": (with_property("dealname", "x" * MEGABYTES_10), "is longer than 100,000 characters"),
    "a slash in its id": (with_id("7/8"), None),
    "a dollar in its id": (with_id("$set.7"), None),
    "a number as id": (with_id(77), None),
    "half an emoji": (with_property("dealname", "Ada \ud83d"), None),
    "blanks": (with_property("amount", "  "), None),
    "an odd value that nobody maps": (with_property("unmapped", [1]), None),
}


@pytest.mark.parametrize("how", ["list", "search"])
async def test_p29_an_odd_record_is_rejected_alone(rig: Rig, how: str) -> None:
    await rig.fill(len(ODD) + 5)
    spec = await rig.spec("deals")
    ids = [each["id"] for each in await rig.deals()]
    odd = dict(zip(ids, ODD.values(), strict=False))

    def make_odd(answer: Json) -> Json:
        told = [
            odd[each["id"]][0](each) if each["id"] in odd else each for each in answer["results"]
        ]
        return answer | {"results": told}

    async with hostile_runner(rig) as hubspot:
        if how == "search":
            await rig.run(spec)
            await rig.edit("deals", ids)
        hubspot.edit("/search" if how == "search" else "/crm/objects", make_odd)
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    refused = [reason for _, reason in ODD.values() if reason is not None]
    assert row["counts"]["read"] == len(ids)
    assert row["counts"]["rejected"] == len(refused)
    told = [each["reason"] for each in (await rig.rejections(row["_id"])).values()]
    assert len(told) == len(refused)
    for reason in refused:
        assert any(reason in each for each in told), f"{reason} is not among {told}"
    assert all(len(each) < 400 for each in told)
    keys = {each["HubSpot ID"] for each in await rig.named_rows(spec)}
    assert {"7/8", "$set.7", "77", ids[-1]} <= keys
    names = {each.get("Deal name") for each in await rig.named_rows(spec)}
    assert "Ada \ufffd" in names


async def test_a_record_without_an_id_is_not_asked_for_by_one_of_ours(rig: Rig) -> None:
    spec = await rig.spec("deals")

    def without_id(answer: Json) -> Json:
        first, *others = answer["results"]
        return answer | {"results": [{"properties": first["properties"]}, *others]}

    async with hostile_runner(rig) as hubspot:
        hubspot.edit("/crm/objects", without_id, times=2)
        row = await rig.run(spec)
        (again,) = (await rig.rejections(row["_id"])).keys()
        await rig.run(spec)
    assert row["counts"]["rejected"] == 1
    assert again.startswith("unreadable-")
    assert not [each for each in hubspot.asked if "batch/read" in each]
    assert not await rig.database[store.RECORD_STATES].count_documents({"rejected": True})


async def test_half_an_answer_is_asked_for_again_before_a_record_is_blamed(rig: Rig) -> None:
    spec = await rig.spec("deals")

    def halved(answer: Json) -> Json:
        return answer | {"results": [{"id": each["id"]} for each in answer["results"]]}

    async with hostile_runner(rig) as hubspot:
        hubspot.edit("/crm/objects", halved, times=1)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20)
    assert not await rig.differences(spec)


async def test_a_fault_of_ours_rejects_the_record_and_is_logged_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody knows of such a fault: it is played by what makes cells, and fails for two records."""
    spec = await rig.spec("deals")
    bad = [each["id"] for each in await rig.deals()][:2]
    whole = columns.cells_of

    def fails_for_two(values: Any, wanted: Any) -> Any:
        if values["id"] in bad:
            raise KeyError("nobody thought of this")
        return whole(values, wanted)

    monkeypatch.setattr(mapper, "cells_of", fails_for_two)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 18)
    found = await rig.rejections(row["_id"])
    assert {each["reason"] for each in found.values()} == {mapper.OUR_FAULT}
    assert sorted(found) == sorted(bad)
    logged = capfd.readouterr().out
    assert logged.count("record not mapped") == 1
    assert logged.count("Traceback (most recent call last)") == 1


async def test_a_fault_of_ours_in_a_source_rejects_the_record_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = (await rig.deals())[0]["id"]
    await rig.edit("deals", [bad], dealname="fails")
    whole = values.read_value

    def fails(told: Any, property_: Any) -> Any:
        if told == "fails":
            raise KeyError("nobody thought of this")
        return whole(told, property_)

    monkeypatch.setattr(answers, "read_value", fails)
    spec = await rig.spec("deals")
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 19)
    assert (await rig.rejections(row["_id"]))[bad]["reason"] == mapper.OUR_FAULT
    assert capfd.readouterr().out.count("Traceback (most recent call last)") == 1


async def spec_of_names(rig: Rig) -> SyncSpec:
    to, (key, name) = await rig.new_table(text("Key"), text("Name"))
    return await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=(FieldMapping(source="dealname", field_id=name),),
    )


async def test_a_blank_key_is_none(rig: Rig) -> None:
    spec = await spec_of_names(rig)
    blank = (await rig.deals())[0]["id"]
    await rig.edit("deals", [blank], dealname=" \u3000 ")
    by_name = spec.model_copy(
        update={"key": FieldMapping(source="dealname", field_id=spec.mapping[0].field_id)}
    )
    async with rig.runner():
        row = await rig.run(by_name)
    assert (await rig.rejections(row["_id"]))[blank]["reason"] == 'its key "dealname" is empty'
