"""A service that is silent: since when, for how long somebody waits, and as whom they go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr
from tablesync.client import AwayError, SessionToken, TableSync, UnauthorizedError
from tablesync.contracts.public_api.people import UserToken
from tablesync.dashboard.settings import Settings
from tablesync.dashboard.web import silences, visitors
from tablesync.dashboard.web.silences import Silences, Silent, hurry, or_silent, silent_among
from tablesync.dashboard.web.visitors import Visitors
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.http.client import new_client

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

SECRET = SecretStr("session")
SCHEDULER = "http://scheduler:8102/"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def nothing(_: asyncio.StreamWriter) -> None:
    """Answer nothing: the worst way not to be there."""
    await asyncio.Event().wait()


def saying(status: int, body: str) -> Answer:
    """Return what answers with a body."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    return answer


class Service:
    """Stands for one over HTTP; `answer` may be another with each request."""

    url = ""
    asked = 0

    def __init__(self) -> None:
        self.answer: Answer = nothing

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.answer(writer)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as service:
        yield service


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    service = Service()
    serving: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(service.serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield service
    server.close()
    for each in serving:
        each.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with new_client() as http:
        http.event_hooks = {"request": [hurry]}
        yield http


def _answer(status: int, url: str = f"{SCHEDULER}v1/syncs") -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", url))


async def test_a_service_is_silent_since_the_first_time_and_not_once_it_has_answered() -> None:
    known = Silences({"scheduler": SCHEDULER})
    first = known.since("scheduler")
    await known.heard(_answer(503))
    assert known.since("scheduler") == first
    await known.heard(_answer(404))
    assert known.since("scheduler") > first


async def test_services_behind_one_address_are_told_apart_by_their_paths() -> None:
    known = Silences({"scheduler": "http://all:80/s/", "notifier": "http://all:80/"})
    first, other = known.since("scheduler"), known.since("notifier")
    await known.heard(_answer(200, "http://all/s/v1/syncs"))
    assert known.since("scheduler") > first
    assert known.since("notifier") == other


async def test_a_silence_that_nobody_has_noticed_for_long_is_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have answered others meanwhile: no panel tells of a silence longer than it was."""
    known = Silences({"scheduler": SCHEDULER})
    first = known.since("scheduler")
    monkeypatch.setattr(silences, "KNOWN_FOR", timedelta(0))
    assert known.since("scheduler") > first


@pytest.mark.parametrize("is_there", [True, False], ids=["silent", "refused"])
async def test_nobody_waits_long_for_what_stands_beside(
    service: Service,
    http: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    is_there: bool,
) -> None:
    monkeypatch.setattr(silences, "ASIDE_SECONDS", 0.2)
    url = service.url if is_there else "http://127.0.0.1:1"
    tablesync = TableSync({"scheduler": url, "auth-service": url}, _signed_in(), http=http)
    async with asyncio.timeout(5):
        answer = await or_silent(tablesync.syncs.get("syn_1"), silences.ASIDE_SECONDS)
    assert answer == Silent("scheduler")
    assert silent_among(answer, "an answer", answer) == ["scheduler"]


def _signed_in() -> SessionToken:
    credentials = SessionToken(SECRET)
    credentials._held, credentials._good_until = _token(), float("inf")
    return credentials


def _token(**changes: Any) -> UserToken:
    examples: Any = UserToken.model_json_schema()["examples"]
    return UserToken.model_validate({**examples[0], **changes})


class _Known:
    """All that visitors need of settings."""

    def __init__(self, service: Service) -> None:
        self.services = {"auth-service": service.url}


def _visitors(service: Service, http: httpx.AsyncClient) -> Visitors:
    service.answer = saying(200, _token().model_dump_json())
    return Visitors(cast(Settings, _Known(service)), http)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have visitors be asked for anew each time."""
    for each in ("KEPT_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(visitors, each, 0.0)
    monkeypatch.setattr(visitors, "ASIDE_SECONDS", 0.2)


@pytest.mark.usefixtures("at_once")
async def test_somebody_who_is_known_goes_on_while_auth_service_is_silent(
    service: Service, http: httpx.AsyncClient
) -> None:
    known = _visitors(service, http)
    first = await known.of(SECRET)
    service.answer = nothing
    assert await known.of(SECRET) is first
    with silences.waiting(0.2), pytest.raises(AwayError):
        await asyncio.wait_for(known.of(SecretStr("of somebody else")), 5)


@pytest.mark.usefixtures("at_once")
async def test_nobody_goes_on_longer_than_services_take_their_token_or_once_refused(
    service: Service, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = _visitors(service, http)
    await known.of(SECRET)
    service.answer = saying(401, "{}")
    with pytest.raises(UnauthorizedError):
        await known.of(SECRET)
    service.answer = saying(503, "{}")
    with pytest.raises(AwayError):
        await known.of(SECRET)

    service.answer = saying(200, _token().model_dump_json())
    await known.of(SECRET)
    monkeypatch.setattr(Deadline, "passed", lambda _: True)
    service.answer = saying(503, "{}")
    with pytest.raises(AwayError):
        await known.of(SECRET)


async def test_what_somebody_may_do_is_asked_anew_once_it_has_changed(
    service: Service, http: httpx.AsyncClient
) -> None:
    known = _visitors(service, http)
    who = (await known.of(SECRET)).who
    await known.of(SECRET)
    assert service.asked == 1
    known.forget_member(str(who.workspace_id), str(who.operator_id))
    await known.of(SECRET)
    assert service.asked == 2


async def test_who_is_signed_out_elsewhere_is_asked_about_anew(
    service: Service, http: httpx.AsyncClient
) -> None:
    known = _visitors(service, http)
    token = _token(session_id="ses_1", email="ada@acme.test")
    service.answer = saying(200, token.model_dump_json())
    who = (await known.of(SECRET)).who
    known.forget_session("ses_2")
    await known.of(SECRET)
    assert service.asked == 1
    known.forget_session("ses_1")
    await known.of(SECRET)
    known.forget_person(who)
    await known.of(SECRET)
    assert service.asked == 3


async def test_what_was_asked_before_a_change_is_asked_again_after_it(
    service: Service, http: httpx.AsyncClient
) -> None:
    """The answer may be of before: it is for whoever waits for it, and for nobody after them."""
    known = _visitors(service, http)
    who, said, asked, goes_on = _token(), service.answer, asyncio.Event(), asyncio.Event()

    async def late(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await goes_on.wait()
        await said(writer)

    service.answer = late
    before = asyncio.create_task(known.of(SECRET))
    await asked.wait()
    known.forget_member(str(who.workspace_id), str(who.operator_id))
    goes_on.set()
    await before
    await known.of(SECRET)
    assert service.asked == 2
