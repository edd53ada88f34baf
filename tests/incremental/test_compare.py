"""What is to do about a track, given what is listed and the last row that earlier runs have of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from schemas.errors import RETRYABLE, DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from schemas.work import Reason
from tests.incremental.rows import COLUMNS, FAILED, POLICY, earlier, listed
from transforms.incremental.compare import Left, Place, Remembered, compare, reason_of
from transforms.incremental.listed import listed_schema, outcome_of, to_batch, track_of
from transforms.incremental.policy import Policy
from transforms.incremental.shards import PLACES, place_of

CASES: list[tuple[Mapping[str, Any], Mapping[str, Any], Reason | None]] = [
    ({}, {}, None),
    ({}, {"status": "duplicate"}, None),
    ({}, {"status": "extracted"}, None),
    ({}, {"status": "gone"}, Reason.NEW),
    ({}, {"status": "skipped"}, Reason.NEW),
    ({"source_version": "10 21"}, {}, Reason.CHANGED),
    ({"source_version": None}, {}, Reason.CHANGED),
    ({"source_version": None}, {"source_version": None}, Reason.CHANGED),
    ({"uri": "/elsewhere"}, {}, Reason.CHANGED),
    ({"source_version": "g2", "content_md5": "m"}, {"content_md5": "m"}, Reason.TOUCHED),
    ({"uri": "/elsewhere", "content_md5": "m"}, {"content_md5": "m"}, Reason.TOUCHED),
    ({"source_version": "g2", "content_md5": "m"}, {"content_md5": "n"}, Reason.CHANGED),
    ({"source_version": "g2", "content_md5": "m"}, {"content_md5": "m", "model_hash": "old"}, Reason.MODEL),
    ({"source_version": "g2", "content_md5": "m"}, {"content_md5": "m", **FAILED}, None),
    ({}, {"front_end_hash": "old", "model_hash": "old"}, Reason.FRONT_END),
    ({}, {"model_hash": "old", "settings_hash": "old"}, Reason.MODEL),
    ({}, {"settings_hash": "old", "decision_hash": "old"}, Reason.SETTINGS),
    ({}, {"decision_hash": "old", "columns_hash": "old"}, Reason.DECISIONS),
    ({}, {"columns_hash": "old"}, Reason.COLUMNS),
    ({"source_version": "10 21"}, {"model_hash": "old"}, Reason.CHANGED),
    ({}, FAILED, None),
    ({}, {**FAILED, "decision_hash": "old"}, None),
    ({}, {**FAILED, "model_hash": "old"}, Reason.MODEL),
    ({"source_version": "10 21"}, FAILED, Reason.CHANGED),
    ({}, dict.fromkeys(("front_end_hash", "model_hash", "settings_hash")), Reason.FRONT_END),
]


@pytest.mark.parametrize(("now", "then", "reason"), CASES)
def test_the_first_reason_that_applies_is_given(
    now: Mapping[str, Any], then: Mapping[str, Any], reason: Reason | None
) -> None:
    assert reason_of(listed(**now), earlier(**then), POLICY) is reason


def test_a_track_without_earlier_rows_is_new() -> None:
    assert reason_of(listed(), None, POLICY) is Reason.NEW


@pytest.mark.parametrize("kind", list(FailureKind))
def test_what_failed_is_tried_again_where_that_can_help_or_where_it_is_asked_for(kind: FailureKind) -> None:
    before = earlier(**{**FAILED, "failure": kind.value})
    again = Reason.FAILED_BEFORE if kind in RETRYABLE else None
    assert reason_of(listed(), before, POLICY) is again
    assert reason_of(listed(), before, replace(POLICY, only_failed=True)) is Reason.FAILED_BEFORE


@pytest.mark.parametrize(
    ("policy", "then", "reason"),
    [
        (replace(POLICY, force=True), {}, Reason.FORCED),
        (replace(POLICY, force=True, begun="1"), {}, None),
        (replace(POLICY, force=True, begun="2"), {}, Reason.FORCED),
        (replace(POLICY, begun="1"), {"model_hash": "old"}, None),
        (replace(POLICY, begun="1"), {**FAILED, "failure": "storage"}, None),
    ],
)
def test_a_command_takes_a_track_up_once_in_all_its_runs(
    policy: Policy, then: Mapping[str, Any], reason: Reason | None
) -> None:
    assert reason_of(listed(), earlier(**then), policy) is reason


def test_a_track_to_do_says_where_what_is_known_of_it_lies() -> None:
    found = compare(listed(), earlier(decision_hash="old"), POLICY)
    assert isinstance(found, Remembered)
    assert found.track.reason is Reason.DECISIONS
    assert found.track.columns == {"title": "Blue"}
    assert (found.run_id, found.stands) == ("1", True)
    assert found.place == Place("/run/tracks.parquet", 2, 3)


@pytest.mark.parametrize(
    ("then", "stands"),
    [
        ({}, True),
        ({"decision_hash": "old"}, True),
        ({"columns_hash": "old"}, True),
        ({"status": "duplicate"}, True),
        ({"front_end_hash": "old"}, False),
        ({"model_hash": "old"}, False),
        ({"settings_hash": "old"}, False),
        # Version 1 of the table had none of these columns.
        (dict.fromkeys(("front_end_hash", "model_hash", "decision_hash", "source_version", "reason")), False),
    ],
)
def test_results_of_a_changed_file_stand_where_they_were_made_alike(
    then: Mapping[str, Any], stands: bool
) -> None:
    found = compare(listed(source_version="10 21"), earlier(**then), POLICY)
    assert isinstance(found, Remembered)
    assert (found.track.reason, found.stands) == (Reason.CHANGED, stands)


@pytest.mark.parametrize(
    ("then", "force"), [(None, False), (FAILED, False), ({"status": "gone"}, False), ({}, True)]
)
def test_nothing_is_known_of_what_has_no_results_or_is_forced(
    then: Mapping[str, Any] | None, force: bool
) -> None:
    before = None if then is None else earlier(**then)
    found = compare(listed(source_version="10 21"), before, replace(POLICY, force=force))
    assert isinstance(found, Track)
    assert found.known is None


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (None, Left(Reason.NEW)),
        ({"model_hash": "old"}, Left(Reason.MODEL)),
        ({"status": "gone"}, Left(Reason.NEW)),
        ({}, None),
        (FAILED, Reason.FAILED_BEFORE),
        ({**FAILED, "model_hash": "old"}, Reason.FAILED_BEFORE),
    ],
)
def test_only_failed_leaves_the_rest(then: Mapping[str, Any] | None, expected: Left | Reason | None) -> None:
    before = None if then is None else earlier(**then)
    found = compare(listed(), before, replace(POLICY, only_failed=True))
    assert (found.reason if isinstance(found, Track) else found) == expected


def test_what_failed_in_a_file_that_is_another_now_is_taken_up_as_changed_by_only_failed() -> None:
    found = compare(listed(source_version="10 21"), earlier(**FAILED), replace(POLICY, only_failed=True))
    assert isinstance(found, Track)
    assert found.reason is Reason.CHANGED


OUTCOMES = [
    Outcome(Track("cover.jpg", "/music/cover.jpg"), Status.SKIPPED),
    Outcome(
        Track("#3", ""),
        Status.FAILED,
        error=DataError(FailureKind.BAD_MANIFEST_ROW, Stage.INPUT, "row 3: empty"),
    ),
]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_the_listing_settles_is_written_once(outcome: Outcome) -> None:
    [row] = to_batch([outcome], listed_schema(())).to_pylist()
    found = compare(row, None, POLICY)
    assert isinstance(found, Outcome)
    assert (found.track.track_id, found.status) == (outcome.track.track_id, outcome.status)
    assert str(found.error) == str(outcome.error)
    assert outcome_of(row).track.source_version == row["source_version"]
    before = earlier(outcome.track.track_id, status=row["status"], failure=row["failure"], columns_hash="")
    before["source_version"] = row["source_version"]
    assert compare(row, before, POLICY) is None
    assert isinstance(compare(row, before, replace(POLICY, force=True)), Outcome)
    assert compare(row, before, replace(POLICY, force=True, begun="1")) is None
    assert isinstance(compare(row, {**before, "status": "gone"}, POLICY), Outcome)
    if outcome.error:
        assert isinstance(compare(row, {**before, "source_version": "listed other"}, POLICY), Outcome)


def test_listed_rows_are_the_tracks_that_they_came_from() -> None:
    tracks = [
        Track("a\nb", "/\u266b'\"", {"title": None}, 3, "md5", "v"),
        Track("x" * 1000, "gs://b/x", {"title": "T"}, 4),
    ]
    batch = to_batch(tracks, listed_schema(COLUMNS))
    assert [track_of(row) for row in batch.to_pylist()] == tracks


# What of it is taken in this run.


@pytest.mark.parametrize("then", [None, {"model_hash": "old"}])
def test_below_the_threshold_is_taken_and_what_is_above_it_waits(then: Mapping[str, Any] | None) -> None:
    before, place = None if then is None else earlier(**then), place_of("a")
    assert isinstance(compare(listed(), before, POLICY, threshold=place + 1), Track | Remembered)
    reason = Reason.NEW if then is None else Reason.MODEL
    assert compare(listed(), before, POLICY, threshold=place) == Left(reason, waits=True)
    # What no limit will ever let in does not wait for one.
    out = replace(POLICY, sample=place / PLACES / 2)
    assert compare(listed(), before, out, threshold=place) == Left(reason)


def _sampled(rate: float) -> Iterator[str]:
    for index in range(400):
        one = compare(listed(f"t{index}"), None, replace(POLICY, sample=rate))
        if isinstance(one, Track):
            yield one.track_id
        else:
            assert one == Left(Reason.NEW)


def test_a_larger_sample_has_all_of_a_smaller_one() -> None:
    small, large = set(_sampled(0.1)), set(_sampled(0.5))
    assert small < large
    assert len(large) == pytest.approx(200, abs=40)
    assert not set(_sampled(0.0))
    assert len(set(_sampled(1.0))) == 400


def test_places_of_ids_are_spread_and_fixed() -> None:
    places = np.array([place_of(f"track {index}") for index in range(2000)], np.float64) / 2.0**64
    assert np.histogram(places, 4, (0, 1))[0].min() > 400
    assert place_of("track 0") == 1478541871419641272
