"""Kills the writing of a run at each of its calls to the file system, one after another.

Run as `python -m tests.faults.commit_killed OUT`: OUT/K gets what is left of a process that was killed right
before its call K, for K from 0 until one comes to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pyarrow as pa

from schemas.antonyms import ANTONYMS
from schemas.failures import FAILURES
from schemas.identity import RunIdentity, timestamp
from schemas.table import Table
from schemas.tracks import TRACKS, Status
from schemas.work import WorkKey
from transforms.writing.account import RunPlan
from transforms.writing.merge import merge, plan_merges
from transforms.writing.parts import PartWriter
from transforms.writing.stage import commit

# Long ago: what is left of it is surely dead.
RUN_ID = "20200101T000000.000Z-000000"
TRACK_IDS = ("a", "b", "c")
TABLES: dict[str, Table] = {table.name: table for table in (TRACKS, ANTONYMS, FAILURES)}
_CALLS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate")


def write_run(output: Path) -> None:
    """Parts, merged files of one row each, and the commit, as workers do it."""
    identity = RunIdentity(RUN_ID, "none", WorkKey("", "", "", ""), str(output))
    writer = PartWriter(identity.staging_uri, TABLES, rows_per_file=2)
    rows = [(table, _row(table, track_id)) for table in (TRACKS, ANTONYMS) for track_id in TRACK_IDS]
    parts = [part for table, row in rows for part in writer.write(table.name, [row])]
    parts.extend(writer.close())
    merges = [
        work
        for table in TABLES
        for work in plan_merges(table, [part for part in parts if part.table == table], rows_per_file=1)
    ]
    files = [
        merge(work, TABLES, staging_uri=identity.staging_uri, run_uri=identity.run_uri) for work in merges
    ]
    plan = RunPlan(
        identity=identity,
        input_uri="none",
        started=timestamp(),
        done=Status.TAGGED,
        rows_a_track={ANTONYMS.name: 1},
        tags=(),
        described={"settings": {}, "versions": {}},
    )
    commit(plan, files, {"count.read": len(TRACK_IDS), "count.tagged": len(TRACK_IDS)})


def _row(table: Table, track_id: str) -> dict[str, object]:
    """A row with nothing in it but what makes it this track's."""
    empty = {field.name: None if field.nullable else _nothing(field.type) for field in table.columns}
    return empty | {"track_id": track_id, "run_id": RUN_ID}


def _nothing(kind: pa.DataType) -> object:
    return [] if pa.types.is_list(kind) else "" if pa.types.is_string(kind) else 0


def main() -> None:
    """Kill one after another."""
    output, call = Path(sys.argv[1]), 0
    while _killed(output / str(call), call):
        call += 1


def _killed(output: Path, call: int) -> bool:
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    _die_before(output, call)
    write_run(output)
    os._exit(0)


def _die_before(output: Path, call: int) -> None:
    calls = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal calls
        path = str(arguments[0]) if event in _CALLS else "/"
        # What is removed with its folder is named inside it.
        if path.startswith(str(output)) or not path.startswith("/"):
            if calls == call:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1

    sys.addaudithook(count)


if __name__ == "__main__":
    main()
