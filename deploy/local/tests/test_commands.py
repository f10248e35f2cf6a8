"""`make up` and `make sandbox` stay up until they are told to stop, and then leave nothing."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from pymongo import MongoClient
from tablesync.demo.api import Api
from tablesync.demo.person import Person
from tablesync.demo.syncs import definition, tables_of
from tablesync.local_stack import without_maven
from tablesync.local_stack.__main__ import ports_from_environment
from tablesync.local_stack.earlier_platform import OF_SERVICES
from tablesync.local_stack.keys import DASHBOARD, SERVICES
from tablesync.local_stack.occupation import occupy
from tablesync.test_kit import SandboxControl, eventually, free_port, wait_until

pytestmark = pytest.mark.integration
# With these `up` uses what runs already, in place of a Kafka and a mongod of its own.
SERVED = (*SERVICES, DASHBOARD)
OF_ANOTHER_STACK = ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI")
# Anything that is printed as an address: a URL, or host and port.
ADDRESS = re.compile(r"(?:[a-z]+://)?127\.0\.0\.1:\d+[^\s│]*")


@contextmanager
def command(checkout: Path, name: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tablesync.local_stack", name],
        cwd=checkout,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.needs("kafka")
@pytest.mark.needs("mongod")
def test_the_platform_is_up_where_it_says_and_goes_on_there_at_the_next_start(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in OF_ANOTHER_STACK:
        monkeypatch.delenv(given, raising=False)
    with up(checkout) as (process, info, said):
        children = psutil.Process(process.pid).children(recursive=True)
        assert {"java", "mongod"} <= {each.name() for each in children}
        second = refused(checkout, "up")
        assert f"process {process.pid} " in second
        assert str(checkout / ".local" / "up.json") in second
        assert_is_up(info)
        assert asyncio.run(first_sync(info)) == {"read": 20, "written": 20}
        with MongoClient[dict[str, Any]](info["mongodb"]) as client:
            assert set(OF_SERVICES) <= {*client.list_database_names()}
    assert "Starting anew" in said[0]
    assert set(ADDRESS.findall(said[0])) == {
        *info["urls"].values(), info["mailbox"], info["kafka"], info["mongodb"]
    }  # fmt: skip
    assert not any(each.is_running() for each in children)

    with up(checkout) as (_, again, said):
        assert again == info
        assert asyncio.run(next_run(again)) == {"read": 0, "written": 0}
    assert "Going on where the last start ended" in said[0]


@contextmanager
def up(checkout: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], list[str]]]:
    """Run `make up` for a block; yields where it is, and later what it said."""
    file, said = checkout / ".local" / "up.json", list[str]()
    with command(checkout, "up", COLUMNS="200", SANDBOX_CONTACTS="20") as process:
        info = wait_until(lambda: written(file, process), timeout=240, what="up.json")
        assert {"kafka", "sandbox", *SERVED} == {info["broker"], *info["urls"]}
        assert_is_up(info)
        yield process, info, said
        process.send_signal(signal.SIGINT)
        said.append(process.communicate(timeout=120)[0])
    assert process.returncode == 0, said
    assert not file.exists()


def assert_is_up(info: dict[str, Any]) -> None:
    """Every service answers that it is ready."""
    assert {each for each in SERVED if not is_up(info["urls"][each], "readyz")} == set()


async def first_sync(info: dict[str, Any]) -> dict[str, int]:
    """Connect the small portal and Ada's Airtable, sync the deals; return what that counted."""
    api = Api(info["urls"], info["api_token"])
    async with SandboxControl(info["sandbox"]) as sandbox:
        person = Person(api, sandbox)
        hubspot, airtable = [
            (await person.connect(*each))["connection_id"]
            for each in [("hubspot", "7002"), ("airtable",)]
        ]
        path = f"/v1/catalog/{hubspot}/objects/deals/properties"
        table = tables_of((await sandbox.bases())["bases"])["deals"]
        properties = await api.items("sync-runner", path)
        body = definition("deals", table, properties, hubspot, airtable)
        seldom = {"schedule": {"every_seconds": 3600}}
        sync = await api.post("scheduler", "/v1/syncs", body | seldom)
        counts = await counts_of_a_run(api, sync["id"])
        await person.close()
    await api.close()
    return counts


async def next_run(info: dict[str, Any]) -> dict[str, int]:
    """Run the sync that was made before; return what that counted."""
    api = Api(info["urls"], info["api_token"])
    (sync,) = await api.items("scheduler", "/v1/syncs")
    assert (sync["status"], sync["last_run"]["status"]) == ("active", "succeeded")
    counts = await counts_of_a_run(api, sync["id"])
    await api.close()
    return counts


async def counts_of_a_run(api: Api, sync_id: str) -> dict[str, int]:
    """Have a sync run; return how many records were read and written."""
    asked = await api.post("scheduler", f"/v1/syncs/{sync_id}/run")

    async def ended() -> Any:
        run = await api.get("scheduler", f"/v1/runs/{asked['run_id']}")
        return run if run["ended_at"] else None

    run = await eventually(ended, timeout=120)
    return {each: run["counts"][each] for each in ("read", "written")}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_alone_runs_on_the_port_set_until_it_is_stopped(
    checkout: Path, sign: signal.Signals
) -> None:
    port = free_port()
    ports = {"SANDBOX_PORT": str(port), "SMTP_PORT": str(free_port())}
    with command(checkout, "sandbox", **ports) as process:
        assert process.stdout
        assert any(f"http://127.0.0.1:{port}/mail" in line for line in process.stdout)
        assert is_up(f"http://127.0.0.1:{port}", "healthz")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(sign)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert not any(each.is_running() for each in children)


def test_a_second_sandbox_says_that_one_runs_and_leaves_it_alone(checkout: Path) -> None:
    ports = {"SANDBOX_PORT": str(free_port()), "SMTP_PORT": str(free_port())}
    with command(checkout, "sandbox", **ports) as process:
        assert process.stdout
        assert any("mailbox" in line for line in process.stdout)
        other = {"SANDBOX_PORT": str(free_port()), "SMTP_PORT": str(free_port())}
        said = refused(checkout, "sandbox", **other)
        assert said.startswith(f"`make sandbox` runs here already, in {checkout}")
        assert f"with: kill {process.pid}" in said
        assert is_up(f"http://127.0.0.1:{ports['SANDBOX_PORT']}", "healthz")


def test_a_second_demo_says_that_one_runs(checkout: Path) -> None:
    folder = checkout / ".local" / "demo"
    folder.mkdir()
    with occupy(folder):
        demo = [sys.executable, "-m", "tablesync.demo"]
        ended = subprocess.run(demo, cwd=checkout, capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(f"`make demo` runs here already, in {folder}, as process")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "setting"),
    [("up", "AUTH_SERVICE_PORT"), ("up", "SMTP_PORT"), ("sandbox", "SANDBOX_PORT")],
)
def test_a_taken_port_is_refused_by_name_before_anything_starts(
    checkout: Path, name: str, setting: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(checkout, name, **{"SMTP_PORT": str(free_port()), setting: str(port)})
    assert said.startswith(f"{setting} is {port}, on which process {os.getpid()} listens already;")
    assert not (checkout / ".local" / name).exists()


def test_one_port_for_two_programs_is_refused(checkout: Path) -> None:
    port = str(free_port())
    said = refused(checkout, "up", SCHEDULER_PORT=port, NOTIFIER_PORT=port)
    assert said.startswith(f"SCHEDULER_PORT is {port}, as NOTIFIER_PORT is;")


def test_a_mongodb_that_does_not_answer_is_told_in_one_line(checkout: Path) -> None:
    said = refused(checkout, "up", MONGODB_URI="mongodb://127.0.0.1:1")
    assert said.startswith("MONGODB_URI: no MongoDB answers at 127.0.0.1:1; start it, correct ")
    assert len(said) < 200


def refused(checkout: Path, name: str, **env: str) -> str:
    """Return the one line with which a command ends that starts nothing."""
    with command(checkout, name, **env) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert said.count("\n") == 1, said
    return said


def test_a_program_that_cannot_start_ends_the_command_with_its_log(checkout: Path) -> None:
    ports = {"SANDBOX_PORT": str(free_port()), "SMTP_PORT": str(free_port())}
    with command(checkout, "sandbox", SANDBOX_CONTACTS="many", **ports) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "sandbox ended" in said


def test_fetch_names_what_is_missing(checkout: Path) -> None:
    (checkout / ".local" / "kafka-jars").unlink()
    with command(checkout, "fetch", PATH=os.devnull) as process:
        said, _ = process.communicate(timeout=60)
    assert said == "Maven (mvn) is missing; install it with: sudo apt-get install maven\n"


def test_a_broker_in_memory_stands_in_where_maven_is_missing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".local" / "kafka-jars").unlink()
    monkeypatch.setenv("PATH", os.devnull)
    assert without_maven(checkout)
    assert capsys.readouterr().err.count("\n") == 1


def test_ports_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SERVICE_PORT", "8101")
    monkeypatch.setenv("SMTP_PORT", "8925")
    assert ports_from_environment() == {"auth-service": 8101, "smtp": 8925}


@pytest.mark.parametrize("text", ["abc", "0", "-1", "65536", "81.1", "٣"])
def test_what_is_no_port_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AUTH_SERVICE_PORT", text)
    with pytest.raises(ValueError, match=rf"^AUTH_SERVICE_PORT is '{text}'.*unset it"):
        ports_from_environment()


@pytest.mark.parametrize("name", ["up", "sandbox"])
def test_a_bad_port_ends_the_command_with_one_line(checkout: Path, name: str) -> None:
    with command(checkout, name, AUTH_SERVICE_PORT="abc") as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith("AUTH_SERVICE_PORT is 'abc'")
    assert said.count("\n") == 1


def written(file: Path, process: subprocess.Popen[str]) -> dict[str, Any] | None:
    """Return what a stack has written once that is whole; a stack that ended never will."""
    assert process.poll() is None, process.communicate()[0]
    with suppress(FileNotFoundError, json.JSONDecodeError):
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found
    return None


def is_up(url: str, path: str) -> bool:
    return httpx.get(f"{url}/{path}").is_success
