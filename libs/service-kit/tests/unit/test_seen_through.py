"""What was begun is waited for, however often whoever waits is stopped."""

import asyncio

import pytest
from tablesync.service_kit.mongo.seen_through import seen_through


async def test_what_it_comes_to_is_told() -> None:
    async def fails() -> None:
        raise ValueError("so")

    assert await seen_through(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ValueError, match="so"):
        await seen_through(fails())


@pytest.mark.parametrize("fails", [False, True])
async def test_whoever_is_stopped_many_times_leaves_when_it_is_done(fails: bool) -> None:
    may_end, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        ended.set()
        if fails:
            raise ValueError

    task = asyncio.create_task(seen_through(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
