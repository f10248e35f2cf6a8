"""Where the command goes, and as whom."""

import json
from pathlib import Path

import pytest
from tablesync.cli import addresses
from tablesync.cli.errors import NotConfiguredError

pytestmark = pytest.mark.unit


def write_up_file(folder: Path, content: object) -> None:
    path = folder / addresses.UP_FILE
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def test_the_up_file_serves_where_the_environment_says_nothing(tmp_path: Path) -> None:
    write_up_file(tmp_path, {"urls": {"scheduler": "http://up:1"}, "api_token": "t-up"})
    found = addresses.find({"SCHEDULER_URL": "", "NOTIFIER_URL": "http://env:2"}, tmp_path)
    assert found.url("scheduler") == "http://up:1"
    assert found.url("notifier") == "http://env:2"
    assert found.api_token == "t-up"
    assert "t-up" not in repr(found)


def test_the_environment_goes_first(tmp_path: Path) -> None:
    write_up_file(tmp_path, {"urls": {"scheduler": "http://up:1"}, "api_token": "t-up"})
    environment = {"SCHEDULER_URL": "http://env:1", "TABLESYNC_API_TOKEN": "t-env"}
    found = addresses.find(environment, tmp_path)
    assert (found.url("scheduler"), found.api_token) == ("http://env:1", "t-env")


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(NotConfiguredError, match="TABLESYNC_API_TOKEN is not set"):
        addresses.find({}, tmp_path)
    found = addresses.find({"TABLESYNC_API_TOKEN": "t"}, tmp_path)
    with pytest.raises(NotConfiguredError, match="AUTH_SERVICE_URL is not set"):
        found.url("auth-service")
    with pytest.raises(NotConfiguredError, match="no service 'mongod'"):
        found.url("mongod")


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_broken_up_file_is_named(tmp_path: Path, content: str) -> None:
    write_up_file(tmp_path, content)
    with pytest.raises(NotConfiguredError, match=r"up\.json"):
        addresses.find({}, tmp_path)
