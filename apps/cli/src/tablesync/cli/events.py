"""What changes in a workspace, seen by looking again and again: HTTP alone tells it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.text import Text
from tablesync.cli import session
from tablesync.cli.errors import told
from tablesync.cli.format import badge, counts, label, plain, state
from tablesync.cli.runs import has_ended
from tablesync.client import AwayError, NotFoundError, TableSync
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.incidents import IncidentStatus, IncidentView
from tablesync.contracts.public_api.runs import RunView

LOOK_SECONDS = 2.0
# How many of the newest runs are looked at: more than begin between two looks.
NEWEST_RUNS = 100
View = ConnectionView | RunView | IncidentView


@dataclass(frozen=True)
class Seen:
    """Something that is new, or that is not as it was."""

    kind: str
    view: View

    @property
    def said(self) -> dict[str, Any]:
        """It in its service's own words, under the kind of thing that it is."""
        return {self.kind: self.view.said}

    def line(self) -> Text:
        """Return it as one line."""
        line = Text(f"{datetime.now(UTC):%H:%M:%S} ", style="dim").append(f"{self.kind:<11}")
        return line.append(_told(self.view)).append(f"  {self.view.id}", style="dim")


@dataclass
class _Watched:
    """One kind of thing: `look` reads the newest, `get` one that is not among those any more."""

    kind: str
    look: Callable[[], Awaitable[list[View]]]
    get: Callable[[str], Awaitable[View]]
    known: dict[str, View] | None = None
    is_away: bool = False

    async def changed(self) -> list[View]:
        """Return what is not as it was at the look before, of which the first tells nothing."""
        before, found = self.known, {each.id: each for each in await self.look()}
        for each in (before or {}).values():
            if each.id not in found and not _is_over(each):
                with suppress(NotFoundError):
                    found[each.id] = await self.get(each.id)
        self.known = found
        if before is None:
            return []
        return [each for each in found.values() if _state(before.get(each.id)) != _state(each)]


async def changes(tablesync: TableSync, unanswered: Callable[[str], None]) -> AsyncIterator[Seen]:
    """Yield what changes from now on, without end; `unanswered` hears once of who is away."""
    kinds = _kinds(tablesync)
    while True:
        for each in kinds:
            try:
                for view in await each.changed():
                    yield Seen(each.kind, view)
                each.is_away = False
            except AwayError as error:
                if not each.is_away:
                    unanswered(told(error))
                each.is_away = True
        await session.pause(LOOK_SECONDS)


def _kinds(tablesync: TableSync) -> list[_Watched]:
    async def connections() -> list[View]:
        return [*await session.whole(tablesync.connections.page, [])]

    async def runs() -> list[View]:
        return [*reversed((await tablesync.runs.page(limit=NEWEST_RUNS)).items)]

    async def incidents() -> list[View]:
        still_open = partial(tablesync.incidents.page, status=IncidentStatus.OPEN)
        return [*reversed(await session.whole(still_open, []))]

    return [
        _Watched("connection", connections, tablesync.connections.get),
        _Watched("run", runs, tablesync.runs.get),
        _Watched("incident", incidents, tablesync.incidents.get),
    ]


def _is_over(view: View) -> bool:
    """Whether nothing more comes of it."""
    if isinstance(view, RunView):
        return has_ended(view)
    return not isinstance(view, IncidentView) or view.status == IncidentStatus.CLOSED


def _state(view: View | None) -> object:
    """Return what a change is a change of: what is counted while a run goes on is none."""
    if isinstance(view, ConnectionView):
        return view.badge, view.changed_at
    return view and view.status


def _told(view: View) -> Text:
    if isinstance(view, ConnectionView):
        return badge(view.badge).append("  ").append(plain(label(view)))
    if isinstance(view, RunView):
        return state(view.status).append(f" {view.trigger}: {counts(view.counts)}", style="default")
    about = view.cause if view.sync_id else "its connection is lost"
    return plain(view.status).append(" ").append(plain(about))
