"""The account of a report: runs of one command are told together, and what came before them is found."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.reporting.account import account_of, records_of_command, run_before

_NONE = {"extracted": 0, "failed": 0, "skipped": 0, "duplicate": 0, "left": 0, "gone": 0}


def record(run_id: str, begun: str, **counts: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "begun": begun,
        "started": f"2026-11-21T10:0{run_id[-1]}:00+00:00",
        "finished": f"2026-11-21T10:0{run_id[-1]}:30+00:00",
        "input": "/music",
        "counts": _NONE | counts,
        "reasons": {"new": counts["tagged"]},
        "left": {},
        "failures": {"corrupt": 1} if counts.get("failed") else {},
        "bundle": {"key": "small 1"},
        "seconds": {"decode": 1.5},
        "retries": {"read": 1},
        "audio_s": 60.0,
        "cached": 0,
        "versions": {},
    }


RECORDS = [
    record("r1", "r1", read=3, tagged=3, unchanged=0),
    record("r2", "r2", read=10, tagged=4, unchanged=3, failed=1, left=2),
    record("r3", "r2", read=10, tagged=2, unchanged=8),
    record("r4", "r4", read=10, tagged=0, unchanged=10),
]


def test_runs_of_one_command_are_summed_and_add_up() -> None:
    account = account_of(records_of_command(RECORDS, "r3"))
    assert account.run_ids == ("r2", "r3")
    assert account.counts["read"] == 10
    outcomes = {name: count for name, count in account.outcomes.items() if count}
    assert outcomes == {"tagged": 6, "failed": 1, "unchanged": 3}
    assert account.adds_up
    assert account.seconds == {"decode": 3.0}
    assert account.failures == {"corrupt": 1}
    assert (account.audio_s, account.wall_s) == (120.0, 90.0)


def test_of_a_command_still_under_way_the_runs_so_far_are_told() -> None:
    account = account_of(records_of_command(RECORDS, "r2"))
    assert account.run_ids == ("r2",)
    assert account.counts["left"] == 2
    assert account.adds_up


@pytest.mark.parametrize(("run_id", "before"), [("r1", None), ("r2", "r1"), ("r3", "r1"), ("r4", "r3")])
def test_the_run_before_is_the_last_of_an_earlier_command(run_id: str, before: str | None) -> None:
    assert run_before(RECORDS, run_id) == before


def test_an_account_that_does_not_add_up_says_so() -> None:
    assert not account_of([record("r1", "r1", read=5, tagged=4, unchanged=0)]).adds_up
