"""What `Source` promises, for every provider: HubSpot, and one that is unlike it in all it may be.

Each test is played at each subject; a new provider adds its own to `source_subjects.py`.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import pytest_asyncio
from second_provider.server import Shop
from source_subjects import ExportedShopSubject, HubSpotSubject, ShopSubject, Subject
from sync_runner_rig import Rig
from tablesync.contracts import RunFailureCause
from tablesync.contracts.internal_api import Verdict
from tablesync.sync_runner.access.budgets.base import FROZEN
from tablesync.sync_runner.errors import ConnectionLostError, RunFailedError
from tablesync.sync_runner.sources.base import (
    GONE,
    Page,
    Position,
    Source,
    SourceProperty,
    SourceRecord,
)
from tablesync.sync_runner.values import Value, ValueKind

Records = dict[str, Mapping[str, Value]]
SUBJECTS = ["hubspot", "shop", "shop, exported"]


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """Serve a shop."""
    async with Shop("orchard") as shop:
        yield shop


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, rig: Rig, shop: Shop) -> Subject:
    """Return each provider's subject in turn."""
    if request.param == "hubspot":
        return HubSpotSubject(rig)
    return (ShopSubject if request.param == "shop" else ExportedShopSubject)(rig, shop)


def living(records: Sequence[SourceRecord]) -> Records:
    """Return the last that was read of each record, unless it is gone."""
    last = {each.id: each for each in records}
    return {each.id: each.values for each in last.values() if not each.gone}


async def pages_of(
    source: Source,
    subject: Subject,
    properties: Sequence[SourceProperty],
    position: Position,
    after_each: Callable[[Page], Awaitable[None]] | None = None,
) -> list[Page]:
    """Read to the end, and have something done after each page."""
    pages = []
    async for page in source.read(subject.object_, properties, position):
        pages.append(page)
        if after_each is not None:
            await after_each(page)
    return pages


def records_of(pages: Sequence[Page]) -> list[SourceRecord]:
    return [each for page in pages for each in page.records]


async def read_all(subject: Subject, cursor_ms: int | None = None) -> list[SourceRecord]:
    """Read all properties of everything, or of what changed since."""
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        begin = source.first_position(cursor_ms, opening.began_ms)
        return records_of(await pages_of(source, subject, opening.properties, begin))


async def properties_of(subject: Subject) -> Sequence[SourceProperty]:
    async with subject.opened() as source:
        return (await source.open(subject.object_)).properties


# objects and what is known of them


async def test_objects_are_named_and_one_of_them_can_be_opened(subject: Subject) -> None:
    async with subject.opened() as source:
        found = await source.objects()
    names = [each.name for each in found]
    assert subject.object_ in names
    assert len(names) == len(set(names))
    assert all(each.label for each in found)


async def test_an_object_tells_its_properties_and_the_providers_clock(subject: Subject) -> None:
    before = datetime.now(UTC).timestamp()
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
    known = {each.name: each for each in opening.properties}
    assert next(iter(known)) == "id"
    assert len(known) == len(opening.properties)
    assert known[GONE].kind is ValueKind.BOOL
    assert {ValueKind.TEXT, ValueKind.NUMBER, ValueKind.MOMENT} <= {
        each.kind for each in known.values()
    }
    options = [option for each in known.values() for option in each.options]
    assert any(each.label != each.value for each in options)
    assert abs(opening.began_ms / 1000 - before) < 60, "both are on this machine"
    json.dumps(opening.began_ms)


async def test_an_object_that_is_not_there_is_a_resource_that_is_missing(subject: Subject) -> None:
    async with subject.opened() as source:
        with pytest.raises(RunFailedError) as refused:
            await source.open("unicorns")
    assert refused.value.cause is RunFailureCause.RESOURCE


# reading


@pytest.mark.parametrize(("pages", "more"), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 5)])
async def test_what_is_read_from_nothing_is_what_is_there(
    subject: Subject, pages: int, more: int
) -> None:
    total = pages * subject.page_size + more
    await subject.have(total)
    read = await read_all(subject)
    assert living(read) == await subject.truth(await properties_of(subject))
    assert len(read) == total


async def test_from_a_cursor_what_changed_since_is_read(subject: Subject) -> None:
    await subject.have(subject.page_size + 3)
    async with subject.opened() as source:
        began_ms = (await source.open(subject.object_)).began_ms
    before = living(await read_all(subject))
    edited, deleted = sorted(before)[2:5], sorted(before)[:2]
    await subject.edit(edited, "Edited")
    await subject.create(2)
    await subject.delete(deleted)
    read = await read_all(subject, began_ms)
    truth = await subject.truth(await properties_of(subject))
    assert {each.id for each in read if each.gone} == set(deleted)
    assert {**before, **living(read)}.keys() - set(deleted) == truth.keys()
    assert all(living(read)[each] == truth[each] for each in edited)
    assert len(truth.keys() - before.keys()) == 2


async def test_a_record_that_is_gone_says_so_and_a_living_one_that_it_is_not(
    subject: Subject,
) -> None:
    await subject.have(4)
    async with subject.opened() as source:
        began_ms = (await source.open(subject.object_)).began_ms
    gone = sorted(living(await read_all(subject)))[0]
    await subject.delete([gone])
    read = {each.id: each for each in await read_all(subject, began_ms)}
    assert read[gone].gone
    assert read[gone].values[GONE] is True
    assert all(each.values[GONE] is False for each in read.values() if not each.gone)


@pytest.mark.parametrize("from_nothing", [True, False], ids=["from nothing", "from a cursor"])
async def test_a_reading_goes_on_anywhere_in_another_process_and_loses_nothing(
    subject: Subject, from_nothing: bool
) -> None:
    """At the price of repeats alone; a position is plain JSON."""
    await subject.have(0)
    async with subject.opened() as source:
        cursor_ms = None if from_nothing else (await source.open(subject.object_)).began_ms
    await subject.have(2 * subject.page_size + 3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        begin = source.first_position(cursor_ms, opening.began_ms)
        pages = await pages_of(source, subject, opening.properties, begin)
    truth = await subject.truth(opening.properties)
    assert len(pages) > 1
    for index, page in enumerate(pages):
        stored = json.loads(json.dumps(page.position))
        assert stored == page.position
        async with subject.opened() as another:
            rest = await pages_of(another, subject, opening.properties, stored)
        assert living(records_of([*pages[: index + 1], *rest])) == truth


async def test_p15_what_is_edited_while_it_is_read_is_there_after_the_next_reading(
    subject: Subject,
) -> None:
    await subject.have(2 * subject.page_size + 3)
    ids = sorted(await subject.truth(await properties_of(subject)))
    rounds = 0

    async def edit(page: Page) -> None:
        nonlocal rounds
        rounds += 1
        if rounds > 6:  # people go home, too
            return
        mine = ids[rounds :: len(ids) // 5]
        await subject.edit(mine, f"Edited in round {rounds}")
        await subject.create(1)
        await subject.delete([ids[rounds * 7]])

    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        begin = source.first_position(None, opening.began_ms)
        first = await pages_of(source, subject, opening.properties, begin, edit)
    second = await read_all(subject, opening.began_ms)
    assert rounds > 1
    assert living([*records_of(first), *second]) == await subject.truth(opening.properties)


async def test_only_what_is_asked_for_is_read_and_the_id_always(subject: Subject) -> None:
    await subject.have(3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        wanted = [each for each in opening.properties if each.kind is ValueKind.NUMBER][:1]
        begin = source.first_position(None, opening.began_ms)
        read = records_of(await pages_of(source, subject, wanted, begin))
    assert all(each.values["id"] == each.id for each in read)
    assert all(
        {"id", wanted[0].name} <= each.values.keys() <= {"id", GONE, wanted[0].name}
        for each in read
    )


TYPES: Mapping[ValueKind, type | tuple[type, ...]] = {
    ValueKind.TEXT: str,
    ValueKind.NUMBER: Decimal,
    ValueKind.BOOL: bool,
    ValueKind.DATE: date,
    ValueKind.MOMENT: datetime,
    ValueKind.TEXTS: tuple,
}


async def test_values_are_of_the_kind_of_their_property(subject: Subject) -> None:
    await subject.have(8)
    properties = await properties_of(subject)
    seen: set[ValueKind] = set()
    for record in await read_all(subject):
        for each in properties:
            value = record.values[each.name]
            if value is None:
                continue
            assert value != ""
            assert isinstance(value, TYPES[each.kind]), f"{each.name}: {value!r}"
            assert not isinstance(value, datetime) or value.tzinfo is not None
            seen.add(each.kind)
    assert {ValueKind.TEXT, ValueKind.BOOL} < seen


async def test_an_odd_value_spoils_its_own_record_alone(subject: Subject) -> None:
    """It has a fault, or is the text that it is, for its field to refuse."""
    await subject.have(3)
    before = living(await read_all(subject))
    odd, *others = sorted(before)
    property_ = await subject.spoil(odd)
    read = {each.id: each for each in await read_all(subject)}
    assert read[odd].fault or read[odd].values[property_] == "a lot"
    assert {each: read[each].values for each in others} == {each: before[each] for each in others}


async def test_records_are_read_by_id_where_the_source_can(subject: Subject) -> None:
    await subject.have(5)
    properties = await properties_of(subject)
    truth = await subject.truth(properties)
    gone, *there = sorted(truth)
    await subject.delete([gone])
    async with subject.opened() as source:
        if source.ids_at_once is None:
            with pytest.raises(AssertionError, match="by its id"):
                await source.read_ids(subject.object_, properties, there)
            return
        wanted = [*there, gone, "123456789012"]
        assert len(wanted) <= source.ids_at_once
        read = await source.read_ids(subject.object_, properties, wanted)
    assert {each.id: each.values for each in read} == {each: truth[each] for each in there}


# answers, and what they mean for whoever calls


async def test_a_dead_token_is_reported_once_and_the_next_one_is_called_with(
    subject: Subject,
) -> None:
    await subject.have(subject.page_size + 1)
    subject.rig.auth.verdicts.append(Verdict.RECOVERED)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await subject.end_token()
        begin = source.first_position(None, opening.began_ms)
        read = living(records_of(await pages_of(source, subject, opening.properties, begin)))
    assert read == await subject.truth(opening.properties)
    assert len(subject.rig.auth.reports) == 1


async def test_a_grant_that_is_ruled_lost_ends_the_reading(subject: Subject) -> None:
    await subject.have(3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await subject.end_token()
        begin = source.first_position(None, opening.began_ms)
        with pytest.raises(ConnectionLostError):
            await pages_of(source, subject, opening.properties, begin)


async def test_a_limit_that_was_met_is_waited_out_and_shut_for_all(subject: Subject) -> None:
    await subject.have(3)
    frozen = frozen_so_far()
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await subject.throttle()
        begin = source.first_position(None, opening.began_ms)
        read = living(records_of(await pages_of(source, subject, opening.properties, begin)))
    assert read == await subject.truth(opening.properties)
    assert frozen_so_far() == frozen + 1
    assert not subject.rig.auth.reports


def frozen_so_far() -> float:
    return sum(
        sample.value
        for metric in FROZEN.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )


async def refused_for_good(subject: Subject, refuse: Callable[[], Awaitable[None]]) -> None:
    """Read what is refused once it is open: that ends the reading, and names the connection."""
    await subject.have(3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await refuse()
        begin = source.first_position(None, opening.began_ms)
        with pytest.raises(RunFailedError) as refused:
            await pages_of(source, subject, opening.properties, begin)
    assert refused.value.cause is RunFailureCause.RESOURCE
    assert refused.value.connection_id == subject.connection_id
    assert not subject.rig.auth.reports, "its grant is as good as before"


async def test_an_object_that_is_refused_is_asked_for_once_and_named(subject: Subject) -> None:
    await refused_for_good(subject, subject.forbid)


async def test_an_account_that_takes_no_calls_ends_the_reading_and_keeps_its_grant(
    subject: Subject,
) -> None:
    await refused_for_good(subject, subject.freeze_account)


SUCCESSES_THAT_ARE_NONE = {
    "a page of a proxy": "<!doctype html><title>502 Bad Gateway</title>",
    "half an answer": '{"results": [{"id": "1", "properties": {"dea',
    "nothing at all": "",
    "something else": '["maintenance"]',
}


@pytest.mark.parametrize("body", SUCCESSES_THAT_ARE_NONE.values(), ids=SUCCESSES_THAT_ARE_NONE)
async def test_a_success_that_is_none_is_asked_for_again(subject: Subject, body: str) -> None:
    await subject.have(3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await subject.break_(200, body)
        begin = source.first_position(None, opening.began_ms)
        read = living(records_of(await pages_of(source, subject, opening.properties, begin)))
    assert read == await subject.truth(opening.properties)


@pytest.mark.parametrize("status", [500, 503])
async def test_trouble_that_passes_is_waited_out(subject: Subject, status: int) -> None:
    await subject.have(3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await subject.break_(status, "<h1>Not now</h1>", count=2)
        begin = source.first_position(None, opening.began_ms)
        read = living(records_of(await pages_of(source, subject, opening.properties, begin)))
    assert read == await subject.truth(opening.properties)


async def test_an_answer_that_breaks_off_is_asked_for_again(subject: Subject) -> None:
    await subject.have(3)
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        await subject.hang_up()
        begin = source.first_position(None, opening.began_ms)
        read = living(records_of(await pages_of(source, subject, opening.properties, begin)))
    assert read == await subject.truth(opening.properties)


async def test_trouble_that_does_not_pass_is_the_providers(subject: Subject) -> None:
    await subject.have(3)
    async with subject.opened(retry_seconds=1.0) as source:
        opening = await source.open(subject.object_)
        await subject.break_(503, "<h1>Not now</h1>", count=99)
        begin = source.first_position(None, opening.began_ms)
        with pytest.raises(RunFailedError) as refused:
            await pages_of(source, subject, opening.properties, begin)
    assert refused.value.cause is RunFailureCause.PROVIDER
