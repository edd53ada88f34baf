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
from tests.engines.rows import TRACKS
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


def test_the_nightly_run_of_the_manifests_loses_a_task_manager_and_no_row(
    store: Store, here: str, cluster: Flink
) -> None:
    nightly = cluster.nightly("gs://music/audio", "gs://music/flink")
    launcher = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *nightly, "--bundle", "gs://music/bundles/small"],
        env={**os.environ, **store.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    await_rows(store, "music/flink/.staging")
    cluster.task_managers[0].send_signal(signal.SIGKILL)
    cluster.start_task_manager()
    output, _ = launcher.communicate(timeout=400)
    assert launcher.returncode == 0, output.decode()
    assert_same_rows("gs://music/flink", here)
    (record,) = committed_runs("gs://music/flink")
    assert record["counts"]["tagged"] == TRACKS
    (job,) = cluster.ask("jobs/overview")["jobs"]
    assert job["state"] == "FINISHED"
    assert restarts(cluster, job["jid"]) > 0
    stages = cluster.ask(f"jobs/{job['jid']}")["vertices"]
    worked = {
        task["taskmanager-id"] for stage in stages for task in subtasks(cluster, job["jid"], stage["id"])
    }
    assert len(worked) >= 2, "only one task manager had a part in it"


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
