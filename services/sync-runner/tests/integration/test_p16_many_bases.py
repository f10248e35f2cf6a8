"""P16: a user of many bases has the whole of his limit, however much more his bases could take."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest
from sync_runner_rig import Rig, destination, text
from tablesync.contracts import FieldMapping, Provider, SyncSpec
from tablesync.sandbox.airtable.state import BASE_PER_SECOND, USER_PER_SECOND
from tablesync.sandbox.limits import Bucket
from tablesync.sync_runner.access.budgets import Budgets, Claim, Rate, reserve
from tablesync.sync_runner.airtable.budgets import AirtableBudgets
from tablesync.sync_runner.airtable.settings import AirtableSettings

SECONDS, LATENCY_SECONDS, IN_FLIGHT = 6, 0.3, 8
SHARE, ROUNDS = 0.7, 3


class Judge:
    """A user's limit and those of his bases, as the sandbox has them."""

    def __init__(self) -> None:
        self.admitted: Counter[str] = Counter()
        self.refused = 0
        self._user = Bucket(USER_PER_SECOND, USER_PER_SECOND, 0)
        self._bases: dict[str, Bucket] = {}

    def admit(self, base_id: str) -> None:
        """Count a request that arrives."""
        bucket = Bucket(BASE_PER_SECOND, BASE_PER_SECOND, 0)
        base = self._bases.setdefault(base_id, bucket)
        if self._user.admit() and base.admit():
            self.admitted[base_id] += 1
        else:
            self.refused += 1


async def write(rig: Rig, base_ids: Sequence[str], judge: Judge, user: str = "usr1") -> None:
    """Write to bases for a while, as one process does with the product's own limits."""
    budgets = AirtableBudgets(Budgets(rig.database), user, AirtableSettings())

    async def writer(base_id: str) -> None:
        while True:
            claims = [Claim(budgets.base(base_id)), Claim(budgets.user)]
            async with reserve(claims) as reservation:
                reservation.used = True
                judge.admit(base_id)
                await asyncio.sleep(LATENCY_SECONDS)

    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as writers:
            for each in (*base_ids,) * IN_FLIGHT:
                writers.create_task(writer(each))


@pytest.mark.parametrize(("bases", "shared"), [(12, True), (16, False), (24, True)])
async def test_p16_many_bases_of_one_user_share_his_limit(
    rig: Rig, bases: int, shared: bool
) -> None:
    """Of two processes, each has half of the bases, or writes to all of them.

    How much of his limit he has is compared with somebody whose bases together take just what he
    may. A machine that stands still in one of the two says nothing: the best of three counts.
    """
    base_ids = [f"app{each}" for each in range(bases)]
    half, few = bases // 2, USER_PER_SECOND // BASE_PER_SECOND
    of_each = [base_ids] * 2 if shared else [base_ids[:half], base_ids[half:]]
    shares: list[float] = []
    while len(shares) < ROUNDS and max(shares, default=0) <= SHARE:
        judge, plain = Judge(), Judge()
        await asyncio.gather(*(write(rig, each, judge) for each in of_each))
        await write(rig, [f"appPlain{each}" for each in range(few)], plain, "usr2")
        assert judge.refused == plain.refused == 0
        fair = judge.admitted.total() / bases
        assert min(judge.admitted[each] for each in base_ids) > fair / 3, judge.admitted
        shares.append(judge.admitted.total() / plain.admitted.total())
    assert shares[-1] > SHARE, shares


async def test_p16_whoever_waits_for_one_limit_uses_up_no_place_of_another(rig: Rig) -> None:
    """Ten wait for a limit of ten a second, each with a place that is late at once."""
    budgets = Budgets(rig.database)
    narrow = [budgets.of(Rate(f"test/narrow{each}", 100, late_seconds=0.05)) for each in range(10)]
    wide = budgets.of(Rate("test/wide", per_second=10))

    async def call(number: int) -> None:
        async with reserve([Claim(narrow[number]), Claim(wide)]):
            pass

    await wide.take()
    before = (await rig.stored("budgets", "test/wide"))["next"]
    async with asyncio.timeout(20):
        await asyncio.gather(*(call(each) for each in range(10)))
    used = (await rig.stored("budgets", "test/wide"))["next"] - before
    assert used <= 1000 + 500, "ten places of 100 ms, but for a few"


async def spec_of_new_base(rig: Rig, number: int) -> SyncSpec:
    fields = [text("HubSpot ID"), text("Name")]
    tables = [{"name": "Deals", "fields": fields}]
    base = await rig.at_airtable("create-base", name=f"Base {number}", tables=tables)
    (table,) = base["tables"]
    key, name = (each["id"] for each in table["fields"])
    return await rig.spec(
        "deals",
        destination=destination(base, table),
        key=FieldMapping(source="id", field_id=key),
        mapping=(FieldMapping(source="dealname", field_id=name),),
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bases", [12, 24])
async def test_p16_runs_to_many_bases_of_one_user_end(rig: Rig, bases: int) -> None:
    """Two runners with the limits that are set by default write to all of them at once."""
    await rig.sandbox.control(Provider.AIRTABLE, "-", "limits", enabled=True)
    await rig.fill(250)
    specs = [await spec_of_new_base(rig, each) for each in range(bases)]
    run_ids = [await rig.enqueue(each) for each in specs]
    defaults = AirtableSettings().model_dump(mode="json", exclude={"airtable_api_url"})
    for _ in range(2):
        rig.process(**{name.upper(): str(value) for name, value in defaults.items()})
    rows = [await rig.ended(each, timeout=120) for each in run_ids]
    assert [row["status"] for row in rows] == ["succeeded"] * bases
    assert (await rig.counters(Provider.AIRTABLE))["rate_violations"] == 0
