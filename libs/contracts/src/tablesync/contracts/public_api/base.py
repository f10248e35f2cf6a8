"""What all bodies of `/v1` have in common: what is asked is strict, what is answered only grows."""

from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    SecretStr,
    StringConstraints,
)
from tablesync.contracts.internal_api.base import Body

E = TypeVar("E", bound=StrEnum)

# A name out of a list that grows: one that a newer service says is shown as it is, not refused.
Open = Annotated[E | str, Field(union_mode="left_to_right")]


Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]

# Sent as it is, and printed nowhere.
Secret = Annotated[
    SecretStr, PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json")
]


class Asked(BaseModel):
    """Base of what callers send: a member that is unknown is told, since it would do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Answer(Body):
    """Base of what services say: readers ignore members that they do not know."""

    _said: Any = PrivateAttr(default=None)

    @classmethod
    def heard(cls, said: Any) -> Self:
        """Read an answer, and keep it as it was said; raises ValidationError."""
        answer = cls.model_validate(said)
        answer._said = said
        return answer

    @property
    def said(self) -> Any:
        """The answer in the service's own words, with what this version does not know of it."""
        return self._said
