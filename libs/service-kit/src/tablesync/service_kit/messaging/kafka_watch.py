"""Watches Kafka for a process: tells when it goes and comes back, and makes lost topics again.

One look that fails is a hiccup; with the second in a row Kafka counts as away. A topic that
somebody deleted is made again then. Consumers are told at each look which topics there are.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from tablesync.service_kit.clock import seconds
from tablesync.service_kit.messaging.incarnations import Incarnations, incarnations
from tablesync.service_kit.messaging.kafka import ensure_topics, topics_of
from tablesync.service_kit.roles import pause
from tablesync.service_kit.settings import ProcessSettings

log = structlog.get_logger()
LOOK_SECONDS = 5.0


class KafkaWatch:
    """What is known of Kafka, and of the topics that one service needs."""

    def __init__(
        self, settings: ProcessSettings, service: str, on_look: Callable[[Incarnations], None]
    ) -> None:
        self._settings = settings
        self._service = service
        self._topics = [each.name for each in topics_of(settings, service)]
        self._admin: AIOKafkaAdminClient | None = None
        self._on_look = on_look
        self._seen: str | None = None
        self._away_since: float | None = None

    async def is_well(self) -> bool:
        """Whether Kafka answers and has every topic, a hiccup apart."""
        return self._away_since is None

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`, whatever a look meets."""
        while not stop.is_set():
            await self._take_in(await self._look())
            await pause(stop, self._settings.kafka_check_seconds)
        await self._hang_up()

    async def _look(self) -> str | None:
        """Return what is wrong, if anything is."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = await incarnations(await self._connected())
            self._on_look(found)
        except Exception as error:
            await self._hang_up()
            return f"it does not answer: {error!r}"
        missing = [each for each in self._topics if each not in found]
        return f"topics are missing: {', '.join(missing)}" if missing else None

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(
                bootstrap_servers=self._settings.kafka_bootstrap_servers
            )
            await self._admin.start()
        return self._admin

    async def _take_in(self, trouble: str | None) -> None:
        again, self._seen = self._seen is not None, trouble
        if trouble is None:
            self._tell_of_return()
        elif again:
            self._tell_of_trouble(trouble)
            if self._admin is not None:
                await self._make_topics()

    def _tell_of_trouble(self, trouble: str) -> None:
        if self._away_since is None:
            self._away_since = seconds()
            log.error("kafka away", reason=trouble)

    def _tell_of_return(self) -> None:
        if self._away_since is not None:
            log.info("kafka back", after_seconds=round(seconds() - self._away_since))
            self._away_since = None

    async def _make_topics(self) -> None:
        """Try it; the next look tells how it went."""
        with suppress(Exception):
            async with asyncio.timeout(LOOK_SECONDS):
                await ensure_topics(self._settings, self._service)

    async def _hang_up(self) -> None:
        """Drop the connection: one that does not close is in no state to be asked again either."""
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(Exception):
                await admin.close()
