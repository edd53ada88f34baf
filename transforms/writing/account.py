"""The account of a run: every input is in it once, every table has the rows that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.identity import RunIdentity, timestamp
from schemas.run import RunRecord, unbalanced
from schemas.tracks import Status
from transforms.writing.merge import RunFile, by_table


class UnbalancedError(Exception):
    """The account of a run does not add up, for these reasons."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is known of a run before it begins: `done` is what a track is that has its results, and
    `rows_a_track` how many rows of each table it has then."""

    identity: RunIdentity
    input_uri: str
    started: str
    done: Status
    rows_a_track: Mapping[str, int]
    tags: tuple[str, ...]
    described: Mapping[str, Any]  # bundle or front_end, settings, versions: as they stand in the record


def run_record(plan: RunPlan, files: Iterable[RunFile], sums: Mapping[str, float]) -> RunRecord:
    """The record of a run from its files and from what its stages summed up.

    Raises UnbalancedError if anything is lost or there twice.
    """
    tables = by_table(files)
    statuses = (plan.done, Status.FAILED, Status.SKIPPED, Status.DUPLICATE)
    counts = {name: int(sums.get(f"count.{name}", 0)) for name in ("read", *statuses)}
    rows = {name: table.rows for name, table in tables.items()}
    if reasons := unbalanced(counts, rows, rows_a_track=plan.rows_a_track):
        raise UnbalancedError(reasons)
    with_result = max(1, counts[plan.done] + counts[Status.DUPLICATE])
    return RunRecord(
        run_id=plan.identity.run_id,
        started=plan.started,
        finished=timestamp(),
        input=plan.input_uri,
        counts=counts,
        failures={name: int(value) for name, value in _under("failure.", sums).items()},
        tables=tables,
        tag_rates={tag: sums.get(f"tag.{tag}", 0.0) / with_result for tag in plan.tags},
        bundle=plan.described.get("bundle"),
        front_end=plan.described.get("front_end"),
        settings=plan.described["settings"],
        settings_hash=plan.identity.settings_hash,
        versions=plan.described["versions"],
        seconds={name: round(value, 3) for name, value in _under("seconds.", sums).items()},
        audio_s=round(sums.get("audio_s", 0.0), 3),
    )


def _under(prefix: str, sums: Mapping[str, float]) -> dict[str, float]:
    return {name.removeprefix(prefix): sums[name] for name in sorted(sums) if name.startswith(prefix)}
