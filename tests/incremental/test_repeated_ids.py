"""A repeated id is reported once, and again once its track was gone: readers of the tables forget it then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import FailureKind
from schemas.track import Outcome
from tests.incremental.rows import FAILED, POLICY, earlier, earlier_table, listed, listed_table
from transforms.incremental.shard import Shard

LISTED = [listed(), listed(uri="/twice", row=2)]
REPEATED = earlier(run_id="1", reason="repeated_id", uri="/twice", **FAILED)
GONE = earlier(run_id="2", reason="gone", status="gone")
AGAIN = {**REPEATED, "run_id": "3"}
TRACK = earlier(run_id="4")


def reported(rows: list[dict[str, Any]], **changes: Any) -> bool:
    """Whether a run after these rows reports the second row of the track."""
    shard = Shard(earlier_table(rows), replace(POLICY, **changes))
    found = [one for one in shard.compare(listed_table(LISTED)) if isinstance(one, Outcome)]
    assert all(one.error and one.error.kind is FailureKind.DUPLICATE_ID for one in found)
    return bool(found)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], True),
        ([earlier(run_id="1"), REPEATED], False),
        ([REPEATED, GONE], True),
        ([GONE, REPEATED], True),
        ([REPEATED, GONE, AGAIN], False),
        ([AGAIN, GONE, REPEATED], False),
        ([REPEATED, GONE, TRACK], True),
        ([REPEATED, GONE, AGAIN, TRACK], False),
        ([{**REPEATED, "uri": "/thrice"}], True),
    ],
)
def test_a_repeated_id_is_reported_unless_it_was_since_its_track_is_there(
    rows: list[dict[str, Any]], expected: bool
) -> None:
    assert reported(rows) == expected


def test_a_forced_command_reports_it_once_in_all_its_runs() -> None:
    rows = [earlier(run_id="1"), REPEATED]
    assert reported(rows, force=True)
    assert not reported(rows, force=True, begun="1")
    assert reported(rows, force=True, begun="2")
