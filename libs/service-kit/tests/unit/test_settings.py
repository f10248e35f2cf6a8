"""Settings: each missing or malformed one is named, and its value is never shown."""

from pathlib import Path

import pytest
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.settings import ServiceSettings, load


@pytest.fixture
def complete(service_keys: ServiceKeys, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    good = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "MONGODB_URI": "mongodb://user:hunter2@127.0.0.1:27017",
        "HTTP_PORT": "8101",
        "SERVICE_KEY_FILE": str(service_keys.private_key_file("scheduler")),
        "TRUSTED_KEYS_FILE": str(service_keys.trusted_keys_file),
    }
    for name, value in good.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("complete")
def test_complete_settings_are_read_from_the_environment() -> None:
    settings = load(ServiceSettings)
    assert settings.http_port == 8101
    assert settings.http_host == "127.0.0.1"
    assert settings.with_(http_port=1).http_port == 1
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "seventy"),
        ("HTTP_PORT", "70000"),
        ("MESSAGE_ATTEMPT_SECONDS", "9"),
        ("SERVICE_KEY_FILE", "/nowhere/key.pem"),
        ("SERVICE_KEY_FILE", __file__),
        ("TRUSTED_KEYS_FILE", __file__),
        ("MONGODB_URI", "localhost"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka"),
        ("KAFKA_AUTO_CREATED_TOPICS", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
    ],
)
def test_a_malformed_setting_is_named_without_its_value(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    complete.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load(ServiceSettings)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"\n  {name}: " in said
    assert value not in said


def test_every_missing_setting_is_named(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("MONGODB_URI", "HTTP_PORT"):
        complete.delenv(name)
    with pytest.raises(SystemExit):
        load(ServiceSettings)
    said = capsys.readouterr().err
    assert "  HTTP_PORT: Field required\n  MONGODB_URI: Field required" in said
    assert "KAFKA" not in said


def test_a_public_key_is_no_service_key(
    complete: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "rsa.pem").write_text(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n"
    )
    complete.setenv("SERVICE_KEY_FILE", str(tmp_path / "rsa.pem"))
    with pytest.raises(SystemExit):
        load(ServiceSettings)
    assert "SERVICE_KEY_FILE: Value error, holds no Ed25519 private key" in capsys.readouterr().err
