"""The Kafka-protocol broker inside librdkafka, for a first look where Maven is missing.

`python -m tablesync.local_stack.embedded_broker --port 9092`. All is in memory. librdkafka chooses
its own port, so this program listens on the one asked for and passes bytes on; clients learn the
real one from the metadata and use it from then on.
"""

import argparse
import asyncio
import contextlib
import signal

from confluent_kafka import Producer


async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass bytes on until either side ends."""
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()


async def serve(port: int, broker_host: str, broker_port: int) -> None:
    """Listen on `port` for bootstrap connections and join each to the broker."""

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(broker_host, broker_port)
        await asyncio.gather(copy(reader, broker_writer), copy(broker_reader, writer))

    ended = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, ended.set)
    server = await asyncio.start_server(join, "127.0.0.1", port)
    await ended.wait()
    server.close()


def main() -> None:
    """Hold the broker for as long as this process lives."""
    parser = argparse.ArgumentParser(description="A Kafka-protocol broker in memory.")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    holder = Producer({"test.mock.num.brokers": 1, "log_level": 3})
    (broker,) = holder.list_topics(timeout=10).brokers.values()
    asyncio.run(serve(port, broker.host, broker.port))


if __name__ == "__main__":
    main()
