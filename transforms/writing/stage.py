"""WriteOutcomes, MergeParts and CommitRun: from outcomes to a run that readers can see."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsDict, AsList, TaggedOutput

from schemas.errors import DataError, OutputError
from schemas.failures import failure_row
from schemas.identity import RunIdentity
from schemas.run import RUN_FILE, RunRecord
from schemas.table import Table, as_mapping
from schemas.track import Outcome
from schemas.tracks import Status, TrackRow
from transforms.duplicates import Resolved, resolve_duplicates
from transforms.incremental.listed import columns_hash
from transforms.metrics import count, observed, summed
from transforms.object_stores.retries import take_retries
from transforms.outputs import PARTS, SUMS, at_end
from transforms.storage import join, remove_folder, write_text
from transforms.writing.account import RunPlan, UnbalancedError, run_record
from transforms.writing.faults import writing
from transforms.writing.merge import Merge, RunFile, check_there, merge, plan_merges
from transforms.writing.parts import Part, PartWriter

ACCOUNT_FILE = "account.json"
# How the lines begin that a run logs when it is published, a JSON object after each: one of the run, which
# alerts count, and one of each kind of failure in it.
RUN_LINE = "moodscribe run published"
FAILURE_LINE = "moodscribe tracks failed"

_LOG = logging.getLogger(__name__)


class WriteOutcomes(beam.PTransform):  # type: ignore[misc]
    """(Outcome) -> PARTS of tracks and failures, SUMS of what they say; equal audio is found here."""

    def __init__(self, plan: RunPlan, tables: Mapping[str, Table], *, rows_per_file: int) -> None:
        super().__init__()
        self._write = _WriteOutcomes(plan, tables, rows_per_file)

    def expand(self, outcomes: Any) -> Any:
        """See the class."""
        return (
            outcomes
            | "ByAudio" >> beam.Map(_by_audio)
            | "SameAudio" >> beam.GroupByKey()
            | "Resolve" >> beam.FlatMap(_resolve)
            | "Write" >> beam.ParDo(self._write).with_outputs(PARTS, SUMS)
        )


def _by_audio(outcome: Outcome) -> tuple[str, Outcome]:
    """Tracks with results meet by the hash of their samples; any other stays alone."""
    done = outcome.status in (Status.TAGGED, Status.EXTRACTED)
    if done and outcome.facts and outcome.facts.audio_sha256:
        return f"audio {outcome.facts.audio_sha256}", outcome
    return f"track {outcome.track.row} {outcome.track.track_id}", outcome


def _resolve(element: tuple[str, Iterable[Outcome]]) -> Iterable[Resolved]:
    key, outcomes = element
    if key.startswith("audio "):
        return resolve_duplicates(outcomes)
    return (Resolved(outcome) for outcome in outcomes)


def track_row(resolved: Resolved, identity: RunIdentity, *, input_uri: str) -> dict[str, Any]:
    """The row of `tracks`, the manifest's columns with it."""
    outcome, work = resolved.outcome, identity.work
    track = outcome.track
    facts = as_mapping(outcome.facts) if outcome.facts else {}
    row = TrackRow(
        track_id=track.track_id,
        uri=track.uri,
        status=outcome.status.value,
        reason=track.reason.value,
        failure=outcome.error.kind.value if outcome.error else None,
        duplicate_of=resolved.duplicate_of,
        source_version=track.source_version,
        content_md5=track.content_md5,
        input=input_uri,
        run_id=identity.run_id,
        bundle=identity.bundle,
        front_end_hash=work.front_end,
        model_hash=work.model,
        settings_hash=work.settings,
        decision_hash=work.decision,
        columns_hash=columns_hash(track.columns),
    )
    return {**as_mapping(row), **facts, **track.columns}


class _WriteOutcomes(beam.DoFn):  # type: ignore[misc]
    def __init__(self, plan: RunPlan, tables: Mapping[str, Table], rows_per_file: int) -> None:
        self._identity = plan.identity
        self._input_uri = plan.input_uri
        self._tables = tables
        self._rows_per_file = rows_per_file

    def start_bundle(self) -> None:
        self._sums: Counter[str] = Counter()
        self._writer = PartWriter(self._identity.staging_uri, self._tables, rows_per_file=self._rows_per_file)

    def process(self, resolved: Resolved) -> Iterable[Any]:
        outcome = resolved.outcome
        self._sums[f"count.{outcome.status}"] += 1
        self._sums[f"reason.{outcome.track.reason}"] += 1
        parts = list(
            self._writer.write("tracks", [track_row(resolved, self._identity, input_uri=self._input_uri)])
        )
        if outcome.error:
            self._sums[f"failure.{outcome.error.kind}"] += 1
            track = outcome.track
            row = failure_row(track.track_id, track.uri, outcome.error, run_id=self._identity.run_id)
            parts.extend(self._writer.write("failures", [row]))
        return [TaggedOutput(PARTS, part) for part in parts]

    def finish_bundle(self) -> Iterable[Any]:
        ended = [TaggedOutput(PARTS, part) for part in self._writer.close()]
        ended.append(summed({**self._sums, **take_retries()}))
        for element in ended:
            yield at_end(element)


class MergeParts(beam.PTransform):  # type: ignore[misc]
    """(Part) -> RunFile: the files of a run under their final names, at least one for each table."""

    def __init__(self, identity: RunIdentity, tables: Mapping[str, Table], *, rows_per_file: int) -> None:
        super().__init__()
        self._identity = identity
        self._tables = tables
        self._rows_per_file = rows_per_file

    def expand(self, parts: Any) -> Any:
        """See the class."""
        identity, tables, rows_per_file = self._identity, self._tables, self._rows_per_file
        every_table = parts.pipeline | "Tables" >> beam.Create([(name, None) for name in tables])
        by_table = parts | "ByTable" >> beam.Map(lambda part: (part.table, part))
        return (
            (every_table, by_table)
            | "PartsAndTables" >> beam.Flatten()
            | "SameTable" >> beam.GroupByKey()
            | "Plan" >> beam.FlatMap(_plan, rows_per_file)
            | "Spread" >> beam.Reshuffle()
            | "Merge" >> beam.Map(_merge, tables, identity)
        )


def _plan(element: tuple[str, Iterable[Part | None]], rows_per_file: int) -> list[Merge]:
    parts = [part for part in element[1] if part is not None]
    return plan_merges(element[0], parts, rows_per_file=rows_per_file)


def _merge(work: Merge, tables: Mapping[str, Table], identity: RunIdentity) -> RunFile:
    begin = time.perf_counter()
    file = merge(work, tables, staging_uri=identity.staging_uri, run_uri=identity.run_uri)
    count(file.sums)
    taken_ms = round(1000 * (time.perf_counter() - begin))
    return replace(file, sums={**file.sums, **Counter(observed({"merge_ms": [taken_ms]}))})


class CommitRun(beam.PTransform):  # type: ignore[misc]
    """(RunFile, with the sums by name beside) -> the run's record, written last if the account adds up.

    Where it does not, the reasons are left in the staging folder and the run stays invisible.
    """

    def __init__(self, plan: RunPlan) -> None:
        super().__init__()
        self._plan = plan

    def expand(self, inputs: tuple[Any, Any]) -> Any:
        """See the class."""
        files, sums = inputs
        start = files.pipeline | "Once" >> beam.Create([self._plan])
        return start | "Commit" >> beam.Map(commit, AsList(files), AsDict(sums))


def _tell(record: RunRecord, *, run_uri: str) -> None:
    """Log a published run: a line for it and one for each kind of failure, none for each track."""
    run = {"run_id": record.run_id, "run": run_uri}
    _LOG.info("%s %s", RUN_LINE, json.dumps({**run, "counts": dict(record.counts)}))
    for kind, tracks in record.failures.items():
        _LOG.info("%s %s", FAILURE_LINE, json.dumps({**run, "kind": kind, "tracks": tracks}))


def commit(plan: RunPlan, files: Sequence[RunFile], sums: Mapping[str, float]) -> bool:
    """Write the run's record and remove its staging folder; False where the account does not add up.

    Raises OutputError where it cannot be written, a file of the run is gone, or the plan is strict and the
    account does not add up.
    """
    identity = plan.identity
    try:
        record = run_record(plan, files, sums)
    except UnbalancedError as error:
        write_text(join(identity.staging_uri, ACCOUNT_FILE), json.dumps(error.reasons) + "\n")
        if plan.strict:
            raise OutputError(f"the account does not add up: {'; '.join(error.reasons)}") from error
        return False
    check_there(files, run_uri=identity.run_uri)
    with writing(identity.run_uri):
        write_text(join(identity.run_uri, RUN_FILE), record.to_json())
    _tell(record, run_uri=identity.run_uri)
    with contextlib.suppress(DataError):  # the run is committed: a later one removes what is left of this
        remove_folder(identity.staging_uri)
    return True
