"""Kills compactions, each at another change of the files, and looks at what readers make of what is left.

    python -m tests.output.kill_points FOLDER FIRST STEP     every STEP-th change, from the FIRST on

Each is a forked process that ends as a killed one does: before the change, with nothing after it.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from pipelines.cli import main
from pipelines.tables import open_tables
from tests.output.histories import Past, Row, run_id, write_run

_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
_KILLED = 9


def prepare(output: Path) -> int:
    """A compaction of two runs, and two runs since."""
    write_run(
        output, Past(run_id(1), (Row("a", audio="x"), Row("b", audio="y"), Row("c", "failed", kind="silent")))
    )
    write_run(output, Past(run_id(2), (Row("a", "gone", reason="gone"), Row("d", audio="y"))))
    assert main(["compact", str(output), "--memory-mb", "256"]) == 0
    write_run(output, Past(run_id(3), (Row("b", audio="z"), Row("d", "gone", reason="gone"))))
    write_run(output, Past(run_id(4), (Row("a", audio="z"),)))
    return 0


def rows_in(output: Path) -> dict[str, list[Any]]:
    """What readers find."""
    tables = open_tables(str(output))
    return {name: tables.connection.table(name).order("ALL").fetchall() for name in sorted(tables.names)}


def compact(output: Path) -> int:
    """The compaction that is killed: it drops runs, too."""
    return main(["compact", str(output), "--memory-mb", "256", "--keep", "1"])


def killed_at(change: int, output: Path) -> int:
    """Compact, but end at once before the change of that number (0 is the first); 0 if there are fewer."""
    seen = -1

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in _CHANGES or (event == "open" and "w" in str(arguments[1])):
            seen += str(output) in str(arguments[0])
            if seen == change:
                os._exit(_KILLED)

    sys.addaudithook(watch)
    return compact(output)


def look(output: Path, whole: Path) -> int:
    """Check what is left, and that the next compaction puts it right."""
    expected = rows_in(whole)
    assert rows_in(output) == expected, "readers find other rows"
    assert compact(output) == 0
    assert rows_in(output) == expected, "readers find other rows after the next compaction"
    assert len(list(output.glob("current_id=*"))) == 1
    assert [path.name for path in output.glob("run_id=*")] == [f"run_id={run_id(4)}"]
    return 0


def in_process(action: Any, *arguments: Any) -> int:
    """Exit status of an action in a process of its own: DuckDB's threads do not live through a fork."""
    child = os.fork()
    if not child:
        status = 1
        try:
            status = action(*arguments)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(folder: Path, first: int, step: int) -> None:
    """All of it; the number of killed compactions is printed last."""
    whole = folder / "whole"
    assert in_process(prepare, whole) == 0
    killed, change = 0, first
    while True:
        output = folder / f"killed-at-{change}"
        shutil.copytree(whole, output)
        status = in_process(killed_at, change, output)
        assert in_process(look, output, whole) == 0, f"change {change}"
        if status == 0:
            break
        assert status == _KILLED
        killed, change = killed + 1, change + step
    print(f"\n{killed}")


if __name__ == "__main__":
    run(Path(sys.argv[1]).absolute(), int(sys.argv[2]), int(sys.argv[3]))
