"""The manifests of deploy/kubernetes, as they are and as a network sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
COMPONENT = "app.kubernetes.io/component"


def read_manifests() -> list[dict[str, Any]]:
    """Every object of the folder, but for the list of its files."""
    files = sorted(FOLDER.glob("*.yaml"))
    return [
        one
        for file in files
        if file.name != "kustomization.yaml"
        for one in yaml.safe_load_all(file.read_text("utf-8"))
    ]


def named(kind: str, name: str, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """The object of a kind and name."""
    return next(one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name)


def pod_template(workload: dict[str, Any]) -> dict[str, Any]:
    """The pod that a Deployment or CronJob makes."""
    spec = workload["spec"]
    template: dict[str, Any] = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)[
        "template"
    ]
    return template


def workloads(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What makes pods, by the component that their labels name."""
    made = [
        one
        for one in manifests
        if one["kind"] in ("Deployment", "CronJob", "StatefulSet", "Job", "DaemonSet")
    ]
    return {pod_template(one)["metadata"]["labels"][COMPONENT]: one for one in made}


def container(workload: dict[str, Any]) -> dict[str, Any]:
    """The one container of a workload's pod."""
    (one,) = pod_template(workload)["spec"]["containers"]
    return dict(one)


def lets_through(manifests: list[dict[str, Any]], client: str, server: str, port: int) -> bool:
    """Whether the policies let a pod of one component reach a port of another: both sides must."""
    policies = [one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"]
    out = [
        rule
        for policy in policies
        if _selects(policy["podSelector"], client)
        for rule in policy.get("egress", ())
    ]
    into = [
        rule
        for policy in policies
        if _selects(policy["podSelector"], server)
        for rule in policy.get("ingress", ())
    ]
    return any(_passes(rule, "to", server, port) for rule in out) and any(
        _passes(rule, "from", client, port) for rule in into
    )


def _passes(rule: dict[str, Any], side: str, component: str, port: int) -> bool:
    peers = [peer["podSelector"] for peer in rule[side] if "podSelector" in peer]
    ports = [one["port"] for one in rule["ports"]]
    return port in ports and any(_selects(peer, component) for peer in peers)


def _selects(selector: dict[str, Any], component: str) -> bool:
    labels = {"app.kubernetes.io/name": "moodscribe", COMPONENT: component}
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    expressions = selector.get("matchExpressions", ())
    assert all(one["operator"] == "In" for one in expressions)
    return all(labels.get(one["key"]) in one["values"] for one in expressions)


def ports_of(policies: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """Component and port of every way in."""
    for policy in policies:
        component = policy["spec"]["podSelector"].get("matchLabels", {}).get(COMPONENT)
        for rule in policy["spec"].get("ingress", ()):
            yield from ((component, one["port"]) for one in rule["ports"])
