"""A job as a pipeline: tracks in, the tables of one run out.

ReadInput -> CompareWithRuns -> ProcessTracks -> WriteOutcomes -> MergeParts -> CommitRun
             (earlier runs)  |  (read to rows,   |                              (the run's record, last)
                             |   one fused stage)|
                             '-> CarryRows ------'  (stored results that stand; not in a first run)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam

from schemas.tables import tables_of_run
from transforms.incremental.cached_tracks import CacheFile
from transforms.incremental.carry import CarryRows, StoredFile
from transforms.incremental.find_features import FindFeatures
from transforms.incremental.policy import Policy
from transforms.incremental.recall import RecallFacts
from transforms.incremental.stage import CompareWithRuns, Earlier
from transforms.inputs.stage import GroupTracks, InputSpec, ReadInput
from transforms.outputs import CACHED, CARRY, PARTS, REMEMBERED, SETTLED, SUMS, WORK
from transforms.tracks.stage import ProcessTracks
from transforms.tracks.work import Job
from transforms.writing.account import RunPlan
from transforms.writing.stage import CommitRun, MergeParts, WriteOutcomes


@dataclass(frozen=True, slots=True)
class CachedBefore:
    """Files of a feature cache, and the keys of all inputs that the job's models take."""

    files: tuple[CacheFile, ...]
    input_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """What there is before a run: rows of tracks to compare with, files of their results, cached features."""

    earlier: Earlier = field(default_factory=Earlier)
    stored: tuple[StoredFile, ...] = ()
    cache: CachedBefore | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a job: what to read, what to do with it, what of it to take up, what is known before.

    `limit` is the most tracks to take up, None for all; `hints` are Beam's resource hints for the stage that
    has the models.
    """

    input: InputSpec
    job: Job
    plan: RunPlan
    policy: Policy
    before: Before = field(default_factory=Before)
    limit: int | None = None
    progress_file: str | None = None
    hints: Mapping[str, str] = field(default_factory=dict)


def define_pipeline(root: beam.Pipeline, run: Run) -> None:
    """Put the whole run on a pipeline."""
    identity, rows_per_file = run.plan.identity, run.job.rows_per_file
    tables = tables_of_run(run.job.results, run.input.manifest_columns or ())
    listed, compared = compare_input(root, run)
    # Where nothing is known, nothing is recalled and nothing carried.
    known = bool(run.before.earlier.files)
    recalled = recall_facts(compared) if known else compared
    processed = (
        pieces_of_work(recalled[WORK], run)
        | "Work" >> beam.Flatten()
        | "ProcessTracks" >> _process_tracks(run)
    )
    carried = [_carry(recalled[CARRY], processed[CARRY], run)] if known else []
    written = (
        (compared[SETTLED], processed.outcomes, *(one["outcomes"] for one in carried))
        | "Outcomes" >> beam.Flatten()
        | "WriteOutcomes" >> WriteOutcomes(run.plan, tables, rows_per_file=rows_per_file)
    )
    files = (
        (processed[PARTS], *(one[PARTS] for one in carried), written[PARTS])
        | "Parts" >> beam.Flatten()
        | "MergeParts" >> MergeParts(identity, tables, rows_per_file=rows_per_file)
    )
    sums = (
        (listed[SUMS], compared[SUMS], processed[SUMS], *(one[SUMS] for one in carried), written[SUMS])
        | "Sums" >> beam.Flatten()
        | "ByName" >> beam.FlatMap(lambda sums: sums.items())
        | "Add" >> beam.CombinePerKey(sum)
    )
    _ = (files, sums) | "CommitRun" >> CommitRun(run.plan)


def _carry(recalled: Any, processed: Any, run: Run) -> Mapping[str, Any]:
    """Tracks whose stored results stand, by what is known or what was read -> CarryRows' outputs."""
    carry = CarryRows(run.before.stored, run.job, shards=run.before.earlier.shards)
    carried: Mapping[str, Any] = (recalled, processed) | "Standing" >> beam.Flatten() | "CarryRows" >> carry
    return carried


def _process_tracks(run: Run) -> beam.PTransform:
    process = ProcessTracks(run.job, progress_file=run.progress_file)
    return process.with_resource_hints(**run.hints) if run.hints else process


def recall_facts(compared: Mapping[str, Any]) -> Mapping[str, Any]:
    """What CompareWithRuns puts out -> tracks with what is known of them: WORK to read, CARRY to take."""
    recalled = compared[REMEMBERED] | "RecallFacts" >> RecallFacts()
    work = (compared[WORK], recalled[WORK]) | "ToRead" >> beam.Flatten()
    return {WORK: work, CARRY: recalled[CARRY]}


def pieces_of_work(tracks: Any, run: Run) -> tuple[Any, ...]:
    """Groups of tracks to read, and, with a feature cache, those of known audio whose features it has."""
    cache = run.before.cache
    if cache is None:
        return (tracks | "GroupTracks" >> GroupTracks(),)
    found = tracks | "FindFeatures" >> FindFeatures(
        cache.files, cache.input_keys, shards=run.before.earlier.shards
    )
    return found[WORK] | "GroupTracks" >> GroupTracks(), found[CACHED]


def compare_input(root: beam.Pipeline, run: Run) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The first half of a run, which is a plan by itself: what ReadInput and CompareWithRuns put out."""
    earlier = run.before.earlier
    listed: Mapping[str, Any] = root | "ReadInput" >> ReadInput(
        run.input, shards=earlier.shards, progress_file=run.progress_file
    )
    compared: Mapping[str, Any] = listed["listed"] | "CompareWithRuns" >> CompareWithRuns(
        earlier, run.policy, limit=run.limit, progress_file=run.progress_file
    )
    return listed, compared
