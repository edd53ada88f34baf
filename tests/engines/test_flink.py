"""The main job on a real Flink: workers as processes of its task managers, audio and tables on a bucket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.tables import committed_runs
from tests.engines.flink import Flink, flink, why_not
from tests.engines.rows import TAG, TRACKS
from tests.outputs import assert_same_rows
from tests.storage.emulator import Store

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def cluster(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    with flink(tmp_path_factory.mktemp("flink"), store.environment) as cluster:
        yield cluster


def on(cluster: Flink, output: str) -> list[str]:
    """The command that tags on a cluster."""
    return cluster.command([*TAG, "--output", output])


def test_the_nightly_run_of_the_manifests_writes_the_rows_of_the_local_runner(
    store: Store, here: str, cluster: Flink
) -> None:
    nightly = cluster.nightly("gs://music/audio", "gs://music/flink")
    done = store.moodscribe(*nightly, "--bundle", "gs://music/bundles/small")
    assert done.returncode == 0, done.stderr
    assert_same_rows("gs://music/flink", here)
    (record,) = committed_runs("gs://music/flink")
    assert record["counts"]["tagged"] == TRACKS
    (job,) = cluster.ask("jobs/overview")["jobs"]
    assert job["state"] == "FINISHED"
    stages = cluster.ask(f"jobs/{job['jid']}")["vertices"]
    worked = {
        task["taskmanager-id"] for stage in stages for task in subtasks(cluster, job["jid"], stage["id"])
    }
    assert len(worked) == 2, "only one task manager had a part in it"


def test_a_task_manager_killed_in_the_middle_changes_no_row(store: Store, here: str, cluster: Flink) -> None:
    command = [sys.executable, "-m", "pipelines.cli", *on(cluster, "gs://music/killed")]
    known_jobs = {job["jid"] for job in cluster.ask("jobs/overview")["jobs"]}
    launcher = subprocess.Popen(
        command, env={**os.environ, **store.environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    await_rows(store, "music/killed/.staging")
    cluster.task_managers[0].send_signal(signal.SIGKILL)
    cluster.start_task_manager()
    output, _ = launcher.communicate(timeout=400)
    assert launcher.returncode == 0, output.decode()
    (job,) = [job for job in cluster.ask("jobs/overview")["jobs"] if job["jid"] not in known_jobs]
    assert restarts(cluster, job["jid"]) > 0
    assert_same_rows("gs://music/killed", here)


def subtasks(cluster: Flink, job: str, stage: str) -> list[dict[str, Any]]:
    """What a stage of a job was divided into, and who did it."""
    tasks: list[dict[str, Any]] = cluster.ask(f"jobs/{job}/vertices/{stage}")["subtasks"]
    return tasks


def await_rows(store: Store, folder: str) -> None:
    """Wait until something is staged there: the job is in its middle."""
    for _ in range(600):
        store.files.invalidate_cache()
        if any(name.endswith(".parquet") for name in store.files.find(folder)):
            return
        time.sleep(0.2)
    raise TimeoutError(f"nothing in {folder}")


def restarts(cluster: Flink, job: str) -> int:
    """How many attempts of tasks of a job did not finish."""
    exceptions = cluster.ask(f"jobs/{job}/exceptions")
    return len(exceptions["exceptionHistory"]["entries"])
