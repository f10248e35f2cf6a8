"""Names that show nothing are refused, whatever they are made of; all that can be seen may stay."""

import pytest
from pydantic import BaseModel, ValidationError
from tablesync.contracts.names import Name, name_fault


class Named(BaseModel):
    """A request with a name."""

    name: Name


INVISIBLE = {
    "zero width": "\u200b\u200c\u200d\ufeff\u2060",
    "empty Braille cell": "\u2800",
    "Hangul fillers": "\u3164\u115f\u1160\uffa0",
    "soft hyphen": "\u00ad",
    "tags": "\U000e0041\U000e007f\U000e0fff",
    "bidi marks": "\u200e\u200f\u061c\u202e\u2066\u2069",
    "spaces of any kind": "\u200b\u00a0\u1680\u2003\u202f\u3000\u200b",
    "combining marks alone": "\u0301\u20dd\u093e",
    "variation selectors": "\ufe0f\U000e0100",
    "empty note and hieroglyph": "\U0001d159\U00013441",
}


@pytest.mark.parametrize("name", INVISIBLE.values(), ids=INVISIBLE)
def test_p21_a_name_that_shows_nothing_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Named(name=name)

    (error,) = refused.value.errors()
    assert error["loc"] == ("name",)
    assert "its characters are invisible" in error["msg"]
    assert f"U+{ord(name[0]):04X}" in error["msg"]
    assert error["ctx"]["remedy"] == "Send at least one letter, digit, symbol or emoji."


@pytest.mark.parametrize(
    "name",
    ["می\u200cخواهم", "👩\u200d👩\u200d👧", "❤\ufe0f", "🏴\U000e0067\U000e0062\U000e007f", "नमस्ते",
     "e\u0301", "1\ufe0f\u20e3", "-", "連絡先", "Łódź \u00ad", "\U0001fae9", "⠿"],
)  # fmt: skip
def test_a_name_with_something_to_see_is_kept_as_it_is(name: str) -> None:
    assert Named(name=name).name == name


def test_white_space_around_a_name_goes() -> None:
    assert Named(name="\u3000 Ada\n").name == "Ada"


@pytest.mark.parametrize(
    ("name", "message"), [("", "empty"), ("a\nb", "U+000A"), ("a\u2029b", "U+2029")]
)
def test_a_name_is_one_line_of_something(name: str, message: str) -> None:
    fault = name_fault(name)
    assert fault
    assert message in fault.message


def test_a_name_that_is_too_long_is_told_so_in_characters() -> None:
    with pytest.raises(ValidationError, match="at most 200 characters"):
        Named(name="x" * 201)


def test_the_schema_of_a_name_can_be_generated_from() -> None:
    shown = Named.model_json_schema()["properties"]["name"]
    assert shown["type"] == "string"
    assert (shown["minLength"], shown["maxLength"]) == (1, 200)
    assert shown["pattern"].startswith("^[^")
