"""Puts the dump into MongoDB and Kafka as if its platform had stopped just now."""

import base64
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import bson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from bson.raw_bson import RawBSONDocument
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from tablesync.test_kit import SandboxControl

from .dump_file import DATABASES, FOLDER, Document, Manifest

KEYS = FOLDER / "keys"
# What a document is compared by: its bytes, by collection and by the bytes of its id.
Snapshot = dict[str, dict[bytes, bytes]]


class Dump:
    """The dump, with every moment as much later as it was made earlier than `now`."""

    def __init__(self, parts: Iterable[RawBSONDocument], manifest: Manifest, now: datetime) -> None:
        self.manifest = manifest
        self.shift = now - datetime.fromisoformat(manifest.moment)
        self.documents: dict[str, list[Document]] = defaultdict(list)
        self.indexes: dict[str, list[Document]] = {}
        self.topics: dict[str, Document] = {}
        self.records: dict[str, list[Document]] = defaultdict(list)
        for part in parts:
            self._take(part)
        names = ((row["_id"], row["name"]) for row in self.documents["auth.workspaces"])
        self.workspaces = {id_: int(name.removeprefix("Workspace ")) for id_, name in names}

    def _take(self, part: RawBSONDocument) -> None:
        content: Document = bson.decode(part.raw)
        of = content["of"]
        if "document" in content:
            self.documents[of].append(shifted(content["document"], self.shift))
        elif "indexes" in content:
            self.indexes[of] = content["indexes"]
        elif "topic" in content:
            self.topics[of] = content["topic"]
        else:
            self.records[of].append(content["record"])


def shifted(value: Any, shift: timedelta) -> Any:
    """Return a document with every moment in it later; texts that tell a moment stay."""
    if isinstance(value, datetime):
        return value + shift
    if isinstance(value, dict):
        return {name: shifted(each, shift) for name, each in value.items()}
    if isinstance(value, list):
        return [shifted(each, shift) for each in value]
    return value


def load_documents(dump: Dump, client: MongoClient[Document], prefix: str) -> None:
    """Insert every document, and create the indexes as they were."""
    for of, indexes in dump.indexes.items():
        name, _, collection = of.partition(".")
        database = client[prefix + name]
        database.create_collection(collection)
        if wanted := [_index(each) for each in indexes if each["name"] != "_id_"]:
            database.command("createIndexes", collection, indexes=wanted)
        if dump.documents[of]:
            database[collection].insert_many(dump.documents[of])


def _index(index: Document) -> Document:
    return {name: each for name, each in index.items() if name not in ("v", "ns")}


async def load_topics(dump: Dump, bootstrap: str, prefix: str) -> None:
    """Create every topic and send its messages, each to the partition where it was."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [_topic(prefix + name, facts) for name, facts in dump.topics.items()]
        )
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    await producer.start()
    try:
        for name, records in dump.records.items():
            for record in records:
                await producer.send(prefix + name, **_message(record, dump.shift))
        await producer.flush()
    finally:
        await producer.stop()


def _topic(name: str, facts: Document) -> NewTopic:
    return NewTopic(
        name=name,
        num_partitions=facts["partitions"],
        replication_factor=1,
        topic_configs=facts["settings"],
    )


def _message(record: Document, shift: timedelta) -> dict[str, Any]:
    return {
        "partition": record["partition"],
        "timestamp_ms": record["timestamp"] + round(shift.total_seconds() * 1000),
        "key": record["key"],
        "headers": [tuple(each) for each in record["headers"]],
        "value": record["value"],
    }


async def make_grants_known(database: Database[Document], sandbox: SandboxControl) -> None:
    """Give each living grant tokens of this sandbox, sealed as the dump's services sealed theirs.

    The sandbox that had handed out the dump's tokens has forgotten them with its process. What is
    sealed anew stands in the rows before any service starts, as a reconnect would have left it.
    """
    for grant in list(database["grants"].find({"live": True})):
        provider, account = grant["provider"], grant["account"]["id"]
        minted = await sandbox.mint(provider, account)
        fields = {
            name: seal(minted[name], [grant["workspace_id"], grant["_id"], name])
            for name in ("access_token", "refresh_token")
        }
        database["grants"].update_one({"_id": grant["_id"]}, {"$set": fields})


def seal(secret: str, place: list[str]) -> Document:
    """Encrypt a secret as the dump's services did, bound to its place."""
    content: Mapping[str, Any] = json.loads((KEYS / "encryption-keys.json").read_text())
    key_id = content["active"]
    nonce = os.urandom(12)
    cipher = AESGCM(base64.b64decode(content["keys"][key_id]))
    sealed = cipher.encrypt(nonce, secret.encode(), json.dumps(place).encode())
    return {"key_id": key_id, "nonce": nonce, "ciphertext": sealed}


def snapshot(uri: str, prefix: str) -> Snapshot:
    """Return every document of every service as the bytes that are stored."""
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        return {
            f"{name}.{collection}": _bytes_of(client[prefix + name][collection])
            for name in DATABASES
            for collection in client[prefix + name].list_collection_names()
        }


def _bytes_of(rows: Collection[RawBSONDocument]) -> dict[bytes, bytes]:
    return {bson.encode({"_id": row["_id"]}): bytes(row.raw) for row in rows.find()}
