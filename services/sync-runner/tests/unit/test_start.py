"""Starting with a bad setting: it is named, and nothing starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "MONGODB_URI": "mongodb://127.0.0.1:1",
    "HTTP_PORT": "8103",
    "SERVICE_KEY_FILE": "missing.pem",
    "TRUSTED_KEYS_FILE": "missing.json",
    "AUTH_SERVICE_URL": "http://127.0.0.1:1",
}


def start(tmp_path: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "tablesync.sync_runner"],
        env=inherited | settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_SERVICE_URL", None),
        ("HUBSPOT_API_URL", "no url"),
        ("RUNNER_WORKERS", "0"),
        ("RUNNER_HUBSPOT_OVERLAP_SECONDS", "60"),
        ("RUNNER_LEASE_SECONDS", "3600"),
        ("RUNNER_KEEP_RUNS_DAYS", "13"),
        ("KEEP_INBOX_DAYS", "20000"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str | None) -> None:
    settings = {key: text for key, text in GOOD.items() if key != name}
    ended = start(tmp_path, **settings, **({} if value is None else {name: value}))
    assert ended.returncode == 2
    assert name in ended.stderr + ended.stdout
