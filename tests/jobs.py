"""The main job run inside a test, with settings that the command line does not offer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from models.bundle import Bundle
from pipelines.local_runner import default_options, local_runner
from pipelines.tables import committed_runs
from pipelines.tag import TagRun, define_pipeline
from schemas.identity import RunIdentity, new_run_id
from transforms.decoding.sandbox import DecodeLimits
from transforms.inputs.stage import inspect_input
from transforms.tagging.stage import TaggingJob
from transforms.tagging.worker import WorkSettings
from transforms.writing.account import RunPlan


def plan_run(source: Path, output: Path, bundle: Bundle, *, limits: DecodeLimits | None = None) -> TagRun:
    """A run as the command would make it."""
    identity = RunIdentity(new_run_id(), bundle.key, "test", str(output))
    work = WorkSettings(limits=limits or DecodeLimits())
    job = TaggingJob(str(bundle.folder), bundle.sha256, identity, work, 1000)
    described: dict[str, Any] = {"bundle": {"key": bundle.key}, "settings": {}, "versions": {}}
    return TagRun(
        inspect_input(str(source)), job, RunPlan(identity, str(source), "now", bundle.tags, described)
    )


def run(planned: TagRun) -> None:
    """Run it in this process."""
    options = PipelineOptions(default_options(workers=1))
    pipeline = beam.Pipeline(runner=local_runner(options), options=options)
    define_pipeline(pipeline, planned)
    pipeline.run().wait_until_finish()


def run_in_memory(
    source: Path, output: Path, bundle: Bundle, *, child_module: str, timeout_s: float
) -> dict[str, Any]:
    """Run the job with another decoder module; the record of the run."""
    run(plan_run(source, output, bundle, limits=DecodeLimits(timeout_s, child_module=child_module)))
    (record,) = committed_runs(str(output))
    return record
