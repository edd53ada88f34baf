"""A job as a pipeline: tracks in, the tables of one run out.

ReadInput -> ProcessTracks -> WriteOutcomes -> MergeParts -> CommitRun
             (read to rows, one fused stage)      (the run's record, last)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from schemas.tables import tables_of_run
from transforms.inputs.stage import InputSpec, ReadInput
from transforms.outputs import PARTS, SETTLED, SUMS
from transforms.tracks.stage import Job, ProcessTracks
from transforms.writing.account import RunPlan
from transforms.writing.stage import CommitRun, MergeParts, WriteOutcomes


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a job: what to read, what to do with it, what is known of it before."""

    input: InputSpec
    job: Job
    plan: RunPlan
    progress_file: str | None = None


def define_pipeline(root: beam.Pipeline, run: Run) -> None:
    """Put the whole run on a pipeline."""
    identity, rows_per_file = run.plan.identity, run.job.rows_per_file
    tables = tables_of_run(run.job.results, run.input.manifest_columns or ())
    read: Mapping[str, Any] = root | "ReadInput" >> ReadInput(run.input, progress_file=run.progress_file)
    processed = read["groups"] | "ProcessTracks" >> ProcessTracks(run.job, progress_file=run.progress_file)
    outcomes = (read[SETTLED], processed.outcomes) | "Outcomes" >> beam.Flatten()
    written = outcomes | "WriteOutcomes" >> WriteOutcomes(identity, tables, rows_per_file=rows_per_file)
    files = (
        (processed[PARTS], written[PARTS])
        | "Parts" >> beam.Flatten()
        | "MergeParts" >> MergeParts(identity, tables, rows_per_file=rows_per_file)
    )
    sums = (
        (read[SUMS], processed[SUMS], written[SUMS])
        | "Sums" >> beam.Flatten()
        | "ByName" >> beam.FlatMap(lambda sums: sums.items())
        | "Add" >> beam.CombinePerKey(sum)
    )
    _ = (files, sums) | "CommitRun" >> CommitRun(run.plan)
