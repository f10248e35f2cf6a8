"""P27: every example ever committed still decodes, and agrees with its schema."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tablesync.contracts import EVENT_TYPES, Envelope
from tablesync.contracts.envelope import decode


def ce_type(example: Path) -> str:
    return f"{example.parent.parent.name}.v{example.parent.name}"


def keeps(written: Any, example: Any) -> bool:
    """Whether all of an example is there; fields that came later may stand beside it."""
    match example:
        case dict():
            return all(name in written and keeps(written[name], example[name]) for name in example)
        case list():
            return len(written) == len(example) and all(map(keeps, written, example))
        case _:
            return bool(written == example)


def test_p27_an_example_decodes_and_nothing_of_it_is_lost(example: Path) -> None:
    value = json.loads(example.read_text("utf-8"))
    written = EVENT_TYPES[ce_type(example)].model_validate(value)
    envelope = Envelope(written, "tests")
    decoded = decode(envelope.headers(), example.read_bytes())
    assert decoded.event == written
    assert keeps(json.loads(Envelope(decoded.event, "tests").value()), value)


def test_p27_an_example_agrees_with_its_schema(example: Path, schema_of) -> None:
    validator = jsonschema.Draft202012Validator(
        schema_of(ce_type(example)), format_checker=jsonschema.FormatChecker()
    )
    validator.validate(json.loads(example.read_text("utf-8")))


@pytest.mark.parametrize("ce_type", EVENT_TYPES)
def test_p27_each_field_is_in_an_example_so_that_none_can_go_unnoticed(
    ce_type: str, contracts: Path, schema_of: Any
) -> None:
    name, _, version = ce_type.rpartition(".v")
    examples = contracts.glob(f"examples/{name}/{version}/*.json")
    shown = {path for each in examples for path in fields(json.loads(each.read_text("utf-8")))}
    schema = schema_of(ce_type)
    assert set(declared(schema, schema)) - shown == set()


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each member of an example."""
    for name, member in value.items() if isinstance(value, dict) else ():
        yield f"{path}.{name}"
        yield from fields(member, f"{path}.{name}")
    for item in value if isinstance(value, list) else ():
        yield from fields(item, f"{path}[]")


def declared(schema: Any, document: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each member that a schema declares."""
    if reference := schema.get("$ref"):
        schema = document["$defs"][reference.rpartition("/")[2]]
    for alternative in schema.get("anyOf", ()):
        yield from declared(alternative, document, path)
    yield from declared(schema["items"], document, f"{path}[]") if "items" in schema else ()
    for name, member in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from declared(member, document, f"{path}.{name}")


def test_p27_no_example_was_ever_deleted_or_changed(contracts: Path) -> None:
    """What the list says, git's whole history says too."""
    assert git(contracts, "rev-parse", "--is-shallow-repository") == ["false"], (
        "a shallow clone shows every example as added; fetch the rest with: git fetch --unshallow"
    )
    added = git(contracts, "log", "--format=%h", "--diff-filter=A", "--", "examples/*.json")
    assert len(added) > 1, "all examples came with one commit: this history was squashed"
    changes = git(contracts, "log", "--name-status", "--format=", "--", "examples/*.json")
    assert [each for each in changes if not each.startswith("A\t")] == []


def git(folder: Path, *arguments: str) -> list[str]:
    said = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return said.stdout.splitlines()


def test_examples_speak_more_than_ascii(contracts: Path) -> None:
    """People and firms have names in many scripts; contracts must not lose them."""
    texts = "".join(each.read_text("utf-8") for each in contracts.glob("examples/*/*/*.json"))
    assert any(ord(each) > 0x0600 for each in texts)
