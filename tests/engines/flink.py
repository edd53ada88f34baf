"""A Flink of one's own on this machine: a job manager, task managers, Beam's job server, each a process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

JARS = Path(__file__).parents[2] / "work" / "flink"
_READY_S = 180.0

_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"

# Flink's scripts work these out of a machine's size; a task manager started without them needs each.
_TASK_MANAGER_SIZES = {
    "taskmanager.cpu.cores": "1.0",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.task.off-heap.size": "0b",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.network.min": "256m",
    "taskmanager.memory.network.max": "256m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "192m",
    "taskmanager.memory.jvm-overhead.max": "192m",
}
# Java 17 keeps these from what serialises by reflection.
_OPENED = (
    *("java.lang", "java.lang.reflect", "java.net", "java.io", "java.nio", "java.text", "java.time"),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic"),
)


def why_not() -> str | None:
    """Why there is no Flink here, None where there is."""
    if shutil.which("java") is None:
        return "no java: apt-get install openjdk-17-jre-headless"
    if not JARS.is_dir():
        return f"no jars under {JARS}: make flink"
    return None


@dataclass
class Flink:
    """A cluster that runs: where jobs are handed in, and its task managers."""

    job_endpoint: str
    rest: str
    start_task_manager: Callable[[], subprocess.Popen[bytes]]
    task_managers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Arguments of moodscribe and those that take them to this cluster, one worker process a slot."""
        return [*handed_to(self.job_endpoint, arguments), "--parallelism", "2"]

    def ask(self, path: str) -> Any:
        """An answer of Flink's own web interface."""
        answer = requests.get(f"{self.rest}/{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def flink(scratch: Path, environment: Mapping[str, str], *, task_managers: int = 2) -> Iterator[Flink]:
    """A cluster of so many task managers of one slot each; ended with all its processes."""
    rpc, rest, jobs, artifacts = free_ports(4)
    settings = scratch / "conf"
    settings.mkdir(parents=True)
    (settings / "flink-conf.yaml").write_text(_settings(rpc, rest, scratch))
    with ExitStack() as ended:

        def start(name: str, main: str, *arguments: str) -> subprocess.Popen[bytes]:
            log = ended.enter_context((scratch / f"{name}.log").open("wb"))
            command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{JARS}/*"]
            command += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
            process = subprocess.Popen(
                [*command, main, *arguments], env={**os.environ, **environment}, stdout=log, stderr=log
            )
            ended.callback(end, process)
            return process

        def start_task_manager() -> subprocess.Popen[bytes]:
            number = len(cluster.task_managers)
            given = [f"-D{name}={value}" for name, value in _TASK_MANAGER_SIZES.items()]
            process = start(f"task-manager-{number}", _TASK_MANAGER, "--configDir", str(settings), *given)
            cluster.task_managers.append(process)
            return process

        cluster = Flink(f"localhost:{jobs}", f"http://localhost:{rest}", start_task_manager)
        start("job-manager", _JOB_MANAGER, "--configDir", str(settings))
        for _ in range(task_managers):
            start_task_manager()
        server = ["--flink-master", f"localhost:{rest}", "--flink-conf-dir", str(settings)]
        server += ["--job-host", "localhost", "--job-port", str(jobs), "--artifact-port", str(artifacts)]
        server += ["--expansion-port", "0", "--artifacts-dir", str(scratch / "artifacts")]
        start("job-server", _JOB_SERVER, *server)
        wait_until(lambda: len(cluster.ask("taskmanagers")["taskmanagers"]) == task_managers)
        wait_until(lambda: listens(jobs))
        yield cluster


def _settings(rpc: int, rest: int, scratch: Path) -> str:
    settings = {
        "jobmanager.rpc.address": "localhost",
        "jobmanager.rpc.port": rpc,
        "rest.address": "localhost",
        "rest.port": rest,
        "rest.bind-port": rest,
        "taskmanager.numberOfTaskSlots": 1,
        "taskmanager.host": "localhost",
        "io.tmp.dirs": scratch / "tmp",
        "heartbeat.interval": 1000,
        "heartbeat.timeout": 10_000,
        "restart-strategy": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 3,
        "restart-strategy.fixed-delay.delay": "1 s",
    }
    return "".join(f"{name}: {value}\n" for name, value in settings.items())


def handed_to(job_endpoint: str, arguments: Sequence[str]) -> list[str]:
    """Arguments of moodscribe and those that hand its job to a job server, whose workers are processes."""
    worker = str(Path(sys.executable).with_name("moodscribe-worker"))
    options = ["--runner", "PortableRunner", "--job_endpoint", job_endpoint]
    options += ["--environment_type", "PROCESS", "--environment_config", json.dumps({"command": worker})]
    return [*arguments, *options]


def free_ports(count: int) -> list[int]:
    """So many ports that nothing listens at."""
    with ExitStack() as closed:
        probes = [closed.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("localhost", 0))
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    """Whether something on this machine takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def wait_until(ready: Callable[[], bool]) -> None:
    """Wait for a server; TimeoutError after three minutes."""
    end = time.monotonic() + _READY_S
    while True:
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"not ready after {_READY_S:.0f} s")
        time.sleep(0.2)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force where it must be."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
