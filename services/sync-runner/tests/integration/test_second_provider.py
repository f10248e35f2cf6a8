"""Whole runs from a provider that is unlike HubSpot into Airtable: equal in the end, always."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio
from second_provider.budgets import ShopLimits
from second_provider.records import ZONE
from second_provider.server import PAGE, Shop
from source_subjects import SHOP, ExportedShopSubject, ShopSubject
from sync_runner_rig import WORKSPACE, Json, Rig, text
from tablesync.contracts import (
    Account,
    FieldMapping,
    MappedAs,
    Provider,
    Source,
    SyncSpec,
)
from tablesync.contracts.internal_api import Verdict
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner.execution import sync_run
from tablesync.sync_runner.settings import NAME
from tablesync.sync_runner.sources.base import GONE
from tablesync.sync_runner.stall import StallTimer
from tablesync.sync_runner.values import Value
from tablesync.test_kit import eventually

CHOICES = {"red": "red", "sour; cold": "sour; cold"}
# Field, type and options at Airtable, and what of the shop is written there.
COLUMNS: Mapping[str, tuple[Json, str]] = {
    "Title": (text("Title"), "title"),
    "Price": ({"name": "Price", "type": "number", "options": {"precision": 2}}, "price"),
    "Labels": (
        {
            "name": "Labels",
            "type": "multipleSelects",
            "options": {"choices": [{"name": each} for each in CHOICES]},
        },
        "labels",
    ),
    "Organic": (
        {
            "name": "Organic",
            "type": "checkbox",
            "options": {"icon": "check", "color": "greenBright"},
        },
        "organic",
    ),
    "Picked on": (
        {"name": "Picked on", "type": "date", "options": {"dateFormat": {"name": "iso"}}},
        "picked",
    ),
    "Ripe at": (
        {
            "name": "Ripe at",
            "type": "dateTime",
            "options": {
                "dateFormat": {"name": "iso"},
                "timeFormat": {"name": "24hour"},
                "timeZone": "utc",
            },
        },
        "ripe_at",
    ),
    "Ripe on": (
        {"name": "Ripe on", "type": "date", "options": {"dateFormat": {"name": "iso"}}},
        "ripe_at",
    ),
    "Ripens in": (
        {"name": "Ripens in", "type": "duration", "options": {"durationFormat": "h:mm"}},
        "ripens_in",
    ),
    "Grade": (
        {
            "name": "Grade",
            "type": "singleSelect",
            "options": {"choices": [{"name": each} for each in ("Extra", "Class I", "Class II")]},
        },
        "grade",
    ),
    "Deleted": (
        {"name": "Deleted", "type": "checkbox", "options": {"icon": "check", "color": "redBright"}},
        GONE,
    ),
}


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """Serve a shop."""
    async with Shop("orchard") as shop:
        yield shop


@pytest.fixture
def subject(rig: Rig, shop: Shop) -> ShopSubject:
    """Connect the shop."""
    return ShopSubject(rig, shop)


def runner(subject: ShopSubject, *roles: str) -> AbstractAsyncContextManager[str]:
    """Run a runner that knows the shops, by default its worker alone."""
    return subject.rig.runner(*roles, known_sources=subject.known_sources)


async def spec_of(subject: ShopSubject, connection_id: str = SHOP) -> SyncSpec:
    """Make a sync of all that a shop tells into a table of its own."""
    fields = [field for field, _ in COLUMNS.values()]
    table, (key, *ids) = await subject.rig.new_table(text("Id"), *fields)
    sources = [source for _, source in COLUMNS.values()]
    mapping = [
        FieldMapping(source=source, field_id=each, as_=MappedAs.LABEL)
        for source, each in zip(sources, ids, strict=True)
    ]
    return await subject.rig.spec(
        source=Source(
            connection_id=connection_id, provider=subject.provider, object=subject.object_
        ),
        destination=table,
        key=FieldMapping(source="id", field_id=key),
        mapping=tuple(mapping),
    )


def expected(subject: ShopSubject) -> dict[str, Json]:
    """Return the rows that there have to be, by id, written down without any of our code."""
    held = subject.shop.records[subject.object_].values()
    return {each.id: _row(each.id, each.values, deleted=each.deleted) for each in held}


def _row(id_: str, values: Mapping[str, Value], *, deleted: bool) -> Json:
    ripe_at: Any = values["ripe_at"]
    cells: dict[str, Any] = {
        "Id": id_,
        "Title": values["title"],
        "Price": values["price"] and float(str(values["price"])),
        "Labels": values["labels"] and list(values["labels"]),  # type: ignore[arg-type]
        "Organic": values["organic"] or None,
        "Picked on": values["picked"] and str(values["picked"]),
        "Ripe at": ripe_at and ripe_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "Ripe on": ripe_at and str(_there(ripe_at).date()),
        "Ripens in": values["ripens_in"] and int(str(values["ripens_in"])) * 60,
        "Grade": {"x": "Extra"}.get(str(values["grade"])),
        "Deleted": deleted or None,
    }
    return {name: each for name, each in cells.items() if each is not None}


def _there(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(ZONE))


async def rows(subject: ShopSubject, spec: SyncSpec) -> dict[str, Json]:
    """Return the rows that there are, by id."""
    found = await subject.rig.named_rows(spec)
    by_id = {each["Id"]: each for each in found}
    assert len(by_id) == len(found), "a record has two rows"
    return by_id


async def run(subject: ShopSubject, spec: SyncSpec) -> Document:
    """Run to an end that is a good one."""
    ended = await subject.rig.run(spec)
    assert ended["status"] == "succeeded", ended["summary"]
    return ended


@pytest.mark.parametrize("kind", [ShopSubject, ExportedShopSubject])
async def test_runs_from_a_second_provider_end_equal(
    rig: Rig, shop: Shop, kind: type[ShopSubject]
) -> None:
    """First run, second run, edits, a deletion: what is in the table is what is in the shop."""
    subject = kind(rig, shop)
    await subject.have(2 * PAGE + 5)
    spec = await spec_of(subject)
    async with runner(subject):
        first = await run(subject, spec)
        assert await rows(subject, spec) == expected(subject)
        before = await rig.counters(Provider.AIRTABLE)
        second = await run(subject, spec)
        after = await rig.counters(Provider.AIRTABLE)
        await subject.edit(["3", "17"], "Cox Orange")
        await subject.create(2)
        await subject.delete(["5"])
        third = await run(subject, spec)
    assert first["counts"]["written"] == 2 * PAGE + 5
    assert second["counts"]["written"] == 0
    assert after["records_updated"] == before["records_updated"]
    assert third["counts"]["written"] == 5
    assert await rows(subject, spec) == expected(subject)
    assert shop.tokens_seen_by_links == [], "a link is followed without a token"
    assert not rig.auth.reports
    assert rig.auth.times(SHOP, "access-token") <= 4, "a token that does not end is not renewed"


async def test_a_frozen_shop_fails_the_run_and_its_connection_stays_connected(
    rig: Rig, subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(PAGE + 1)
    spec = await spec_of(subject)
    async with runner(subject):
        shop.frozen = True
        frozen = await rig.run(spec)
        asked = len(shop.asked)
        shop.frozen = False
        await run(subject, spec)
    assert (frozen["status"], frozen["cause"]) == ("failed", "resource")
    assert (frozen["connection_id"], frozen["summary"]) == (SHOP, "The shop orchard is frozen.")
    assert await rig.events(frozen["_id"]) == ["started", "failed"]
    assert asked == 1, "an account that takes no calls is not asked again"
    assert not rig.auth.reports
    assert subject.held.connected
    assert await rows(subject, spec) == expected(subject)


async def test_a_token_that_dies_in_the_middle_is_replaced_by_its_ruling(
    rig: Rig, subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(3 * PAGE)
    spec = await spec_of(subject)
    rig.auth.verdicts.append(Verdict.RECOVERED)
    shop.takes_seconds = 0.2
    async with runner(subject):
        run_id = await rig.enqueue(spec)
        await eventually(lambda: any(each["ask"] == "changes" for each in shop.asked))
        await subject.end_token()
        ended = await rig.ended(run_id)
    assert ended["status"] == "succeeded", ended["summary"]
    assert len(rig.auth.reports) == 1
    assert await rows(subject, spec) == expected(subject)


async def test_two_runners_at_a_shop_with_few_points_and_places_are_never_refused(
    rig: Rig, subject: ShopSubject, shop: Shop
) -> None:
    """P16, in processes of their own, as the shop counts."""
    await subject.have(8 * PAGE)
    limits = ShopLimits(points=40, per_second=60, at_once=2)
    shop.points.limit(limits.points, limits.per_second)
    shop.at_once.allowed, shop.takes_seconds = limits.at_once, 0.05
    specs = [await spec_of(subject) for _ in range(4)]
    told = {"SHOP_LIMITS": json.dumps(vars(limits)), "PYTHONPATH": str(Path(__file__).parents[1])}
    for _ in range(2):
        rig.process(module="second_provider", RUNNER_WORKERS="2", **told)
    run_ids = [await rig.enqueue(each) for each in specs]
    ended = [await rig.ended(each, timeout=120) for each in run_ids]
    assert [each["status"] for each in ended] == ["succeeded"] * 4
    for each in specs:
        assert await rows(subject, each) == expected(subject)
    assert (shop.points.refused, shop.at_once.refused) == (0, 0)
    assert shop.at_once.most == 2, "both places were used"


async def test_a_shop_that_throttles_is_waited_for(
    rig: Rig, subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(3 * PAGE)
    spec = await spec_of(subject)
    for _ in range(2):
        await subject.throttle()
    async with runner(subject):
        await run(subject, spec)
    assert await rows(subject, spec) == expected(subject)


async def exported(rig: Rig, shop: Shop, seconds: float) -> tuple[ExportedShopSubject, SyncSpec]:
    """Make a sync of a shop whose exports take so long."""
    subject = ExportedShopSubject(rig, shop)
    await subject.have(PAGE + 1)
    shop.export_seconds = seconds
    return subject, await spec_of(subject)


async def test_an_export_that_takes_longer_than_a_stall_stalls_nothing(
    rig: Rig, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_run, "StallTimer", partial(StallTimer, limit_seconds=5))
    subject, spec = await exported(rig, shop, seconds=11)
    async with runner(subject):
        await run(subject, spec)
    assert await rows(subject, spec) == expected(subject)


async def test_a_takeover_goes_on_with_the_export_that_was_asked_for(rig: Rig, shop: Shop) -> None:
    subject, spec = await exported(rig, shop, seconds=60)
    async with runner(subject):
        run_id = await rig.enqueue(spec)

        async def position_is_stored() -> bool:
            found = await rig.database["checkpoints"].find_one({"_id": spec.sync_id})
            return bool(found and found["current"] and "export" in found["current"]["position"])

        await eventually(position_is_stored)
    shop.finish_exports()
    async with runner(subject):
        ended = await rig.ended(run_id)
    assert ended["status"] == "succeeded", ended["summary"]
    assert [each["ask"] for each in shop.asked].count("export") == 1
    assert await rows(subject, spec) == expected(subject)


async def test_an_export_that_is_gone_is_asked_for_again(rig: Rig, shop: Shop) -> None:
    subject, spec = await exported(rig, shop, seconds=60)
    async with runner(subject):
        run_id = await rig.enqueue(spec)
        await eventually(lambda: any(each["ask"] == "export_state" for each in shop.asked))
        shop.forget_exports()
        shop.export_seconds = 0
        ended = await rig.ended(run_id)
    assert ended["status"] == "succeeded", ended["summary"]
    assert await rows(subject, spec) == expected(subject)


async def test_each_shop_is_called_at_its_own_host_also_after_it_has_moved(
    rig: Rig, subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(3)
    spec = await spec_of(subject)
    async with Shop("vineyard") as other, Shop("orchard") as moved:
        other.fill("products", 5)
        account = Account(id=other.name, name="Vineyard")
        rig.auth.connect(
            "con_other", spec.workspace_id, subject.provider, account, endpoint=other.url
        )
        rig.auth.connections["con_other"].token = other.token
        others_spec = await spec_of(subject, "con_other")
        async with runner(subject):
            await run(subject, spec)
            await run(subject, others_spec)
            assert len(await rows(subject, spec)) == 3
            assert len(await rows(subject, others_spec)) == 5
            moved.records, moved.token = shop.records, shop.token
            moved.put("products", "7", title="After the move")
            asked = len(shop.asked)
            subject.held.endpoint = moved.url
            await run(subject, spec)
        assert len(await rows(subject, spec)) == 4
        assert len(shop.asked) == asked, "nothing is asked, and no token shown, where it was"
        assert other.token != shop.token


async def test_a_shop_whose_host_nobody_knows_is_our_own_fault(
    rig: Rig, subject: ShopSubject
) -> None:
    spec = await spec_of(subject)
    subject.held.endpoint = None
    async with runner(subject):
        ended = await rig.run(spec)
    assert (ended["status"], ended["cause"]) == ("failed", "internal")
    assert "where this account's API is" in ended["summary"]


async def test_the_catalogue_tells_of_any_source_and_of_a_frozen_account_why_not(
    subject: ShopSubject, shop: Shop, service_keys: ServiceKeys
) -> None:
    signer = Signer.from_file("scheduler", service_keys.private_key_file("scheduler"))
    query = {"workspace_id": WORKSPACE}
    async with (
        runner(subject, "api") as url,
        httpx.AsyncClient(base_url=url, auth=ServiceAuth(signer, NAME), timeout=30) as http,
    ):
        path = f"/internal/v1/catalog/{SHOP}/objects"
        objects = (await http.get(path, params=query)).json()["items"]
        found = (await http.get(f"{path}/orders/properties", params=query)).json()["items"]
        shop.frozen = True
        frozen = await http.get(f"{path}/orders/properties", params=query)
    assert {"name": "orders", "label": "Orders"} in objects
    known = {each["name"]: each for each in found}
    assert next(iter(known)) == "id"
    assert (known["ripens_in"]["kind"], known["ripens_in"]["unit"]) == ("number", "minutes")
    assert known["grade"]["options"][0] == {"value": "x", "label": "Extra"}
    assert known["labels"]["kind"] == "texts"
    assert frozen.is_client_error
    assert frozen.json()["detail"] == "The shop orchard is frozen."
