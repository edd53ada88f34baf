"""What is committed under an output: runs, and the newest compaction of them, as one set of files.

run_id=A/run.json      in the compaction  -.
run_id=B/run.json      in the compaction  -+-> current_id=X/current.json   newest compaction
run_id=C/run.json      further run        -'-> files of a table: those of X, then those of C
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.compaction import CURRENT_FILE, CURRENT_FOLDER_PREFIX, MARKS, MOOD_TAGS_BY_TAG, RUNS_FILE
from schemas.errors import DataError, FailureKind, Stage
from schemas.failures import FAILURES
from schemas.run import RUN_FILE, RUN_FOLDER_PREFIX
from schemas.tracks import TRACKS
from transforms.object_stores.known import list_objects
from transforms.storage import is_local, join, local_path, read_bytes

_RECORD_BYTES = 1 << 30
# A compaction can take the place of the one that was listed, before it is read.
_LOOKS = 10
# Tables of a compaction that are no further kind of rows.
_BESIDES = frozenset({MARKS.name, MOOD_TAGS_BY_TAG.name})

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Committed:
    """Records of the runs whose folders are there, oldest first, and of the newest compaction, if any."""

    output_uri: str
    runs: tuple[Record, ...]
    current: Record | None = None

    @property
    def compacted(self) -> frozenset[str]:
        """Ids of the runs in the compaction."""
        return frozenset(self.current["runs"]) if self.current else frozenset()

    @property
    def further(self) -> tuple[Record, ...]:
        """Records of the runs that are not in the compaction."""
        compacted = self.compacted
        return tuple(run for run in self.runs if run["run_id"] not in compacted)

    @property
    def run_ids(self) -> list[str]:
        """Ids of all runs, dropped ones with them, oldest first."""
        return sorted(self.compacted.union(run["run_id"] for run in self.runs))

    @property
    def names(self) -> tuple[str, ...]:
        """Tables that there are: of runs of the main job or of features."""
        sources = [self.current] if self.current else []
        found = dict.fromkeys(name for source in (*sources, *self.further) for name in source["tables"])
        return tuple(name for name in found if name not in _BESIDES)

    @property
    def results(self) -> tuple[str, ...]:
        """Tables that hold what comes of a track."""
        return tuple(name for name in self.names if name not in (TRACKS.name, FAILURES.name))

    def sources(self, table: str) -> Iterator[tuple[str, tuple[str, ...], Mapping[str, Any]]]:
        """Where rows of a table are: a folder, the runs whose rows are in it, its files and rows there."""
        if self.current and table in self.current["tables"]:
            uri = join(self.output_uri, CURRENT_FOLDER_PREFIX + self.current["current_id"])
            yield uri, tuple(self.current["runs"]), self.current["tables"][table]
        for run in self.further:
            if table in run["tables"]:
                uri = join(self.output_uri, RUN_FOLDER_PREFIX + run["run_id"])
                yield uri, (run["run_id"],), run["tables"][table]

    def files(self, table: str) -> list[str]:
        """Parquet files of a table: of the compaction, then of each further run, oldest first."""
        return [join(uri, name) for uri, _, entry in self.sources(table) for name in entry["files"]]

    def rows(self, table: str) -> int:
        """Rows in those files, current or not."""
        return sum(entry["rows"] for _, _, entry in self.sources(table))

    def as_of(self, run_id: str) -> Committed:
        """What was there when that run was the newest.

        Raises DataError(not_found) where runs up to it are only in a compaction with later ones.
        """
        runs = tuple(run for run in self.runs if run["run_id"] <= run_id)
        if self.current and max(self.current["runs"]) <= run_id:
            return Committed(self.output_uri, runs, self.current)
        here = {run["run_id"] for run in runs}
        dropped = sorted(one for one in self.compacted if one <= run_id and one not in here)
        if dropped:
            oldest = max(self.compacted)
            message = (
                f"the state as of run {run_id} is gone: `compact --keep` has dropped {len(dropped):,} of its "
                f"runs, such as {dropped[-1]}; the oldest state there is that of run {oldest}"
            )
            raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, f"{self.output_uri}: {message}")
        return Committed(self.output_uri, runs)


def read_committed(output_uri: str) -> Committed:
    """What is committed under `output_uri` now.

    Runs are listed before the compaction is: one that is dropped meanwhile is in a compaction that is seen.
    """
    runs = tuple(committed_runs(output_uri))
    for _ in range(_LOOKS):
        ids = committed_ids(output_uri, CURRENT_FOLDER_PREFIX, CURRENT_FILE)
        if not ids:
            return Committed(output_uri, runs)
        current = _read_json(join(output_uri, CURRENT_FOLDER_PREFIX + ids[-1], CURRENT_FILE))
        if current is not None:
            return Committed(output_uri, runs, current)
    message = f"{output_uri}: each compaction that was found there was gone when it was read"
    raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, message)


def committed_runs(output_uri: str) -> list[Record]:
    """Records of the committed runs whose folders are under `output_uri`, oldest first."""
    ids = committed_ids(output_uri, RUN_FOLDER_PREFIX, RUN_FILE)
    records = (read_record(join(output_uri, RUN_FOLDER_PREFIX + run_id)) for run_id in ids)
    return [record for record in records if record is not None]


def all_records(committed: Committed) -> list[Record]:
    """Records of all runs, oldest first, also of those whose folders `compact --keep` has dropped."""
    records = {run["run_id"]: run for run in committed.runs}
    if committed.current and not committed.compacted <= set(records):
        folder = CURRENT_FOLDER_PREFIX + committed.current["current_id"]
        text = read_bytes(join(committed.output_uri, folder, RUNS_FILE), max_bytes=_RECORD_BYTES)
        stored = [json.loads(line) for line in text.splitlines()]
        records = {run["run_id"]: run for run in stored} | records
    return [records[run_id] for run_id in sorted(records)]


def read_record(run_uri: str) -> Record | None:
    """Record of the run in that folder; None where it is not committed."""
    return _read_json(join(run_uri, RUN_FILE))


def committed_ids(output_uri: str, prefix: str, file: str) -> list[str]:
    """Ids of the folders under an output that begin with a prefix and have this file in them, sorted."""
    if is_local(output_uri):
        found = (path.parent.name for path in local_path(output_uri).glob(f"{prefix}*/{file}"))
        return sorted(name.removeprefix(prefix) for name in found)
    return [one for one, files in folders(output_uri, prefix).items() if file in files]


def folders(output_uri: str, prefix: str) -> dict[str, dict[str, int]]:
    """Bytes of all files in the folders under an output that begin with a prefix: by what comes after it, and
    by their names inside."""
    found: dict[str, dict[str, int]] = {}
    for name, size in _files(output_uri, prefix):
        folder, _, inner = name.partition("/")
        found.setdefault(folder.removeprefix(prefix), {})[inner] = size
    return dict(sorted(found.items()))


def _files(output_uri: str, prefix: str) -> Iterator[tuple[str, int]]:
    if not is_local(output_uri):
        for uri, state in list_objects(join(output_uri, prefix), stage=Stage.OUTPUT):
            yield uri.removeprefix(join(output_uri, "")), state.bytes
        return
    root = local_path(output_uri)
    for folder in root.glob(f"{prefix}*/"):
        yield f"{folder.name}/", 0  # an empty folder is one, too
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # somebody else cleans up
                if path.is_file():
                    yield path.relative_to(root).as_posix(), path.stat().st_size


def _read_json(uri: str) -> Record | None:
    try:
        record: Record = json.loads(read_bytes(uri, max_bytes=_RECORD_BYTES))
    except DataError as error:
        if error.kind is FailureKind.NOT_FOUND:
            return None
        raise DataError(error.kind, Stage.OUTPUT, f"{uri}: {error.message}") from error
    except ValueError as error:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{uri}: not JSON: {error}") from error
    return record
