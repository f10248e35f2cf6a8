"""Ids: ours are a prefix that names the kind, and a UUIDv7; a provider's have its own syntax."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import StringConstraints
from uuid_utils import uuid7

# Of these alone may be made what is asked of a provider: a path, the name of a limit.
AirtableBaseId = Annotated[str, StringConstraints(pattern=r"^app[A-Za-z0-9]{14}$")]
AirtableTableId = Annotated[str, StringConstraints(pattern=r"^tbl[A-Za-z0-9]{14}$")]
AirtableFieldId = Annotated[str, StringConstraints(pattern=r"^fld[A-Za-z0-9]{14}$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]

IdKind = Literal[
    "ws", "op", "con", "aut", "syn", "run", "inc", "tok", "fnd", "inv", "ses", "dry", "blk", "drf"
]


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
