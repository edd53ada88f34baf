"""A repeated id is reported once, and again once its track was gone: readers of the tables forget it then.

What is no longer so is withdrawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.errors import FailureKind
from schemas.track import Outcome
from schemas.tracks import Status
from schemas.work import Reason
from tests.incremental.rows import FAILED, POLICY, earlier, earlier_table, listed, listed_table
from transforms.incremental.policy import Gone
from transforms.incremental.shard import Shard

LISTED = [listed(), listed(uri="/twice", row=2)]
REPEATED = earlier(run_id="1", reason="repeated_id", uri="/twice", **FAILED)
GONE = earlier(run_id="2", reason="gone", status="gone")
NO_LONGER = {**REPEATED, "run_id": "2", "status": "gone", "failure": None}
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
        ([REPEATED, NO_LONGER], True),
        ([REPEATED, NO_LONGER, AGAIN], False),
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


@pytest.mark.parametrize(
    ("rows", "changes", "now", "expected"),
    [
        ([REPEATED], {}, [listed()], ["/twice"]),
        ([REPEATED], {}, [listed(uri="/twice")], ["/twice"]),
        ([REPEATED], {}, [listed(), listed(uri="/thrice", row=2)], ["/twice"]),
        ([REPEATED, {**REPEATED, "uri": "/thrice"}], {}, LISTED, ["/thrice"]),
        ([REPEATED], {}, LISTED, []),
        ([REPEATED], {}, [listed("b")], []),  # its track has a tombstone
        ([REPEATED, NO_LONGER], {}, [listed()], []),
        ([REPEATED, GONE, TRACK], {}, [listed()], []),
        ([{**REPEATED, "input": "/other"}], {}, [listed()], []),
        ([{**REPEATED, "input": "/other"}], {"gone": Gone.ALL}, [listed()], ["/twice"]),
        ([REPEATED], {"gone": Gone.KEEP}, [listed()], []),
    ],
)
def test_what_is_no_longer_repeated_is_withdrawn(
    rows: list[dict[str, Any]], changes: dict[str, Any], now: list[dict[str, Any]], expected: list[str]
) -> None:
    shard = Shard(earlier_table([earlier(run_id="0"), *rows]), replace(POLICY, **changes))
    found = [one for one in shard.gone(listed_table(now)) if one.track.reason is Reason.REPEATED_ID]
    assert [one.track.uri for one in found] == expected
    assert {one.status for one in found} <= {Status.GONE}
