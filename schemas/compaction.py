"""The record of a compaction, one current table per kind: written last, its presence is the commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from schemas.mood_tags import MOOD_TAGS
from schemas.table import Table
from schemas.tracks import TRACKS

COMPACTION_FORMAT = 1
CURRENT_FILE = "current.json"
CURRENT_FOLDER_PREFIX = "current_id="
# Records of the runs that are in a compaction, one a line: they outlive the runs' own folders.
RUNS_FILE = "runs.jsonl"

# Rows of `tracks` that are about a track, not work on one: tombstones and repeated ids. Later runs compare
# with them; readers of the current tables have no use for them.
MARKS = Table("marks", TRACKS.version, TRACKS.columns, TRACKS.row_group_rows)
# Sorted by tag, then by falling score: a search for one tag reads the row groups of that tag.
MOOD_TAGS_BY_TAG = replace(MOOD_TAGS, name="mood_tags_by_tag")


@dataclass(frozen=True, slots=True)
class CompactedFiles:
    """Files of one table in a compaction, relative to its folder, with their rows and bytes together."""

    files: tuple[str, ...]
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CompactionRecord:
    """What a compaction has: the ids of the runs that are in it, oldest first, and its tables.

    `sort` is what search is sorted by: "tag" (there is a table mood_tags_by_tag) or "track".
    """

    current_id: str
    started: str
    finished: str
    sort: str
    runs: tuple[str, ...]
    tables: Mapping[str, CompactedFiles]
    version: str

    @property
    def bytes(self) -> int:
        """Of all tables."""
        return sum(table.bytes for table in self.tables.values())

    def to_json(self) -> str:
        """The file's text."""
        values = {"format": COMPACTION_FORMAT, **asdict(self), "bytes": self.bytes}
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"
