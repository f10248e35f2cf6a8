"""Only what a test itself has set going is found in its logs."""

import asyncio
import threading
from contextvars import copy_context

import structlog
from tablesync.test_kit.logs import own_logs

log = structlog.get_logger()


async def test_the_lines_of_what_began_within_are_captured_and_no_others() -> None:
    begin, ended = asyncio.Event(), asyncio.Event()

    async def neighbour() -> None:
        await begin.wait()
        log.error("a neighbour's")
        ended.set()

    async def own() -> None:
        log.error("a task's")

    task = asyncio.create_task(neighbour())
    with own_logs() as logs:
        log.error("the test's")
        await asyncio.create_task(own())
        thread = threading.Thread(target=copy_context().run, args=(log.error, "a thread's"))
        thread.start()
        thread.join()
        begin.set()
        await ended.wait()
    await task
    assert [each["event"] for each in logs] == ["the test's", "a task's", "a thread's"]


def test_a_capture_leaves_the_next_nothing() -> None:
    with own_logs() as first:
        log.info("one")
    with own_logs() as second:
        log.info("two")
    assert [[each["event"] for each in logs] for logs in (first, second)] == [["one"], ["two"]]
