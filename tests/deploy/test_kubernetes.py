"""The Kubernetes manifests: as Kustomize puts them together, and as the API's own schemas judge them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploying import DEPLOY, run, said

FOLDER = DEPLOY / "kubernetes"
MANIFESTS = [
    path for path in FOLDER.rglob("*.yaml") if path.name not in ("kustomization.yaml", "telephony.yaml", "adapter.yaml")
]
DRAIN = 3600


def documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def only(kind: str) -> dict[str, Any]:
    [found] = [each for path in MANIFESTS for each in documents(path) if each["kind"] == kind]
    return found


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    spec: dict[str, Any] = only("StatefulSet")["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def container(pod: dict[str, Any]) -> dict[str, Any]:
    [made] = pod["containers"]
    assert isinstance(made, dict)
    return made


def test_kustomize_puts_the_example_together_and_the_schemas_take_it(tmp_path: Path) -> None:
    built = run("kubectl", "kustomize", FOLDER / "example")
    assert (built.returncode, built.stderr) == (0, ""), said(built)
    file = tmp_path / "all.yaml"
    file.write_text(built.stdout, encoding="utf-8")
    kinds = {each["kind"] for each in documents(file)}
    assert {"StatefulSet", "Ingress", "PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy"} <= kinds
    assert {each["metadata"]["namespace"] for each in documents(file) if each["kind"] != "Namespace"} == {"telephony"}
    done = run("kubernetes-validate", "--strict", file)
    assert done.returncode == 0, said(done)


def test_a_misspelt_field_would_be_found(tmp_path: Path) -> None:
    text = (FOLDER / "base/statefulset.yaml").read_text(encoding="utf-8")
    file = tmp_path / "statefulset.yaml"
    file.write_text(text.replace("readinessProbe", "readynessProbe"), encoding="utf-8")
    done = run("kubernetes-validate", "--strict", file)
    assert done.returncode != 0
    assert "readynessProbe" in done.stdout + done.stderr


def test_every_manifest_is_in_a_kustomization() -> None:
    for file in FOLDER.rglob("kustomization.yaml"):
        there = {path.name for path in file.parent.glob("*.yaml")} - {"kustomization.yaml", "telephony.yaml"}
        [made] = documents(file)
        assert {name for name in made["resources"] if name.endswith(".yaml")} == there, file


def test_a_pod_is_asked_at_its_internal_port_and_has_an_hour_to_end(
    pod: dict[str, Any], container: dict[str, Any]
) -> None:
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {get["port"] for get in asked.values()} == {"internal"}
    assert asked["readinessProbe"]["path"] == "/readyz"
    assert asked["livenessProbe"]["path"] == "/healthz"
    assert pod["terminationGracePeriodSeconds"] >= DRAIN + 60


def test_a_pod_is_locked_up(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    own = container["securityContext"]
    assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def test_every_pod_that_there_may_be_can_be_reached_by_its_own_name() -> None:
    names = [f"telephony-{number}" for number in range(only("HorizontalPodAutoscaler")["spec"]["maxReplicas"])]
    ingresses = [each for each in documents(FOLDER / "example/ingress.yaml") if each["kind"] == "Ingress"]
    services = {
        each["metadata"]["name"]: each["spec"]
        for each in documents(FOLDER / "example/ingress.yaml")
        if each["kind"] == "Service"
    }
    [calls] = [each for each in ingresses if each["metadata"]["name"] == "telephony-calls"]
    paths = calls["spec"]["rules"][0]["http"]["paths"]
    assert [path["path"] for path in paths] == [f"/at/{name}/(.*)" for name in names]
    assert [path["backend"]["service"]["name"] for path in paths] == names == list(services)
    for name, spec in services.items():
        assert spec["selector"]["statefulset.kubernetes.io/pod-name"] == name
        assert spec["publishNotReadyAddresses"], "a pod that ends is asked about its calls until the last one"


def test_names_that_manifests_use_of_each_other_are_there(pod: dict[str, Any]) -> None:
    [example] = documents(FOLDER / "example/kustomization.yaml")
    maps = {each["name"] for each in example["configMapGenerator"]}
    text = (FOLDER / "base/statefulset.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"telephony-(?:configuration|environment)", text)) == maps
    [credentials] = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    assert f"create secret generic {credentials}" in (FOLDER / "example/kustomization.yaml").read_text(encoding="utf-8")
    assert only("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == only("StatefulSet")["metadata"]["name"]


def test_the_example_answers_with_the_agent_that_is_shipped() -> None:
    assert (FOLDER / "example/telephony.yaml").read_bytes() == (DEPLOY / "telephony.yaml").read_bytes()
