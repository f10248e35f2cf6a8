"""What services could not handle, for those who run TableSync (every service but auth-service)."""

from typing import Literal

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer

_LETTER: JsonDict = {
    "id": 7,
    "topic": "sync-requests",
    "partition": 3,
    "offset": 1704,
    "reason": "LookupError: no such run",
    "parked_at": "2026-03-01T10:00:00.000Z",
    "cut_from_bytes": None,
    "key": "syn_0197f2a0-0000-7000-8000-000000000001",
    "type": "tablesync.run.cancel-requested.v1",
    "replayed_at": None,
}
_WHOLE_LETTER: JsonDict = {
    **_LETTER,
    "headers": {"ce_type": "tablesync.run.cancel-requested.v1", "ce_source": "scheduler"},
    "value": '{"run_id": "run_0197f2a0-0000-7000-8000-000000000002"}',
    "encoding": "utf-8",
}


class DeadLetterView(Answer):
    """A parked message: where it stood in its topic, and why and when it was parked."""

    model_config = showing(_LETTER)

    id: int = Field(description="Its place among the dead letters of its topic.")
    topic: str
    partition: int
    offset: int
    reason: str
    parked_at: str
    cut_from_bytes: int | None = Field(description="How large it was, if only a part was kept.")
    key: str | None
    type: str | None
    replayed_at: str | None


class WholeDeadLetter(DeadLetterView):
    """A parked message with its headers and its value."""

    model_config = showing(_WHOLE_LETTER)

    headers: dict[str, str]
    value: str
    encoding: Literal["utf-8", "base64"]


class DeadLetterPage(Answer):
    """A page of one topic; empty where all its letters were replayed."""

    items: list[DeadLetterView]
    next: str | None = Field(description="Send it as `from` for the next page; null at the end.")


class Replayed(Answer):
    """A parked message was handled."""

    model_config = showing({"replayed_at": "2026-03-01T10:05:00.000Z"})

    replayed_at: str
