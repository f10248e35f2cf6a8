"""What prepares a Compose stack: keys apart, and the addresses that the compose file publishes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tablesync.local_stack import compose
from tablesync.local_stack.keys import DASHBOARD, SERVICES, ensure_keys

pytestmark = pytest.mark.unit

COMPOSE_FILE = Path(__file__).resolve().parents[3] / "docker-compose.yml"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    for process in (*SERVICES, DASHBOARD):
        (tmp_path / process).mkdir()
    compose.make_keys(tmp_path)
    return tmp_path


def test_a_service_gets_its_own_key_and_no_other(keys: Path) -> None:
    own = {each: (keys / each / "service-key.pem").read_bytes() for each in SERVICES}
    assert len(set(own.values())) == len(SERVICES)
    for service in SERVICES:
        found = {file.read_bytes() for file in (keys / service).iterdir()}
        assert found & set(own.values()) == {own[service]}


def test_only_auth_service_gets_what_unseals_tokens(keys: Path) -> None:
    holders = {file.parent.name for file in keys.glob("*/encryption-keys.json")}
    assert holders == {"auth-service", "made"}


def test_only_their_owner_reads_keys(keys: Path) -> None:
    assert {file.stat().st_mode & 0o777 for file in keys.glob("*/*.*")} == {0o600}


def test_a_second_start_keeps_every_key(keys: Path) -> None:
    before = {file: file.read_bytes() for file in keys.glob("*/*.*")}
    compose.make_keys(keys)
    assert {file: file.read_bytes() for file in keys.glob("*/*.*")} == before


def test_it_tells_the_addresses_that_the_compose_file_publishes(keys: Path) -> None:
    info = compose.published(ensure_keys(keys / "made"))
    services: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))["services"]
    published = {
        name: port.rsplit(":", 1)[0]
        for name, each in services.items()
        for port in each.get("ports", ())
    }
    assert {name: f"http://{published[name]}" for name in info.urls} == info.urls
    assert info.kafka == published["kafka"]
    assert info.mongodb.startswith(f"mongodb://{published['mongodb']}/")


def test_it_tells_the_admins_token(keys: Path) -> None:
    bootstrap = json.loads((keys / "auth-service" / "bootstrap.json").read_text("utf-8"))
    info = compose.published(ensure_keys(keys / "made"))
    assert info.api_token == bootstrap["operators"][0]["api_token"]
    assert [each["role"] for each in info.users] == ["admin", "operator", "viewer"]
