"""Starting: a bad setting is named, and no key means no service."""

import subprocess
import sys
from pathlib import Path

import pytest
from tablesync.local_stack.keys import ServiceKeys


@pytest.fixture
def base(service_keys: ServiceKeys) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "MONGODB_URI": "mongodb://127.0.0.1:9",
        "HTTP_PORT": "1",
        "SERVICE_KEY_FILE": str(service_keys.private_key_file("auth-service")),
        "TRUSTED_KEYS_FILE": str(service_keys.trusted_keys_file),
        "AUTH_PUBLIC_URL": "http://127.0.0.1:1",
        "AUTH_ENCRYPTION_KEYS_FILE": str(service_keys.encryption_keys_file),
        "AUTH_HUBSPOT_CLIENT_ID": "id",
        "AUTH_HUBSPOT_CLIENT_SECRET": "secret",
        "AUTH_AIRTABLE_CLIENT_ID": "id",
        "AUTH_AIRTABLE_CLIENT_SECRET": "secret",
        "SCHEDULER_URL": "http://127.0.0.1:1",
    }


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tablesync.auth_service"]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_p19_names_every_bad_setting_and_refuses_to_start_without_a_usable_key(
    base: dict[str, str], tmp_path: Path
) -> None:
    del base["AUTH_HUBSPOT_CLIENT_SECRET"]
    file = tmp_path / "keys.json"
    file.write_text('{"active": "a", "keys": {"a": "Y2FuYXJ5"}}')

    changes = {"AUTH_PUBLIC_URL": "not a url", "AUTH_ENCRYPTION_KEYS_FILE": str(file)}
    ended = start({**base, **changes})

    assert ended.returncode == 2
    assert "AUTH_HUBSPOT_CLIENT_SECRET: Field required" in ended.stderr
    assert "AUTH_PUBLIC_URL" in ended.stderr
    assert "AUTH_ENCRYPTION_KEYS_FILE" in ended.stderr
    assert "32 bytes" in ended.stderr
    assert "Y2FuYXJ5" not in ended.stderr
