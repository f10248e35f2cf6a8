"""The two kinds of event: facts, and states that carry a sequence."""

from typing import ClassVar

from pydantic import Field
from tablesync.contracts.specs import Value


class Event(Value):
    """A fact: deduplicated by its `ce_id` alone, valid in any order."""

    type: ClassVar[str]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    workspace_id: str

    @property
    def key(self) -> str:
        """The Kafka key and `ce_subject`: the id of the aggregate."""
        return str(getattr(self, self.key_field))


class StateEvent(Event):
    """An aggregate's whole public state: one with an older sequence is ignored."""

    sequence: int = Field(ge=1, description="max(previous + 1, unix milliseconds)")


def next_sequence(previous: int, unix_milliseconds: int) -> int:
    """Return the sequence that follows `previous` at this moment."""
    return max(previous + 1, unix_milliseconds)
