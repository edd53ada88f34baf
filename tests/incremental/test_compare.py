"""What is to do about a track, given what is listed and what earlier runs have of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import RETRYABLE, DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import TRACKS, Status
from schemas.work import Reason, WorkKey
from transforms.incremental.compare import Compared, Left, Shard, reason_of
from transforms.incremental.listed import columns_hash, listed_schema, outcome_of, to_batch, track_of
from transforms.incremental.policy import Gone, Policy
from transforms.incremental.shards import joined, place_of, split
from transforms.incremental.stage import _Nth, _places, compare_rows

WORK = WorkKey("front", "model", "settings", "decision")
POLICY = Policy("/music", WORK)
COLUMNS = [pa.field("title", pa.string())]


def listed(track_id: str = "a", **changes: Any) -> dict[str, Any]:
    """A listed row."""
    track = Track(track_id, f"/music/{track_id}", {"title": "Blue"}, 1, source_version="10 20")
    [row] = to_batch([track], listed_schema(COLUMNS)).to_pylist()
    return {**row, **changes}


def earlier(track_id: str = "a", **changes: Any) -> dict[str, Any]:
    """The row of `tracks` that a run has left of the same track."""
    row = dict.fromkeys(TRACKS.schema.names)
    row |= {
        "track_id": track_id,
        "uri": f"/music/{track_id}",
        "status": "tagged",
        "reason": "new",
        "run_id": "1",
    }
    row |= {
        "source_version": "10 20",
        "input": "/music",
        "file_sha256": "f",
        "audio_sha256": "s",
        "bytes": 10,
    }
    row |= {f"{name}_hash": getattr(WORK, name) for name in ("front_end", "model", "settings", "decision")}
    return {**row, "columns_hash": columns_hash({"title": "Blue"}), **changes}


FAILED: dict[str, Any] = {"status": "failed", "failure": "corrupt", "audio_sha256": None}
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


def shard(*rows: Mapping[str, Any], policy: Policy = POLICY) -> Shard:
    return Shard([[dict(row) for row in rows]], policy)


def test_the_last_row_of_a_track_counts_and_of_one_run_the_one_that_did_not_fail() -> None:
    rows = [earlier(run_id="2", model_hash="old"), earlier(run_id="1"), earlier(run_id="2", **FAILED)]
    found = shard(*rows).compare(listed())
    assert isinstance(found, Track)
    assert found.reason is Reason.MODEL
    assert found.known is not None
    assert (found.known.run_id, found.known.stands) == ("2", False)


def test_a_track_to_do_carries_what_is_known_of_its_results() -> None:
    found = shard(earlier(decision_hash="old")).compare(listed())
    assert isinstance(found, Track)
    assert found.known is not None
    assert found.known.stands
    assert (found.known.facts.file_sha256, found.known.facts.audio_sha256) == ("f", "s")
    assert found.columns == {"title": "Blue"}
    forced = shard(earlier(), policy=replace(POLICY, force=True)).compare(listed())
    assert isinstance(forced, Track)
    assert forced.known is None
    failed = shard(earlier(**FAILED)).compare(listed(source_version="other"))
    assert isinstance(failed, Track)
    assert failed.known is None


def test_only_failed_leaves_the_rest() -> None:
    only = shard(earlier("b", **FAILED), earlier("c"), policy=replace(POLICY, only_failed=True))
    assert only.compare(listed("a")) == Left(Reason.NEW)
    assert isinstance(only.compare(listed("b")), Track)
    assert only.compare(listed("c")) is None


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
    found = shard().compare(row)
    assert isinstance(found, Outcome)
    assert (found.track.track_id, found.status) == (outcome.track.track_id, outcome.status)
    assert str(found.error) == str(outcome.error)
    assert outcome_of(row).track.source_version == row["source_version"]
    before = earlier(outcome.track.track_id, status=row["status"], failure=row["failure"], columns_hash="")
    before["source_version"] = row["source_version"]
    assert shard(before).compare(row) is None
    assert isinstance(shard(before, policy=replace(POLICY, force=True)).compare(row), Outcome)
    assert shard(before, policy=replace(POLICY, force=True, begun="1")).compare(row) is None
    if outcome.error:
        assert isinstance(shard({**before, "source_version": "listed other"}).compare(row), Outcome)


@pytest.mark.parametrize(("gone", "expected"), [(Gone.INPUT, ["b"]), (Gone.ALL, ["b", "c"]), (Gone.KEEP, [])])
def test_tracks_that_are_not_listed_are_gone_as_far_as_the_input_tells(
    gone: Gone, expected: list[str]
) -> None:
    rows = [earlier("a"), earlier("b"), earlier("c", input="/other"), earlier("d", status="gone")]
    found = shard(*rows, policy=replace(POLICY, gone=gone))
    outcomes = list(found.gone({"a"}))
    assert sorted(outcome.track.track_id for outcome in outcomes) == expected
    assert {outcome.status for outcome in outcomes} <= {Status.GONE}
    assert found.may_go() == {Gone.INPUT: 2, Gone.ALL: 3, Gone.KEEP: 0}[gone]


def test_listed_rows_are_the_tracks_that_they_came_from() -> None:
    tracks = [
        Track("a\nb", "/\u266b'\"", {"title": None}, 3, "md5", "v"),
        Track("x" * 1000, "gs://b/x", {"title": "T"}, 4),
    ]
    batch = to_batch(tracks, listed_schema(COLUMNS))
    assert [track_of(row) for row in batch.to_pylist()] == tracks


# Shards: any number of them, and any cut into parts, compares alike.


def parts(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, shards: int, size: int
) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for begin in range(0, len(rows), size):
        batch = pa.RecordBatch.from_pylist([dict(row) for row in rows[begin : begin + size]], schema=schema)
        for number, part in split(batch, batch.column("track_id").to_pylist(), shards):
            found.setdefault(number, []).append(part)
    return found


def all_compared(shards: int, size: int, *, threshold: int = 1 << 64) -> list[tuple[str, str]]:
    """Compared tracks of a catalogue in which every third is new, every third changed, some ids repeat."""
    then = [earlier(f"t{index}") for index in range(300) if index % 3]
    now = [
        listed(f"t{index}", row=index, source_version=f"10 {20 + (index % 3 == 1)}") for index in range(300)
    ]
    now += [listed("t5", row=900, uri="/again"), listed("t6", row=901, uri="/again")]
    schema = pa.schema([pa.field(field.name, field.type) for field in TRACKS.columns])
    known, new = parts(then, schema, shards, size), parts(now, listed_schema(COLUMNS), shards, size)
    return sorted(
        (_id(one), _what(one))
        for number in set(known) | set(new)
        for one in compare_rows(
            Shard(joined(known.get(number, [])), POLICY), new.get(number, []), threshold=threshold
        )
        if one is not None
    )


def _id(one: Compared) -> str:
    if isinstance(one, Left):
        return ""
    assert one is not None
    return one.track_id if isinstance(one, Track) else one.track.track_id


def _what(one: Compared) -> str:
    if isinstance(one, Left):
        return "left"
    return str(one.reason) if isinstance(one, Track) else "repeated"


def test_any_number_of_shards_and_parts_gives_the_same() -> None:
    expected = all_compared(1, 1000)
    assert len(expected) == 200 + 2
    assert ("t5", "repeated") in expected
    assert ("t6", "repeated") in expected
    assert ("t6", "new") in expected
    for shards, size in ((2, 7), (64, 50), (200, 1)):
        assert all_compared(shards, size) == expected


def test_a_limit_takes_so_many_and_the_same_however_the_work_is_spread() -> None:
    taken = set()
    for shards in (1, 8):
        combine, schema = _Nth(25), listed_schema(COLUMNS)
        new = parts([listed(f"t{index}", row=index) for index in range(300)], schema, shards, 40)
        places = [_places((number, {"earlier": [], "listed": some}), POLICY) for number, some in new.items()]
        halves = [combine.create_accumulator(), combine.create_accumulator()]
        for index, some in enumerate(places):
            halves[index % 2] = combine.add_input(halves[index % 2], some)
        threshold = combine.extract_output(combine.merge_accumulators(halves))
        found = [
            one for some in new.values() for one in compare_rows(Shard([], POLICY), some, threshold=threshold)
        ]
        tracks = [one.track_id for one in found if isinstance(one, Track)]
        assert len(tracks) == 25
        assert found.count(Left(Reason.NEW, waits=True)) == 275
        taken.add(tuple(sorted(tracks)))
    assert len(taken) == 1


def test_a_limit_beyond_what_there_is_takes_all() -> None:
    combine = _Nth(25)
    some = combine.add_input(combine.create_accumulator(), np.arange(25, dtype=np.uint64))
    assert combine.extract_output(some) == 1 << 64


def _sampled(rate: float) -> Iterator[str]:
    found = shard(policy=replace(POLICY, sample=rate))
    for index in range(400):
        one = found.compare(listed(f"t{index}"))
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
