"""P13 by the command: a poison message in the dead letters of a real service, and its replay."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from cli_instruments import Command, Done
from tablesync.contracts import ConnectionRevoked, Envelope
from tablesync.local_stack.stack import LocalStack
from tablesync.service_kit.messaging.dead_letters import PAGE
from tablesync.service_kit.mongo import Client
from tablesync.test_kit import eventually

pytestmark = pytest.mark.integration
TOPIC = "connection-events"


@pytest_asyncio.fixture
async def stack(
    pytestconfig: pytest.Config,
    kafka_bootstrap: str,
    mongodb_uri: str,
    topic_prefix: str,
    database_prefix: str,
) -> AsyncIterator[LocalStack]:
    """Run auth-service and notifier for real; nobody takes the mails."""
    mail = {
        "NOTIFIER_SMTP_HOST": "127.0.0.1",
        "NOTIFIER_SMTP_PORT": "9",
        "NOTIFIER_MAIL_FROM": "tablesync@example.test",
        "SCHEDULER_URL": "http://127.0.0.1:9",
    }
    providers = {"SCHEDULER_URL": mail["SCHEDULER_URL"]} | {
        f"AUTH_{provider}_{part}": "unused"
        for provider in ("HUBSPOT", "AIRTABLE")
        for part in ("CLIENT_ID", "CLIENT_SECRET")
    }
    stack = LocalStack(
        pytestconfig.rootpath,
        f"test-cli-{topic_prefix}",
        programs=("auth-service", "notifier"),
        env={
            "notifier": mail,
            "auth-service": {**providers, "SCHEDULER_URL": mail["SCHEDULER_URL"]},
        },
        kafka_bootstrap=kafka_bootstrap,
        mongodb_uri=mongodb_uri,
        topic_prefix=topic_prefix,
        database_prefix=database_prefix,
        fresh=True,
    )
    with stack:
        yield stack
    stack.remove()


@pytest.fixture
def where(stack: LocalStack) -> dict[str, str]:
    """Name the real services and their operator; a stand-in answers for the others."""
    return {
        "AUTH_SERVICE_URL": stack.info.urls["auth-service"],
        "NOTIFIER_URL": stack.info.urls["notifier"],
        "TABLESYNC_API_TOKEN": stack.info.api_token,
    }


@pytest.fixture
def command(where: dict[str, str], tablesync: Command) -> Command:
    """Run `tablesync dlq` on what notifier parked."""

    def run(*arguments: str, **changes: str | None) -> Done:
        return tablesync("dlq", *arguments, "--service", "notifier", **where, **changes)

    return run


async def test_p13_the_command_shows_and_replays_what_was_parked(
    stack: LocalStack,
    command: Command,
    kafka_bootstrap: str,
    mongodb_uri: str,
    topic_prefix: str,
    database_prefix: str,
) -> None:
    """A poison message stays unreadable; one that a mended handler can take is handled."""
    mended = Envelope(loss(), "auth-service")
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.send_and_wait(f"{topic_prefix}{TOPIC}", b"\xff no event", key=b"con_1")
        parked = [*mended.headers(), ("dlq_reason", b"KeyError: since mended")]
        name = f"{topic_prefix}{TOPIC}.notifier-dlq"
        await producer.send_and_wait(name, mended.value(), headers=parked)

    def listed() -> list[dict[str, Any]]:
        done = command("list", "--replayed", "--json")
        assert done.returncode == 0, done.stderr
        items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return items if len(items) == 2 else []

    found = await eventually(listed, timeout=60, interval=0.5)
    ids = {each["reason"].partition(":")[0]: str(each["id"]) for each in found}
    poison = command("replay", TOPIC, ids["MalformedEventError"])
    assert poison.returncode == 1
    assert "can still not be read" in poison.stderr
    assert json.loads(command("show", TOPIC, ids["KeyError"]).stdout)["key"] is None

    assert command("replay", TOPIC, ids["KeyError"]).returncode == 0
    database = Client(mongodb_uri)[f"{database_prefix}notifier"]
    incident = await database["incidents"].find_one({"connection_id": "con_1"})
    assert incident
    assert [str(each["id"]) for each in listed() if each["replayed_at"]] == [ids["KeyError"]]


async def test_p13_the_command_replays_all_letters_however_many(
    stack: LocalStack,
    command: Command,
    where: dict[str, str],
    tablesync: Command,
    kafka_bootstrap: str,
    topic_prefix: str,
) -> None:
    """More than a page is replayed by one command, and none of it by a second one."""
    parked = [Envelope(loss(), "auth-service") for _ in range(PAGE + 1)]
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        name = f"{topic_prefix}{TOPIC}.notifier-dlq"
        for each in parked:
            headers = [*each.headers(), ("dlq_reason", b"KeyError: since mended")]
            await producer.send(name, each.value(), headers=headers)

    assert command("replay", "--all").stdout == f"Replayed {len(parked)}, failed 0.\n"
    assert command("replay", "--all").stdout == "Replayed 0, failed 0.\n"
    assert json.loads(command("list", "--json").stdout)["items"] == []
    oldest = tablesync("dlq", "show", TOPIC, "0", **where)
    assert json.loads(oldest.stdout)["service"] == "notifier"
    assert json.loads(oldest.stdout)["replayed_at"]


def loss() -> ConnectionRevoked:
    return ConnectionRevoked.model_validate(
        {
            "workspace_id": "ws_1",
            "connection_id": "con_1",
            "provider": "hubspot",
            "account": {"id": "7001", "name": "Acme"},
            "grant_version": 1,
            "status": "revoked",
            "cause": "grant_revoked",
            "owner_id": "op_1",
            "sequence": 1,
            "changed_at": "2026-11-22T10:00:00Z",
        }
    )
