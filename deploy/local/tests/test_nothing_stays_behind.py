"""However a stack's owner or its supervisor ends, no process outlives it."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from supervisor.xmlrpc import SupervisorTransport
from tablesync.local_stack import LocalStack
from tablesync.test_kit import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.needs("mongod")]
OWNER = Path(__file__).with_name("owner.py")
LINUX = pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux's kernel ends a process with its parent; elsewhere nothing can promise this",
)


@pytest.fixture
def owner(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that owns a running stack."""
    command = [sys.executable, str(OWNER), str(checkout)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_an_owner(owner: subprocess.Popen[str], sign: signal.Signals) -> None:
    processes = family(owner.pid)
    assert {"mongod"} <= {each.name() for each in processes}
    owner.send_signal(sign)
    owner.wait(timeout=60)
    wait_until(lambda: not running(processes), timeout=60, what="the end of all processes")


def test_a_stack_can_start_right_after_its_owner_was_killed(
    owner: subprocess.Popen[str], checkout: Path
) -> None:
    owner.kill()
    owner.wait(timeout=60)
    with LocalStack(checkout, "owned", programs=("mongod",)) as stack:
        assert stack.pid("mongod")


def test_nothing_outlives_a_stop(checkout: Path) -> None:
    others = descendants()
    with LocalStack(checkout, programs=("mongod",)):
        processes = descendants(but=others)
        assert processes
    assert running(processes) == []


@LINUX
def test_nothing_outlives_a_killed_supervisor(checkout: Path) -> None:
    others = descendants()
    with LocalStack(checkout, programs=("mongod",)) as stack:
        processes = descendants(but=others)
        assert stack.pid("mongod") in {each.pid for each in processes}
        kill_supervisor(processes)
        wait_until(lambda: not running(processes), timeout=60, what="the end of mongod")


@LINUX
def test_a_supervisor_may_die_while_it_is_asked_to_stop(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = descendants()
    with LocalStack(checkout, programs=("mongod",)) as stack:
        processes = descendants(but=others)
        ask = SupervisorTransport.request

        def die_first(*request: Any, **options: Any) -> Any:
            kill_supervisor(processes)
            return ask(*request, **options)

        monkeypatch.setattr(SupervisorTransport, "request", die_first)
        stack.stop()
    wait_until(lambda: not running(processes), timeout=60, what="the end of mongod")


def kill_supervisor(processes: Sequence[psutil.Process]) -> None:
    for each in processes:
        if each.ppid() == psutil.Process().pid:
            each.kill()


def descendants(but: Sequence[psutil.Process] = ()) -> list[psutil.Process]:
    """Return this process's descendants; the shared stacks of the test run are among them."""
    return [each for each in psutil.Process().children(recursive=True) if each not in but]


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and not is_zombie(each)]


def is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
