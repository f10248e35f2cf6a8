"""A relay in a process of its own that publishes, says so, and never comes to mark its rows."""

import asyncio
import sys

from tablesync.service_kit import mongo
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.relay import Relay
from tablesync.service_kit.settings import ServiceSettings


class StuckRelay(Relay):
    """Stops between Kafka's acknowledgement and the mark."""

    async def _mark(self, sent: list[str]) -> None:
        if sent:
            sys.stdout.write(f"published {len(sent)}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


async def main(database_name: str) -> None:
    settings = ServiceSettings()
    database = mongo.open_database(mongo.connect(settings.mongodb_uri), database_name)
    relay = StuckRelay(database, lambda: new_producer(settings), settings.kafka_topic_prefix)
    await relay.run(asyncio.Event())


asyncio.run(main(sys.argv[1]))
