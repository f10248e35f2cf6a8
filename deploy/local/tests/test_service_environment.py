"""Every service is started with the settings it needs, and with keys that fit together."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES, ensure_keys


@pytest.fixture
def stack(checkout: Path) -> LocalStack:
    return LocalStack(checkout, env={"sync-runner": {"RUNNER_WORKERS": "2"}})


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_where_everything_is(stack: LocalStack, service: str) -> None:
    program = stack.plan.program(service)
    env = program.env
    assert program.argv[-1] == f"tablesync.{service.replace('-', '_')}"
    assert env["HTTP_PORT"] == stack.info.urls[service].rpartition(":")[2]
    assert env["KAFKA_BOOTSTRAP_SERVERS"] == stack.info.kafka
    assert env["MONGODB_URI"] == stack.info.mongodb
    assert env["AUTH_SERVICE_URL"] == stack.info.urls["auth-service"]
    assert env["SYNC_RUNNER_URL"] == stack.info.urls["sync-runner"]
    assert Path(env["SERVICE_KEY_FILE"]).name == f"{service}.pem"


def test_providers_and_mail_are_the_sandbox(stack: LocalStack) -> None:
    sandbox = stack.info.sandbox
    auth, notifier = stack.plan.program("auth-service").env, stack.plan.program("notifier").env
    assert auth["HUBSPOT_API_URL"] == f"{sandbox}/hubspot"
    assert auth["AIRTABLE_WEB_URL"] == f"{sandbox}/airtable"
    assert auth["AUTH_OIDC_ISSUER_URL"] == f"{sandbox}/oidc"
    mail_port = stack.plan.program("sandbox").env["SANDBOX_SMTP_PORT"]
    assert notifier["NOTIFIER_SMTP_PORT"] == mail_port
    assert stack.info.mailbox == f"{sandbox}/mail"


def test_a_replica_has_a_port_of_its_own_and_its_services_environment(stack: LocalStack) -> None:
    first = stack.plan.program("sync-runner").env
    name = stack.plan.add_replica("sync-runner", roles=("worker", "relay"))
    replica = stack.plan.program(name)
    assert name == "sync-runner-2"
    assert stack.plan.add_replica("sync-runner", roles=()) == "sync-runner-3"
    assert list(replica.argv[-4:]) == ["--role", "worker", "--role", "relay"]
    assert replica.env["HTTP_PORT"] != first["HTTP_PORT"]
    assert replica.env["RUNNER_WORKERS"] == first["RUNNER_WORKERS"] == "2"


def test_no_two_programs_share_a_port(stack: LocalStack) -> None:
    for name in stack.plan.programs:
        stack.plan.program(name)
    ports = list(stack.plan.ports.values())
    assert len(ports) == len(set(ports)) == 10


def test_keys_are_made_once_and_fit_together(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    assert ensure_keys(tmp_path) == keys
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before
    trusted = {each["kid"]: each for each in json.loads(keys.trusted_keys_file.read_text())["keys"]}
    assert set(trusted) == set(SERVICES)
    for service in SERVICES:
        load_pem_private_key(keys.private_key_file(service).read_bytes(), password=None)


def test_the_demo_workspace_has_one_operator_of_each_role(stack: LocalStack) -> None:
    bootstrap = stack.plan.keys.bootstrap()
    assert bootstrap["workspace"]["name"] == "Demo"
    roles = {each["role"]: each for each in bootstrap["operators"]}
    assert set(roles) == {"admin", "operator", "viewer"}
    assert roles["admin"]["platform"] is True
    assert roles["admin"]["api_token"] == stack.info.api_token
    assert "api_token" not in roles["operator"] | roles["viewer"]


def test_only_its_owner_reads_where_a_stack_is(stack: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "up.json"
    stack.info.write(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["api_token"] == stack.info.api_token
