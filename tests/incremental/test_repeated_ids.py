"""A repeated id is reported once, and again once its track was gone: readers of the tables forget it then."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import FailureKind
from schemas.work import WorkKey
from transforms.incremental.compare import Shard
from transforms.incremental.policy import Policy

POLICY = Policy("/music", WorkKey("f", "m", "s", "d"))
LISTED = {
    "track_id": "a",
    "uri": "/twice",
    "row": 2,
    "content_md5": None,
    "source_version": None,
}


def row(run_id: str, reason: str, status: str = "tagged", uri: str = "/a") -> dict[str, Any]:
    return {"track_id": "a", "uri": uri, "run_id": run_id, "reason": reason, "status": status}


REPEATED = row("1", "repeated_id", "failed", "/twice")
GONE = row("2", "gone", "gone")
AGAIN = row("3", "repeated_id", "failed", "/twice")


@pytest.mark.parametrize(
    ("earlier", "reported"),
    [
        ([], True),
        ([row("1", "new"), REPEATED], False),
        ([REPEATED, GONE], True),
        ([GONE, REPEATED], True),
        ([REPEATED, GONE, AGAIN], False),
        ([AGAIN, GONE, REPEATED], False),
        ([row("1", "repeated_id", "failed", "/thrice")], True),
    ],
)
def test_a_repeated_id_is_reported_unless_it_was_since_its_track_is_there(
    earlier: list[dict[str, Any]], reported: bool
) -> None:
    found = Shard([earlier], POLICY).repeated(LISTED, 1)
    assert (found is not None) == reported
    if found and found.error:
        assert found.error.kind is FailureKind.DUPLICATE_ID
