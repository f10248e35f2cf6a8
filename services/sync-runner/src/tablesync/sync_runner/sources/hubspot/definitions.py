"""What HubSpot says of an object's properties, read as what every source offers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from types import NoneType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
import structlog
from pydantic import BeforeValidator
from tablesync.service_kit.redaction import foreign_text
from tablesync.sync_runner.access.answers import (
    NAMELESS,
    NOT_UNDERSTOOD,
    Answer,
    SecondLook,
    TransientError,
    or_else,
    understood,
)
from tablesync.sync_runner.sources.base import GONE, SourceProperty
from tablesync.sync_runner.values import Option, Unit, ValueKind

log = structlog.get_logger()

_KINDS = {
    "number": ValueKind.NUMBER,
    "bool": ValueKind.BOOL,
    "date": ValueKind.DATE,
    "datetime": ValueKind.MOMENT,
}
OWN_PROPERTIES = (
    SourceProperty("id", "Record ID", "string"),
    SourceProperty(GONE, "Deleted at source", "bool", ValueKind.BOOL),
)


def _options(given: Any) -> Any:
    """Leave out options that say nothing: a definition is not worth a run."""
    listed = given if isinstance(given, list) else []
    return [each for each in listed if isinstance(each, dict) and _says_something(each)]


def _says_something(option: dict[str, Any]) -> bool:
    told = (option.get("value"), option.get("label"))
    return type(told[0]) in (str, int) and type(told[1]) in (str, int, NoneType)


def _zone_name(given: Any) -> Any:
    return given if isinstance(given, str) else None


class OptionAnswer(Answer):
    """One option of a property."""

    value: str
    label: str | None = None


class PropertyAnswer(Answer):
    """The definition of a property; durations are numbers of milliseconds."""

    name: str
    label: str
    type: str
    fieldType: str | None = None  # noqa: N815 - HubSpot's name
    numberDisplayHint: str | None = None  # noqa: N815 - HubSpot's name
    options: Annotated[tuple[OptionAnswer, ...], BeforeValidator(_options)] = ()


def _stand_in(name: str) -> PropertyAnswer:
    return PropertyAnswer(name=name, label=name, type=NOT_UNDERSTOOD)


class PropertiesAnswer(Answer):
    """The properties of an object: what is odd there is odd alone."""

    results: tuple[Annotated[PropertyAnswer | None, or_else("name", _stand_in)], ...]

    @property
    def all(self) -> list[PropertyAnswer]:
        """All of them, also what is not understood, or has no name."""
        return [each or _stand_in(NAMELESS) for each in self.results]


class AccountAnswer(Answer):
    """What a sync has to know of an account."""

    timeZone: Annotated[str | None, BeforeValidator(_zone_name)] = None  # noqa: N815 - HubSpot's name


@dataclass
class KnownAccount:
    """What a process remembers of an account: it cannot be asked once a daily limit is met."""

    zone: tzinfo | None = None


def properties_reader() -> Callable[[httpx.Response], PropertiesAnswer]:
    """Make what reads properties; where some are odd, it asks again, once.

    Where none is understood, a better answer may come.
    """
    second_look = SecondLook()

    def read(response: httpx.Response) -> PropertiesAnswer:
        found = understood(PropertiesAnswer, response)
        good = sum(each.type != NOT_UNDERSTOOD for each in found.all)
        if not good:
            raise TransientError("HubSpot answered with properties that are not understood")
        if good < len(found.results):
            second_look.take("HubSpot answered with properties that are odd")
        return found

    return read


def read_property(answer: PropertyAnswer, zone: tzinfo) -> SourceProperty:
    """Return a property as every source offers it."""
    return SourceProperty(
        name=answer.name,
        label=answer.label,
        type=answer.type,
        kind=_kind(answer),
        options=tuple(Option(each.value, each.label or each.value) for each in answer.options),
        unit=Unit.MILLISECONDS if answer.numberDisplayHint == "duration" else None,
        zone=zone,
    )


def account_reader() -> Callable[[httpx.Response], AccountAnswer]:
    """Make what reads an account; where no time zone is told, it asks again, once."""
    second_look = SecondLook()

    def read(response: httpx.Response) -> AccountAnswer:
        found = understood(AccountAnswer, response)
        if found.timeZone is None:
            second_look.take("HubSpot does not tell the account's time zone")
        return found

    return read


def read_zone(answer: AccountAnswer, known: tzinfo | None = None) -> tzinfo:
    """Return an account's time zone; UTC if it names one that nobody knows.

    One that is not told is the one that is known, if any: no day moves for an odd answer.
    """
    if answer.timeZone is None:
        return known or UTC
    try:
        return ZoneInfo(answer.timeZone)
    except (ValueError, OSError, LookupError) as error:  # ZoneInfoNotFoundError is a KeyError
        log.warning("unknown time zone", provider="hubspot", error=foreign_text(str(error)))
        return UTC


def _kind(answer: PropertyAnswer) -> ValueKind:
    if answer.type == "enumeration" and answer.fieldType == "checkbox":
        return ValueKind.TEXTS
    return _KINDS.get(answer.type, ValueKind.TEXT)
