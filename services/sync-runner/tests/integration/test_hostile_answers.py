"""Answers that are none, being cut, swollen, oddly packed, sent elsewhere or told twice."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

import pytest
from hostile_hubspot import NO_HTTP, Told, hostile_runner
from row_comparison import Differences
from sync_runner_rig import Json, Rig
from tablesync.contracts import Provider
from tablesync.service_kit.http.client import MEGABYTE
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.execution import run_access

LIST, SEARCH = "/objects/2026-09/deals", "/deals/search"


def html(told: Told) -> Told:
    return replace(told, headers={"Content-Type": "text/html"}, body=b"<html>Maintenance</html>")


def half(told: Told) -> Told:
    return replace(told, body=told.body[: len(told.body) // 2])


def cut(told: Told) -> Told:
    return replace(told, cut=len(told.body) // 2)


def packed(told: Told, body: bytes, encoding: str = "gzip") -> Told:
    return replace(told, headers=told.headers | {"Content-Encoding": encoding}, body=body)


def bomb(told: Told) -> Told:
    """A megabyte of zeros for each kilobyte that is sent."""
    return packed(told, gzip.compress(bytes(64 * MEGABYTE)))


HOSTILE: dict[str, Callable[[Told], Told]] = {
    "HTML": html,
    "half an answer": half,
    "nothing": lambda told: replace(told, body=b""),
    "a cut connection": cut,
    "no HTTP": lambda told: replace(told, status=NO_HTTP, body=b"SSH-2.0-OpenSSH\r\n\r\n"),
    "half of a packing": lambda told: packed(told, gzip.compress(told.body)[:-20]),
    "no packing": lambda told: packed(told, told.body),
    "an unasked packing": lambda told: packed(told, zlib.compress(told.body), "deflate"),
    "a bomb in a bomb": lambda told: packed(told, gzip.compress(told.body), "gzip, gzip"),
    "a bracket bomb": lambda told: replace(told, body=b"[" * 200_000),
    "another encoding": lambda told: replace(told, body=told.body.decode().encode("utf-16")),
    "an endless number": lambda told: replace(told, body=b"9" * 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_answer_is_asked_for_again(rig: Rig, name: str) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, HOSTILE[name], times=1)
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


REFUSALS = [400, 403, 404, 405, 422, 451]


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("provider", [Provider.HUBSPOT, Provider.AIRTABLE])
async def test_what_a_proxy_refuses_is_asked_for_again(
    rig: Rig, provider: Provider, status: int
) -> None:
    """HubSpot and Airtable refuse in JSON: a page is of whoever stands before them."""
    spec = await rig.spec("deals")
    page = "<html>Blocked</html>"
    await rig.sandbox.control(provider, "-", "break", status=status, body=page, count=1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


@pytest.mark.parametrize("provider", [Provider.HUBSPOT, Provider.AIRTABLE])
async def test_what_a_proxy_goes_on_refusing_holds_no_sync_for_its_object(
    rig: Rig, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = partial(ProviderClient, retry_seconds=2.0)
    monkeypatch.setattr(run_access, "ProviderClient", impatient)
    spec = await rig.spec("deals")
    await rig.sandbox.control(provider, "-", "break", status=403, body="<html>Blocked</html>")
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert "answered 403, not in its own words" in row["summary"]


@pytest.mark.parametrize("status", [408, 421, 425])
async def test_what_was_not_looked_at_is_asked_for_again(rig: Rig, status: int) -> None:
    spec = await rig.spec("deals")
    body = {"status": "error", "message": "-"}
    await rig.at_hubspot("break", status=status, body=body, path_contains=LIST, count=1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]


@pytest.mark.parametrize("alter", [html, cut], ids=["HTML", "cut"])
async def test_what_stays_none_fails_the_run_for_the_provider(
    rig: Rig, alter: Callable[[Told], Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = partial(ProviderClient, retry_seconds=2.0)
    monkeypatch.setattr(run_access, "ProviderClient", impatient)
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, alter)
        row = await rig.run(spec)
        asked = hubspot.asked.count("/crm" + LIST)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert asked > 1


async def test_a_body_that_is_packed_as_asked_is_read(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, lambda told: packed(told, gzip.compress(told.body)))
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_p18_a_redirect_takes_no_token_elsewhere(rig: Rig, status: int) -> None:
    visitors: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitors.append(await reader.read(1))
        writer.close()

    elsewhere = await asyncio.start_server(hear, "127.0.0.1", 0)
    host, port = elsewhere.sockets[0].getsockname()
    away = {"Location": f"http://{host}:{port}/"}
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, lambda _: Told(status, away, b""), times=1)
        row = await rig.run(spec)
    elsewhere.close()
    assert row["status"] == "succeeded", row["summary"]
    assert visitors == []
    assert not await rig.differences(spec)


BY_IDS = "/batch/read"


async def test_a_bomb_is_not_unpacked_and_its_page_is_read_by_ids(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, bomb, times=1)
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert [each for each in hubspot.asked if BY_IDS in each]
    assert not await rig.differences(spec)


async def test_nothing_but_bombs_fails_the_run_for_the_provider(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, bomb)
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "provider")
    assert "answered with more than 16 MB at once" in row["summary"]


@pytest.mark.parametrize("how", ["list", "search"])
async def test_a_page_that_is_too_large_is_read_in_parts_and_one_record_is_rejected_alone(
    rig: Rig, how: str
) -> None:
    """20 records of 200 kB where 1 MB may come at once; one of them has 2 MB."""
    spec = await rig.spec("deals")
    names = spec.model_copy(
        update={"mapping": tuple(each for each in spec.mapping if each.source == "dealname")}
    )
    ids = [each["id"] for each in await rig.deals()]
    huge = ids[7]

    def swell(answer: Json) -> Json:
        for each in answer["results"]:
            if "dealname" in each["properties"]:
                length = 2_000_000 if each["id"] == huge else 200_000
                each["properties"]["unmapped"] = "x" * length
        return answer

    async with hostile_runner(rig, runner_answer_megabytes=1) as hubspot:
        if how == "search":
            await rig.run(names)
            await rig.edit("deals", ids, dealname="Renamed")
        hubspot.edit("/objects/", swell)
        row = await rig.run(names)
    assert row["status"] == "succeeded", row["summary"]
    assert row["counts"] == {"read": 20, "written": 19, "unchanged": 0, "rejected": 1}
    found = await rig.rejections(row["_id"])
    assert "more than 1 MB" in found[huge]["reason"]
    found_row = [huge] if how == "search" else []
    assert await rig.differences(names) == Differences(unexpected=found_row)


async def test_pages_that_come_twice_double_nothing(rig: Rig) -> None:
    await rig.fill(250)
    spec = await rig.spec("deals")
    pages: list[Told] = []

    def tell_the_first_again(told: Told) -> Told:
        pages.append(told)
        return replace(told, body=_going_on(pages[0].body, told.body))

    async with hostile_runner(rig) as hubspot:
        hubspot.alter(LIST, tell_the_first_again, times=2)
        await rig.run(spec)
        mended = await rig.run(spec.model_copy(update={"mapping": spec.mapping[:-1], "version": 2}))
    assert mended["status"] == "succeeded", mended["summary"]
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["duplicates"] == counters["upsert_duplicates"] == 0
    keys = [each["HubSpot ID"] for each in await rig.named_rows(spec)]
    assert len(keys) == len(set(keys)) == 250


def _going_on(first: bytes, as_told: bytes) -> bytes:
    """Return the records of one page with the way on from another."""
    answer: Json = json.loads(first)
    return json.dumps(answer | {"paging": json.loads(as_told).get("paging")}).encode()


async def test_a_list_that_tells_the_same_with_ever_new_ways_on_is_ended(rig: Rig) -> None:
    spec = await rig.spec("deals")
    ways = map(str, count())
    async with hostile_runner(rig) as hubspot:
        hubspot.edit(LIST, lambda told: told | {"paging": {"next": {"after": next(ways)}}})
        row = await rig.run(spec)
        asked = hubspot.asked.count("/crm" + LIST)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert "goes in a circle" in row["summary"]
    assert asked < 5
