"""Reading control requests: members of the right kind, or a problem that says what is wrong."""

from collections.abc import Callable, Mapping
from typing import Any

from tablesync.sandbox.web import Refusal, problem

Body = Mapping[str, Any]
Action = Callable[[str, Body], Mapping[str, Any]]


def member(body: Body, name: str) -> Any:
    """Return a member that has to be there."""
    if body.get(name) is None:
        raise bad_body(f"The member {name} is missing.")
    return body[name]


def bad_body(detail: str) -> Refusal:
    """Return the problem of a body that cannot be followed."""
    return problem(422, "Unprocessable Content", detail)


def unknown(what: str, name: str, known: list[str]) -> Refusal:
    """Return the problem of a name that does not exist, with those that do."""
    detail = f"There is no {what} {name!r}; there are: {', '.join(known)}."
    return problem(404, "Not Found", detail, known=known)
