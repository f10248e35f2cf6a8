"""Answers that tell a part of what was asked for: what they leave out is neither gone nor empty."""

import json
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest
from hostile_hubspot import Alter, Told, hostile_runner
from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, SyncSpec

OBJECTS, SEARCH, BY_IDS = "/objects/2026-09/deals", "/deals/search", "/batch/read"
CHECKBOX = {"icon": "check", "color": "redBright"}
MARK = {"name": "Deleted at source", "type": "checkbox", "options": CHECKBOX}
NEXT = {"next": {"after": "100"}}


async def ids_of(rig: Rig) -> list[str]:
    return [each["id"] for each in await rig.deals()]


def short(answer: Json) -> Json:
    """Show the first hundred, and say how many there are."""
    return {"total": answer["total"], "results": answer["results"][:100]}


def short_and_going_on(answer: Json) -> Json:
    """Show the first hundred, and say where others are."""
    more = len(answer["results"]) > 100
    return {"results": answer["results"][:100]} | ({"paging": NEXT} if more else {})


@pytest.mark.parametrize("shortened", [short, short_and_going_on])
async def test_a_short_page_of_a_search_is_its_last_only_if_nothing_follows(
    rig: Rig, shortened: Callable[[Json], Json]
) -> None:
    await rig.fill(250)
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        await rig.edit("deals", await ids_of(rig), dealname="Renamed")
        hubspot.edit(SEARCH, shortened)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 250), row["summary"]
    assert not await rig.differences(spec)


async def test_a_search_that_shows_nothing_of_what_there_is_is_asked_again(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        await rig.edit("deals", await ids_of(rig), dealname="Renamed")
        hubspot.edit(SEARCH, lambda answer: answer | {"results": []}, times=1)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20), row["summary"]
    assert not await rig.differences(spec)


def without(lost: Collection[str], status: int, errors: Callable[[], object]) -> Alter:
    """Leave records out of a batch, and say why."""

    def alter(told: Told) -> Told:
        answer: Json = json.loads(told.body)
        kept = [each for each in answer["results"] if each["id"] not in lost]
        body = answer | {"results": kept, "numErrors": 1, "errors": errors()}
        return replace(told, status=status, body=json.dumps(body).encode())

    return alter


def failed(ids: Collection[str]) -> list[Json]:
    context = {"ids": list(ids)}
    return [{"status": "error", "category": "INTERNAL_ERROR", "message": "-", "context": context}]


ODD_ERRORS: dict[str, object] = {
    "a text": "try again",
    "nothing in a list": [None],
    "no category": [{"status": "error"}],
}


async def marking(rig: Rig) -> tuple[SyncSpec, str]:
    """Make a sync that marks the rows of deleted records; return it, and the field of the mark."""
    spec = await rig.spec("deals")
    field: str = (await rig.at_table(spec, "add-field", field=MARK))["id"]
    mapped = FieldMapping(source="archived", field_id=field)
    return await rig.spec("deals", mapping=(*spec.mapping, mapped)), field


@pytest.mark.parametrize(
    ("how", "status"),
    [("an error", 200), ("no word", 200), *((how, 207) for how in ("an error", *ODD_ERRORS))],
)
async def test_p28_a_batch_that_failed_in_part_marks_nobody_as_gone(
    rig: Rig, how: str, status: int
) -> None:
    """The list is half, too, so that a check asks for three by their ids; all are there."""
    spec, mark = await marking(rig)
    lost = (await ids_of(rig))[:3]
    errors = {"an error": failed(lost), "no word": None} | ODD_ERRORS

    def half(answer: Json) -> Json:
        return {"results": [each for each in answer["results"] if each["id"] not in lost]}

    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        hubspot.alter(BY_IDS, without(lost, status, lambda: errors[how]), times=1)
        hubspot.edit(OBJECTS, half, times=2)
        row = await rig.check(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not row["found"].get("gone")
    assert not [each for each in await rig.rows(spec) if each.get(mark)]
    assert sum(BY_IDS in each for each in hubspot.asked) == 2


@pytest.mark.parametrize("status", [200, 207])
async def test_a_key_is_its_holder_s_that_could_not_be_read_just_now(rig: Rig, status: int) -> None:
    to, (name, amount) = await rig.new_table(text("Name"), text("Amount"))
    spec = await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="dealname", field_id=name),
        mapping=(FieldMapping(source="amount", field_id=amount),),
    )
    holder, other, *rest = await ids_of(rig)
    for number, each in enumerate((holder, other, *rest)):
        await rig.edit("deals", [each], dealname=f"Deal {number}", amount=f"{number}")

    def of_the_other(answer: Json) -> Json:
        found = [each for each in answer["results"] if each["id"] == other]
        return {"total": len(found), "results": found}

    async with hostile_runner(rig) as hubspot:
        assert (await rig.run(spec))["counts"]["written"] == 20
        await rig.edit("deals", [other], dealname="Deal 0", amount="777")
        hubspot.edit(SEARCH, of_the_other)
        hubspot.alter(BY_IDS, without([holder], status, lambda: failed([holder])), times=1)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["rejected"]) == ("succeeded", 1), row["summary"]
    assert "has the same" in (await rig.rejections(row["_id"]))[other]["reason"]
    rows = {each["Name"]: each["Amount"] for each in await rig.named_rows(spec)}
    assert (rows["Deal 0"], rows["Deal 1"]) == ("0", "1")


@pytest.mark.parametrize("kept", [[], ["hs_object_id"], ["hs_object_id", "dealname", "amount"]])
@pytest.mark.parametrize("path", [OBJECTS, SEARCH])
async def test_a_record_that_is_told_in_part_is_rejected_and_empties_no_row(
    rig: Rig, path: str, kept: list[str]
) -> None:
    """HubSpot tells each property that it was asked for, as null where it is empty."""
    spec = await rig.spec("deals")
    halved = (await ids_of(rig))[3]

    def halve(answer: Json) -> Json:
        for each in answer["results"]:
            if each["id"] == halved:
                told = each["properties"]
                each["properties"] = {name: told[name] for name in kept}
        return answer

    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        before = await rig.rows(spec)
        await rig.edit("deals", [halved])
        hubspot.edit(path, halve)
        row = await (rig.run(spec) if path == SEARCH else rig.check(spec))
    assert (row["status"], row["counts"]["rejected"]) == ("succeeded", 1), row["summary"]
    reason = (await rig.rejections(row["_id"]))[halved]["reason"]
    assert reason.startswith("HubSpot does not tell")
    assert "report it there" in reason
    assert await rig.rows(spec) == before


async def test_a_record_that_is_told_in_part_once_is_written(rig: Rig) -> None:
    spec = await rig.spec("deals")

    def halve(answer: Json) -> Json:
        answer["results"][3]["properties"].pop("dealname")
        return answer

    async with hostile_runner(rig) as hubspot:
        hubspot.edit(OBJECTS, halve, times=1)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20), row["summary"]
    assert not await rig.differences(spec)


async def test_p28_a_record_whose_id_is_told_no_more_is_not_taken_for_gone(rig: Rig) -> None:
    """Neither list nor batch tells it, so that a check misses it at both."""
    spec, mark = await marking(rig)
    odd, purged = (await ids_of(rig))[:2]

    def nameless(answer: Json) -> Json:
        told = [each | {"id": None} if each["id"] == odd else each for each in answer["results"]]
        return answer | {"results": told}

    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        await rig.at_hubspot("purge", object="deals", ids=[purged])
        hubspot.edit(BY_IDS, nameless)
        hubspot.edit(OBJECTS, nameless)
        row = await rig.check(spec)
    assert row["status"] == "succeeded", row["summary"]
    marked = [each for each in await rig.rows(spec) if each.get(mark)]
    assert [each[spec.key.field_id] for each in marked] == [purged]
    assert row["found"]["gone"] == 1
    assert odd in await rig.rejections(row["_id"])


async def test_p29_a_record_that_stays_unreadable_by_its_id_ends_no_run(rig: Rig) -> None:
    spec, mark = await marking(rig)
    odd = (await ids_of(rig))[0]

    def unlisted(answer: Json) -> Json:
        return answer | {"results": [each for each in answer["results"] if each["id"] != odd]}

    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        hubspot.alter(BY_IDS, without([odd], 207, lambda: failed([odd])))
        hubspot.edit(OBJECTS, unlisted)
        row = await rig.check(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert set(await rig.rejections(row["_id"])) == {odd}
    assert not [each for each in await rig.rows(spec) if each.get(mark)]
