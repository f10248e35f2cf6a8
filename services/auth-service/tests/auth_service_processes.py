"""auth-service as a process of its own, forked from one that has imported it: quick to start."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.services import FORKS, become, is_ready

# Makes the environment of one more auth-service.
Environment = Callable[..., dict[str, str]]


class Process:
    """auth-service, or a script that is one, started with an environment."""

    def __init__(self, environment: dict[str, str], log: Path, script: str | None) -> None:
        self.log = log
        self.url = environment["AUTH_PUBLIC_URL"]
        self._process = FORKS.Process(
            target=become, args=(script or "tablesync.auth_service", environment, log)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    async def ready(self) -> None:
        """Wait until it is ready."""
        await eventually(lambda: is_ready(self.url), timeout=150)

    def wait(self, seconds: float = 120) -> int:
        """Wait for its end; return its exit status, negative for a signal."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"still runs after {seconds} s"
        return self._process.exitcode

    def end(self) -> None:
        """Kill it, if it still runs."""
        self._process.kill()
        self.wait()


class Spawn(Protocol):
    """Starts one more auth-service, or a script that is one, as a process of its own."""

    def __call__(self, script: str | None = None, **changes: str) -> Process:
        """Start it with some settings changed."""


@contextmanager
def spawning(environment: Environment, folder: Path) -> Iterator[Spawn]:
    """Yield a function that starts processes, with logs in a folder; all are ended afterwards."""
    started: list[Process] = []

    def start_process(script: str | None = None, **changes: str) -> Process:
        log = folder / f"auth-{len(started)}.log"
        started.append(Process(environment(**changes), log, script))
        return started[-1]

    yield start_process
    for each in started:
        each.end()


def environments(
    kafka_bootstrap: str, mongodb_uri: str, prefixes: tuple[str, str], keys: ServiceKeys, url: str
) -> Environment:
    """Return a function that makes the environment of one more auth-service.

    `prefixes` are those of topics and databases, `url` is the sandbox's.
    """
    topic_prefix, database_prefix = prefixes

    def make(**changes: str) -> dict[str, str]:
        port = free_port()
        return {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
            "KAFKA_TOPIC_PREFIX": topic_prefix,
            "MONGODB_URI": mongodb_uri,
            "MONGODB_DATABASE_PREFIX": database_prefix,
            "HTTP_PORT": str(port),
            "SERVICE_KEY_FILE": str(keys.private_key_file("auth-service")),
            "TRUSTED_KEYS_FILE": str(keys.trusted_keys_file),
            "AUTH_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "AUTH_ENCRYPTION_KEYS_FILE": str(keys.encryption_keys_file),
            "HUBSPOT_API_URL": f"{url}/hubspot",
            "HUBSPOT_APP_URL": f"{url}/hubspot",
            "AIRTABLE_WEB_URL": f"{url}/airtable",
            "AIRTABLE_API_URL": f"{url}/airtable",
            "AUTH_HUBSPOT_CLIENT_ID": "sandbox-hubspot",
            "AUTH_HUBSPOT_CLIENT_SECRET": "sandbox-hubspot-secret",
            "AUTH_AIRTABLE_CLIENT_ID": "sandbox-airtable",
            "AUTH_AIRTABLE_CLIENT_SECRET": "sandbox-airtable-secret",
            "AUTH_OIDC_ISSUER_URL": f"{url}/oidc",
            "AUTH_BOOTSTRAP_FILE": str(keys.bootstrap_file),
            "SCHEDULER_URL": f"http://127.0.0.1:{free_port()}",
            **changes,
        }

    return make
