"""A service as one process: HTTP and roles side by side, and a drain within 30 seconds."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import h11
import structlog
import uvicorn
from fastapi import FastAPI, Response
from tablesync.service_kit.http.bodies import LINGER_SECONDS
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.roles import Role, pause
from tablesync.service_kit.settings import ProcessSettings
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger()

DRAIN_SECONDS = 25.0
# Longer than any of our clients keeps an idle connection: a server that closes first loses what a
# client is just sending on it.
KEEP_ALIVE_SECONDS = 75


# A request's line and headers: a URL of OAuth, a JWT and cookies fit four times over.
HEAD_BYTES = 16 * 1024
# How much of what has come is looked at at once: a head may exceed its limit by so much.
READ_BYTES = 1024
# How many chunks a body may come in at first, and how large they have to be on average beyond:
# each costs as much as a large one.
CHUNKS, CHUNK_BYTES = 1_000, 64


class _Connection(h11.Connection):
    """h11's connection, for heads of a size and bodies that come in no ever so many tiny chunks.

    h11 holds against its limit only what is not whole, so it gets what has come bit by bit.
    """

    status_for_refused = HTTPStatus.BAD_REQUEST
    _chunks = _bytes = 0

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_BYTES)
        self._coming = bytearray()

    def receive_data(self, data: bytes) -> None:
        self._coming += data

    def next_event(self) -> Any:
        try:
            event = super().next_event()
            while event is h11.NEED_DATA and self._coming:
                super().receive_data(bytes(self._coming[:READ_BYTES]))
                del self._coming[:READ_BYTES]
                event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.status_for_refused = HTTPStatus(error.error_status_hint)
            raise
        self._count(event)
        return event

    def _count(self, event: Any) -> None:
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > CHUNKS + self._bytes // CHUNK_BYTES:
                raise h11.RemoteProtocolError("the body comes in too many chunks")


class _Protocol(H11Protocol):
    """uvicorn's protocol, which by itself waits for ever for a request that has begun to come."""

    receive_seconds: ClassVar[float]
    _overdue: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.conn: _Connection = _Connection()
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_waiting():
            self._expect_nothing()
        elif self._overdue is None:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def send_400_response(self, _: str) -> None:
        """Answer what is no HTTP, or too much; who has an answer already gets no other."""
        if self.conn.our_state is h11.IDLE:
            self._send(_refused(self.conn.status_for_refused).response())
            self._close_once_read()
        else:
            self._give_up_serving()

    def _give_up_serving(self) -> None:
        """Let what the app still sends go nowhere: the body of what it serves is no HTTP."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] != "HEAD":
            self._send(_refused(self.conn.status_for_refused).response())
        self.transport.close()

    def _send(self, answer: Response) -> None:
        headers = [*answer.raw_headers, (b"connection", b"close")]
        status, reason = answer.status_code, HTTPStatus(answer.status_code).phrase
        start = h11.Response(status_code=status, headers=headers, reason=reason)
        for event in (start, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

    def _close_once_read(self) -> None:
        """Leave a client that still sends the time to read its answer; what it sends is not read.

        It may never get to read it when its connection is closed over what it sends.
        """
        self.flow.pause_reading()
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _is_waiting(self) -> bool:
        """Whether a part of a request has come, and none is being served."""
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])

    def _expect(self) -> None:
        self._overdue = self.loop.call_later(self.receive_seconds, self.transport.close)

    def _expect_nothing(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None


def _refused(status: HTTPStatus) -> Problem:
    """Return the answer for what no app gets to see."""
    if status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        message = f"are, with its first line, larger than the {HEAD_BYTES} bytes allowed here"
        remedy = "Send fewer or shorter headers, cookies among them, and a shorter URL."
        error = {"field": "headers", "message": message, "remedy": remedy}
        return Problem(status, "head-too-large", f"headers: {message}", errors=[error])
    return Problem(400, "invalid-request", "What came is no HTTP/1.1 request.")


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers: the service decides when to stop."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def main_loop(self) -> None:
        """Tick each second, as the answers' date wants it; uvicorn itself ticks ten times."""
        while not (self._stop.is_set() or await self.on_tick(0)):
            await pause(self._stop, 1.0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_beside(
    work: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    app: FastAPI,
    settings: ProcessSettings,
    stop: asyncio.Event,
) -> None:
    """Serve an app while `work` goes on, until `stop`; both have ended when this returns."""
    server = _Server(_http_config(app, settings), stop)
    http = asyncio.create_task(server.serve())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_stop_with(http, stop, server))
            group.create_task(work(stop))
    finally:
        server.should_exit = True
        await http


async def run_roles(roles: Sequence[Role], stop: asyncio.Event) -> None:
    """Run roles until `stop`, or until one fails: the others are drained, and its error raised."""
    tasks = [asyncio.create_task(role.run(stop), name=role.name) for role in roles]
    waiting = asyncio.create_task(stop.wait())
    while not stop.is_set() and _first_failure(tasks) is None:
        going = [task for task in tasks if not task.done()]
        await asyncio.wait({waiting, *going}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await _drain(tasks)
    if failed := _first_failure(tasks):
        raise failed


def _http_config(app: FastAPI, settings: ProcessSettings) -> uvicorn.Config:
    seconds = {"receive_seconds": settings.http_receive_seconds}
    return uvicorn.Config(
        app,
        http=type("Protocol", (_Protocol,), seconds),
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


async def _stop_with(http: "asyncio.Task[None]", stop: asyncio.Event, server: _Server) -> None:
    """Stop HTTP while the roles drain; and everything if HTTP ends by itself.

    A taken port must not leave half a service.
    """
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({http, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    stop.set()
    server.should_exit = True


def _first_failure(tasks: Sequence["asyncio.Task[None]"]) -> BaseException | None:
    done = (task for task in tasks if task.done() and not task.cancelled())
    return next((error for task in done if (error := task.exception())), None)


async def _drain(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Leave roles time to finish what they have begun, then cancel what is left."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
    for task in late:
        log.warning("role did not drain in time", role=task.get_name())
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
