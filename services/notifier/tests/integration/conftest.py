"""A notifier among real Kafka, MongoDB and SMTP; its two peers are small real HTTP servers."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import Depends, FastAPI
from tablesync import contracts
from tablesync.contracts import TOPICS
from tablesync.notifier import bootstrap
from tablesync.notifier.handlers import Handlers
from tablesync.notifier.settings import Settings
from tablesync.notifier.store import Store
from tablesync.notifier.subscriptions import subscriptions
from tablesync.service_kit import mongo
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.service_auth import Signer, Verifier, callers
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.service_kit.messaging.consumer import Consumer
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.test_kit import eventually, free_port

NOW = datetime.now(UTC).replace(microsecond=0)
ADA = {"operator_id": "op_ada", "email": "ada@acme.test", "name": "Ada Λόβλεϊς", "role": "operator"}
EVE = {"operator_id": "op_eve", "email": "eve@acme.test", "name": "Eve", "role": "admin"}


class Peers:
    """auth-service and scheduler on one port each, with the documented answers."""

    def __init__(self, trusted: Path) -> None:
        self.recipients: list[dict[str, Any]] = [ADA, EVE]
        self.affected: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}
        self.links: list[str] = []
        self.asked_owner: list[str | None] = []
        self.link_works = True
        self.auth = PeerServer("auth-service", self._auth_app(trusted))
        self.scheduler = PeerServer("scheduler", self._scheduler_app(trusted))

    def _auth_app(self, trusted: Path) -> FastAPI:
        app = _app("auth-service", trusted)

        @app.get("/internal/v1/connections/{connection_id}/recipients")
        async def recipients(connection_id: str, workspace_id: str) -> dict[str, Any]:
            return {"items": self.recipients}

        @app.get("/internal/v1/workspaces/{workspace_id}/recipients")
        async def of_workspace(workspace_id: str, owner_id: str | None = None) -> dict[str, Any]:
            self.asked_owner.append(owner_id)
            return {"items": self.recipients if owner_id else [EVE]}

        @app.post("/internal/v1/connections/{connection_id}/reconnect-links")
        async def link(connection_id: str, body: dict[str, str]) -> dict[str, str]:
            if not self.link_works:
                raise problems.Problem(503, "unavailable", "No link now.")
            url = f"https://tablesync.example/reconnect/secret-link-{len(self.links)}"
            self.links.append(url)
            return {"url": url, "expires_at": (NOW + timedelta(days=7)).isoformat()}

        @app.get("/internal/v1/connections")
        async def states(since_sequence: int, limit: int) -> dict[str, Any]:
            newer = [each for each in self.states if each["sequence"] > since_sequence]
            return {"items": newer[:limit]}

        return app

    def _scheduler_app(self, trusted: Path) -> FastAPI:
        app = _app("scheduler", trusted)

        @app.get("/internal/v1/connections/{connection_id}/affected-syncs")
        async def affected(connection_id: str, workspace_id: str) -> dict[str, Any]:
            return {"items": self.affected}

        @app.get("/internal/v1/syncs/{sync_id}")
        async def sync(sync_id: str, workspace_id: str) -> dict[str, Any]:
            if sync_id not in self.names:
                raise problems.not_found("sync")
            return {"sync_id": sync_id, "name": self.names[sync_id], "owner_id": "op_ada"}

        return app


class PeerServer:
    """An app on its own port, which can be away for a while."""

    def __init__(self, name: str, app: FastAPI) -> None:
        self.app = app
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        config = uvicorn.Config(self.app, port=self.port, log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._server.capture_signals = _no_signals  # type: ignore[method-assign]
        self._task = asyncio.create_task(self._server.serve())
        await eventually(lambda: self._server and self._server.started, timeout=60)

    async def stop(self) -> None:
        if self._server and self._task:
            self._server.should_exit = True
            self._server.force_exit = True
            await self._task
            self._server = None


class Catcher:
    """A real SMTP server that keeps what it takes, and can be away, refuse or break off."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.answer: Callable[[SMTP, EmailMessage], str] = lambda *_: "250 OK"
        self.refused: set[str] = set()
        self.sessions = 0
        self._controller: Controller | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.sessions += 1
        answer = self.answer(server, mail)
        if answer.startswith("250"):
            self.mails.append(mail)
        if answer.endswith("and break off") and server.transport:
            server.transport.abort()
        return answer

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    def of(self, kind: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["X-TableSync-Kind"] == kind]


class World:
    """What a test speaks with."""

    def __init__(self, settings: Settings, peers: Peers, smtp: Catcher, signer: Signer) -> None:
        self.settings = settings
        self.peers = peers
        self.smtp = smtp
        self.url = f"http://127.0.0.1:{settings.http_port}"
        self._signer = signer
        self._mongo = mongo.connect(settings.mongodb_uri)
        self.database = mongo.open_database(
            self._mongo, f"{settings.mongodb_database_prefix}notifier"
        )
        self._units = UnitsOfWork(self.database, "notifier")
        self._dead_letters = DeadLetters(settings, "notifier", lambda: new_producer(settings))
        handlers = Handlers(Store(self.database), settings.notifier_digest_window_seconds)
        self._subscriptions = {each.topic: each for each in subscriptions(handlers)}
        self._producer: AIOKafkaProducer | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.sequence = int(NOW.timestamp() * 1000)
        self.published: list[contracts.Envelope[contracts.Event]] = []
        self.log = settings.service_key_file.parent / f"{settings.kafka_topic_prefix}notifier.log"

    # the notifier

    @asynccontextmanager
    async def running(self, *roles: str, **changes: object) -> AsyncIterator[None]:
        """Run the notifier, or some of its roles, in this process."""
        stop = asyncio.Event()
        settings = self.settings.with_(**changes)
        service = bootstrap.build(settings)
        task = asyncio.create_task(service.run(stop, roles))
        try:
            await eventually(lambda: self.ready(settings.http_port), timeout=60)
            yield
        finally:
            stop.set()
            await task

    @asynccontextmanager
    async def working(self, **changes: object) -> AsyncIterator[None]:
        """Run the mail workers alone: events are taken by `take`, without Kafka."""
        async with self.running("worker", **changes):
            yield

    async def take(self, *events: contracts.Event) -> None:
        """Have events handled as the consumer does, each in its transaction."""
        for event in events:
            subscription = self._subscriptions[event.topic]
            consumer = Consumer(subscription, self._units, self._dead_letters)
            await consumer.handle(contracts.Envelope(event, "test"))

    async def start_process(self, **changes: object) -> None:
        """Run the notifier as a process of its own, its log kept in `log`."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tablesync.notifier"),
                env=self._environment(changes),
                stdout=log,
            )
        await eventually(self.ready, timeout=60)

    async def kill_process(self) -> None:
        """End the process at once, if it runs."""
        self.signal_process(signal.SIGKILL)
        await self.process_ended()

    def signal_process(self, what: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(what)

    async def process_ended(self) -> int | None:
        """Wait for the end of the process; give its exit code."""
        return await self._process.wait() if self._process else None

    async def ready(self, port: int | None = None) -> bool:
        url = f"http://127.0.0.1:{port or self.settings.http_port}/readyz"
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False

    def _environment(self, changes: dict[str, object]) -> dict[str, str]:
        settings = self.settings.with_(**changes)
        values = settings.model_dump(mode="json", exclude_none=True)
        plain = {
            key.upper(): value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
        return {**os.environ, **plain}

    async def get(self, path: str, workspace: str | None = "ws_1") -> httpx.Response:
        return await self.call("GET", path, workspace)

    async def call(
        self, method: str, path: str, workspace: str | None = "ws_1", **options: Any
    ) -> httpx.Response:
        headers = options.pop("headers", {})
        if workspace:
            headers["Authorization"] = f"Bearer {self.token(workspace)}"
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            return await client.request(method, path, headers=headers, **options)

    def token(self, workspace_id: str, operator_id: str = "op_ada") -> str:
        who = Principal(
            operator_id=operator_id, workspace_id=workspace_id, role=OperatorRole.VIEWER
        )
        return issue(self._signer, who)

    # events

    async def publish(self, *events: contracts.Event) -> None:
        await self.send(*(contracts.Envelope(event, "test") for event in events))

    async def send(self, *envelopes: contracts.Envelope[contracts.Event]) -> None:
        """Produce envelopes; sending the same ones again is a replay."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self.settings.kafka_bootstrap_servers
            )
            await self._producer.start()
        for each in envelopes:
            self.published.append(each)
            await self._producer.send_and_wait(
                self.settings.kafka_topic_prefix + each.event.topic,
                each.value(),
                key=each.event.key.encode(),
                headers=each.headers(),
            )

    def connection(
        self, kind: type[contracts.ConnectionEvent], connection_id: str = "con_1", **changes: Any
    ) -> contracts.ConnectionEvent:
        lost = kind is contracts.ConnectionRevoked
        self.sequence += 1
        fields = {
            "workspace_id": "ws_1",
            "connection_id": connection_id,
            "provider": "hubspot",
            "account": {"id": "7001", "name": "Acme Europe", "email": "ada@acme.test"},
            "grant_version": 1,
            "status": "revoked" if lost else "connected",
            "cause": "app_uninstalled" if lost else None,
            "owner_id": "op_ada",
            "sequence": self.sequence,
            "changed_at": NOW,
        }
        return kind.model_validate({**fields, **changes})

    def run(self, kind: type[contracts.RunEvent], sync_id: str, **changes: Any) -> Any:
        fields = {
            "workspace_id": "ws_1",
            "sync_id": sync_id,
            "run_id": contracts.new_id("run"),
            "trigger": "schedule",
            "summary": "It is over.",
            "ended_at": datetime.now(UTC),
            "outcome": "interrupted",
            "cause": "connection",
        }
        return kind.model_validate({**fields, **changes})

    def hold(self, kind: type[Any], sync_id: str, **changes: Any) -> Any:
        self.sequence += 1
        fields = {
            "workspace_id": "ws_1",
            "sync_id": sync_id,
            "name": f"Sync {sync_id}",
            "sequence": self.sequence,
            "hold": {
                "kind": "connection",
                "connection_id": "con_1",
                "cause": "app_uninstalled",
                "since": NOW,
            },
            "gap": {"from": NOW, "to": None, "slots_missed": 0},
        }
        return kind.model_validate({**fields, **changes})

    # what became of it

    async def handled(self) -> None:
        """Wait until the notifier's groups have committed every message there is."""
        servers = {"bootstrap_servers": self.settings.kafka_bootstrap_servers}
        consumer = AIOKafkaConsumer(**servers, enable_auto_commit=False)
        admin = AIOKafkaAdminClient(**servers, client_id="test")
        await consumer.start()
        await admin.start()

        async def caught_up() -> bool:
            lags = [await self._lag(consumer, admin, topic) for topic in self._subscriptions]
            return sum(lags) == 0

        try:
            await eventually(caught_up, timeout=60, interval=0.25)
        finally:
            await consumer.stop()
            await admin.close()

    async def _lag(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topic: str) -> int:
        name = self.settings.kafka_topic_prefix + topic
        partitions = [TopicPartition(name, each) for each in range(TOPICS[topic].partitions)]
        ends = await consumer.end_offsets(partitions)
        committed = await admin.list_consumer_group_offsets(self.group(topic))
        done = {each: max(0, offset.offset) for each, offset in committed.items()}
        return sum(end - done.get(each, 0) for each, end in ends.items())

    def group(self, topic: str) -> str:
        return f"{self.settings.kafka_topic_prefix}notifier.{topic}"

    async def forget_offsets(self) -> None:
        """Make the next notifier read every topic from the start."""
        for topic in self._subscriptions:
            name = self.settings.kafka_topic_prefix + topic
            partitions = [TopicPartition(name, each) for each in range(TOPICS[topic].partitions)]
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.settings.kafka_bootstrap_servers,
                group_id=self.group(topic),
                enable_auto_commit=False,
            )
            await consumer.start()
            consumer.assign(partitions)
            await consumer.commit(dict.fromkeys(partitions, 0))
            await consumer.stop()

    async def mail_came(self, kind: str, count: int = 1) -> list[EmailMessage]:
        def arrived() -> list[EmailMessage]:
            found = self.smtp.of(kind)
            return found if len(found) >= count else []

        return await eventually(arrived, timeout=60)

    async def jobs_rest(self) -> None:
        """Wait until no mail is due: what was to be sent, was."""

        async def none_due() -> bool:
            due = {"status": "pending", "kind": {"$ne": "reminder"}}
            return await self.database["mails"].count_documents(due) == 0

        await eventually(none_due, timeout=60)

    async def incidents(self, workspace_id: str = "ws_1") -> list[dict[str, Any]]:
        answer = await self.get("/v1/incidents", workspace_id)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Return the whole state but for the inbox."""
        names = ("connections", "syncs", "runs", "incidents", "mails")
        return {
            name: [row async for row in self.database[name].find(sort=[("_id", 1)])]
            for name in names
        }

    async def close(self) -> None:
        await self.kill_process()
        if self._producer:
            await self._producer.stop()
        self._mongo.close()


@pytest_asyncio.fixture
async def world(
    kafka_bootstrap: str,
    mongodb_uri: str,
    topic_prefix: str,
    database_prefix: str,
    service_keys: Any,
) -> AsyncIterator[World]:
    """Yield a world whose notifier is not running yet."""
    peers, smtp = Peers(service_keys.trusted_keys_file), Catcher()
    await peers.auth.start()
    await peers.scheduler.start()
    smtp.start()
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka_bootstrap,
            "kafka_topic_prefix": topic_prefix,
            "mongodb_uri": mongodb_uri,
            "mongodb_database_prefix": database_prefix,
            "http_port": free_port(),
            "service_key_file": service_keys.private_key_file("notifier"),
            "trusted_keys_file": service_keys.trusted_keys_file,
            "auth_service_url": peers.auth.url,
            "scheduler_url": peers.scheduler.url,
            "notifier_smtp_host": "127.0.0.1",
            "notifier_smtp_port": smtp.port,
            "notifier_smtp_seconds": 20,
            "notifier_lease_seconds": 30,
            "notifier_mail_from": "TableSync <tablesync@example.test>",
            "notifier_public_url": "https://notifier.example",
            "notifier_digest_window_seconds": 1,
            "notifier_sync_list_wait_seconds": 2,
            "notifier_link_wait_seconds": 3,
        }
    )
    signer = Signer.from_file("auth-service", service_keys.private_key_file("auth-service"))
    world = World(settings, peers, smtp, signer)
    yield world
    await world.close()
    smtp.stop()
    await peers.auth.stop()
    await peers.scheduler.stop()


@pytest.fixture
def affected() -> Callable[..., dict[str, Any]]:
    """Make one item of scheduler's answer about affected syncs."""

    def make(sync_id: str, **changes: Any) -> dict[str, Any]:
        item = {
            "sync_id": sync_id,
            "name": f"Sync {sync_id}",
            "object": "contacts",
            "status": "held",
            "hold": {
                "kind": "connection",
                "connection_id": "con_1",
                "cause": "app_uninstalled",
                "since": NOW.isoformat(),
            },
            "gap": {"from": NOW.isoformat(), "to": None, "slots_missed": 0},
            "next_slot_at": (NOW + timedelta(minutes=5)).isoformat(),
            "catch_up": None,
        }
        return {**item, **changes}

    return make


def _app(service: str, trusted: Path) -> FastAPI:
    admitted = Depends(callers(Verifier.from_file(service, trusted), "notifier"))
    app = FastAPI(dependencies=[admitted])
    problems.install(app)
    return app


def _no_signals() -> AbstractContextManager[None]:
    return nullcontext()
