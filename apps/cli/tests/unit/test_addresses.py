"""Where the command goes, and as whom."""

import json
from pathlib import Path

import pytest
from tablesync.cli import addresses, kept
from tablesync.cli.addresses import NotConfiguredError

pytestmark = pytest.mark.unit


def write_up_file(folder: Path, content: object) -> None:
    path = folder / addresses.UP_FILE
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def test_the_up_file_serves_where_the_environment_says_nothing(tmp_path: Path) -> None:
    write_up_file(tmp_path, {"urls": {"scheduler": "http://up:1"}, "api_token": "t-up"})
    found = addresses.find({"SCHEDULER_URL": "", "NOTIFIER_URL": "http://env:2"}, tmp_path)
    assert found.urls == {"scheduler": "http://up:1", "notifier": "http://env:2"}
    assert found.api_token == "t-up"
    assert "t-up" not in repr(found)


def test_the_environment_goes_first(tmp_path: Path) -> None:
    write_up_file(tmp_path, {"urls": {"scheduler": "http://up:1"}, "api_token": "t-up"})
    environment = {"SCHEDULER_URL": "http://env:1", "TABLESYNC_API_TOKEN": "t-env"}
    found = addresses.find(environment, tmp_path)
    assert (found.urls["scheduler"], found.api_token) == ("http://env:1", "t-env")


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(NotConfiguredError, match=r"TABLESYNC_API_TOKEN is not set.*login"):
        addresses.find({"HOME": str(tmp_path)}, tmp_path)
    assert "SYNC_RUNNER_URL is not set" in addresses.why_no_address("sync-runner")


def test_what_login_kept_serves_where_nothing_else_does_and_is_mixed_with_no_other(
    tmp_path: Path,
) -> None:
    at = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "not/absolute"}
    file = kept.path(at)
    kept.keep(file, {"auth-service": "http://kept:1", "notifier": "http://kept:2"}, "t-old")
    kept.keep(file, {"auth-service": "http://kept:1", "notifier": "http://kept:2"}, "t-kept")
    assert file == tmp_path / ".config/tablesync/sign-in.json"
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    found = addresses.find({**at, "NOTIFIER_URL": "http://env:2"}, tmp_path)
    assert found.urls == {"auth-service": "http://kept:1", "notifier": "http://env:2"}
    assert found.api_token == "t-kept"
    write_up_file(tmp_path, {"urls": {"auth-service": "http://up:1"}, "api_token": "t-up"})
    found = addresses.find(at, tmp_path)
    assert (found.urls, found.api_token) == ({"auth-service": "http://up:1"}, "t-up")

    assert [kept.forget(file), kept.forget(file)] == [True, False]


@pytest.mark.parametrize("content", ["{", "[]", "\x00", {"urls": 1}])
def test_a_broken_up_file_is_named(tmp_path: Path, content: object) -> None:
    write_up_file(tmp_path, content)
    with pytest.raises(NotConfiguredError, match=r"up\.json"):
        addresses.find({}, tmp_path)
