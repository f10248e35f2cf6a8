"""Forms are read as browsers send them, and no further than one of ours could be long."""

from urllib.parse import urlencode

import pytest
from fastapi import Request
from tablesync.dashboard.pages import faults
from tablesync.dashboard.web.forms import (
    MOST_BYTES,
    MOST_FIELDS,
    MOST_READ,
    Form,
    FormTooLargeError,
)

# Markup, both directions, and what a form is made of.
ODD_NAME = "<b>Ada & Co</b> שלום +%3D=; " + "Ü" * 150


def sent(*parts: bytes) -> Request:
    """Return a request whose body comes in these parts."""
    messages = [{"type": "http.request", "body": each, "more_body": True} for each in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    coming = iter(messages)

    async def receive() -> dict[str, object]:
        return next(coming)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    return Request(scope, receive)


async def test_what_was_typed_comes_as_it_was_typed() -> None:
    typed = [("name", ODD_NAME), ("chosen", "1"), ("chosen", "2"), ("empty", "")]
    body = urlencode(typed).encode()
    form = await Form.of(sent(body[:20], body[20:]))
    assert form.get("name") == ODD_NAME
    assert form.all("chosen") == ["1", "2"]
    assert form.get("empty", "otherwise") == ""


async def test_a_form_that_is_too_long_is_read_to_its_end_before_it_is_refused() -> None:
    parts = sent(b"name=", b"x" * MOST_BYTES, b"the end")
    with pytest.raises(FormTooLargeError):
        await Form.of(parts)
    with pytest.raises(RuntimeError):
        await parts.receive()


async def test_a_form_without_an_end_is_left() -> None:
    with pytest.raises(FormTooLargeError):
        await Form.of(sent(*[b"x" * MOST_BYTES] * (MOST_READ // MOST_BYTES + 2)))


async def test_a_form_of_too_many_fields_is_refused() -> None:
    assert await Form.of(sent(b"a=1&" * (MOST_FIELDS - 1) + b"a=1"))
    with pytest.raises(FormTooLargeError):
        await Form.of(sent(b"a=1&" * MOST_FIELDS + b"a=1"))


def test_whoever_sends_too_much_is_told_so() -> None:
    assert faults.fault_of(FormTooLargeError(), sent()).status == 413
