"""A job handed in to Dataflow for real, at a stand-in of its service: what arrives, and that it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from google.cloud import dataflow_v1beta3 as dataflow

from pipelines.cli import main
from pipelines.running.dataflow import GPUS
from pipelines.tables import committed_runs
from tests.engines.rows import TAG, TRACKS
from tests.outputs import assert_same_rows
from tests.storage.emulator import Store, served

IMAGE = "europe-west1-docker.pkg.dev/ours/images/moodscribe:1"
CLOUD = (
    *("--runner", "DataflowRunner", "--project", "ours", "--region", "europe-west1"),
    *("--temp_location", "gs://music/temp", "--sdk_container_image", IMAGE),
)


@pytest.fixture(scope="module")
def service(store: Store) -> Iterator[str]:
    with served("-m", "tests.engines.dataflow_service") as port:
        yield f"http://localhost:{port}"


def at(service: str, *arguments: str, output: str) -> list[str]:
    """The command that hands a job in."""
    stand_in = ("--dataflow_endpoint", service, "--no_auth")
    return [*TAG, "--output", output, *CLOUD, *stand_in, *arguments]


def arrived(service: str) -> Any:
    """The job that was handed in last."""
    return requests.get(f"{service}/arrived", timeout=10).json()[-1]


@pytest.fixture(scope="module")
def job(store: Store, music: None, service: str) -> Any:
    """A job that has been run to its end, as it arrived."""
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        status = main(at(service, "--labels", "team=moods", output="gs://music/dataflow"))
    said = errors.getvalue()
    assert status == 0, said
    assert "27 inputs: 24 tagged" in output.getvalue()
    assert "see https://console.cloud.google.com/dataflow/jobs/europe-west1/job-0?project=ours" in said
    return arrived(service)


def test_the_staged_pipeline_writes_the_rows_of_the_local_runner(job: Any, here: str) -> None:
    assert_same_rows("gs://music/dataflow", here)
    (record,) = committed_runs("gs://music/dataflow")
    assert record["counts"]["tagged"] == TRACKS


def test_a_batch_job_of_our_image_is_asked_for(job: Any) -> None:
    environment = job["environment"]
    (pool,) = environment["workerPools"]
    assert job["path"] == "/v1b3/projects/ours/locations/europe-west1/jobs"
    assert job["type"] == dataflow.JobType.JOB_TYPE_BATCH
    assert {one["containerImage"] for one in pool["sdkHarnessContainerImages"]} == {IMAGE}
    assert pool["machineType"] == "n2-standard-4"
    assert pool["numThreadsPerWorker"] == 1
    assert pool["diskSizeGb"] == 50
    by_throughput = dataflow.AutoscalingAlgorithm.AUTOSCALING_ALGORITHM_BASIC
    assert pool["autoscalingSettings"]["algorithm"] == by_throughput
    assert "shuffle_mode=service" in environment["experiments"]
    assert "use_multiple_sdk_containers" in environment["experiments"]
    assert "serviceOptions" not in environment
    assert job["labels"] == {
        "team": "moods",
        "moodscribe-version": version("moodscribe").replace(".", "-"),
        "moodscribe-command": "tag",
    }
    options = environment["sdkPipelineOptions"]["options"]
    assert options["enable_streaming_engine"] is False
    assert not options.get("save_main_session")
    assert options["pipelineUrl"].startswith("gs://music/temp/")


def test_nothing_of_this_machine_and_no_secret_is_in_it(job: Any, store: Store) -> None:
    staged = store.files.cat_file(job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"])
    assert job["authorization"] is None
    request = json.dumps(job)
    for text in (str(Path.cwd()), str(Path.home()), os.sep + "tmp", *_secrets()):
        assert text not in request
        assert text.encode() not in staged
    # Code of ours goes by its name, not by its pickled body, and no session is pickled.
    folder = job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"].rpartition("/")[0]
    store.files.invalidate_cache()
    names = {name.rpartition("/")[2] for name in store.files.find(folder.removeprefix("gs://"))}
    assert names <= {"pipeline.pb", "submission_environment_dependencies.txt"}


def _secrets() -> list[str]:
    """Values of the environment that look like ones to keep."""
    words = ("TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "API_KEY")
    return [value for name, value in os.environ.items() if len(value) > 8 and any(w in name for w in words)]


def test_only_the_stage_with_the_models_asks_for_memory(job: Any, store: Store) -> None:
    from apache_beam.portability.api import beam_runner_api_pb2

    staged = store.files.cat_file(job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"])
    proto = beam_runner_api_pb2.Pipeline.FromString(staged)
    environments = proto.components.environments
    hinted = {
        transform.unique_name
        for transform in proto.components.transforms.values()
        if transform.environment_id
        and "beam:resources:min_ram_bytes:v1" in environments[transform.environment_id].resource_hints
    }
    assert hinted
    assert {name.partition("/")[0] for name in hinted} == {"ProcessTracks"}


def test_gpus_come_one_a_machine_with_one_process(
    music: None, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--gpu", "nvidia-l4", "--flexrs_goal", "COST_OPTIMIZED", "--max_num_workers", "7", "--no-wait")
    assert main(at(service, *options, output="gs://music/gpu")) == 0
    assert capsys.readouterr().out == ""
    job = arrived(service)
    environment = job["environment"]
    (pool,) = environment["workerPools"]
    accelerator = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
    assert environment["serviceOptions"] == [accelerator]
    assert "no_use_multiple_sdk_containers" in environment["experiments"]
    cheap = dataflow.FlexResourceSchedulingGoal.FLEXRS_COST_OPTIMIZED
    assert environment["flexResourceSchedulingGoal"] == cheap
    assert pool["machineType"] == GPUS["nvidia-l4"].name
    assert pool["numThreadsPerWorker"] == 8
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7


@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        (
            ("--runner", "DataflowRunner"),
            ["needs --project", "needs --region", "needs --temp_location", "needs --sdk_container_image"],
        ),
        ((*CLOUD, "--temp_location", "temp"), ["--temp_location temp: not on gs://"]),
        ((*CLOUD, "--streaming"), ["--streaming: a run is a batch job"]),
        ((*CLOUD, "--output", "moods"), ["--output moods: workers of Dataflow cannot reach"]),
        ((*CLOUD, "--feature-cache", "kept"), ["--feature-cache kept: workers of Dataflow cannot reach"]),
        ((*CLOUD, "--gpu", "tpu"), ["--gpu tpu needs --machine_type; known without: nvidia-l4"]),
        (("--gpu", "nvidia-l4"), ["--gpu nvidia-l4 is for --runner DataflowRunner"]),
    ],
    ids=lambda value: " ".join(value)[-40:],
)
def test_what_cannot_work_is_refused_before_anything_is_staged(
    music: None,
    service: str,
    arguments: tuple[str, ...],
    reasons: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = len(requests.get(f"{service}/arrived", timeout=10).json())
    assert main([*TAG, "--output", "gs://music/refused", *arguments]) == 2
    said = capsys.readouterr().err
    for reason in reasons:
        assert reason in said
    assert len(requests.get(f"{service}/arrived", timeout=10).json()) == before
