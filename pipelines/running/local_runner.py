"""Beam on this machine: one worker process a core, without the search for other runners."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from pipelines.running.workers.crew import WatchedRunner


# Below so many inputs a worker process takes longer to start than to do its share.
_INPUTS_A_WORKER = 50


def few_workers(inputs: int) -> int:
    """Workers for so many inputs: one a core at most, one alone for a few."""
    return max(1, min(len(os.sched_getaffinity(0)), inputs // _INPUTS_A_WORKER))


def default_options(*, workers: int) -> list[str]:
    """Beam options of a local run; one worker stays in this process, which starts faster."""
    mode = "in_memory" if workers == 1 else "multi_processing"
    return [f"--direct_num_workers={workers}", f"--direct_running_mode={mode}"]


def works_in_processes(options: PipelineOptions) -> bool:
    """Whether a local run has worker processes, so that this one computes nothing."""
    from apache_beam.options.pipeline_options import DirectOptions

    return bool(options.view_as(DirectOptions).direct_running_mode == "multi_processing")


def end_children() -> None:
    """Kill every process that this one has started, and theirs."""
    for process in reversed(descendants(os.getpid())):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """Processes below one, parents first; Linux keeps the list."""
    found = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, file.read_text().split()):
                found += [child, *descendants(child)]
    return found


def local_runner(options: PipelineOptions) -> WatchedRunner:
    """The runner behind DirectRunner, made directly: that one first tries to download another.

    Worker processes get the pipeline's options, as they do under DirectRunner. Run it inside `runner.crew`,
    which raises WorkerEndedError where one of them is killed.
    """
    from apache_beam.runners.portability.portable_runner import JobServiceHandle

    from pipelines.running.workers.crew import WatchedRunner

    return WatchedRunner(JobServiceHandle.encode_pipeline_options(options.get_all_options()))
