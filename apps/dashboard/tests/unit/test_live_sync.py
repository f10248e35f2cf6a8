"""All of a sync's page that changes is sent to whoever shows it, and nothing that is the same."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from fastapi import Request
from pydantic import SecretStr
from tablesync.client import Page, SessionToken, TableSync
from tablesync.contracts.public_api.ledger import SlotsView
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.live.parts import Part
from tablesync.dashboard.pages.sync import Beside, KeptBeside, SyncPage, parts
from tablesync.dashboard.shown.syncs import ShownSync, SyncPlaces
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.shown.words import figures
from tablesync.dashboard.web.desk import Asked, Desk, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.silences import Silent
from tablesync.dashboard.web.visitors import Visitor

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


SYNC = like(SyncView)
SLOT = like(SlotsView)


def asked(tablesync: Any = None, now: datetime = NOW) -> Asked:
    session = SecretStr("session")
    known = tablesync or TableSync({}, SessionToken(session))
    visitor = Visitor(known, like(UserToken), session)
    return Asked(Request({"type": "http"}), visitor, "ws_1", Clock(now, ZoneInfo("UTC")))


def a_page(sync: SyncView = SYNC) -> SyncPage:
    return SyncPage(ShownSync(sync, Clock(NOW, ZoneInfo("UTC"))), None, (), ())


def sent(**changes: Any) -> dict[str, Part]:
    """Return the parts of a page with this beside it."""

    def context(asked: Asked) -> PageContext:
        return PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")

    desk = cast(Desk, SimpleNamespace(context=context, rendering=Rendering("test")))
    beside: Any = {"slots": Page([SLOT]), "coming": [NOW], "places": SyncPlaces(SYNC, (), ())}
    return {each.id: each for each in parts(desk, asked(), a_page(), Beside(**beside | changes))}


def test_each_part_is_at_its_place_and_says_its_version() -> None:
    for id_, part in sent().items():
        found = re.search(r'id="([\w-]+)"[^>]* data-version="(\w+)"', part.html())
        assert found
        assert found.groups() == (id_, part.version)


def test_a_slot_that_has_passed_changes_the_ledger_and_nothing_else() -> None:
    before, after = sent(), sent(slots=Page([like(SlotsView, slots=7), SLOT]))
    other = [each for each in before if before[each].version != after[each].version]
    assert other == ["slots"]
    assert set(before) == {"sync", "slots", "glance", "next-slots"}


def test_what_nobody_tells_of_now_stays_as_a_tab_has_it() -> None:
    silent = Silent("scheduler")
    found = sent(slots=silent, coming=silent)
    assert [each for each in found if not found[each].version] == ["slots", "next-slots"]


class Scheduler:
    """Tells of slots, and counts how often."""

    asked = 0

    async def slots(self, sync_id: str, *, before: str | None, limit: int) -> Page[SlotsView]:
        self.asked += 1
        return Page([SLOT])

    async def preview(self, _: object) -> Any:
        return SimpleNamespace(slots=[NOW])

    async def all(self) -> list[Any]:
        return []


async def test_slots_are_asked_for_when_the_sync_has_changed_and_once_a_minute() -> None:
    scheduler, kept = Scheduler(), KeptBeside()
    known = SimpleNamespace(syncs=scheduler, providers=scheduler)
    for second in (0, 1, 2):
        await kept.read(asked(known, NOW + timedelta(seconds=second)), a_page())
    assert scheduler.asked == 1
    await kept.read(asked(known), a_page(like(SyncView, name="Renamed")))
    assert scheduler.asked == 2
    await kept.read(asked(known, NOW + timedelta(minutes=1)), a_page(like(SyncView)))
    assert scheduler.asked == 3


def test_a_slot_that_ran_tells_its_figures_without_the_machines_word() -> None:
    summary = "succeeded: 1,203 read, 2 written, 1 unchanged."
    part = sent(slots=Page([like(SlotsView, outcome="run", run_id="run_1", reason=summary)]))[
        "slots"
    ]
    assert "1,203 read, 2 written, 1 unchanged." in part.html()
    assert "succeeded" not in part.html()


def test_rejected_records_are_among_the_figures_and_other_summaries_stay() -> None:
    well = "succeeded, 4 rejected: 7 read, 2 written, 1 unchanged."
    assert figures(well) == "7 read, 2 written, 1 unchanged, 4 rejected."
    assert figures("HubSpot did not answer.") == "HubSpot did not answer."


@pytest.mark.parametrize(("fields", "at_once"), [(10, 10), (11, 8)])
def test_a_long_mapping_is_folded(fields: int, at_once: int) -> None:
    writes = [
        {"field": f"Field {each}", "field_id": f"fld{each:014}", "source": f"property_{each}"}
        for each in range(fields)
    ]
    shown = a_page(like(SyncView, writes=writes)).shown
    told = Rendering("test").part("parts/sync.html", "mapped", shown)
    before, details, folded = told.partition("<details")
    assert before.count("Field ") == at_once
    assert folded.count("Field ") == fields - at_once
    assert ("3 more fields" in folded) is bool(details) is (fields > at_once)
