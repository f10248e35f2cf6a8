"""P27: every example ever committed still decodes, and agrees with its schema."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
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


def test_p27_no_example_was_ever_deleted_or_changed(contracts: Path) -> None:
    """What the list says, git's history says too, as far as this clone has it."""
    log = subprocess.run(
        ["git", "log", "--name-status", "--format=", "--", "examples/*.json"],
        cwd=contracts,
        capture_output=True,
        text=True,
        check=True,
    )
    changes = log.stdout.splitlines()
    assert changes, "git knows no example"
    assert [each for each in changes if not each.startswith("A\t")] == []


def test_examples_speak_more_than_ascii(contracts: Path) -> None:
    """People and firms have names in many scripts; contracts must not lose them."""
    texts = "".join(each.read_text("utf-8") for each in contracts.glob("examples/*/*/*.json"))
    assert any(ord(each) > 0x0600 for each in texts)
