"""The record of a run: written last, its presence is the commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

RUN_FORMAT = 1
RUN_FILE = "run.json"
RUN_FOLDER_PREFIX = "run_id="


@dataclass(frozen=True, slots=True)
class TableFiles:
    """Files of one table in a run, relative to the run's folder, and their rows together."""

    files: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run read, wrote and took; `begun` is the first run of the command that it is of.

    `counts`: read, tagged (or extracted), failed, skipped, duplicate; unchanged since an earlier run, left
    for another one, and gone. `reasons` says why tracks were worked on, `left` why those left are to do, of
    which only the limit kept out those `waiting`; `cached` had their features in a cache. `bundle` or, for
    features, `front_end` says what computed the results, `work` by which hashes a later run tells whether
    they stand. `seconds` by stage are summed over all workers, `retries` of storage by what was
    tried again. `percentiles` are by distribution (schemas.metrics): number of values, p50, p90, p99, most.
    """

    run_id: str
    begun: str
    started: str
    finished: str
    input: str
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    left: Mapping[str, int]
    waiting: int
    cached: int
    failures: Mapping[str, int]
    tables: Mapping[str, TableFiles]
    tag_rates: Mapping[str, float]
    bundle: Mapping[str, Any] | None
    front_end: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    work: Mapping[str, str]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    retries: Mapping[str, int]
    audio_s: float
    percentiles: Mapping[str, Mapping[str, float]]

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps({"format": RUN_FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"


def unbalanced(
    counts: Mapping[str, int], rows: Mapping[str, int], *, rows_a_track: Mapping[str, int]
) -> list[str]:
    """Sentences on what does not add up in a run's account; empty if all of it does.

    read = tagged (or extracted) + failed + skipped + duplicate + unchanged + left, and every table has the
    rows that follow from them: `rows_a_track` of each table of results.
    """
    without = counts["failed"] + counts["skipped"]
    passed = counts["unchanged"] + counts["left"]
    with_result = sum(counts.values()) - counts["read"] - without - passed - counts["gone"]
    sums = {
        "inputs read": (counts["read"], with_result + without + passed),
        "rows of tracks": (rows["tracks"], with_result + without + counts["gone"]),
        **{f"rows of {table}": (rows[table], with_result * each) for table, each in rows_a_track.items()},
        "rows of failures": (rows["failures"], counts["failed"]),
    }
    return [f"{what}: {found}, accounted for: {due}" for what, (found, due) in sums.items() if found != due]
