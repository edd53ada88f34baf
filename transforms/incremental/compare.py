"""What is listed beside what earlier runs have: what is to do, and why.

listed  + not there                      -> new
        + there, another state of it     -> changed, touched, front_end, model, settings, decisions, ...
        + there, the same                -> unchanged: counted, nothing written
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import RETRYABLE, DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from schemas.work import Reason
from transforms.incremental.earlier import is_done
from transforms.incremental.listed import outcome_of, track_of
from transforms.incremental.policy import Policy
from transforms.incremental.shards import PLACES, place_of

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """A track that is to do, but not in this run; it `waits` where only the limit kept it out."""

    reason: Reason
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row of `tracks` lies: its file, the row group, the row in that."""

    file: str
    row_group: int
    row_in_group: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """A track to do of which an earlier run has results: which run, where its row lies, how long it was.

    They stand where they were made by the same front ends, models and settings.
    """

    track: Track
    run_id: str
    stands: bool
    place: Place
    decoded_s: float | None = None


# A track to do, an outcome that is settled, what is left, or None for what is unchanged.
Compared = Track | Remembered | Outcome | Left | None


def compare(row: Row, before: Row | None, policy: Policy, *, threshold: int = PLACES) -> Compared:
    """What is to do about a listed row, given the last row that earlier runs have of its track.

    Of what is to do, what lies below the threshold of `place_of` is done in this run.
    """
    if row["status"]:
        return _settled(row, before, policy)
    reason = reason_of(row, before, policy)
    if reason is None:
        return None
    if policy.only_failed and not (before and before["status"] == Status.FAILED):
        return Left(reason)
    place = place_of(row["track_id"])
    if place >= policy.sample * PLACES:
        return Left(reason)
    if place >= threshold:
        return Left(reason, waits=True)
    track = replace(track_of(row), reason=reason)
    if reason is Reason.FORCED or before is None or not is_done(before):
        return track
    return _remembered(track, before, policy)


def repeated_row(row: Row, first: int) -> Outcome:
    """The outcome of a row whose track_id another row has: it says nothing of the track of that id."""
    message = f"track_id {row['track_id']!r} of row {row['row']} stands in row {first} already"
    if row["message"]:  # nor could it have
        message = f"{row['message']}; {message}"
    error = DataError(FailureKind.DUPLICATE_ID, Stage.INPUT, message)
    return Outcome(replace(track_of(row), reason=Reason.REPEATED_ID), Status.FAILED, error=error)


def reason_of(row: Row, before: Row | None, policy: Policy) -> Reason | None:
    """Why a listed track is to do, given the last row that earlier runs have of it; None if it is not."""
    if before is None or before["status"] in (Status.GONE, Status.SKIPPED):
        return Reason.NEW
    if is_settled(before["run_id"], policy):
        return None
    if policy.force:
        return Reason.FORCED
    if _same_state(row, before):
        return _work_reason(row, before, policy)
    if row["content_md5"] is not None and row["content_md5"] == before["content_md5"]:
        return _work_reason(row, before, policy) or (Reason.TOUCHED if is_done(before) else None)
    return Reason.CHANGED


def is_settled(run_id: str, policy: Policy) -> bool:
    """Whether a run is one of the same command, and has dealt with its tracks."""
    return policy.begun != "" and run_id >= policy.begun


def is_forced(run_id: str, policy: Policy) -> bool:
    """Whether what a run has written is written again though it is the same: once a command."""
    return policy.force and not is_settled(run_id, policy)


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


def _remembered(track: Track, before: Row, policy: Policy) -> Remembered:
    made_by = tuple(before[f"{name}_hash"] for name in ("front_end", "model", "settings"))
    place = Place(before["file"], before["row_group"], before["row_in_group"])
    stands = made_by == policy.work.computed
    return Remembered(track, before["run_id"], stands, place, before["decoded_s"])


def _settled(row: Row, before: Row | None, policy: Policy) -> Outcome | None:
    same = before is not None and all(
        before[name] == row[name] for name in ("status", "failure", "source_version", "columns_hash")
    )
    return None if same and before and not is_forced(before["run_id"], policy) else outcome_of(row)
