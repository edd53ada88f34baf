"""The main job run inside a test, with settings that the command line does not offer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam

from models.bundle import Bundle
from pipelines.running.beam_options import beam_options
from pipelines.running.before import before
from pipelines.running.cached import cached_before
from pipelines.running.local_runner import local_runner
from pipelines.running.run import Run, define_pipeline
from pipelines.tables import committed_runs
from pipelines.tag_command import plan, work_key
from schemas.identity import RunIdentity, new_run_id
from transforms.incremental.policy import Policy
from transforms.inputs.stage import inspect_input
from transforms.tagging.job import TaggingJob, rows_a_track
from transforms.tagging.worker import WorkSettings

# What the counts of a run have besides, where it is the first: nothing is unchanged, left or gone.
FIRST = {"unchanged": 0, "left": 0, "gone": 0}


def plan_run(
    source: Path, output: Path, bundle: Bundle, *, work: WorkSettings | None = None, rows_per_file: int = 1000
) -> Run:
    """A run as the command would make it."""
    settings = work or WorkSettings()
    decided = bundle.deciding(all_tags=settings.all_tags)
    key = work_key(decided, settings)
    identity = RunIdentity(new_run_id(), bundle.key, key, str(output))
    job = TaggingJob(
        str(bundle.folder),
        bundle.sha256,
        identity,
        settings,
        rows_per_file,
        tuple(rows_a_track(bundle)),
    )
    spec = inspect_input(str(source))
    planned = plan(decided, identity, input_uri=spec.uri, settings={})
    known = before(str(output))
    if settings.cache:
        known = replace(known, cache=cached_before(settings.cache))
    return Run(spec, job, planned, Policy(spec.uri, key), known)


def carry_out(planned: Run) -> Any:
    """Run it in this process; Beam's result, which has its metrics."""
    options = beam_options([], command="tag", workers=1)
    pipeline = beam.Pipeline(runner=local_runner(options), options=options)
    define_pipeline(pipeline, planned)
    result = pipeline.run()
    result.wait_until_finish()
    return result


def run(planned: Run) -> dict[str, Any]:
    """Run it in this process; the record of the newest run."""
    carry_out(planned)
    return committed_runs(planned.plan.identity.output_uri)[-1]
