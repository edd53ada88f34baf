"""What a job on Dataflow needs besides what it is told: an image, a machine, threads, a GPU, labels.

What the command line gives of Beam's own options stands; what cannot work is refused before anything is
staged. Facts are those of Dataflow's documentation on batch jobs, custom containers and GPUs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from schemas.errors import DataError, FailureKind, Stage
from transforms.storage import is_local

RUNNER = "DataflowRunner"
# Memory that a worker process and its decoder may take, of a machine of four; Dataflow Prime goes by it.
MEMORY = "16GB"
# The image with TensorFlow is some 3 GB, and a track of an hour 0.6 GB while it is decoded.
_DISK_GB = 50


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type, and the threads of each process of workers on it."""

    name: str
    threads: int


# Without a GPU there is a process for each vCPU, of one thread: models and decoders are of one. With one,
# a single process holds the models, and its threads decode.
_CPU = Machine("n2-standard-4", 1)
_ANY_GPU = Machine("", 8)
GPUS = {"nvidia-l4": Machine("g2-standard-8", 8), "nvidia-tesla-t4": Machine("n1-standard-8", 8)}
GPU_BATCH = 64


def place(options: Any, *, command: str, places: Mapping[str, str], gpu: str | None) -> dict[str, str]:
    """Fill in what is not given, if the job goes to Dataflow; hints for the stage that has the models.

    `places` are URIs by what they are, which must be reached from anywhere. Raises DataError(bad_input),
    naming every option that is missing or cannot work.
    """
    from apache_beam.options.pipeline_options import StandardOptions

    if options.view_as(StandardOptions).runner != RUNNER:
        if gpu:
            raise _refusal(f"--gpu {gpu} is for --runner {RUNNER}: here TensorFlow finds a GPU by itself")
        return {}
    if problems := [*_missing(options), *_out_of_reach(places), *_contrary(options)]:
        raise _refusal("; ".join(problems))
    _machines(options, gpu)
    _service(options, command)
    return {"min_ram": MEMORY} | ({"accelerator": _accelerator(gpu)} if gpu else {})


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)


def _missing(options: Any) -> Iterator[str]:
    from apache_beam.options.pipeline_options import GoogleCloudOptions, WorkerOptions

    cloud = options.view_as(GoogleCloudOptions)
    for name in ("project", "region", "temp_location"):
        if not getattr(cloud, name):
            yield f"--runner {RUNNER} needs --{name}"
    if cloud.temp_location and not cloud.temp_location.startswith("gs://"):
        yield f"--temp_location {cloud.temp_location}: not on gs://"
    if not options.view_as(WorkerOptions).sdk_container_image:
        yield (
            f"--runner {RUNNER} needs --sdk_container_image, built from deploy/Dockerfile: "
            "workers run in it, with this version of moodscribe"
        )


def _out_of_reach(places: Mapping[str, str]) -> Iterator[str]:
    for what, uri in places.items():
        if is_local(uri):
            yield f"{what} {uri}: workers of Dataflow cannot reach a folder of this machine"


def _contrary(options: Any) -> Iterator[str]:
    from apache_beam.options.pipeline_options import StandardOptions

    if options.view_as(StandardOptions).streaming:
        yield "--streaming: a run is a batch job, it ends"


def _machines(options: Any, gpu: str | None) -> None:
    from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions, WorkerOptions

    workers, debug = options.view_as(WorkerOptions), options.view_as(DebugOptions)
    workers.disk_size_gb = workers.disk_size_gb or _DISK_GB
    workers.autoscaling_algorithm = workers.autoscaling_algorithm or "THROUGHPUT_BASED"
    if gpu and gpu not in GPUS and not workers.machine_type:
        raise _refusal(f"--gpu {gpu} needs --machine_type; known without: {', '.join(GPUS)}")
    machine = GPUS.get(gpu, _ANY_GPU) if gpu else _CPU
    workers.machine_type = workers.machine_type or machine.name
    debug.number_of_worker_harness_threads = debug.number_of_worker_harness_threads or machine.threads
    if not gpu:
        return
    debug.add_experiment("no_use_multiple_sdk_containers")
    cloud = options.view_as(GoogleCloudOptions)
    cloud.dataflow_service_options = [
        *(cloud.dataflow_service_options or []),
        f"worker_accelerator={_accelerator(gpu)}",
    ]


def _service(options: Any, command: str) -> None:
    from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions

    cloud, debug = options.view_as(GoogleCloudOptions), options.view_as(DebugOptions)
    cloud.enable_streaming_engine = False
    if not any(one.startswith("shuffle_mode=") for one in debug.experiments or []):
        debug.add_experiment("shuffle_mode=service")
    ours = {"moodscribe-version": version("moodscribe"), "moodscribe-command": command}
    given = {label.partition("=")[0] for label in cloud.labels or []}
    cloud.labels = [*(cloud.labels or []), *_labels(ours.items(), given)]


def _labels(ours: Iterable[tuple[str, str]], given: set[str]) -> Iterator[str]:
    """key=value with values as Google Cloud takes them: lower case letters, digits, - and _."""
    for name, value in ours:
        if name not in given:
            yield f"{name}={re.sub('[^a-z0-9_-]', '-', value.lower())[:63]}"


def _accelerator(gpu: str) -> str:
    return f"type:{gpu};count:1;install-nvidia-driver"
