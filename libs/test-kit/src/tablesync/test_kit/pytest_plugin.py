"""The fixtures that every part's tests share: one Kafka, one mongod, one sandbox per test run.

Where they come from: KAFKA_BOOTSTRAP_SERVERS and MONGODB_URI if set; containers if TEST_STACK says
so, or if Docker has the images; else the local stack. Each is started when a test first asks.
"""

import gc
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tablesync.local_stack.keys import ServiceKeys, ensure_keys
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.stack import LocalStack
from tablesync.test_kit import containers, markers, missing_tools
from tablesync.test_kit.browser import chromium
from tablesync.test_kit.isolation import (
    drop_databases,
    drop_topics,
    remove_stale_test_stacks,
    unique_prefix,
)
from tablesync.test_kit.markers import LoadFolderScheduling
from tablesync.test_kit.own_mongod import OwnMongod
from tablesync.test_kit.rhythm import make_prompt


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known that names a tool a test needs, and check TEST_STACK."""
    try:
        containers.choice()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    config.addinivalue_line("markers", "needs(tool): starts kafka or mongod by itself")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Mark the tests' kinds before `-m` chooses; then set aside those whose tool is missing."""
    markers.mark(items)
    yield
    missing_tools.set_aside(config, items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFolderScheduling | None:
    """Keep tests together that share a platform, where files are kept together."""
    return LoadFolderScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Have garbage collections pass over the thousands of tests, which all live to the end."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the process that reports know what was set aside here."""
    missing_tools.hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Learn from a worker of pytest-xdist what it set aside."""
    missing_tools.take_over(node.config, getattr(node, "workeroutput", {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was not run, and what to install."""
    for line in missing_tools.report(config):
        terminalreporter.write_line(line, yellow=True, bold=True)


@contextmanager
def part_of_a_stack(config: pytest.Config, program: str) -> Iterator[LocalStack]:
    """Run one program for this test run, and leave nothing of it."""
    remove_stale_test_stacks(config.rootpath)
    name = f"test-{os.getpid()}-{program}"
    stack = LocalStack(config.rootpath, name, programs=(program,), fresh=True)
    with stack:
        yield stack
    stack.remove()


@pytest.fixture(scope="session")
def kafka_bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the bootstrap address of a real Kafka."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
    elif containers.wanted():
        with containers.kafka_container() as bootstrap:
            yield bootstrap
    else:
        with part_of_a_stack(pytestconfig, "kafka") as stack:
            yield stack.info.kafka


@pytest.fixture(scope="session")
def mongodb_uri(pytestconfig: pytest.Config) -> Iterator[str]:
    """Yield the address of a real MongoDB replica set, which keeps no test waiting by its clock."""
    with _mongodb(pytestconfig) as uri:
        make_prompt(uri)
        yield uri


@contextmanager
def _mongodb(config: pytest.Config) -> Iterator[str]:
    if given := os.environ.get("MONGODB_URI"):
        yield given
    elif containers.wanted():
        with containers.mongodb_container() as uri:
            yield uri
    else:
        with part_of_a_stack(config, "mongod") as stack:
            yield stack.info.mongodb


@pytest.fixture
def own_mongod(tmp_path: Path) -> Iterator[OwnMongod]:
    """Yield a mongod that is this test's alone; the test `needs("mongod")`."""
    mongod = OwnMongod(tmp_path / "mongod")
    yield mongod
    mongod.end()


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield what this test's topics open with; they are deleted afterwards."""
    yield from _prefix(request, "-", "kafka_bootstrap", drop_topics)


@pytest.fixture
def database_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield what this test's databases open with; they are dropped afterwards."""
    yield from _prefix(request, "_", "mongodb_uri", drop_databases)


@pytest.fixture(scope="session")
def shared_prefix(mongodb_uri: str) -> Iterator[str]:
    """Yield what the databases open with that a service's tests share, as indexes take long.

    Each test empties them before it begins: `isolation.empty_databases`.
    """
    prefix = unique_prefix("_")
    yield prefix
    drop_databases(mongodb_uri, prefix)


@pytest.fixture
def stores(
    kafka_bootstrap: str, mongodb_uri: str, topic_prefix: str, database_prefix: str
) -> dict[str, str]:
    """Return the settings that say where Kafka and MongoDB are, and what there is this test's."""
    return {
        "kafka_bootstrap_servers": kafka_bootstrap,
        "kafka_topic_prefix": topic_prefix,
        "mongodb_uri": mongodb_uri,
        "mongodb_database_prefix": database_prefix,
    }


def _prefix(
    request: pytest.FixtureRequest, end: str, server: str, drop: Callable[[str, str], None]
) -> Iterator[str]:
    """Yield a prefix of this test's own; what bears it is dropped, if the test has that server."""
    prefix = unique_prefix(end)
    address = request.getfixturevalue(server) if server in request.fixturenames else None
    yield prefix
    if address:
        drop(address, prefix)


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Yield a browser for a module's tests; what one page of its own learns no other knows."""
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def service_keys(tmp_path_factory: pytest.TempPathFactory) -> ServiceKeys:
    """Return keys of every service, made for this test run."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return ensure_keys(folder)


@pytest.fixture(scope="session")
def _sandbox_stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    with part_of_a_stack(pytestconfig, "sandbox") as stack:
        yield stack


@pytest.fixture(scope="session")
def sandbox_url(_sandbox_stack: LocalStack) -> str:
    """Return the address of this test run's sandbox."""
    return _sandbox_stack.info.urls["sandbox"]


@pytest.fixture(scope="session")
def sandbox_smtp_port(_sandbox_stack: LocalStack) -> int:
    """Return the port on which this test run's sandbox takes mail."""
    port = _sandbox_stack.plan.smtp_port
    assert port
    return port


@pytest_asyncio.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[SandboxControl]:
    """Yield the control client of a sandbox that was just put back to its beginning."""
    async with SandboxControl(sandbox_url) as control:
        await control.reset()
        yield control
