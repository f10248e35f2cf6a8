"""One mongod as a one-node replica set, because transactions and change streams need one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from tablesync.local_stack import tools
from tablesync.local_stack.waiting import wait_until

REPLICA_SET = "tablesync"
NOT_YET_INITIALIZED = 94


@dataclass(frozen=True)
class MongoNode:
    """A mongod on the loopback interface: `folder` has its data."""

    folder: Path
    port: int

    @property
    def uri(self) -> str:
        """Return the address that clients use."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}"

    def prepare(self) -> None:
        """Make the data folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def argv(self) -> list[str]:
        """Return the command line of mongod."""
        return [
            *(tools.find_mongod(), "--dbpath", str(self.folder), "--quiet"),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket"),
            *("--replSet", REPLICA_SET, "--oplogSize", "256"),
            *("--wiredTigerCacheSizeGB", "0.5"),
            # What a killed process had locked is free after 15 s, not after a minute.
            *("--setParameter", "transactionLifetimeLimitSeconds=15"),
            # No secondary takes over here, so nobody is waited for at the end.
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
        ]

    def make_ready(self, timeout: float = 60) -> None:
        """Make the node the primary of its set, whatever port it had the last time."""
        initiate_replica_set("127.0.0.1", self.port, timeout=timeout)


def initiate_replica_set(
    host: str, port: int, *, member: str | None = None, timeout: float = 60
) -> None:
    """Form a set of one node and wait until it takes writes.

    Args:
        host: where this process reaches mongod.
        port: its port there.
        member: the address the set shall tell its clients; the same one unless given.
        timeout: seconds in all.

    """
    uri = f"mongodb://{host}:{port}/?directConnection=true"
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=1000) as client:
        wait_until(lambda: _answers(client), timeout=timeout, what=f"mongod on port {port}")
        _ensure_member(client, member or f"{host}:{port}")
        wait_until(lambda: _is_primary(client), timeout=timeout, what="the replica set's primary")


def answers(port: int) -> bool:
    """Whether a mongod on this port answers at all."""
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=1000) as client:
        return _answers(client)


def _answers(client: MongoClient[dict[str, Any]]) -> bool:
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def _is_primary(client: MongoClient[dict[str, Any]]) -> bool:
    return bool(client.admin.command("hello").get("isWritablePrimary"))


def _ensure_member(client: MongoClient[dict[str, Any]], member: str) -> None:
    config = _stored_config(client)
    if config is None:
        first = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": member}]}
        client.admin.command("replSetInitiate", first)
    elif config["members"][0]["host"] != member:
        config["members"][0]["host"] = member
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _stored_config(client: MongoClient[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        client.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code == NOT_YET_INITIALIZED:
            return None
    return client.local["system.replset"].find_one()
