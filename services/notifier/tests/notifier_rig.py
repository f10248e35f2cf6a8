"""What a test of the notifier speaks with: its peers, its mail server, its events, itself."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import httpx
from consumer_groups import ConsumerGroups
from mail_catcher import MailCatcher
from notifier_events import NOW, Events
from tablesync.contracts import ConnectionEvent, Envelope, Event
from tablesync.contracts.internal_api import AffectedSync, Recipient
from tablesync.local_stack.keys import ServiceKeys
from tablesync.notifier import bootstrap
from tablesync.notifier.handlers import Handlers
from tablesync.notifier.settings import NAME, Settings
from tablesync.notifier.store import Store
from tablesync.notifier.subscriptions import subscriptions
from tablesync.service_kit import mongo
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.service_kit.messaging.consumer import Consumer
from tablesync.service_kit.messaging.dead_letters import DeadLetters
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.test_kit import NO_TLS, eventually
from tablesync.test_kit.messaging import send
from tablesync.test_kit.services import serving
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SchedulerStandIn, affected_sync

Json = dict[str, Any]

ADA = Recipient(operator_id="op_ada", email="ada@acme.test", name="Ada Λόβλεϊς", role="operator")
EVE = Recipient(operator_id="op_eve", email="eve@acme.test", name="Eve", role="admin")
READY_SECONDS = 60.0


class Rig:
    """A notifier that is not running yet, between real Kafka, MongoDB and SMTP."""

    def __init__(
        self,
        settings: Settings,
        auth: AuthServiceStandIn,
        scheduler: SchedulerStandIn,
        smtp: MailCatcher,
        keys: ServiceKeys,
    ) -> None:
        self.settings = settings
        self.auth = auth
        self.scheduler = scheduler
        self.smtp = smtp
        self.events = Events()
        self.log = settings.service_key_file.parent / f"{settings.kafka_topic_prefix}notifier.log"
        self._signer = Signer.from_file("auth-service", keys.private_key_file("auth-service"))
        self._mongo = mongo.connect(settings.mongodb_uri)
        self.database = mongo.open_database(
            self._mongo, f"{settings.mongodb_database_prefix}notifier"
        )
        self.mails = self.database["mails"]
        self._units = UnitsOfWork(self.database, NAME)
        self._dead_letters = DeadLetters(settings, NAME, lambda: new_producer(settings))
        handlers = Handlers(Store(self.database), settings.notifier_digest_window_seconds)
        self._subscriptions = {each.topic: each for each in subscriptions(handlers)}
        self.groups = ConsumerGroups(settings, NAME, list(self._subscriptions))
        self._process: asyncio.subprocess.Process | None = None
        for workspace_id in ("ws_1", "ws_2"):
            auth.members[workspace_id] = [ADA, EVE]

    async def close(self) -> None:
        await self.kill_process()
        self._mongo.close()

    # the notifier

    @asynccontextmanager
    async def running(self, *roles: str, **changes: object) -> AsyncIterator[None]:
        """Run the notifier, or some of its roles, in this process."""
        async with serving(bootstrap.build(self.settings.with_(**changes)), *roles):
            yield

    @asynccontextmanager
    async def working(self, **changes: object) -> AsyncIterator[None]:
        """Run the mail workers alone: events are taken by `take`, without Kafka."""
        async with self.running("worker", **changes):
            yield

    async def start_process(self, **changes: object) -> None:
        """Run the notifier as a process of its own, its log kept in `log`."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tablesync.notifier"),
                env=_environment(self.settings.with_(**changes)),
                stdout=log,
            )
        await eventually(self._is_ready, timeout=READY_SECONDS)

    async def kill_process(self) -> None:
        """End the process at once, if it runs."""
        self.signal_process(signal.SIGKILL)
        await self.process_ended()

    def signal_process(self, what: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(what)

    async def process_ended(self) -> int | None:
        """Wait for the end of the process; return its exit code."""
        return await self._process.wait() if self._process else None

    async def _is_ready(self) -> bool:
        try:
            return (await self.get("/readyz", None)).is_success
        except httpx.TransportError:
            return False

    # its API

    async def get(self, path: str, workspace: str | None = "ws_1") -> httpx.Response:
        return await self.call("GET", path, workspace)

    async def call(
        self,
        method: str,
        path: str,
        workspace: str | None = "ws_1",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        signed = {"Authorization": f"Bearer {self.token(workspace)}"} if workspace else {}
        url = f"http://127.0.0.1:{self.settings.http_port}"
        async with httpx.AsyncClient(
            base_url=url, trust_env=False, verify=NO_TLS, timeout=30
        ) as client:
            return await client.request(
                method, path, headers={**signed, **(headers or {})}, **options
            )

    def token(self, workspace_id: str, operator_id: str = "op_ada") -> str:
        role = OperatorRole.VIEWER
        who = Principal(operator_id=operator_id, workspace_id=workspace_id, role=role)
        return issue(self._signer, who)

    async def incidents(self, workspace_id: str = "ws_1") -> list[Json]:
        answer = await self.get("/v1/incidents", workspace_id)
        assert answer.status_code == 200, answer.text
        items: list[Json] = answer.json()["items"]
        return items

    # what happens around it

    def know_syncs(self, *syncs: AffectedSync, connection_id: str = "con_1") -> None:
        """Have scheduler know Ada's syncs of a connection."""
        self.scheduler.know(
            *syncs,
            workspace_id="ws_1",
            connection_ids=(connection_id, "con_airtable"),
            owner_id="op_ada",
        )

    async def publish(self, *events: Event) -> None:
        """Have events published, and auth-service know the states that they tell."""
        self._tell_auth_service(events)
        await send(self.settings, *(Envelope(each, "test") for each in events))

    async def take(self, *events: Event) -> None:
        """Have events handled as the consumer does, each in its transaction."""
        self._tell_auth_service(events)
        for each in events:
            subscription = self._subscriptions[each.topic]
            consumer = Consumer(subscription, self._units, self._dead_letters)
            await consumer.handle(Envelope(each, "test"))

    def _tell_auth_service(self, events: tuple[Event, ...]) -> None:
        for each in events:
            if isinstance(each, ConnectionEvent):
                known = self.auth.connections.get(each.connection_id)
                if known is None or known.sequence < each.sequence:
                    self.auth.know(each)

    # what became of it

    async def mail_came(self, kind: str, count: int = 1) -> list[EmailMessage]:
        def arrived() -> list[EmailMessage]:
            found = self.smtp.of(kind)
            return found if len(found) >= count else []

        return await eventually(arrived, timeout=60)

    async def job_is(self, query: Document) -> None:
        """Wait until a mail job is like this."""
        await eventually(lambda: self.mails.find_one(query), timeout=60)

    async def job(self, kind: str) -> Document:
        """Return the mail job of a kind."""
        found = await self.mails.find_one({"kind": kind})
        assert found is not None
        return found

    async def jobs_rest(self) -> None:
        """Wait until no mail is due: what was to be sent, was."""

        async def none_due() -> bool:
            due = {"status": "pending", "kind": {"$ne": "reminder"}}
            return await self.mails.count_documents(due) == 0

        await eventually(none_due, timeout=60)

    async def snapshot(self) -> dict[str, list[Document]]:
        """Return the whole state but for the inbox."""
        names = ("connections", "syncs", "runs", "incidents", "mails")
        return {
            name: [row async for row in self.database[name].find(sort=[("_id", 1)])]
            for name in names
        }


def held_sync(sync_id: str, **changes: Any) -> AffectedSync:
    """Make what scheduler tells of a sync that it holds for the first connection."""
    hold = {
        "kind": "connection",
        "connection_id": "con_1",
        "cause": "app_uninstalled",
        "since": NOW,
    }
    held = {"status": "held", "hold": hold, "gap": {"from": NOW, "slots_missed": 0}}
    return affected_sync(sync_id, **{**held, **changes})


def _environment(settings: Settings) -> dict[str, str]:
    values = settings.model_dump(mode="json", exclude_none=True)
    plain = {
        key.upper(): value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
    }
    return {**os.environ, **plain}
