"""The account of a run: every input is in it once, every table has the rows that follow from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.histogram import percentiles
from schemas.identity import RunIdentity, timestamp
from schemas.metrics import DISTRIBUTIONS
from schemas.run import RunRecord, unbalanced
from schemas.table import as_mapping
from schemas.tracks import Status
from transforms.object_stores.retries import Purpose
from transforms.writing.merge import RunFile, by_table


class UnbalancedError(Exception):
    """The account of a run does not add up, for these reasons."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is known of a run before it begins: `done` is what a track is that has its results, and
    `rows_a_track` how many rows of each table it has then. No more than the share `max_gone_rate` of earlier
    tracks may be gone. `begun` is the first run of the command, "" if it is this one. `strict`: a run whose
    account does not add up fails its job, because nobody may be there to look."""

    identity: RunIdentity
    input_uri: str
    started: str
    done: Status
    rows_a_track: Mapping[str, int]
    tags: tuple[str, ...]
    described: Mapping[str, Any]  # bundle or front_end, settings, versions: as they stand in the record
    max_gone_rate: float = 1.0
    begun: str = ""
    strict: bool = False


def run_record(plan: RunPlan, files: Iterable[RunFile], sums: Mapping[str, float]) -> RunRecord:
    """The record of a run from its files and from what its stages summed up.

    Raises UnbalancedError if anything is lost or there twice.
    """
    files, sums = tuple(files), Counter(sums)
    for file in files:
        sums.update(file.sums)
    tables = by_table(files)
    statuses = (plan.done, Status.FAILED, Status.SKIPPED, Status.DUPLICATE)
    names = ("read", *statuses, "unchanged", "left", Status.GONE)
    counts = {str(name): int(sums.get(f"count.{name}", 0)) for name in names}
    rows = {name: table.rows for name, table in tables.items()}
    wrong = unbalanced(counts, rows, rows_a_track=plan.rows_a_track)
    wrong += _too_many_gone(counts[Status.GONE], int(sums.get("count.may_go", 0)), plan.max_gone_rate)
    if wrong:
        raise UnbalancedError(wrong)
    with_result = max(1, counts[plan.done] + counts[Status.DUPLICATE])
    return RunRecord(
        run_id=plan.identity.run_id,
        begun=plan.begun or plan.identity.run_id,
        started=plan.started,
        finished=timestamp(),
        input=plan.input_uri,
        counts=counts,
        reasons=_counts("reason.", sums),
        left=_counts("left.", sums),
        waiting=int(sums.get("waiting", 0)),
        cached=int(sums.get("cached", 0)),
        failures=_counts("failure.", sums),
        tables=tables,
        tag_rates={tag: sums.get(f"tag.{tag}", 0.0) / with_result for tag in plan.tags},
        bundle=plan.described.get("bundle"),
        front_end=plan.described.get("front_end"),
        settings=plan.described["settings"],
        work=as_mapping(plan.identity.work),
        versions=plan.described["versions"],
        seconds={name: round(value, 3) for name, value in _under("seconds.", sums).items()},
        retries={purpose.value: int(sums.get(f"retries.{purpose}", 0)) for purpose in Purpose},
        audio_s=round(sums.get("audio_s", 0.0), 3),
        percentiles=_percentiles(_under("histogram.", sums)),
    )


def _percentiles(counts: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Counts by "distribution.bucket" -> percentiles of each distribution."""
    by_name: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for name, count in counts.items():
        distribution, bucket = name.split(".", 1)
        by_name[distribution][bucket] = count
    return {name: percentiles(by_name[name]) for name in DISTRIBUTIONS if name in by_name}


def _too_many_gone(gone: int, before: int, most: float) -> list[str]:
    """The sentence on an input that looks as if part of it had not been there."""
    if gone <= most * before:
        return []
    share = f"{gone:,} of {before:,} tracks of earlier runs are no longer in the input"
    return [f"{share}, more than --max-gone-rate {most:g}; if that is right, allow more of them"]


def _counts(prefix: str, sums: Mapping[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in _under(prefix, sums).items()}


def _under(prefix: str, sums: Mapping[str, float]) -> dict[str, float]:
    return {name.removeprefix(prefix): sums[name] for name in sorted(sums) if name.startswith(prefix)}
