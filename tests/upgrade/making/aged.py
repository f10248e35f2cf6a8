"""Documents that only hours bring about, made from real ones with new ids.

These are all that did not come through a door: authorizations that were never finished, which are
expired ten minutes later, and runs that no runner knew of, which are given up after a quarter of an
hour.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import bson
from bson.raw_bson import RawBSONDocument
from tablesync.contracts import new_id

from tests.upgrade.dump_file import Document

AGO = timedelta(hours=2)
GIVEN_UP = "No runner knows of this run: its request was lost or refused as unreadable."


def with_aged(parts: Iterable[Document], untouched: str) -> Iterator[Document]:
    """Yield all parts, and an aged copy behind each that has one.

    `untouched` is a workspace that gets none.
    """
    for part in parts:
        yield part
        aged = _aged(part["of"], part["document"]) if "document" in part else None
        if aged and aged["workspace_id"] != untouched:
            yield {"of": part["of"], "document": aged}


def _aged(of: str, raw: RawBSONDocument) -> Document | None:
    document: Document = bson.decode(raw.raw)
    if of == "auth.authorizations" and document["status"] == "pending":
        return _expired(document)
    if of == "scheduler.runs" and document.get("cause") == "provider":
        return _given_up(document)
    return None


def _expired(document: Document) -> Document:
    """Nobody came back in time; its state is another, since states are unique."""
    moments = {name: document[name] - AGO for name in ("created_at", "expires_at")}
    state = {"state_digest": new_id("aut")} if "state_digest" in document else {}
    return {**document, "_id": new_id("aut"), **moments, **state}


def _given_up(document: Document) -> Document:
    """Nobody knew of it: the scheduler itself ended it."""
    presumed = {"times_unknown": 8, "presumed": True, "cause": "internal", "summary": GIVEN_UP}
    return {**document, "_id": new_id("run"), "started_at": None, **presumed}
