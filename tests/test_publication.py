"""A run becomes visible as a whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
import soundfile

from models.bundle import Bundle
from pipelines.cli import EXIT_ACCOUNT
from pipelines.running.local_runner import descendants
from pipelines.running.report import refuse
from pipelines.tables import open_tables
from schemas.errors import DataError
from schemas.run import unbalanced
from tests.jobs import plan_run, run
from transforms.writing import stage
from transforms.writing.merge import RunFile


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for index in range(3):
        samples = 0.2 * np.random.default_rng(index).standard_normal(16_000 * 4)
        soundfile.write(folder / f"noise{index}.wav", samples.astype(np.float32), 16_000)
    return folder


class _KilledError(Exception):
    """Stands for the end of the process, in tests that cannot afford it."""


def test_readers_see_nothing_of_a_run_that_dies_before_its_commit(
    tmp_path: Path, music: Path, small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> bool:
        raise _KilledError

    output = tmp_path / "moods"
    monkeypatch.setattr(stage, "run_record", die)
    with pytest.raises((_KilledError, RuntimeError), match=r"_KilledError|^$"):
        run(plan_run(music, output, small_bundle))
    assert list(output.glob("run_id=*/tracks/*.parquet")), "the run died later than its last file"
    with pytest.raises(DataError, match="no committed run"):
        open_tables(str(output))
    monkeypatch.undo()
    run(plan_run(music, output, small_bundle))
    assert len(open_tables(str(output)).read("tracks")) == 3
    # Plain DuckDB, as in the README: parts of the dead run are there, and none of its rows is seen.
    parts, runs = (f"{output}/run_id=*/{name}" for name in ("tracks/*.parquet", "run.json"))
    sql = "SELECT track_id FROM read_parquet(?) WHERE run_id IN (SELECT run_id FROM read_json(?))"
    assert len(duckdb.execute(sql, [parts, runs]).fetchall()) == 3


def test_an_account_that_does_not_add_up_publishes_nothing_and_is_status_three(
    tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    planned = plan_run(tmp_path, tmp_path / "moods", small_bundle)
    files = [
        RunFile(table, f"{table}/part", 1) for table in ("tracks", "mood_tags", "emotion_curves", "failures")
    ]
    sums = {"count.read": 2.0, "count.tagged": 1.0}
    assert stage.commit(planned.plan, files, sums) is False
    identity = planned.plan.identity
    assert not Path(identity.run_uri).exists()
    reasons = json.loads((Path(identity.staging_uri) / stage.ACCOUNT_FILE).read_text())
    assert "inputs read: 2, accounted for: 1" in reasons
    assert refuse(identity, command="tag") == EXIT_ACCOUNT == 3
    assert "inputs read: 2, accounted for: 1" in capsys.readouterr().err


MOODS = {"mood_tags": 56, "emotion_curves": 1}


def test_the_account_says_each_thing_that_does_not_add_up() -> None:
    done = {"tagged": 2, "failed": 1, "skipped": 1, "duplicate": 1}
    counts = {"read": 12, **done, "unchanged": 4, "left": 3, "gone": 2}
    rows = {"tracks": 7, "mood_tags": 3 * 56, "emotion_curves": 3, "failures": 1}
    assert unbalanced(counts, rows, rows_a_track=MOODS) == []
    assert len(unbalanced(counts, {**rows, "failures": 0}, rows_a_track=MOODS)) == 1
    assert unbalanced({**counts, "read": 13}, rows, rows_a_track=MOODS) == [
        "inputs read: 13, accounted for: 12"
    ]
    for passed in ("unchanged", "left"):
        assert len(unbalanced({**counts, passed: 0}, rows, rows_a_track=MOODS)) == 1
    # A tombstone is a row of tracks and nothing else; a track with a result has rows everywhere.
    assert unbalanced({**counts, "gone": 1}, rows, rows_a_track=MOODS) == [
        "rows of tracks: 7, accounted for: 6"
    ]
    assert len(unbalanced({**counts, "tagged": 1}, rows, rows_a_track=MOODS)) == 4


def test_a_newer_run_of_a_track_takes_the_place_of_the_older(
    tmp_path: Path, music: Path, small_bundle: Bundle
) -> None:
    output = tmp_path / "moods"
    run(plan_run(music, output, small_bundle))
    (music / "noise0.wav").write_bytes(b"no longer audio")
    run(plan_run(music, output, small_bundle))
    tables = open_tables(str(output))
    tracks = tables.read("tracks")
    assert sorted(tracks["status"]) == ["failed", "tagged", "tagged"]
    assert tables.read("mood_tags")["track_id"].nunique() == 2
    assert len(tables.read("failures")) == 1
    assert len(tables.runs) == 2


@pytest.fixture(scope="module")
def long_tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tracks of ten minutes: a run of them takes longer than it takes to interrupt it."""
    folder = tmp_path_factory.mktemp("long")
    samples = (0.2 * np.random.default_rng(0).standard_normal(16_000 * 600)).astype(np.float32)
    for index in range(12):
        soundfile.write(folder / f"long{index}.wav", samples[index:], 16_000)
    return folder


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_nothing_behind(
    tmp_path: Path, long_tracks: Path, small_bundle: Bundle, kill: signal.Signals
) -> None:
    output = tmp_path / "moods"
    command = [sys.executable, "-m", "pipelines.cli", "tag", str(long_tracks), "--output", str(output)]
    command += ["--bundle", str(small_bundle.folder), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    children = _wait_for_workers(process)
    process.send_signal(kill)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted, nothing was published" in printed
    assert "Traceback" not in printed
    assert not list(output.glob("run_id=*"))
    assert not list((output / ".staging").glob("*"))
    # A process that has ended and is not yet reaped has no command line.
    assert not [child for child in children if _command_line(child)]


def _wait_for_workers(process: subprocess.Popen[str]) -> list[int]:
    """Wait until the command's workers and their decoders run; all processes below the command."""
    limit = time.monotonic() + 90
    while time.monotonic() < limit and process.poll() is None:
        children = descendants(process.pid)
        if sum("transforms.decoding.child" in _command_line(child) for child in children) == 2:
            return children
        time.sleep(0.2)
    raise AssertionError(f"the command ended with {process.poll()} before it was interrupted")


def _command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_bundle_that_changed_since_the_job_began_stops_the_job(
    tmp_path: Path, music: Path, small_bundle: Bundle
) -> None:
    planned = plan_run(music, tmp_path / "moods", small_bundle)
    changed = replace(planned, job=replace(planned.job, bundle_sha256="0" * 64))  # type: ignore[type-var]
    with pytest.raises(RuntimeError, match="has changed since the job began"):
        run(changed)
