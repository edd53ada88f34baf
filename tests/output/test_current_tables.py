"""Reading: after any history of runs and compactions, what is current is what a plain model says."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from pipelines.output.committed import read_committed
from pipelines.output.compacting.cleaning import needless, remove
from pipelines.output.compacting.compaction import Sort, Work, write_compaction
from pipelines.tables import MoodTables, open_tables
from schemas.identity import new_run_id
from tests.output.histories import TAGS, Past, State, random_history, state_of, write_run


def read_state(tables: MoodTables, result: str) -> State:
    tracks, failures, rows = (
        tables.connection.sql(f"SELECT {columns} FROM {name}").fetchall()  # noqa: S608 - names of ours
        for name, columns in (
            ("tracks", "track_id, run_id, uri, status, duplicate_of"),
            ("failures", "track_id, uri, kind, run_id"),
            (result, "track_id, run_id"),
        )
    )
    found = {track_id: tuple(further) for track_id, *further in tracks}
    assert len(found) == len(tracks)
    each = Counter(rows)
    assert set(each.values()) <= {len(TAGS) if result == "mood_tags" else 1}
    return State(found, frozenset(each), Counter(failures))


def compact(output: Path, scratch: Path, *, sort: Sort = Sort.TAG, keep: int | None = None) -> str:
    """What the command does, in this process; the id."""
    committed = read_committed(str(output))
    work = Work(committed, new_run_id(), sort, 1000, 256, lambda table, rows: None)
    scratch.mkdir()
    write_compaction(work, scratch=scratch)
    remove(str(output), needless(committed, work.current_id, keep=keep))
    return work.current_id


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 7])
def test_a_history_reads_as_the_model_says_however_it_was_compacted(tmp_path: Path, seed: int) -> None:
    random_ = random.Random(1000 + seed)
    features = seed % 8 == 7
    history = random_history(seed, features=features)
    committed: list[Past] = []
    # A run can be committed after one that began later.
    for step, past in enumerate(sorted(history, key=lambda past: past.run_id[:15] + str(random_.random()))):
        write_run(tmp_path, past)
        committed.append(past)
        if random_.random() < 0.4:
            compact(tmp_path, tmp_path / f"scratch{step}", keep=random_.choice([None, 0, 1]))
        tables = open_tables(str(tmp_path))
        assert read_state(tables, "features" if features else "mood_tags") == state_of(committed)
        assert [run["run_id"] for run in tables.runs] == sorted(past.run_id for past in committed)
        tables.connection.close()
