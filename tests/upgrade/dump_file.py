"""The dump as files: a stream of BSON documents, and what is to be known of them as JSON.

BSON keeps every type as it was. Each document of the stream has a member `of`: a database's name
and a collection's (`auth.grants`), or the name of a topic; and `indexes`, `document`, `topic` or
`record`.
"""

import json
import lzma
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

FOLDER = Path(__file__).with_name("dump")
DATABASES = ("auth", "scheduler", "runner", "notifier")
Document = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What is to be known of a dump: where and when it is from, and what is in it.

    `underway` is the workspace whose work had not ended; `idle` is a connection of another one that
    nothing uses; `sandbox` are the settings of the sandbox, which makes the same records by them;
    `groups` has the topic of each consumer group.
    """

    commit: str
    moment: str
    underway: str
    idle: str
    sandbox: dict[str, str]
    groups: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path = FOLDER) -> None:
        """Write it as JSON."""
        (folder / "manifest.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "Manifest":
        """Read it."""
        return cls(**json.loads((folder / "manifest.json").read_text()))


def now_of(client: MongoClient[Document]) -> datetime:
    """Return the moment by MongoDB's clock, which is the one that counts."""
    moment: datetime = client.admin.command("hello")["localTime"]
    return moment.replace(tzinfo=UTC)


def write_stream(parts: Iterable[Document], folder: Path = FOLDER) -> int:
    """Write the documents compressed; return the file's size."""
    path = folder / "dump.bson.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    with lzma.open(path, "wb", filters=filters) as file:
        for part in parts:
            file.write(bson.encode(part))
    return path.stat().st_size


def read_stream(folder: Path = FOLDER) -> Iterator[RawBSONDocument]:
    """Yield the documents as they lie in the file."""
    with lzma.open(folder / "dump.bson.xz") as file:
        yield from bson.decode_file_iter(file, bson.CodecOptions(RawBSONDocument))
