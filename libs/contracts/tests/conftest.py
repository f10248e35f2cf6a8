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
    """Run a test that takes an `example` once for each that was ever committed."""
    if "example" in metafunc.fixturenames:
        names = [
            line.partition("  ")[2]
            for line in (ROOT / "examples" / "SHA256SUMS").read_text("utf-8").splitlines()
        ]
        metafunc.parametrize("example", [ROOT / "examples" / name for name in names], ids=names)


@pytest.fixture(scope="session")
def schema_of(contracts: Path) -> Any:
    """Return a function that reads the committed schema of an event type."""

    def read(ce_type: str) -> Any:
        return json.loads((contracts / "schemas" / f"{ce_type}.schema.json").read_text("utf-8"))

    return read
