"""The compose file: settings, order, confinement."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "apps" / "dashboard" / "src" / "tablesync" / "dashboard"
FLOW = ("auth-service", "scheduler", "sync-runner", "notifier", "dashboard", "sandbox")
SettingsOf = Callable[..., set[str]]
# Where Compose's own parts and files are; every other setting can be given in `.env`.
SET_BY_COMPOSE = {
    "KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "HTTP_HOST", "HTTP_PORT", "SERVICE_KEY_FILE",
    "TRUSTED_KEYS_FILE", "AUTH_ENCRYPTION_KEYS_FILE", "AUTH_BOOTSTRAP_FILE", "AUTH_SERVICE_URL",
    "SCHEDULER_URL", "SYNC_RUNNER_URL", "NOTIFIER_URL", "DASHBOARD_SIGNING_KEY_FILE",
    "SANDBOX_HTTP_HOST", "SANDBOX_HTTP_PORT",
    "SANDBOX_SMTP_PORT",
}  # fmt: skip


def containers() -> dict[str, Any]:
    file = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    services: dict[str, Any] = file["services"]
    return services


def test_compose_gives_each_process_settings_it_has_and_all_it_insists_on(
    process: str, settings_of: SettingsOf
) -> None:
    given = set(containers()[process]["environment"])
    assert given <= settings_of(process)
    assert settings_of(process, required=True) <= given


def test_compose_passes_on_every_setting_that_is_not_its_own(
    process: str, settings_of: SettingsOf
) -> None:
    given: dict[str, object] = containers()[process]["environment"]
    passed = {name for name, value in given.items() if is_passed_on(name, value)}
    assert settings_of(process) - passed == settings_of(process) & SET_BY_COMPOSE


def is_passed_on(name: str, value: object) -> bool:
    """Whether a value is what stands outside or in `.env`, under the same name."""
    return value is None or re.match(rf"\$\{{{name}:?-", str(value)) is not None


def test_compose_stands_in_the_order_of_the_flow() -> None:
    order = [name for name in containers() if name in FLOW]
    assert order == [*FLOW]


def test_compose_publishes_on_loopback_only() -> None:
    ports = [port for each in containers().values() for port in each.get("ports", ())]
    assert ports
    assert not [port for port in ports if not port.startswith("127.0.0.1:")]


@pytest.mark.parametrize("name", list(containers()))
def test_every_container_is_confined(name: str) -> None:
    container = containers()[name]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["mem_limit"]
    assert container.get("read_only") or name == "kafka"


def test_a_built_container_runs_its_own_package_as_nobody(process: str) -> None:
    container = containers()[process]
    arguments = container["build"]["args"]
    project = tomllib.loads((ROOT / arguments["PACKAGE"] / "pyproject.toml").read_text("utf-8"))
    assert container["user"] == "10001:10001"
    assert project["project"]["name"] == f"tablesync-{process}"
    assert arguments["MODULE"] == f"tablesync.{process.replace('-', '_')}"


def test_all_images_come_from_the_one_dockerfile() -> None:
    builds = [each["build"] for each in containers().values() if "build" in each]
    assert {(each["context"], each.get("dockerfile")) for each in builds} == {(".", None)}
    folders = ("libs", "services", "apps", "sandbox", "deploy")
    assert not [found for folder in folders for found in (ROOT / folder).rglob("Dockerfile*")]


def test_the_dockerfile_builds_where_no_registry_is_reachable_and_runs_as_nobody() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("FROM ")] == [
        "FROM ${BASE_IMAGE} AS build",
        "FROM ${BASE_IMAGE}",
    ]
    assert "USER 10001:10001" in lines
    assert not [line for line in lines if line.startswith("# syntax=") or "<<" in line]


def test_an_image_has_what_browsers_are_sent_without_make_having_fetched_it() -> None:
    page = (PAGES / "templates" / "base.html").read_text("utf-8")
    needed = re.findall(r"/vendor/([\w.-]+)", page)
    package = json.loads((ROOT / "apps" / "dashboard" / "package.json").read_text("utf-8"))
    copied = re.findall(r"dist/\S*?([\w.-]+\.js)", package["scripts"]["vendored"])
    assert needed
    assert copied == needed
    assert "npm run vendored" in (ROOT / "Dockerfile").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert str(PAGES.relative_to(ROOT) / "static" / "vendor") in ignored


def test_where_the_dashboard_is_has_to_be_said_once() -> None:
    dashboard = containers()["dashboard"]["environment"]["DASHBOARD_PUBLIC_URL"]
    auth_service = containers()["auth-service"]["environment"]
    assert auth_service["AUTH_RETURN_ORIGINS"] == f"${{AUTH_RETURN_ORIGINS:-{dashboard}}}"
    assert auth_service["HELP_URL"] == f"${{HELP_URL:-{dashboard}/help}}"
    notifier = containers()["notifier"]["environment"]
    assert notifier["NOTIFIER_DASHBOARD_URL"] == f"${{NOTIFIER_DASHBOARD_URL:-{dashboard}}}"


def test_each_volume_for_keys_begins_as_a_folder_of_the_image_that_fills_it() -> None:
    keys = containers()["keys"]
    mounted = [volume.partition(":")[2] for volume in keys["volumes"]]
    assert keys["build"]["args"]["FOLDERS"].split() == mounted


def test_the_sandbox_keeps_what_it_has_on_a_volume_as_the_databases_do() -> None:
    sandbox = containers()["sandbox"]
    (volume,) = sandbox["volumes"]
    name, _, folder = volume.partition(":")
    file = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    assert name in file["volumes"]
    assert sandbox["build"]["args"]["FOLDERS"] == folder
    assert re.fullmatch(
        rf"\$\{{SANDBOX_STATE_FILE:-{folder}/\w+}}",
        str(sandbox["environment"]["SANDBOX_STATE_FILE"]),
    )
