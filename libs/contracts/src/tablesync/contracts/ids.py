"""Ids: a prefix that names the kind, and a UUIDv7, so that ids sort by creation time."""

from typing import Literal, get_args
from uuid import UUID

from uuid_utils import uuid7

IdKind = Literal["ws", "op", "con", "aut", "syn", "run", "inc", "tok", "fnd", "inv"]


def new_id(kind: IdKind) -> str:
    """Make a fresh id such as `con_0198f0c2-…`."""
    return f"{kind}_{uuid7()}"


def new_event_id() -> str:
    """Make a fresh `ce_id`: a bare UUIDv7."""
    return str(uuid7())


def is_id(value: str, kind: IdKind) -> bool:
    """Whether `value` is a well-formed id of this kind."""
    prefix, _, rest = value.partition("_")
    return prefix == kind and kind in get_args(IdKind) and _is_uuid(rest)


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False
