"""What is listed beside what earlier runs have: what is to do, and why.

listed  + not there                      -> new
        + there, another state of it     -> changed, touched, front_end, model, settings, decisions, ...
        + there, the same                -> unchanged: counted, nothing written
there, not listed                        -> gone: a tombstone
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import RETRYABLE, DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from schemas.work import Reason
from transforms.incremental.earlier import is_done, known_of
from transforms.incremental.listed import outcome_of, track_of
from transforms.incremental.policy import Gone, Policy
from transforms.incremental.shards import place_of

_PLACES = 1 << 64
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """A track that is to do, but not in this run; it `waits` where only the limit kept it out."""

    reason: Reason
    waits: bool = False


# A track to do, an outcome that is settled, what is left, or None for what is unchanged.
Compared = Track | Outcome | Left | None


class Shard:
    """The earlier rows of one shard, the last of each track."""

    def __init__(self, rows: Iterable[list[dict[str, Any]]], policy: Policy) -> None:
        self._policy = policy
        self._last: dict[str, Row] = {}
        repeated: dict[tuple[str, str], str] = {}
        gone: dict[str, str] = {}
        for row in (row for part in rows for row in part):
            track_id, run_id = row["track_id"], row["run_id"]
            if row["reason"] == Reason.REPEATED_ID:
                key = (track_id, row["uri"])
                repeated[key] = max(run_id, repeated.get(key, ""))
                continue
            if row["status"] == Status.GONE:
                gone[track_id] = max(run_id, gone.get(track_id, ""))
            if _is_later(row, self._last.get(track_id)):
                self._last[track_id] = row
        # What was repeated before its track was gone is not said any more, as readers of the tables have it.
        self._repeated = {
            key
            for key, run_id in repeated.items()
            if run_id > gone.get(key[0], "") and not self._forced(run_id)
        }

    def compare(self, row: Row, *, threshold: int = _PLACES) -> Compared:
        """What is to do about a listed row; of what is to do, what lies below the threshold of `place_of`."""
        if row["status"]:
            return self._settled(row)
        policy, before = self._policy, self._last.get(row["track_id"])
        reason = reason_of(row, before, policy)
        if reason is None:
            return None
        known = known_of(before, policy.work) if before else None
        if policy.only_failed and not (before and before["status"] == Status.FAILED):
            return Left(reason)
        place = place_of(row["track_id"])
        if place >= policy.sample * _PLACES:
            return Left(reason)
        if place >= threshold:
            return Left(reason, waits=True)
        return replace(track_of(row), reason=reason, known=None if reason is Reason.FORCED else known)

    def repeated(self, row: Row, first: int) -> Outcome | None:
        """A row whose track_id another row has; None where an earlier run says so already."""
        if (row["track_id"], row["uri"]) in self._repeated:
            return None
        message = f"track_id {row['track_id']!r} of row {row['row']} stands in row {first} already"
        error = DataError(FailureKind.DUPLICATE_ID, Stage.INPUT, message)
        return Outcome(replace(track_of(row), reason=Reason.REPEATED_ID), Status.FAILED, error=error)

    def gone(self, listed: set[str]) -> Iterator[Outcome]:
        """Tombstones of the tracks that are in the input no longer."""
        for track_id, row in self._last.items():
            if self._can_go(row) and track_id not in listed:
                yield Outcome(Track(track_id, row["uri"], reason=Reason.GONE), Status.GONE)

    def may_go(self) -> int:
        """How many earlier tracks the input is looked through for."""
        return sum(map(self._can_go, self._last.values()))

    def _can_go(self, row: Row) -> bool:
        policy = self._policy
        if policy.gone is Gone.KEEP or row["status"] == Status.GONE:
            return False
        return policy.gone is Gone.ALL or row["input"] == policy.input_uri

    def _settled(self, row: Row) -> Outcome | None:
        before = self._last.get(row["track_id"])
        same = before is not None and all(
            before[name] == row[name] for name in ("status", "failure", "source_version", "columns_hash")
        )
        return None if same and before and not self._forced(before["run_id"]) else outcome_of(row)

    def _forced(self, run_id: str) -> bool:
        """Whether what a run has written is written again though it is the same: once a command."""
        return self._policy.force and not _is_settled(run_id, self._policy)


def reason_of(row: Row, before: Row | None, policy: Policy) -> Reason | None:
    """Why a listed track is to do, given the last row that earlier runs have of it; None if it is not."""
    if before is None or before["status"] in (Status.GONE, Status.SKIPPED):
        return Reason.NEW
    if _is_settled(before["run_id"], policy):
        return None
    if policy.force:
        return Reason.FORCED
    if _same_state(row, before):
        return _work_reason(row, before, policy)
    if row["content_md5"] is not None and row["content_md5"] == before["content_md5"]:
        return _work_reason(row, before, policy) or (Reason.TOUCHED if is_done(before) else None)
    return Reason.CHANGED


def _is_settled(run_id: str, policy: Policy) -> bool:
    """Whether a run is one of the same command, and has dealt with its tracks."""
    return policy.begun != "" and run_id >= policy.begun


def _same_state(row: Row, before: Row) -> bool:
    version = row["source_version"]
    return version is not None and (row["uri"], version) == (before["uri"], before["source_version"])


def _work_reason(row: Row, before: Row, policy: Policy) -> Reason | None:
    """What is new about the work on a file that is the same."""
    failed = not is_done(before)
    if failed and (policy.only_failed or before["failure"] in RETRYABLE):
        return Reason.FAILED_BEFORE
    work = policy.work
    for reason, name, value in (
        (Reason.FRONT_END, "front_end_hash", work.front_end),
        (Reason.MODEL, "model_hash", work.model),
        (Reason.SETTINGS, "settings_hash", work.settings),
    ):
        if before[name] != value:
            return reason
    if not failed and before["decision_hash"] != work.decision:
        return Reason.DECISIONS
    return Reason.COLUMNS if before["columns_hash"] != row["columns_hash"] else None


def _is_later(row: Row, other: Row | None) -> bool:
    if other is None:
        return True
    return bool(
        (row["run_id"], row["status"] != Status.FAILED) > (other["run_id"], other["status"] != Status.FAILED)
    )
