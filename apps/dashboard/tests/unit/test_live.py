"""Live updates: what a tab is sent is what differs from what it shows, whatever came between."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from tablesync.client import AwayError, ForbiddenError, NotFoundError
from tablesync.client.errors import Problem
from tablesync.contracts import MemberRemoved, MemberRoleChanged
from tablesync.contracts.event import Event
from tablesync.contracts.public_api.people import Role
from tablesync.dashboard.live import streams
from tablesync.dashboard.live.followings import followings
from tablesync.dashboard.live.hub import Hub
from tablesync.dashboard.live.parts import Part, keeping, left
from tablesync.dashboard.live.streams import Streams
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.answers import SeeOtherError
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.rendering import Rendering

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

CLOCK = Clock(datetime(2026, 11, 26, 14, 2, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
WORKSPACE = "ws_1"
GONE = NotFoundError("auth-service", Problem(404, "about:blank", "There is no such thing."))
SILENT = AwayError("scheduler", "does not answer")
Render = Callable[[Asked, Collection[str]], Awaitable[str]]


@dataclass
class Door:
    """Lets somebody in until `refusal` says otherwise: all that streams need of a desk."""

    rendering: Rendering = field(default_factory=lambda: Rendering("test"))
    refusal: Exception | None = None
    role: Role = Role.OPERATOR

    async def asked(self, request: Request, workspace_id: str) -> Asked:
        if self.refusal:
            raise self.refusal
        visitor = cast(
            Any, SimpleNamespace(who=SimpleNamespace(operator_id="op_1", role=self.role))
        )
        return Asked(request, visitor, workspace_id, CLOCK)


async def a_page() -> None: ...


PAGES = Starlette(routes=[Route("/w/{workspace_id}/syncs", a_page)])


def a_request(query: bytes = b"") -> Request:
    """Make the request of a stream, by a page of ours."""
    referer = b"http://127.0.0.1/w/ws_1/syncs?q=deals"
    path = "/w/ws_1/live/integrations"
    headers = [(b"referer", referer)]
    scope = {"type": "http", "path": path, "headers": headers, "query_string": query}
    return Request({**scope, "app": PAGES})


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def kept(door: Door, hub: Hub) -> Streams:
    """Two streams of each person at a time."""
    return Streams(cast(Desk, door), hub, most=2)


@pytest.fixture
def opened(kept: Streams, door: Door) -> Callable[[Render], Awaitable[AsyncIterator[bytes]]]:
    """Return what opens a stream of this person's."""

    async def opened(render: Render) -> AsyncIterator[bytes]:
        answer = await kept.answer(await door.asked(a_request(), WORKSPACE), render)
        assert isinstance(answer, StreamingResponse), answer.status_code
        return cast(AsyncIterator[bytes], aiter(answer.body_iterator))

    return opened


TAKEN_BACK = b'hx-target="#notice" hx-swap="innerHTML"></hx-partial>'
Opened = Callable[[Render], Awaitable[AsyncIterator[bytes]]]


def parts(**versions: str) -> Callable[[Asked, Iterable[str]], Awaitable[Sequence[Part]]]:
    """Return what reads parts whose state may be changed meanwhile."""
    now = {each: (lambda html=each: html) for each in versions}

    async def read(_: Asked, __: Iterable[str]) -> Sequence[Part]:
        return [Part(each, versions[each], now[each]) for each in versions]

    return read


async def told(render: Render) -> str:
    return await render(cast(Asked, None), {"*"})


async def test_a_stream_begins_with_what_the_tab_does_not_show() -> None:
    read = parts(card_1="new", card_2="same")
    assert "card_1" in await told(keeping("card_1.old,card_2.same", read))
    assert "card_2" not in await told(keeping("card_1.old,card_2.same", read))
    assert await told(keeping("card_1.new,card_2.same", read)) == ""


async def test_a_state_that_comes_back_is_told_to_a_tab_that_shows_the_one_between() -> None:
    """A tab was hidden while its card went from A to B to A: it is asked for with what it shows."""
    render = keeping("card_1.B", parts(card_1="A"))
    assert "card_1" in await told(render)
    assert await told(render) == ""


async def test_a_part_that_no_tab_shows_is_not_sent_and_one_that_is_gone_goes() -> None:
    render = keeping("card_1.A,card_2.A", parts(card_1="A", card_3="A"))
    assert await told(render) == '<hx-partial hx-target="#card_2" hx-swap="delete"></hx-partial>'
    assert await told(render) == ""


async def test_a_part_that_nobody_tells_of_now_is_left_as_it_is() -> None:
    async def read(_: Asked, ids: Iterable[str]) -> Sequence[Part]:
        return [left(each) for each in ids]

    assert await told(keeping("begun-1.A", read)) == ""


async def test_what_no_page_of_ours_says_it_shows_is_not_said_back() -> None:
    assert await told(keeping('"><script>.A,,x', parts(card_1="A"))) == ""


async def test_a_look_that_failed_is_repeated_soon_and_what_had_changed_is_told(
    opened: Opened, hub: Hub
) -> None:
    """Today's slow machine: the service that was asked first did not answer in time."""
    outcomes: list[str | Exception] = ["", SILENT, "<p>Connected</p>"]

    async def render(_: Asked, __: Collection[str]) -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    stream = await opened(render)
    async with asyncio.timeout(streams.BEAT_SECONDS / 2):
        assert TAKEN_BACK in await anext(stream), "a stream before may have told of a silence"
        hub.tell(WORKSPACE, "connection:con_1")
        assert b"scheduler has not answered since" in await anext(stream)
        back = await anext(stream)
    assert b"Connected" in back
    assert TAKEN_BACK in back


async def test_what_follows_from_an_event_is_looked_at_again_soon_after_it(hub: Hub) -> None:
    """Whoever makes an incident of an event tells none: it may be there a moment later."""
    kept, looks = Streams(cast(Desk, Door()), hub, most=2), 0

    async def render(_: Asked, __: Collection[str]) -> str:
        nonlocal looks
        looks += 1
        return f"<p>{looks}</p>"

    answer = await kept.answer(await Door().asked(a_request(), WORKSPACE), render, follows=True)
    stream = cast(AsyncIterator[bytes], aiter(cast(StreamingResponse, answer).body_iterator))
    async with asyncio.timeout(streams.BEAT_SECONDS / 2):
        assert b"<p>1</p>" in await anext(stream)
        assert b"<p>2</p>" in await anext(stream)


async def test_a_look_that_was_refused_is_told_of_and_taken_back(opened: Opened) -> None:
    refused = ForbiddenError("scheduler", Problem(403, "about:blank", "That takes an operator."))
    outcomes: list[str | Exception] = [refused, ""]

    async def render(_: Asked, __: Collection[str]) -> str:
        if isinstance(outcome := outcomes.pop(0), Exception):
            raise outcome
        return outcome

    stream = await opened(render)
    said = await anext(stream)
    assert b"scheduler does not tell what is new" in said
    assert b"That takes an operator." in said
    assert TAKEN_BACK in await anext(stream)


async def test_a_stream_ends_with_its_session_and_leads_back_to_its_page(
    opened: Opened, door: Door
) -> None:
    door_was_open = await opened(_nothing)
    door.refusal = SeeOtherError("/sign-in")
    said = await anext(door_was_open)
    assert b"/sign-in?return_to=/w/ws_1/syncs%3Fq%3Ddeals" in said
    assert said.endswith(b"event: ended\ndata: \n\n")
    with pytest.raises(StopAsyncIteration):
        await anext(door_was_open)


async def test_a_stream_ends_with_its_membership(opened: Opened, door: Door) -> None:
    stream = await opened(_nothing)
    door.refusal = GONE
    assert b"no member of this workspace" in await anext(stream)


async def test_a_role_that_changes_is_told_of_once_and_parts_are_rendered_for_it(
    opened: Opened, door: Door, hub: Hub
) -> None:
    async def render(asked: Asked, _: Collection[str]) -> str:
        return f"<p>{asked.visitor.who.role}</p>"

    stream = await opened(render)
    assert b"Your role here is" not in await anext(stream)
    door.role = Role.VIEWER
    hub.tell(WORKSPACE, "workspace:ws_1")
    said = await anext(stream)
    assert b"<p>viewer</p>" in said
    assert b"Your role here is viewer now" in said
    assert b'href="/w/ws_1/syncs?q=deals"' in said
    hub.tell(WORKSPACE, "workspace:ws_1")
    assert b"Your role here is" not in await anext(stream)


async def test_a_page_made_for_another_role_is_told_so_whatever_its_tab_slept_through(
    kept: Streams, door: Door, hub: Hub
) -> None:
    """A hidden tab has no stream: it says whose role its fixed buttons are for, once it is back."""
    outcomes: list[str | Exception] = ["", SILENT, ""]

    async def render(_: Asked, __: Collection[str]) -> str:
        if isinstance(outcome := outcomes.pop(0), Exception):
            raise outcome
        return outcome

    door.role = Role.VIEWER
    asked = await door.asked(a_request(b"role=operator"), WORKSPACE)
    answer = cast(StreamingResponse, await kept.answer(asked, render))
    stream = cast(AsyncIterator[bytes], aiter(answer.body_iterator))
    assert b"Your role here is viewer now" in await anext(stream)
    hub.tell(WORKSPACE, "connection:con_1")
    assert b"has not answered" in await anext(stream)
    assert b"Your role here is viewer now" in await anext(stream), "said again after that"


@pytest.mark.parametrize("change", [MemberRemoved, MemberRoleChanged])
async def test_what_a_member_may_do_is_forgotten_and_their_tabs_are_told_when_it_changes(
    hub: Hub, change: type[Event]
) -> None:
    forgotten: list[tuple[str, str]] = []
    known: Any = SimpleNamespace(forget_member=lambda *whom: forgotten.append(whom))
    ours = {"workspace_id": WORKSPACE, "operator_id": "op_1"}
    others = dict.fromkeys(change.model_fields.keys() - ours.keys(), "viewer")
    event = change.model_validate(ours | others)
    (handlers,) = (e.handlers for e in followings(hub, known) if e.topic == change.topic)
    with hub.listening(WORKSPACE) as listener:
        await handlers[change](event)
        assert listener.changed
    assert forgotten == [(WORKSPACE, "op_1")]


async def test_a_stream_of_what_is_deleted_says_so(opened: Opened) -> None:
    async def render(_: Asked, __: Collection[str]) -> str:
        raise GONE

    said = await anext(await opened(render))
    assert b"has been deleted" in said
    assert b"event: ended" in said


async def test_one_stream_too_many_ends_the_oldest_which_says_that_others_run(
    opened: Opened, hub: Hub
) -> None:
    """The tab that is opened last is live, whatever became of those before it."""
    oldest, other = await opened(_nothing), await opened(_nothing)
    await anext(oldest)
    await anext(other)

    newest = await opened(_nothing)
    await anext(newest)

    assert [each async for each in oldest][
        -1
    ] == b"event: crowded\ndata: \n\nevent: ended\ndata: \n\n"
    hub.tell(WORKSPACE, "connection:con_1")
    await asyncio.gather(anext(other), anext(newest))


async def test_streams_that_begin_at_the_same_time_do_not_pass_the_limit(
    opened: Opened, hub: Hub
) -> None:
    begun = [await opened(_nothing) for _ in range(5)]
    await asyncio.gather(*(anext(each) for each in begun))
    ended = [
        each for each in begun[:3] if [part async for part in each][-1].startswith(b"event: c")
    ]
    assert len(ended) == 3
    hub.tell(WORKSPACE, "connection:con_1")
    await asyncio.gather(*(anext(each) for each in begun[3:]))


async def test_a_tab_that_waits_takes_no_place_of_another_and_has_one_once_it_is_free(
    kept: Streams, door: Door, opened: Opened
) -> None:
    async def waiting() -> Response:
        return await kept.answer(await door.asked(a_request(b"waits=1"), WORKSPACE), _nothing)

    left, other = await opened(_nothing), await opened(_nothing)
    await anext(left)
    await anext(other)
    refused = await waiting()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    await cast(AsyncGenerator[bytes, None], left).aclose()
    assert (await waiting()).status_code == 200


async def test_many_events_make_one_look_a_second(opened: Opened, hub: Hub) -> None:
    looks = 0

    async def render(_: Asked, __: Collection[str]) -> str:
        nonlocal looks
        looks += 1
        return f"<p>{looks}</p>"

    async def telling() -> None:
        while True:
            hub.tell(WORKSPACE, "run:run_1")
            await asyncio.sleep(0.01)

    stream, events = await opened(render), asyncio.create_task(telling())
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        await anext(stream)
    events.cancel()
    assert asyncio.get_running_loop().time() - began >= 2 * streams.REST_SECONDS
    assert looks == 3


async def _nothing(_: Asked, __: Collection[str]) -> str:
    return ""
