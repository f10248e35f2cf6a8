"""The Kubernetes manifests: settings, confinement, and exactly the edges of the architecture."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.unit

BASE = Path(__file__).resolve().parents[2] / "deploy" / "k8s" / "base"
DEPLOYED = ("auth-service", "scheduler", "sync-runner", "notifier", "dashboard")
SettingsOf = Callable[..., set[str]]
Edges = frozenset[tuple[str, str]]


def manifest(service: str, name: str) -> dict[str, Any]:
    text = (BASE / service / f"{name}.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def pod(service: str) -> dict[str, Any]:
    spec: dict[str, Any] = manifest(service, "deployment")["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("folder", [".", *DEPLOYED])
def test_kustomize_lists_every_manifest(folder: str) -> None:
    listed = manifest(folder, "kustomization")["resources"]
    entries = {each.name for each in (BASE / folder).iterdir()} - {"kustomization.yaml"}
    assert sorted(listed) == sorted(entries)


def test_kubernetes_gives_each_service_settings_it_has_and_all_it_insists_on(
    deployed: str, settings_of: SettingsOf
) -> None:
    (container,) = pod(deployed)["containers"]
    config, secrets = manifest(deployed, "config")["data"], container["env"]
    given = [*config, *(each["name"] for each in secrets)]
    assert len(given) == len(set(given))
    assert set(given) <= settings_of(deployed)
    assert settings_of(deployed, required=True) <= set(given)


def test_secrets_come_by_reference(deployed: str) -> None:
    (container,) = pod(deployed)["containers"]
    assert {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"]} == {deployed}
    assert not [name for name in manifest(deployed, "config")["data"] if "SECRET" in name]


def test_auth_service_and_the_dashboard_are_told_the_same_of_each_other() -> None:
    auth, dashboard = (manifest(each, "config")["data"] for each in ("auth-service", "dashboard"))
    assert auth["AUTH_PUBLIC_URL"] == dashboard["AUTH_PUBLIC_URL"]
    assert auth["AUTH_RETURN_ORIGINS"] == dashboard["DASHBOARD_PUBLIC_URL"]
    assert auth["AUTH_OIDC_ISSUER_URL"] == dashboard["AUTH_OIDC_ISSUER_URL"]
    assert auth["AUTH_OIDC_CLIENT_ID"] == dashboard["DASHBOARD_OIDC_CLIENT_ID"]


def test_problems_name_the_dashboards_help(service: str) -> None:
    help_url = manifest(service, "config")["data"]["HELP_URL"]
    assert help_url == f"{manifest('dashboard', 'config')['data']['DASHBOARD_PUBLIC_URL']}/help"


def test_auth_service_starts_without_the_first_workspaces_file_and_finds_it_where_it_is() -> None:
    (keys,) = (each for each in pod("auth-service")["volumes"] if each["name"] == "keys")
    secrets = [each["secret"] for each in keys["projected"]["sources"] if "secret" in each]
    optional = [each["items"] for each in secrets if each.get("optional")]
    assert optional == [[{"key": "bootstrap.json", "path": "bootstrap.json"}]]
    guide = (BASE.parent / "README.md").read_text("utf-8")
    assert "path: /data/AUTH_BOOTSTRAP_FILE, value: /keys/bootstrap.json" in guide


def test_every_pod_is_confined(deployed: str) -> None:
    spec = pod(deployed)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert manifest(deployed, "service-account")["automountServiceAccountToken"] is False
    assert {"requests", "limits"} == set(container["resources"])


def test_a_pod_is_asked_for_life_and_readiness_and_has_time_to_drain(deployed: str) -> None:
    (container,) = pod(deployed)["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    # HTTP is served without Kafka, and tokens are read while a backup locks MongoDB's writes:
    # neither must take every pod out of service.
    probe = container["readinessProbe"]["httpGet"]["path"]
    assert probe == "/readyz?exclude=kafka&exclude=writes"
    assert pod(deployed)["terminationGracePeriodSeconds"] >= 40


def test_all_of_a_service_selects_its_pods(deployed: str) -> None:
    labels = manifest(deployed, "deployment")["spec"]["template"]["metadata"]["labels"]
    name = {"app.kubernetes.io/name": deployed}
    assert labels == {**name, "app.kubernetes.io/part-of": "tablesync"}
    assert manifest(deployed, "service")["spec"]["selector"] == name
    assert manifest(deployed, "disruption-budget")["spec"]["selector"]["matchLabels"] == name
    assert manifest(deployed, "network-policy")["spec"]["podSelector"]["matchLabels"] == name


def test_network_policies_let_in_exactly_the_edges(edges: Edges, edges_from_outside: Edges) -> None:
    let_in = {
        (peer_name(peer), service)
        for service in DEPLOYED
        for rule in manifest(service, "network-policy")["spec"]["ingress"]
        for peer in rule["from"]
    }
    assert let_in == edges | edges_from_outside


def test_network_policies_let_out_exactly_the_edges(
    edges: Edges, edges_of_dashboard: Edges
) -> None:
    let_out = {
        (service, peer_name(peer))
        for service in DEPLOYED
        for rule in manifest(service, "network-policy")["spec"]["egress"]
        for peer in rule.get("to", ())
        if "ipBlock" not in peer
    }
    assert let_out == edges | edges_of_dashboard


def test_no_policy_opens_the_services_port_to_all() -> None:
    policies = [manifest(each, "network-policy") for each in (".", *DEPLOYED)]
    assert all(each["spec"]["policyTypes"] == ["Ingress", "Egress"] for each in policies)
    open_ports = {
        port["port"]
        for policy in policies
        for rule in policy["spec"]["egress"]
        if not rule.get("to") or any("ipBlock" in peer for peer in rule["to"])
        for port in rule["ports"]
    }
    assert open_ports == {9092, 27017, 443, 465, 587}


def peer_name(peer: Mapping[str, Any]) -> str:
    if "namespaceSelector" in peer:
        assert peer["namespaceSelector"] == {"matchLabels": {"tablesync.io/entrance": "true"}}
        return "entrance"
    name: str = peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
    return name
