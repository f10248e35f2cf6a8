"""CloudEvents 1.0 in Kafka's binary mode: attributes as headers, data as the value."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from tablesync.contracts.event import Event
from tablesync.contracts.ids import new_event_id
from tablesync.contracts.registry import event_class
from tablesync.contracts.specs import rfc3339

E_co = TypeVar("E_co", bound=Event, covariant=True)
Headers = list[tuple[str, bytes]]

_REQUIRED = ("ce_id", "ce_type", "ce_source", "ce_time")
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class MalformedEventError(ValueError):
    """The message can never be read: it goes to the dead letters at once."""


class UnknownEventTypeError(ValueError):
    """A type from a later version: it is skipped and counted."""


@dataclass(frozen=True)
class Envelope(Generic[E_co]):
    """An event and its CloudEvents attributes."""

    event: E_co
    source: str
    id: str = field(default_factory=new_event_id)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    traceparent: str | None = None

    def headers(self) -> Headers:
        """Return the Kafka headers, all UTF-8."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_type": self.event.type,
            "ce_source": self.source,
            "ce_subject": self.event.key,
            "ce_time": rfc3339(self.time),
            "content-type": "application/json",
        }
        if self.traceparent:
            attributes["traceparent"] = self.traceparent
        return [(name, text.encode()) for name, text in attributes.items()]

    def value(self) -> bytes:
        """Return the Kafka value: the event as JSON."""
        return self.event.model_dump_json(by_alias=True).encode()


def decode(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Envelope[Event]:
    """Read a message.

    Raises MalformedEventError for what can never be read, and UnknownEventTypeError for a
    well-formed envelope of a type that this version does not know.
    """
    attributes = _attributes(headers)
    known = event_class(attributes["ce_type"])
    if known is None:
        raise UnknownEventTypeError(attributes["ce_type"])
    try:
        return Envelope(
            event=known.model_validate_json(value or b""),
            source=attributes["ce_source"],
            id=attributes["ce_id"],
            time=_MOMENT.validate_python(attributes["ce_time"]),
            traceparent=attributes.get("traceparent"),
        )
    except ValidationError as error:
        raise MalformedEventError(_explain(known.type, error)) from error


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    try:
        attributes = {name: raw.decode() for name, raw in headers if raw is not None}
    except UnicodeDecodeError as error:
        raise MalformedEventError(f"a header is not UTF-8: {error.reason}") from error
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise MalformedEventError(f"missing header(s): {', '.join(missing)}")
    return attributes


def _explain(ce_type: str, error: ValidationError) -> str:
    """Name the fields and reasons, never the values: a value may be anything."""
    reasons = (
        f"{'.'.join(str(part) for part in each['loc']) or 'value'}: {each['msg']}"
        for each in error.errors(include_input=False, include_url=False)
    )
    return f"{ce_type}: {'; '.join(reasons)}"
