"""Names that show nothing are refused, whatever they are made of; all that can be seen may stay."""

import pytest
from pydantic import BaseModel, ValidationError
from tablesync.contracts.names import Name, address_fault, legible, name_fault


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


MISLEADING = {
    "override": "a\u202eb",
    "embedding": "\u202bab",
    "isolate": "a\u2067b\u2069",
    "end of a direction": "ab\u202c",
    "zero-width space": "a\u200bb",
    "word joiner": "a\u2060b",
    "byte order mark": "\ufeffab",
    "interlinear mark": "a\ufff9b",
    "tag": "a\U000e0061b",
    "flag without an end": "🏴\U000e0067\U000e0062",
    "selector of nothing": "a \ufe0fb",
    "selector of a selector": "❤\ufe0f\ufe0f",
    "joiner at the end": "ab\u200d",
    "joiner at the beginning": "\u200cab",
    "joiner beside a space": "a \u200db",
    "two joiners": "a\u200d\u200db",
    "deprecated format": "a\u206eb",
}


@pytest.mark.parametrize("name", MISLEADING.values(), ids=MISLEADING)
def test_p21_a_name_that_misleads_is_refused_with_the_character_and_the_remedy(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Named(name=name)

    (error,) = refused.value.errors()
    assert error["loc"] == ("name",)
    assert any(f"U+{ord(each):04X}" in error["msg"] for each in name if not each.isascii())
    assert "can mislead" in error["msg"]
    assert error["ctx"]["remedy"].startswith("Leave that character out")
    assert Named(name=legible(name)).name == legible(name), "what is shown of it could be given"


@pytest.mark.parametrize(
    "name",
    ["می\u200cخواهم", "അവന\u0d4d\u200d", "ක\u0dca\u200dය", "❤\ufe0f\u200d🔥", "👩🏽\u200d🚀",
     "葛\U000e0100城", "ᠮᠣᠩᠭᠣᠯ\u180e\u1820", "\u05d0\u05d1\u200f (3)", "abc\u200e", "x\u034fy",
     "🏴\u200d☠\ufe0f", "Co\u00adop", "עברית", "العملاء"],
)  # fmt: skip
def test_what_real_names_are_spelled_with_is_kept(name: str) -> None:
    assert Named(name=name).name == legible(name) == name


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


@pytest.mark.parametrize(
    "unseen",
    [
        *"".join(INVISIBLE.values()).translate(dict.fromkeys(map(ord, "\u0301\u20dd\u093e"))),
        *"\u034f\u17b4\u180b\u180e\ufff0\U00016fe4\U0001bca0\ud800",
    ],
)
def test_p21_an_address_is_refused_for_whatever_is_not_seen_in_it(unseen: str) -> None:
    fault = address_fault(f"ad{unseen}min@example.test")
    assert fault is not None
    assert f"U+{ord(unseen):04X}" in fault.message
    assert fault.remedy.startswith("Leave that character out; typing the address anew")


@pytest.mark.parametrize(
    "local", ["zoë", "zoe\u0308", "Łódź", "नमस्ते", "العملاء", "連絡先", "a+b", "👩🏽"]
)
def test_an_address_in_any_script_is_kept(local: str) -> None:
    assert address_fault(f"{local}@example.test") is None
