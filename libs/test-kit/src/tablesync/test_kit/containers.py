"""The same Kafka and MongoDB for tests, in containers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tablesync.local_stack.mongodb import REPLICA_SET, initiate_replica_set
from tablesync.local_stack.ports import free_port

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

KAFKA_IMAGE = "apache/kafka:4.3.1"
MONGODB_IMAGE = "mongo:8.0"
DOCKER_SOCKET = Path("/var/run/docker.sock")
START_SECONDS = 120


def choice() -> str | None:
    """Read TEST_STACK: containers, local, or None when it is not set.

    Raises:
        ValueError: it is something else.

    """
    word = os.environ.get("TEST_STACK") or None
    if word not in {None, "local", "containers"}:
        raise ValueError(f"TEST_STACK is {word!r}; it may be local or containers")
    return word


@cache
def wanted() -> bool:
    """Whether tests run on containers: as TEST_STACK says, else if the images are there."""
    chosen = choice()
    return chosen == "containers" or (chosen is None and images_are_there())


def images_are_there() -> bool:
    """Whether a Docker engine answers and has all images already, so that nothing is pulled."""
    if "DOCKER_HOST" not in os.environ and not DOCKER_SOCKET.exists():
        return False
    import docker  # noqa: PLC0415 - slow to import, and needed by few runs

    try:
        engine = docker.from_env(timeout=5)
        for image in (KAFKA_IMAGE, MONGODB_IMAGE, *_reaper_image()):
            engine.images.get(image)
    except docker.errors.DockerException:
        return False
    return True


def _reaper_image() -> list[str]:
    """Return the image by which testcontainers cleans up after a killed run, unless it is off."""
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - as above

    off = testcontainers_config.ryuk_disabled
    return [] if off else [testcontainers_config.ryuk_image]


@contextmanager
def kafka_container() -> Iterator[str]:
    """Run one Kafka node; return its bootstrap address.

    The port is chosen beforehand, because a broker tells its clients where it is when it starts.
    """
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    port = free_port()
    container = _published(KAFKA_IMAGE, 9092, port)
    for name, value in _kafka_settings(port).items():
        container.with_env(name, value)
    started = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(START_SECONDS)
    with container.waiting_for(started):
        yield f"127.0.0.1:{port}"


def _kafka_settings(port: int) -> dict[str, str]:
    """Return one node with two listeners: a broker cannot reach itself by a port of the host."""
    listeners = {"HOST": "9092", "INSIDE": "19092", "CONTROLLER": "9093"}
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENERS": ",".join(f"{name}://:{at}" for name, at in listeners.items()),
        "KAFKA_ADVERTISED_LISTENERS": f"HOST://127.0.0.1:{port},INSIDE://localhost:19092",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(f"{name}:PLAINTEXT" for name in listeners),
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_HEAP_OPTS": "-Xmx512m -Xms128m",
    }


@contextmanager
def mongodb_container() -> Iterator[str]:
    """Run mongod as a one-node replica set; return its address.

    The set knows its member by the address inside the container, so clients connect directly.
    """
    port = free_port()
    container = _published(MONGODB_IMAGE, 27017, port)
    # What a killed process had locked is free after 15 s, not after a minute.
    lifetime = "--setParameter transactionLifetimeLimitSeconds=15"
    with container.with_command(f"--replSet {REPLICA_SET} {lifetime}"):
        initiate_replica_set("127.0.0.1", port, member="127.0.0.1:27017", timeout=START_SECONDS)
        yield f"mongodb://127.0.0.1:{port}/?directConnection=true"


def _published(image: str, inside: int, port: int) -> "DockerContainer":
    """Prepare a container with one port, on loopback only."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - as above

    container = DockerContainer(image)
    # Docker's client takes an address with the port, which the annotation does not know.
    container.ports[str(inside)] = ("127.0.0.1", port)  # type: ignore[assignment]
    return container
