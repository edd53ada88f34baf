"""A shard as whole columns says what a look at each of its rows says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from schemas.work import Reason
from tests.incremental.rows import (
    COLUMNS,
    FAILED,
    POLICY,
    earlier,
    earlier_table,
    ids_of,
    listed,
    listed_table,
)
from transforms.incremental.compare import Compared, Remembered, compare
from transforms.incremental.listed import listed_schema, to_batch
from transforms.incremental.policy import Gone, Policy
from transforms.incremental.shard import Shard
from transforms.incremental.shards import PLACES

Row = Mapping[str, Any]


def compared(then: Iterable[Row], now: Iterable[Row], policy: Policy = POLICY) -> list[Compared]:
    """What a shard says of each listed row."""
    return list(Shard(earlier_table(then), policy).compare(listed_table(now)))


# The last row of each track counts.


@pytest.mark.parametrize(
    ("rows", "run_id"),
    [
        ([earlier(run_id="1"), earlier(run_id="2")], "2"),
        ([earlier(run_id="2"), earlier(run_id="1")], "2"),
        ([earlier(run_id="2"), earlier(run_id="2", **FAILED)], "2"),
        ([earlier(run_id="2", **FAILED), earlier(run_id="2")], "2"),
        ([earlier(run_id="1", **FAILED), earlier(run_id="2")], "2"),
    ],
)
def test_the_last_row_of_a_track_counts_and_of_one_run_the_one_that_did_not_fail(
    rows: list[Row], run_id: str
) -> None:
    # Beside a track of one row, so that rows of several have to be told apart.
    [found, other] = compared([earlier("b"), *rows], [listed("a", source_version="10 21"), listed("b")])
    found, other = (found, other) if found else (other, found)
    assert isinstance(found, Remembered)
    assert found.run_id == run_id
    assert other is None


def test_a_track_that_has_failed_since_has_no_results() -> None:
    found = compared([earlier(run_id="1"), earlier(run_id="2", **FAILED)], [listed(source_version="10 21")])
    assert ids_of(found) == {"a": Reason.CHANGED}
    assert isinstance(found[0], Track)


def test_rows_about_repeated_ids_are_no_rows_of_the_track() -> None:
    repeated = earlier(run_id="2", reason="repeated_id", uri="/again", **FAILED)
    assert compared([earlier(run_id="1"), repeated], [listed()]) == [None]
    assert ids_of(compared([repeated], [listed()])) == {"a": Reason.NEW}


# Of one id in several rows, one counts.


def bad_row(track_id: str, number: int) -> dict[str, Any]:
    """A row of a manifest that cannot be read, but for its id."""
    error = DataError(FailureKind.BAD_MANIFEST_ROW, Stage.INPUT, f"row {number}: empty")
    outcome = Outcome(Track(track_id, "", row=number), Status.FAILED, error=error)
    [row] = to_batch([outcome], listed_schema(COLUMNS)).to_pylist()
    return dict(row)


def test_an_id_that_stands_in_three_rows_fails_in_all_but_the_first() -> None:
    rows = [listed("x", row=number, uri=f"/{number}") for number in (12, 3, 7)]
    found = compared([], [*rows, listed("y", row=1)])
    assert ids_of(found) == {"x": Reason.NEW, "y": Reason.NEW}
    failed = {one.track.row: one for one in found if isinstance(one, Outcome)}
    assert {number: str(one.error) for number, one in failed.items()} == {
        7: "track_id 'x' of row 7 stands in row 3 already",
        12: "track_id 'x' of row 12 stands in row 3 already",
    }
    for one in failed.values():
        assert (one.status, one.track.reason) == (Status.FAILED, Reason.REPEATED_ID)
        assert one.error is not None
        assert (one.error.kind, one.error.stage) == (FailureKind.DUPLICATE_ID, Stage.INPUT)


def test_a_second_run_says_nothing_of_ids_that_are_repeated_as_before() -> None:
    now = [listed("x", row=1), listed("x", row=2, uri="/again"), listed("x", row=3, uri="/again")]
    then = [earlier("x"), *[earlier("x", reason="repeated_id", uri="/again", **FAILED)] * 2]
    assert compared(then, now) == [None] * 3
    assert len([one for one in compared(then[:1], now) if one]) == 2
    # Rows that have changed places.
    moved = [{**now[0], "row": 3}, {**now[1], "row": 1}]
    assert ids_of(compared(then, moved)) == {"x": Reason.CHANGED}


def test_a_row_that_cannot_be_read_says_nothing_of_the_track_whose_id_it_has() -> None:
    now = [bad_row("x", 1), listed("x", row=2), bad_row("x", 3)]
    found = compared([], now)
    assert ids_of(found) == {"x": Reason.NEW}
    outcomes = [one for one in found if isinstance(one, Outcome)]
    assert [one.track.reason for one in outcomes] == [Reason.REPEATED_ID] * 2
    assert {one.error.kind for one in outcomes if one.error} == {FailureKind.DUPLICATE_ID}
    assert {str(one.error) for one in outcomes} == {
        f"row {number}: empty; track_id 'x' of row {number} stands in row 2 already" for number in (1, 3)
    }
    then = [earlier("x"), earlier("x", reason="repeated_id", uri="", **FAILED)]
    assert compared(then, now) == [None] * 3


def test_of_rows_that_cannot_be_read_one_stands_for_their_id() -> None:
    now = [bad_row("x", 2), bad_row("x", 1)]
    reasons = [one.track.reason for one in compared([], now) if isinstance(one, Outcome)]
    assert sorted(reasons) == [Reason.NEW, Reason.REPEATED_ID]
    first = earlier("x", status="failed", failure="bad_manifest_row", columns_hash="", uri="")
    first["source_version"] = now[1]["source_version"]
    assert compared([first, {**first, "reason": "repeated_id"}], now) == [None, None]


# Tracks that are gone.


@pytest.mark.parametrize(("gone", "expected"), [(Gone.INPUT, ["b"]), (Gone.ALL, ["b", "c"]), (Gone.KEEP, [])])
def test_tracks_that_are_not_listed_are_gone_as_far_as_the_input_tells(
    gone: Gone, expected: list[str]
) -> None:
    rows = [earlier("a"), earlier("b"), earlier("c", input="/other"), earlier("d", status="gone")]
    rows.append(earlier("e", reason="repeated_id", **FAILED))
    found = Shard(earlier_table(rows), replace(POLICY, gone=gone))
    outcomes = list(found.gone(listed_table([listed("a")])))
    assert sorted(outcome.track.track_id for outcome in outcomes) == expected
    assert {(outcome.status, outcome.track.reason) for outcome in outcomes} <= {(Status.GONE, Reason.GONE)}
    assert found.may_go() == {Gone.INPUT: 3, Gone.ALL: 4, Gone.KEEP: 0}[gone]


def test_all_of_an_empty_input_is_gone() -> None:
    found = Shard(earlier_table([earlier("a"), earlier("b", **FAILED)]), POLICY)
    assert len(list(found.gone(listed_schema(()).empty_table()))) == 2


# Columns and rows say the same.


def random_row(generator: random.Random, track_id: str) -> dict[str, Any]:
    """An earlier row of a track in which a few things are not as they are now."""
    row = earlier(track_id, run_id=generator.choice("1234"))
    others: dict[str, list[str | None]] = {
        "status": ["duplicate", "extracted", "gone", "skipped", "failed"],
        "failure": ["corrupt", "storage"],
        "uri": ["/elsewhere"],
        "source_version": ["10 21", None],
        "content_md5": ["m"],
        "columns_hash": ["old"],
        **{f"{name}_hash": ["old", None] for name in ("front_end", "model", "settings", "decision")},
    }
    for name, values in others.items():
        if generator.random() < 0.08:
            row[name] = generator.choice(values)
    return row


@pytest.mark.parametrize("seed", range(8))
def test_columns_and_rows_say_the_same(seed: int) -> None:
    generator = random.Random(seed)
    then = [random_row(generator, f"t{generator.randrange(300)}") for _ in range(500)]
    now = [listed(f"t{index}", content_md5=generator.choice([None, "m"])) for index in range(300)]
    last: dict[str, Row] = {}
    for row in sorted(then, key=lambda row: (-int(row["run_id"]), row["status"] == "failed", row["uri"])):
        last.setdefault(row["track_id"], row)
    threshold = generator.choice([PLACES, PLACES // 3])
    for policy in (
        POLICY,
        replace(POLICY, force=True),
        replace(POLICY, begun="3"),
        replace(POLICY, force=True, begun="3"),
        replace(POLICY, only_failed=True),
    ):
        found = Shard(earlier_table(then), policy).compare(listed_table(now), threshold=threshold)
        expected = [
            compare(row, last.get(row["track_id"]), policy, threshold=threshold)
            for row in listed_table(now).to_pylist()
        ]
        assert Counter(map(repr, found)) == Counter(map(repr, expected))
