"""What all bodies of the internal API have in common: readers that one strange part cannot stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.config import JsonDict
from tablesync.contracts.specs import Value, is_none

__all__ = [
    "Body",
    "Items",
    "Text",
    "Tolerant",
    "Unreadable",
    "is_empty",
    "is_none",
    "showing",
]

T = TypeVar("T")

# An unconstrained `str` would take half of a surrogate pair, which no database or hash does.
Text = Annotated[str, StringConstraints(min_length=1)]


def _none_if_unreadable(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


# A part without which the rest still says what matters: None where this version cannot read it.
Tolerant = Annotated[T | None, WrapValidator(_none_if_unreadable)]


def is_empty(value: tuple[object, ...]) -> bool:
    """Whether a list is left out of what is sent; for `exclude_if`."""
    return not value


def showing(*examples: JsonDict) -> ConfigDict:
    """Make the part of a model's configuration that shows examples of it."""
    return ConfigDict(json_schema_extra={"examples": [*examples]})


def _show_items(schema: JsonDict, model: type[BaseModel]) -> None:
    """Show a list of its items' own examples."""
    (item, *_) = get_args(model.model_fields["items"].annotation)
    shown = item.model_config.get("json_schema_extra", {}).get("examples", [])
    schema["examples"] = [{"items": shown}]


class Body(Value):
    """Base of all bodies: readers ignore unknown members, and an error's text hides what was sent.

    The text alone: `errors()` and `json()` of a ValidationError still carry it, as `input`, unless
    they are asked not to.
    """

    model_config = ConfigDict(hide_input_in_errors=True)


@dataclass(frozen=True)
class Unreadable:
    """An item that this version cannot read: as it came, and which of its members are why."""

    item: Any = field(repr=False)
    why: str


class Items(Body, Generic[T]):
    """A list. Its sender makes it whole; its reader, with `read`, drops what it does not know."""

    model_config = ConfigDict(json_schema_extra=_show_items)

    items: tuple[T, ...]
    _unreadable: tuple[Unreadable, ...] = PrivateAttr(default=())

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """The items that `read` has dropped: to be logged, since a peer meant something by them."""
        return self._unreadable

    @classmethod
    def read(cls, answer: Any) -> Self:
        """Return a peer's list without the items that this version cannot read.

        Raises ValidationError for what is no such list at all.
        """
        try:
            return cls.model_validate(answer)
        except ValidationError as error:
            faults = _faults_by_item(error)
            if faults is None:
                raise
        return cls._without(answer, faults)

    @classmethod
    def _without(cls, answer: Mapping[str, Any], faults: Mapping[int, str]) -> Self:
        sent = answer["items"]
        good = [each for index, each in enumerate(sent) if index not in faults]
        found = cls.model_validate({**answer, "items": good})
        found._unreadable = tuple(Unreadable(sent[index], why) for index, why in faults.items())
        return found


def _faults_by_item(error: ValidationError) -> dict[int, str] | None:
    """Return what is wrong by the item's index; None if more than items is wrong."""
    faults: dict[int, list[str]] = {}
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        match each["loc"]:
            case ("items", int(index), *_):
                faults.setdefault(index, []).append(_fault(each["loc"][2:], each["msg"]))
            case _:
                return None
    return {index: "; ".join(reasons) for index, reasons in faults.items()}


def _fault(member: tuple[int | str, ...], reason: str) -> str:
    """Name the member and the reason, never the value: a value may be anything."""
    return f"{'.'.join(map(str, member)) or 'item'}: {reason}"
