"""The manifests for a Flink of one's own: their form, how they fit each other, that their commands run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from itertools import pairwise
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from pipelines.cli import _parser
from pipelines.running.beam_options import beam_parser
from tests.deploy.manifests import (
    FOLDER,
    container,
    lets_through,
    named,
    pod_template,
    ports_of,
    read_manifests,
    workloads,
)

ROOT = FOLDER.parents[1]
MANIFESTS = read_manifests()
WORKLOADS = workloads(MANIFESTS)
DEPLOYMENTS = {name: one for name, one in WORKLOADS.items() if one["kind"] == "Deployment"}
SERVICES = [one for one in MANIFESTS if one["kind"] == "Service"]
POLICIES = [one for one in MANIFESTS if one["kind"] == "NetworkPolicy"]
SETTINGS = yaml.safe_load(named("ConfigMap", "moodscribe-flink", MANIFESTS)["data"]["flink-conf.yaml"])
RUN = container(WORKLOADS["run"])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
UNITS = {"Mi": 1 << 20, "Gi": 1 << 30, "m": 1 << 20, "g": 1 << 30, "b": 1}
# A worker on Dataflow has four: see pipelines/running/dataflow.py.
WORKER_BYTES = 4 << 30


def size(text: str) -> int:
    found = re.fullmatch(r"(\d+)([A-Za-z]+)", text)
    assert found, text
    return int(found[1]) * UNITS[found[2]]


# Their form


@pytest.mark.parametrize("one", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_an_object_has_the_form_that_kubernetes_takes(one: dict[str, Any]) -> None:
    schemas = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    schemas.validate(one, "1.30", strict=True)


def test_every_file_is_applied() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    assert set(listed["resources"]) == {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert {image["name"] for image in listed["images"]} == {RUN["image"].partition(":")[0]}
    assert {image["newTag"] for image in listed["images"]} == {PROJECT["version"]}


def test_kustomize_renders_them() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl: apt-get install kubectl")
    done = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rendered = list(yaml.safe_load_all(done.stdout))
    kinds = sorted(f"{one['kind']} {one['metadata']['name']}" for one in MANIFESTS)
    assert sorted(f"{one['kind']} {one['metadata']['name']}" for one in rendered) == kinds
    images = {container(one)["image"] for one in workloads(rendered).values()}
    assert images == {f"REGISTRY/moodscribe-flink:{PROJECT['version']}"}


def test_all_is_in_one_namespace_that_restricts_its_pods() -> None:
    (namespace,) = [one for one in MANIFESTS if one["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {one["metadata"]["namespace"] for one in MANIFESTS if one["kind"] != "Namespace"}
    assert others == {namespace["metadata"]["name"]}


# Pods


@pytest.mark.parametrize("component", WORKLOADS)
def test_a_pod_can_do_as_little_as_it_needs(component: str) -> None:
    spec = pod_template(WORKLOADS[component])["spec"]
    account = named("ServiceAccount", spec["serviceAccountName"], MANIFESTS)
    assert spec["automountServiceAccountToken"] is False
    assert account["automountServiceAccountToken"] is False
    pod, own = spec["securityContext"], container(WORKLOADS[component])["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] == pod["runAsGroup"] == 10001
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert not any("hostPath" in volume for volume in spec["volumes"])


@pytest.mark.parametrize("component", WORKLOADS)
def test_a_pod_has_bounds_and_somewhere_to_write(component: str) -> None:
    spec, own = pod_template(WORKLOADS[component])["spec"], container(WORKLOADS[component])
    resources = own["resources"]
    assert {"cpu", "memory", "ephemeral-storage"} <= resources["requests"].keys()
    # What has no more memory than it has asked for is not the first to be ended.
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    mounts = {mount["mountPath"]: mount["name"] for mount in own["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert set(mounts.values()) == volumes.keys()
    scratch = volumes[mounts["/tmp"]]["emptyDir"]  # noqa: S108 - of a container
    assert size(scratch["sizeLimit"]) <= size(resources["limits"]["ephemeral-storage"])
    assert own["image"] == f"moodscribe-flink:{PROJECT['version']}"


@pytest.mark.parametrize("component", DEPLOYMENTS)
def test_a_server_is_probed_where_it_listens(component: str) -> None:
    own = container(DEPLOYMENTS[component])
    names = {port["name"] for port in own["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        (how,) = [own[probe][kind] for kind in ("tcpSocket", "httpGet") if kind in own[probe]]
        assert how["port"] in names
    labels = DEPLOYMENTS[component]["spec"]["selector"]["matchLabels"]
    assert labels == pod_template(DEPLOYMENTS[component])["metadata"]["labels"]


def test_a_run_is_not_tried_again_where_that_is_of_no_use() -> None:
    spec = WORKLOADS["run"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    (rule,) = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"] == {"containerName": RUN["name"], "operator": "In", "values": [1, 2, 3]}
    assert pod_template(WORKLOADS["run"])["spec"]["restartPolicy"] == "Never"


# How they fit


def ports(component: str) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container(DEPLOYMENTS[component])["ports"]}


def test_a_service_leads_to_ports_that_its_pods_have() -> None:
    for service in SERVICES:
        selector = service["spec"]["selector"]
        (component,) = [
            name for name, one in WORKLOADS.items() if pod_template(one)["metadata"]["labels"] == selector
        ]
        for port in service["spec"]["ports"]:
            assert ports(component)[port["targetPort"]] == port["port"]
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_flink_listens_where_its_pods_say() -> None:
    manager, tasks = ports("job-manager"), ports("task-manager")
    assert SETTINGS["jobmanager.rpc.port"] == manager["rpc"]
    assert SETTINGS["blob.server.port"] == manager["blob"]
    assert SETTINGS["rest.port"] == manager["rest"]
    assert SETTINGS["taskmanager.rpc.port"] == tasks["rpc"]
    assert SETTINGS["taskmanager.data.port"] == tasks["data"]
    assert SETTINGS["metrics.internal.query-service.port"] == manager["metrics"] == tasks["metrics"]
    for name in ("jobmanager.rpc.address", "rest.address"):
        assert named("Service", SETTINGS[name], MANIFESTS)


def options(arguments: list[str]) -> dict[str, str]:
    """--name value of a command."""
    return {name.removeprefix("--"): value for name, value in pairwise(arguments) if name.startswith("--")}


def test_every_address_in_a_command_is_a_service_and_its_port() -> None:
    server = options(container(DEPLOYMENTS["job-server"])["args"])
    run = options(RUN["args"])
    for address in (server["flink-master"], run["job_endpoint"], run["artifact_endpoint"]):
        host, _, port = address.partition(":")
        service = named("Service", host, MANIFESTS)
        assert int(port) in {one["port"] for one in service["spec"]["ports"]}
    assert server["job-port"] == run["job_endpoint"].rpartition(":")[2] == str(ports("job-server")["jobs"])
    assert server["artifact-port"] == str(ports("job-server")["artifacts"])
    assert run["artifact_endpoint"].endswith(f":{server['artifact-port']}")


WAYS = [
    ("run", "job-server", 8099),
    ("run", "job-server", 8098),
    ("job-server", "job-manager", 8081),
    ("task-manager", "job-manager", 6123),
    ("task-manager", "job-manager", 6124),
    ("job-manager", "task-manager", 6122),
    ("job-manager", "task-manager", 6125),
    ("task-manager", "job-manager", 6125),
    ("task-manager", "task-manager", 6121),
]


@pytest.mark.parametrize(("client", "server", "port"), WAYS)
def test_the_network_lets_through_what_flink_needs(client: str, server: str, port: int) -> None:
    assert port in ports(server).values()
    assert lets_through(MANIFESTS, client, server, port)


def test_the_network_lets_nothing_else_in() -> None:
    assert {(server, port) for _, server, port in WAYS} == set(ports_of(POLICIES))
    (closed,) = [
        one["spec"] for one in POLICIES if one["spec"]["podSelector"] == {} and "egress" not in one["spec"]
    ]
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert not lets_through(MANIFESTS, "run", "job-manager", 8081)
    assert not lets_through(MANIFESTS, "run", "task-manager", 6122)


def test_there_are_as_many_slots_as_the_run_asks_for() -> None:
    slots = DEPLOYMENTS["task-manager"]["spec"]["replicas"] * SETTINGS["taskmanager.numberOfTaskSlots"]
    assert DEPLOYMENTS["task-manager"]["spec"]["replicas"] >= 2
    assert int(options(RUN["args"])["parallelism"]) == slots


def test_a_task_manager_fits_its_pod_with_its_worker() -> None:
    memory = {name: size(text) for name, text in SETTINGS.items() if name.startswith("taskmanager.memory.")}
    part = "taskmanager.memory."
    heap = memory[f"{part}framework.heap.size"] + memory[f"{part}task.heap.size"]
    direct = memory[f"{part}framework.off-heap.size"] + memory[f"{part}task.off-heap.size"]
    direct += memory[f"{part}network.max"]
    meta = memory[f"{part}jvm-metaspace.size"]
    own = container(DEPLOYMENTS["task-manager"])
    (java,) = [one["value"] for one in own["env"] if one["name"] == "JVM_OPTIONS"]
    assert f"-Xmx{heap >> 30}g " in java
    assert heap % (1 << 30) == 0
    assert f"-XX:MaxDirectMemorySize={direct >> 20}m" in java
    assert f"-XX:MaxMetaspaceSize={meta >> 20}m" in java
    whole = heap + direct + meta + memory[f"{part}managed.size"] + memory[f"{part}jvm-overhead.max"]
    workers = SETTINGS["taskmanager.numberOfTaskSlots"] * WORKER_BYTES
    assert whole + workers <= size(own["resources"]["limits"]["memory"])


def test_the_image_has_the_commands_that_are_started() -> None:
    script = (ROOT / "deploy" / "image" / "flink.sh").read_text("utf-8")
    for component in ("job-manager", "task-manager", "job-server"):
        assert container(DEPLOYMENTS[component])["args"][0] == component
        assert re.search(rf"^{component}\)$", script, re.MULTILINE)
    worker = json.loads(options(RUN["args"])["environment_config"])["command"]
    assert {worker, RUN["command"][0]} <= PROJECT["scripts"].keys()


def test_the_run_is_one_that_the_command_takes() -> None:
    given = named("ConfigMap", "moodscribe-run", MANIFESTS)["data"]
    variables = {one["name"]: given[one["valueFrom"]["configMapKeyRef"]["key"]] for one in RUN["env"]}
    arguments = [re.sub(r"\$\((\w+)\)", lambda found: variables[found[1]], one) for one in RUN["args"]]
    known, further = _parser().parse_known_args(arguments)
    assert (known.input, known.output) == (given["input"], given["output"])
    assert beam_parser().parse_known_args(further)[1] == []
    assert known.wait
