"""The Flink of deploy/kubernetes on this machine: commands and settings of the manifests, each a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml  # type: ignore[import-untyped]

from tests.deploy.manifests import FOLDER, container, named, read_manifests, workloads
from tests.processes import end, free_ports, listens, wait_until

ROOT = FOLDER.parents[1]
JARS = ROOT / "work" / "flink"
# What there is one of; task managers take any port.
_PORTS = ("jobmanager.rpc.port", "blob.server.port", "rest.port", "jobs", "artifacts", "expansion")
# Nobody waits here for pods that come back, nor a task manager that starts before the job manager.
_HASTE = {
    "cluster.registration.error-delay": 500,
    "heartbeat.interval": 1000,
    "heartbeat.timeout": 10_000,
    "restart-strategy.fixed-delay.delay": "1 s",
}
# A process of Java that lives for a minute compiles longer than it would gain.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def why_not() -> str | None:
    """Why there is no Flink here, None where there is."""
    if shutil.which("java") is None:
        return "no java: apt-get install openjdk-17-jre-headless"
    if not (JARS / ".complete").is_file():
        return f"no jars in {JARS}: make flink"
    return None


@dataclass
class Flink:
    """A cluster that runs: its ports, how to start a task manager, those that were started."""

    ports: Mapping[str, int]
    start_task_manager: Callable[[], None]
    task_managers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Arguments of moodscribe and those that take them to this cluster, one worker process a slot."""
        return [*handed_to(f"localhost:{self.ports['jobs']}", arguments), "--parallelism", "2"]

    def nightly(self, source: str, output: str) -> list[str]:
        """Arguments of the run that the manifests make every night, with these for INPUT and OUTPUT."""
        given = {
            "$(INPUT)": source,
            "$(OUTPUT)": output,
            "moodscribe-job-server:8099": f"localhost:{self.ports['jobs']}",
            "moodscribe-job-server:8098": f"localhost:{self.ports['artifacts']}",
        }
        run = container(workloads(read_manifests())["run"])
        return [given.get(one, one) for one in run["args"]]

    def ask(self, path: str) -> Any:
        """An answer of Flink's own web interface."""
        answer = requests.get(f"http://localhost:{self.ports['rest.port']}/{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def flink(scratch: Path, environment: Mapping[str, str], *, task_managers: int = 2) -> Iterator[Flink]:
    """A cluster of so many task managers of one slot each; ended with all its processes."""
    manifests = read_manifests()
    components = workloads(manifests)
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    (scratch / "conf").mkdir(parents=True)
    (scratch / "conf" / "flink-conf.yaml").write_text(_settings(manifests, ports, scratch))
    here = {
        **os.environ,
        **environment,
        "JAVA_TOOL_OPTIONS": _SHORT_LIVED,
        "FLINK_JARS": str(JARS),
        "FLINK_CONF_DIR": str(scratch / "conf"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # moodscribe-worker is there
    }
    places = {
        "moodscribe-job-manager:8081": f"localhost:{ports['rest.port']}",
        "8099": str(ports["jobs"]),
        "8098": str(ports["artifacts"]),
        "8097": str(ports["expansion"]),
        "/tmp/artifacts": str(scratch / "artifacts"),  # noqa: S108 - of a container
        "-Dtaskmanager.host=$(POD_IP)": "-Dtaskmanager.host=127.0.0.1",
    }
    with ExitStack() as ended:

        def start(component: str) -> subprocess.Popen[bytes]:
            own = container(components[component])
            variables = {one["name"]: one["value"] for one in own["env"] if "value" in one}
            log = ended.enter_context((scratch / f"{component}.log").open("ab"))
            command = ["sh", str(ROOT / "deploy" / "image" / "flink.sh")]
            command += [places.get(one, one) for one in own["args"]]
            process = subprocess.Popen(command, env={**here, **variables}, stdout=log, stderr=log)
            ended.callback(end, process)
            return process

        cluster = Flink(ports, lambda: cluster.task_managers.append(start("task-manager")))
        start("job-manager")
        for _ in range(task_managers):
            cluster.start_task_manager()
        start("job-server")
        wait_until(lambda: cluster.ask("overview")["slots-total"] == task_managers)
        wait_until(lambda: listens(ports["jobs"]))
        yield cluster


def _settings(manifests: list[dict[str, Any]], ports: Mapping[str, int], scratch: Path) -> str:
    """The settings of the manifests, at this machine's addresses."""
    deployed = yaml.safe_load(named("ConfigMap", "moodscribe-flink", manifests)["data"]["flink-conf.yaml"])
    local = {name: "localhost" for name in deployed if name.endswith(".address") and "bind" not in name}
    free = {name: ports.get(name, 0) for name in deployed if name.endswith(".port")}
    settings = {**deployed, **local, **free, **_HASTE, "io.tmp.dirs": str(scratch / "scratch")}
    return "".join(f"{name}: {value}\n" for name, value in settings.items())


def handed_to(job_endpoint: str, arguments: Sequence[str]) -> list[str]:
    """Arguments of moodscribe and those that hand its job to a job server, whose workers are processes."""
    worker = str(Path(sys.executable).with_name("moodscribe-worker"))
    options = ["--runner", "PortableRunner", "--job_endpoint", job_endpoint]
    options += ["--environment_type", "PROCESS", "--environment_config", json.dumps({"command": worker})]
    return [*arguments, *options]
