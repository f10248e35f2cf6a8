"""Drift: what is committed is what the event classes say, and the generator notices all else."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

GENERATOR = Path(__file__).resolve().parents[4] / "tools" / "generate_contracts.py"
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@acme.test")


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load the generator, at work on a repository with a copy of the contracts."""
    spec = importlib.util.spec_from_file_location("generate_contracts", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    copy = tmp_path / "libs" / "contracts"
    shutil.copytree(module.ROOT, copy)
    for command in ("init --quiet", "add .", "commit --quiet --message=Contracts"):
        subprocess.run(["git", *IDENTITY, *command.split()], cwd=tmp_path, check=True)
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    monkeypatch.setattr(module, "ROOT", copy)
    monkeypatch.setattr(module, "SCHEMAS", copy / "schemas")
    monkeypatch.setattr(module, "EXAMPLES", copy / "examples")
    monkeypatch.setattr(module, "SUMS", copy / "examples" / "SHA256SUMS")
    monkeypatch.setattr(sys, "argv", ["generate_contracts.py", "--check"])
    return module


def test_what_is_committed_is_what_is_generated() -> None:
    done = subprocess.run(
        [sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_drift_is_named(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with (generator.ROOT / "asyncapi.yaml").open("a") as file:
        file.write("# edited by hand\n")
    (generator.SCHEMAS / "tablesync.sync.vanished.v1.schema.json").write_text("{}")
    assert generator.main() == 1
    said = capsys.readouterr().err
    assert "asyncapi.yaml: run `make contracts`" in said
    assert "tablesync.sync.vanished.v1.schema.json: no event type has this schema" in said


def test_p27_a_change_that_breaks_the_committed_schema_is_refused(
    generator: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = generator.SCHEMAS / "tablesync.sync.held.v1.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(schema))
    assert generator.main() == 1
    assert "colour: was removed: make a new version of the event type" in capsys.readouterr().err


@pytest.mark.parametrize("change", ["delete", "edit"])
@pytest.mark.parametrize("listed", [True, False])
def test_p27_a_committed_example_never_goes_and_never_changes(
    generator: ModuleType, capsys: pytest.CaptureFixture[str], change: str, listed: bool
) -> None:
    """Nor together with its line in the list: git's history knows it still."""
    path = generator.EXAMPLES / "tablesync.sync.held" / "1" / "table-missing.json"
    if change == "delete":
        path.unlink()
    else:
        path.write_text(path.read_text("utf-8").replace("table_not_found", "gone"))
    if not listed:
        generator.SUMS.write_text(generator.example_sums(generator.EXAMPLES))
    assert generator.main() == 1
    assert "examples/tablesync.sync.held/1/table-missing.json: " in capsys.readouterr().err


def test_p27_a_committed_schema_cannot_go(
    generator: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (generator.SCHEMAS / "tablesync.sync.held.v1.schema.json").unlink()
    assert generator.main() == 1
    assert "tablesync.sync.held.v1.schema.json: was committed once" in capsys.readouterr().err


def test_p27_without_history_the_check_says_that_it_compares_with_less(
    generator: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(tmp_path / ".git")
    assert generator.main() == 0
    assert "no whole git history here" in capsys.readouterr().err


def test_a_new_example_is_written_into_the_list(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = generator.EXAMPLES / "tablesync.sync.held" / "1" / "another.json"
    path.write_bytes((path.parent / "table-missing.json").read_bytes() + b"\n")
    assert generator.main() == 1
    monkeypatch.setattr(sys, "argv", ["generate_contracts.py"])
    assert generator.main() == 0
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f"{digest}  tablesync.sync.held/1/another.json" in generator.SUMS.read_text()
