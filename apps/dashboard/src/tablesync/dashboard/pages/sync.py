"""One sync: how it is, why, and what to do; its slots, its mapping and its records."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import ConflictError, InvalidError, NotFoundError, Page, TableSync
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.ledger import SlotsView
from tablesync.contracts.public_api.schedules import Interval, SchedulePreview
from tablesync.contracts.public_api.syncs import SyncCopy, SyncView
from tablesync.dashboard.live.parts import Part, left
from tablesync.dashboard.shown.story import Story, story_of
from tablesync.dashboard.shown.syncs import ShownSync, SyncPlaces
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.web.desk import Asked, Desk, Member, Operator
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.silences import Silent, or_silent, silent_among, told

FIELDS = {"name": "name"}
SLOTS_SHOWN = 20


def routes(desk: Desk) -> APIRouter:
    """Make the routes that show one."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/{sync_id}", include_in_schema=False)

    @router.get("")
    async def show(asked: Member, sync_id: str, before: str | None = None) -> Response:
        page = await read_page(asked, sync_id)
        return desk.page(
            asked,
            "pages/sync.html",
            shown=page.shown,
            story=page.story,
            version=page.version,
            silent=page.silent,
            beside=await read_beside(asked, page, before),
        )

    @router.get("/duplicate")
    async def ask_name(asked: Operator, sync_id: str) -> Response:
        sync = await asked.visitor.tablesync.syncs.get(sync_id)
        return desk.page(asked, "pages/duplicate.html", sync=sync, form=Form())

    @router.post("/duplicate")
    async def duplicate(request: Request, asked: Member, sync_id: str) -> Response:
        form = await desk.form(request)
        syncs = asked.visitor.tablesync.syncs
        try:
            wanted = SyncCopy(name=form.get("name"))
            made = await syncs.duplicate(sync_id, wanted, idempotency_key=form.get("once"))
        except ValidationError as error:
            form = form.unreadable(error, FIELDS)
        except InvalidError as error:
            form = form.refused(error, FIELDS)
        except ConflictError as error:
            form = form.with_error("name", error.problem.detail)
        else:
            said = f"{made.name} is there, and paused until you resume it."
            return desk.back(request, asked.path(f"/syncs/{made.id}"), said)
        sync = await syncs.get(sync_id)
        return desk.page(asked, "pages/duplicate.html", status=422, sync=sync, form=form)

    return router


@dataclass(frozen=True)
class SyncPage:
    """A sync, and what somebody can do if it does not run.

    `uses` are its connections, and `silent` those who did not tell of them.
    """

    shown: ShownSync
    story: Story | None
    uses: Sequence[ConnectionView]
    silent: Sequence[str]

    @property
    def changed_by(self) -> set[str]:
        """The things whose events can change it."""
        sync = self.shown.sync
        ends = (sync.source.connection_id, sync.destination.connection_id)
        providers = {f"provider:{each.provider}" for each in self.uses}
        return {*(f"connection:{each}" for each in ends), *providers}

    @property
    def version(self) -> str:
        """What tells whether it has changed since it was last shown."""
        times = (self.shown.last_success, self.shown.next_run)
        return version_of(self.shown.sync, self.uses, self.story, times, self.silent)


@dataclass(frozen=True)
class Beside:
    """What stands beside how a sync is: its slots, those to come, and where its ends are.

    The slots are the newest, or those `before` a place in the ledger, which stay as they are.
    """

    slots: Page[SlotsView] | Silent
    coming: Sequence[datetime] | Silent
    places: SyncPlaces
    before: str | None = None

    def ledger_version(self, _: ShownSync) -> str:
        """Return what tells whether another slot has passed."""
        return version_of(self.slots if isinstance(self.slots, Silent) else self.slots.items)

    def glance_version(self, shown: ShownSync) -> str:
        """Return what tells whether it is another sync by now, or has brought all again."""
        sync = shown.sync
        names = (shown.label, shown.object, shown.target, sync.writes[0], shown.schedule)
        times = (sync.last_success_at, shown.last_success, sync.created_at)
        return version_of(names, times, self.places.records, self.places.table)

    def coming_version(self, shown: ShownSync) -> str:
        """Return what tells whether it is due at other times."""
        stops = shown.sync.hold is not None or shown.paused
        return version_of(self.coming, shown.runs_again if stops else "")


class KeptBeside:
    """Reads for one stream what stands beside a sync, as seldom as it can have changed.

    Slots of a paused sync pass without changing it: they are looked at once a minute.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._beside: Beside | None = None

    async def read(self, asked: Asked, page: SyncPage) -> Beside:
        """Return it as it is now."""
        minute = asked.clock.now.replace(second=0, microsecond=0)
        of = (page.shown.sync, page.uses, minute)
        if self._beside is None or self._of != of:
            self._beside, self._of = await read_beside(asked, page), of
        return self._beside


def parts(desk: Desk, asked: Asked, page: SyncPage, beside: Beside) -> list[Part]:
    """Return all of a sync's page that changes by itself; what nobody tells of stays."""
    context, shown = desk.context(asked), page.shown
    render = partial(desk.rendering.part, "parts/sync.html")
    state = (shown, page.story, page.silent, page.version, context)
    around = (shown, beside, context)
    others = [
        ("slots", "ledger", beside.ledger_version, beside.slots),
        ("glance", "glance", beside.glance_version, None),
        ("next-slots", "coming", beside.coming_version, beside.coming),
    ]
    return [
        Part("sync", context.version(page.version), partial(render, "state", *state)),
        *(
            left(id_)
            if isinstance(told, Silent)
            else Part(id_, context.version(version(shown)), partial(render, macro, *around))
            for id_, macro, version, told in others
        ),
    ]


async def read_page(asked: Asked, sync_id: str) -> SyncPage:
    """Read a sync and its two connections."""
    tablesync = asked.visitor.tablesync
    sync = await tablesync.syncs.get(sync_id)
    uses, silent = await read_uses(tablesync, sync)
    shown = ShownSync(sync, asked.clock)
    return SyncPage(shown, story_of(shown, {each.id: each for each in uses}), uses, silent)


async def read_beside(asked: Asked, page: SyncPage, before: str | None = None) -> Beside:
    """Read what stands beside how a sync is, as far as anybody tells of it."""
    tablesync, sync = asked.visitor.tablesync, page.shown.sync
    slots, coming, places = await asyncio.gather(
        or_silent(tablesync.syncs.slots(sync.id, before=before or None, limit=SLOTS_SHOWN)),
        or_silent(_coming(sync, tablesync)),
        read_places(tablesync, sync, page.uses),
    )
    return Beside(slots, coming, places, before)


async def read_uses(
    tablesync: TableSync, sync: SyncView
) -> tuple[Sequence[ConnectionView], Sequence[str]]:
    """Read the two connections of a sync, as far as anybody tells of them, and who does not."""
    ends = (sync.source.connection_id, sync.destination.connection_id)
    uses = await asyncio.gather(*(or_silent(_connection(tablesync, each)) for each in ends))
    return [each for each in uses if isinstance(each, ConnectionView)], silent_among(*uses)


async def read_places(
    tablesync: TableSync, sync: SyncView, uses: Sequence[ConnectionView]
) -> SyncPlaces:
    """Read where both ends of a sync are looked at."""
    return SyncPlaces(sync, uses, told(await or_silent(tablesync.providers.all()), ()))


async def _connection(tablesync: TableSync, connection_id: str) -> ConnectionView | None:
    """Return a connection; None for one that is gone."""
    try:
        return await tablesync.connections.get(connection_id)
    except NotFoundError:
        return None


async def _coming(sync: SyncView, tablesync: TableSync) -> Sequence[datetime]:
    """Return the next slots of a sync; none where this version does not know its schedule."""
    if not isinstance(sync.schedule, Interval):
        return ()
    wanted = SchedulePreview(schedule=sync.schedule, sync_id=sync.id)
    return (await tablesync.syncs.preview(wanted)).slots


def act_routes(desk: Desk) -> APIRouter:
    """Make the routes that do something to one."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/{sync_id}", include_in_schema=False)

    @router.post("/run")
    async def run(request: Request, asked: Member, sync_id: str) -> Response:
        form = await desk.form(request)
        syncs = asked.visitor.tablesync.syncs
        try:
            asked_for = await syncs.run(sync_id, idempotency_key=form.get("once"))
        except ConflictError as error:
            said = error.problem.detail
            return desk.back(request, asked.path(f"/syncs/{sync_id}"), said, "warn")
        return desk.back(request, asked.path(f"/runs/{asked_for.run_id}"))

    @router.post("/pause")
    async def pause(request: Request, asked: Member, sync_id: str) -> Response:
        form = await desk.form(request)
        syncs = asked.visitor.tablesync.syncs
        sync = await syncs.pause(sync_id, idempotency_key=form.get("once"))
        said = f"{sync.name} is paused."
        here = asked.path(f"/syncs/{sync.id}")
        return desk.back(request, here, said, undo=f"{here}/resume")

    @router.post("/resume")
    async def resume(request: Request, asked: Member, sync_id: str) -> Response:
        form = await desk.form(request)
        syncs = asked.visitor.tablesync.syncs
        sync = await syncs.resume(sync_id, idempotency_key=form.get("once"))
        said = f"{sync.name} goes on."
        here = asked.path(f"/syncs/{sync.id}")
        return desk.back(request, here, said, undo=f"{here}/pause")

    @router.get("/delete")
    async def ask(asked: Operator, sync_id: str) -> Response:
        sync = await asked.visitor.tablesync.syncs.get(sync_id)
        return desk.page(asked, "pages/delete_sync.html", shown=ShownSync(sync, asked.clock))

    @router.post("/delete")
    async def delete(request: Request, asked: Member, sync_id: str) -> Response:
        form = await desk.form(request)
        syncs = asked.visitor.tablesync.syncs
        await syncs.delete(sync_id, idempotency_key=form.get("once"))
        said = "The sync is deleted. Its rows in Airtable stay as they are."
        return desk.back(request, asked.path("/syncs"), said)

    return router
