"""A contract only grows: each kind of breaking change to an event is found and named."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model
from tablesync.contracts.documents.compatibility import breaks


class Spec(BaseModel):
    name: str
    page: int = Field(default=0, ge=0, le=100)


class Old(BaseModel):
    """The event as it was committed."""

    sync_id: str
    status: Literal["held", "active"]
    cause: str | None = None
    count: int = 0
    spec: Spec | None = None
    mapping: list[Spec] = []


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
}


@pytest.mark.parametrize(("new", "said"), BREAKING.values(), ids=BREAKING)
def test_p27_a_breaking_change_is_found(new: type[BaseModel], said: str) -> None:
    assert said in breaks(Old.model_json_schema(), new.model_json_schema())


GROWING = {
    "nothing": Old,
    "a new optional field": changed(note=(str | None, None)),
    "a new value": changed(status=(Literal["held", "active", "paused"], ...)),
    "words": changed(sync_id=(str, Field(description="another word"))),
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
