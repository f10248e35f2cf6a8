"""Forms: what was typed is kept, and each fault stands beside its field."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from tablesync.client import InvalidError
from tablesync.contracts.names import legible

# An account may have 1,300 properties of one object, and the mapping several fields for each.
MOST_FIELDS = 10_000
# A mapping of as many fields as a table may have is a tenth of it.
MOST_BYTES = 1_048_576
# Of what is too long so much is read all the same: a browser shows no answer before all is sent.
MOST_READ = 32 * MOST_BYTES


# What forms of ours bring along by themselves; a script says in which window they end.
BROUGHT = frozenset({"csrf", "once", "back", "window", "draft", "version"})


class FormTooLargeError(Exception):
    """A form that says more than any of ours could."""


@dataclass(frozen=True)
class Form:
    """What somebody has typed, and what is wrong with it by field; `""` is the form as a whole."""

    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    async def of(cls, request: Request) -> Self:
        """Read a request's form, as browsers send one without files; raises FormTooLargeError."""
        body = (await _body(request)).decode("utf-8", "replace")
        try:
            pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise FormTooLargeError from error
        lists: dict[str, list[str]] = {}
        for name, value in pairs:
            lists.setdefault(name, []).append(value)
        return cls({name: values[-1] for name, values in lists.items()}, lists)

    def named(self, path: str) -> Self:
        """Return the same form with a key for all that it says: sent twice, it is done once.

        What was changed before it was sent again is another act, and has another key.
        """
        said = json.dumps([path, sorted(self.lists.items())])
        key = hashlib.sha256(said.encode()).hexdigest()[:40]
        return type(self)({**self.values, "once": key}, self.lists, self.errors)

    @property
    def typed(self) -> Mapping[str, Sequence[str]]:
        """What somebody typed or chose; nothing of a form that is no more than a button."""
        return {name: values for name, values in self.lists.items() if name not in BROUGHT}

    def get(self, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field."""
        return self.values.get(name, otherwise)

    def all(self, name: str) -> Sequence[str]:
        """Return all that was chosen of a field."""
        return self.lists.get(name, ())

    def with_error(self, name: str, message: str) -> Self:
        """Return the same form with a fault beside a field."""
        return type(self)(self.values, self.lists, {**self.errors, name: message})

    def refused(self, error: InvalidError, fields: Mapping[str, str]) -> Self:
        """Return the same form with what a service found wrong; `fields` are ours by theirs."""
        problem = error.problem
        if not problem.errors:
            return self.with_error("", problem.detail)
        return self._with_errors(
            (fields.get(each.field.split(".")[0], ""), f"{each.message}. {each.remedy}".strip())
            for each in problem.errors
        )

    def unreadable(self, error: ValidationError, fields: Mapping[str, str]) -> Self:
        """Return the same form with what our own contract found wrong."""
        said = (
            (
                fields.get(str(each["loc"][0]) if each["loc"] else "", ""),
                _in_words(each),
            )
            for each in error.errors(include_url=False, include_input=False)
        )
        return self._with_errors(said)

    def _with_errors(self, said: Iterable[tuple[str, str]]) -> Self:
        """Return the same form with faults by field, of which one may have several."""
        found = dict(self.errors)
        for name, message in said:
            sentence = message[:1].upper() + message[1:]
            found[name] = f"{found[name]} {sentence}" if name in found else sentence
        return type(self)(self.values, self.lists, found)


def _in_words(fault: ErrorDetails) -> str:
    """Return what is wrong in words of people; those of our own checks are so already."""
    if fault["type"] == "string_too_long":
        return f"Use at most {fault['ctx']['max_length']} characters."
    return legible(fault["msg"].removeprefix("Value error, "))


async def _body(request: Request) -> bytes:
    """Return a request's body, of which no more is kept than a form may be long."""
    body = bytearray()
    length = 0
    async for each in request.stream():
        length += len(each)
        if length > MOST_READ:
            break
        if length <= MOST_BYTES:
            body += each
    if length > MOST_BYTES:
        raise FormTooLargeError
    return bytes(body)
