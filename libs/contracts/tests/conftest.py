"""Where the committed contracts are, and every example among them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def contracts() -> Path:
    """Return the folder that holds schemas, examples and the AsyncAPI document."""
    return ROOT


@pytest.fixture(scope="session")
def asyncapi_document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "asyncapi.yaml").read_text("utf-8"))
    return document


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each event (`example`) or body (`body_example`) ever committed."""
    sums = (ROOT / "examples" / "SHA256SUMS").read_text("utf-8")
    names = [line.partition("  ")[2] for line in sums.splitlines()]
    bodies = [each for each in names if each.startswith("internal_api/")]
    events = [each for each in names if each not in bodies]
    for fixture, chosen in (("example", events), ("body_example", bodies)):
        if fixture in metafunc.fixturenames:
            paths = [ROOT / "examples" / each for each in chosen]
            metafunc.parametrize(fixture, paths, ids=chosen)


@pytest.fixture(scope="session")
def schema_of(contracts: Path) -> Any:
    """Return a function that reads the committed schema of an event type."""

    def read(ce_type: str) -> Any:
        return json.loads((contracts / "schemas" / f"{ce_type}.schema.json").read_text("utf-8"))

    return read
