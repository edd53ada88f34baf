"""The main job as a pipeline: tracks in, the tables of one run out.

ReadInput -> TagTracks -> WriteOutcomes -> MergeParts -> CommitRun
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
from transforms.tagging.stage import TaggingJob, TagTracks
from transforms.writing.account import RunPlan
from transforms.writing.stage import CommitRun, MergeParts, WriteOutcomes


@dataclass(frozen=True, slots=True)
class TagRun:
    """A run of the main job: what to read, how to tag, what is known of it before."""

    input: InputSpec
    job: TaggingJob
    plan: RunPlan
    progress_file: str | None = None


def define_pipeline(root: beam.Pipeline, run: TagRun) -> None:
    """Put the whole job on a pipeline."""
    identity, rows_per_file = run.plan.identity, run.job.rows_per_file
    tables = tables_of_run(run.input.manifest_columns or ())
    read: Mapping[str, Any] = root | "ReadInput" >> ReadInput(run.input, progress_file=run.progress_file)
    tagged = read["groups"] | "TagTracks" >> TagTracks(run.job, progress_file=run.progress_file)
    outcomes = (read[SETTLED], tagged.outcomes) | "Outcomes" >> beam.Flatten()
    written = outcomes | "WriteOutcomes" >> WriteOutcomes(identity, tables, rows_per_file=rows_per_file)
    files = (
        (tagged[PARTS], written[PARTS])
        | "Parts" >> beam.Flatten()
        | "MergeParts" >> MergeParts(identity, tables, rows_per_file=rows_per_file)
    )
    sums = (
        (read[SUMS], tagged[SUMS], written[SUMS])
        | "Sums" >> beam.Flatten()
        | "ByName" >> beam.FlatMap(lambda sums: sums.items())
        | "Add" >> beam.CombinePerKey(sum)
    )
    _ = (files, sums) | "CommitRun" >> CommitRun(run.plan)
