"""A run on an engine that is not this process: Dataflow, or Flink by Beam's job server."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.running.dataflow import RUNNER

if TYPE_CHECKING:
    from pipelines.running.run import Run

# States of Beam's results.
_DONE = "DONE"


class JobFailedError(Exception):
    """The engine says that the job has failed, or was cancelled; the message is its own."""


def submit(run: Run, options: Any, *, command: str, wait: bool) -> None:
    """Hand a run in, say under which name, and wait for its end; JobFailedError where it does not succeed."""
    import apache_beam as beam

    from pipelines.running.run import define_pipeline

    pipeline = beam.Pipeline(options=options)
    define_pipeline(pipeline, run)
    with _failing():
        result = pipeline.run()
        print(f"moodscribe {command}: {_name(result, options)}", file=sys.stderr, flush=True)
        if not wait:
            return
        state = result.wait_until_finish()
    if str(state) != _DONE:
        raise JobFailedError(f"the job ended as {state}")


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """What the engines raise, as one kind."""
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException

    try:
        yield
    except (RuntimeError, DataflowRuntimeException) as error:
        raise JobFailedError(_last_line(str(error))) from error


def _last_line(text: str) -> str:
    """An engine's message without the trace before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the job failed, its engine does not say why"


def _name(result: Any, options: Any) -> str:
    from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions

    runner = options.view_as(StandardOptions).runner
    cloud = options.view_as(GoogleCloudOptions)
    if runner == RUNNER and cloud.template_location:  # a Flex Template's launch
        return f"the job is in {cloud.template_location}, for Dataflow to take"
    job_id = result.job_id() if callable(getattr(result, "job_id", None)) else getattr(result, "_job_id", "")
    if runner == RUNNER:
        page = (
            f"https://console.cloud.google.com/dataflow/jobs/{cloud.region}/{job_id}?project={cloud.project}"
        )
        return f"job {job_id}, see {page}"
    return f"job {job_id} by {runner}"
