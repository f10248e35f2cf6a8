"""A contract only grows: each kind of breaking change to an event is found and named."""

from copy import deepcopy
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model
from tablesync.contracts import SyncRequested
from tablesync.contracts.documents.compatibility import breaks


class Spec(BaseModel):
    name: str
    page: int = Field(default=0, ge=0, le=100)


class Left(BaseModel):
    side: str


class Right(BaseModel):
    side: str


class Old(BaseModel):
    """The event as it was committed."""

    sync_id: str
    status: Literal["held", "active"]
    cause: str | None = None
    count: int = 0
    spec: Spec | None = None
    mapping: list[Spec] = []
    specs: dict[str, Spec] = {}
    names: dict[str, str] = {}
    pair: tuple[str, int] = ("a", 1)
    tags: list[str] = []
    either: Left | Right | None = None
    pages: list[str] | list[int] = []


def changed(**fields: Any) -> type[BaseModel]:
    """Return Old with some fields redefined; None removes one."""
    kept = {name: (info.annotation, info) for name, info in Old.model_fields.items()} | fields
    return create_model("New", **{name: each for name, each in kept.items() if each})


class SpecWithout(BaseModel):
    page: int = Field(default=0, ge=0, le=100)


class SpecTighter(BaseModel):
    name: str
    page: int = Field(default=0, ge=1, le=50)


class SpecLooser(BaseModel):
    name: str
    page: int = Field(default=0, ge=0, le=200)


class SpecUnbounded(BaseModel):
    name: str
    page: int = 0


class SpecSame(Spec):
    """Has another name alone."""


class SpecLarger(BaseModel):
    name: str
    page: int = Field(default=0, ge=0, le=100)
    cursor: str


class SpecClosed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    page: int = Field(default=0, ge=0, le=100)


class SpecClosedWithNote(SpecClosed):
    note: str | None = None


class Formed(BaseModel):
    sync_id: str = Field(pattern="^syn_")
    status: Literal["held", "active"]


class Formless(BaseModel):
    sync_id: str
    status: str


BREAKING = {
    "removed": (changed(count=None), "count: was removed"),
    "required": (changed(count=(int, ...)), "count: is now required"),
    "new and required": (changed(by=(str, ...)), "by: is now required"),
    "optional": (changed(sync_id=(str, "")), "sync_id: is no longer required"),
    "narrowed type": (changed(cause=(str, "")), "cause: may no longer be null"),
    "widened type": (changed(count=(int | str, 0)), "count: may now be string as well"),
    "other type": (changed(count=(str, "")), "count: may no longer be integer"),
    "fewer values": (
        changed(status=(Literal["held", "paused"], ...)),
        "status: may no longer be 'active'",
    ),
    "values at all": (
        changed(sync_id=(Literal["a", "b"], ...)),
        "sync_id: is now limited to some values",
    ),
    "a bound": (changed(count=(int, Field(default=0, ge=0))), "count: minimum is now 0"),
    "a pattern": (
        changed(sync_id=(str, Field(pattern="^syn_"))),
        "sync_id: pattern is now '^syn_'",
    ),
    "nested": (changed(spec=(SpecWithout | None, None)), "spec.name: was removed"),
    "nested bound": (changed(spec=(SpecTighter | None, None)), "spec.page: minimum is now 1"),
    "upper bound": (changed(spec=(SpecTighter | None, None)), "spec.page: maximum is now 50"),
    "a looser bound": (changed(spec=(SpecLooser | None, None)), "spec.page: maximum is now 200"),
    "no bound": (
        changed(spec=(SpecUnbounded | None, None)),
        "spec.page: maximum is no longer 100",
    ),
    "in a list": (changed(mapping=(list[SpecWithout], [])), "mapping[].name: was removed"),
    "a map's values": (changed(names=(dict[str, int], {})), "names.*: may no longer be string"),
    "in a map": (changed(specs=(dict[str, SpecLarger], {})), "specs.*.cursor: is now required"),
    "a tuple's order": (
        changed(pair=(tuple[int, str], (1, "a"))),
        "pair[0]: may no longer be string",
    ),
    "a tuple's length": (
        changed(pair=(tuple[str, int, int], ("a", 1, 1))),
        "pair: has 3 places instead of 2",
    ),
    "no tuple": (changed(pair=(list[str], [])), "pair: has 0 places instead of 2"),
    "no repetition": (changed(tags=(set[str], set())), "tags: uniqueItems is now True"),
    "any element": (changed(tags=(list[Any], [])), "tags[]: may now be any as well"),
    "steps": (changed(count=(int, Field(default=0, multiple_of=5))), "count: multipleOf is now 5"),
    "another default": (changed(count=(int, 1)), "count: default is now 1"),
    "closed": (changed(spec=(SpecClosed | None, None)), "spec.*: is now limited to some values"),
    "one object fewer": (changed(either=(Left | None, None)), "either: may no longer be Right"),
    "one object more": (
        changed(either=(Left | Right | Spec | None, None)),
        "either: may now be Spec as well",
    ),
    "one list of two": (
        changed(pages=(list[str] | list[bool], [])),
        'pages: may no longer be {"items": {"type": "integer"}, "type": "array"}',
    ),
}


@pytest.mark.parametrize(("new", "said"), BREAKING.values(), ids=BREAKING)
def test_p27_a_breaking_change_is_found(new: type[BaseModel], said: str) -> None:
    assert said in breaks(Old.model_json_schema(), new.model_json_schema())


GROWING: dict[str, type[BaseModel]] = {
    "nothing": Old,
    "a new optional field": changed(note=(str | None, None)),
    "a new value": changed(status=(Literal["held", "active", "paused"], ...)),
    "words": changed(sync_id=(str, Field(description="another word"))),
    "another order": changed(either=(Right | Left | None, None)),
    "another class of the same members": changed(mapping=(list[SpecSame], [])),
}


@pytest.mark.parametrize("new", GROWING.values(), ids=GROWING)
def test_p27_growth_is_allowed(new: type[BaseModel]) -> None:
    assert breaks(Old.model_json_schema(), new.model_json_schema()) == []


def test_p27_what_limited_a_value_stays() -> None:
    """A reader of the version before goes on refusing what is beyond it."""
    assert set(breaks(Formed.model_json_schema(), Formless.model_json_schema())) == {
        "sync_id: pattern is no longer '^syn_'",
        "status: is no longer limited to some values",
    }


def test_p27_each_case_of_growth_differs_from_what_was() -> None:
    was = Old.model_json_schema()
    for name, new in GROWING.items():
        differs = new.model_json_schema()["properties"] != was["properties"]
        assert differs is (name != "nothing"), name


def requested(part: str, **changes: Any) -> list[str]:
    """Compare the real request with one in which a part of its specification differs."""
    was = SyncRequested.model_json_schema()
    now = deepcopy(was)
    now["$defs"]["SyncSpec"]["properties"][part] |= changes
    return breaks(was, now)


def test_p27_a_real_map_keeps_the_type_of_its_values() -> None:
    said = requested("names", additionalProperties={"type": "integer"})
    assert any("names.*: may no longer be string" in each for each in said)


@pytest.mark.parametrize("at", ["Left", "Right"])
def test_p27_each_object_of_a_union_is_compared(at: str) -> None:
    was = Old.model_json_schema()
    now = deepcopy(was)
    now["$defs"][at]["properties"]["side"]["type"] = "integer"
    assert breaks(was, now) == [
        "either.side: may no longer be string",
        "either.side: may now be integer as well",
    ]


def test_p27_what_stands_beside_a_reference_is_compared() -> None:
    was: dict[str, Any] = {"$defs": {"N": {}}, "$ref": "#/$defs/N", "minimum": 0}
    assert breaks(was, was | {"minimum": 1}) == [": minimum is now 1"]


def test_p27_alternatives_of_one_title_are_refused() -> None:
    """Which of them changed nobody can say."""
    twice = {"anyOf": [{"title": "A", "type": "object"}, {"title": "A", "type": "object"}]}
    assert breaks(twice, twice) == ["value: has alternatives that cannot be told apart"]


def test_p27_a_closed_object_does_not_grow() -> None:
    """A reader that refuses what it does not know refuses a new member."""
    said = breaks(SpecClosed.model_json_schema(), SpecClosedWithNote.model_json_schema())
    assert said == ["note: is new where readers refuse what they do not know"]


PLACES = {
    "at the top": lambda part: part,
    "of a member": lambda part: {"properties": {"a": part}},
    "of a definition": lambda part: {"$defs": {"A": part}},
    "of an element": lambda part: {"items": part},
    "of a tuple's place": lambda part: {"prefixItems": [part]},
    "of a map's value": lambda part: {"additionalProperties": part},
    "of an alternative": lambda part: {"anyOf": [part, {"type": "null"}]},
}


@pytest.mark.parametrize("inside", PLACES.values(), ids=PLACES)
def test_p27_a_keyword_that_the_comparison_does_not_know_is_a_fault(inside: Any) -> None:
    """Nothing new is passed over, not even where it was before."""
    schema = inside({"propertyNames": {"pattern": "^a"}})
    assert any("propertyNames is not known" in each for each in breaks(schema, schema))
    assert any("propertyNames is not known" in each for each in breaks({}, schema))
