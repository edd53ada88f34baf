"""The account of a command's runs: what was read and what became of it, failures, seconds by stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.running.report import total_counts

# What an input becomes; the sum is what was read. Tombstones are of what was not in the input.
OUTCOMES = ("tagged", "extracted", "failed", "skipped", "duplicate", "unchanged", "left")


@dataclass(frozen=True, slots=True)
class Account:
    """Of the runs of one command together, oldest first; `seconds` by stage are summed over all workers,
    `wall_s` is from the first start to the last end, `percentiles` are those of the last run."""

    run_ids: tuple[str, ...]
    started: str
    finished: str
    wall_s: float
    input: str
    made_by: str
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    left: Mapping[str, int]
    failures: Mapping[str, int]
    seconds: Mapping[str, float]
    retries: Mapping[str, int]
    audio_s: float
    cached: int
    versions: Mapping[str, str]
    percentiles: Mapping[str, Mapping[str, float]]

    @property
    def outcomes(self) -> dict[str, int]:
        """What became of the inputs, without what is no word of this job."""
        return {name: self.counts[name] for name in OUTCOMES if name in self.counts}

    @property
    def adds_up(self) -> bool:
        """Whether read = tagged + failed + skipped + duplicate + unchanged + left."""
        return self.counts["read"] == sum(self.outcomes.values())


def account_of(records: Sequence[Mapping[str, Any]]) -> Account:
    """The account of the runs of one command, oldest first, at least one."""
    last = records[-1]
    summed = {name: _sum(records, name) for name in ("reasons", "failures", "seconds", "retries")}
    made_by = last.get("bundle") or last.get("front_end") or {}
    return Account(
        run_ids=tuple(record["run_id"] for record in records),
        started=records[0]["started"],
        finished=last["finished"],
        wall_s=_seconds_between(records[0]["started"], last["finished"]),
        input=last["input"],
        made_by=made_by.get("key", ""),
        counts=total_counts(records),
        reasons=summed["reasons"],
        left=last["left"],
        failures=summed["failures"],
        seconds=summed["seconds"],
        retries=summed["retries"],
        audio_s=sum(record["audio_s"] for record in records),
        cached=sum(record["cached"] for record in records),
        versions=last["versions"],
        percentiles=last.get("percentiles", {}),
    )


def records_of_command(records: Sequence[Mapping[str, Any]], run_id: str) -> list[Mapping[str, Any]]:
    """Records of the runs of the command that published a run, up to that one, oldest first."""
    (begun,) = (_begun(record) for record in records if record["run_id"] == run_id)
    return [one for one in records if _begun(one) == begun and one["run_id"] <= run_id]


def run_before(records: Sequence[Mapping[str, Any]], run_id: str) -> str | None:
    """The last run before the command that published a run; None for the first command."""
    first = records_of_command(records, run_id)[0]["run_id"]
    return max((record["run_id"] for record in records if record["run_id"] < first), default=None)


def _begun(record: Mapping[str, Any]) -> str:
    return str(record.get("begun") or record["run_id"])


def _sum(records: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for record in records:
        total.update(record[name])
    return dict(total)


def _seconds_between(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
