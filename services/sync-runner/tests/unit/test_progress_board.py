"""The progress board only tells how runs go: whatever it meets, it ends neither them nor itself."""

import pytest
from tablesync.contracts import RunProgressed
from tablesync.service_kit.settings import ServiceSettings
from tablesync.sync_runner.execution import progress_board
from tablesync.sync_runner.execution.progress_board import ProgressBoard
from tablesync.test_kit import eventually
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.messaging import running

pytestmark = pytest.mark.unit


class NoKafka:
    """Takes what it is given to send."""

    async def start(self) -> None:
        """Connect to nothing."""

    async def stop(self) -> None:
        """Close nothing."""


async def test_an_unforeseen_error_is_told_once_and_does_not_end_the_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0

    def look() -> RunProgressed:
        nonlocal looks
        looks += 1
        raise ZeroDivisionError

    async def no_topics(*_: object) -> None:
        """Make none."""

    monkeypatch.setattr(progress_board, "ensure_topics", no_topics)
    monkeypatch.setattr(progress_board, "new_producer", lambda _: NoKafka())
    monkeypatch.setattr(progress_board, "AGAIN_SECONDS", 0.01)
    board = ProgressBoard(ServiceSettings.model_construct(), "sync-runner")
    board._looks.add(look)
    board._some.set()
    with own_logs() as logs:
        async with running(board.run):
            await eventually(lambda: looks > 3)
    assert [each["event"] for each in logs] == ["progress not shown"]
