"""A command that is killed leaves nobody behind, and nothing that a reader sees or a later run keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import EXIT_DONE, main
from pipelines.running import leftovers
from pipelines.running.leftovers import LONGEST_RUN, Owner, claim, clear_leftovers
from pipelines.tables import committed_runs, open_tables
from schemas.errors import DataError
from schemas.identity import RunIdentity, new_run_id
from schemas.work import WorkKey
from tests.faults.commands import DECODER, WORKER, left_behind, outlive, start, write_noise
from tests.faults.commit_killed import RUN_ID, TRACK_IDS

ROOT = Path(__file__).resolve().parents[2]


def test_a_killed_command_takes_its_workers_with_it_and_the_next_run_clears_what_it_has_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    music, output = write_noise(tmp_path / "music", 12), tmp_path / "out"
    command = start("features mel-steps", music, output, "--workers", 2)
    command.wait_until(lambda it: len(it.below(DECODER)) == 2)
    children = [*command.below(WORKER), *command.below(DECODER)]
    assert len(children) == 4
    command.kill(command.process.pid)
    assert outlive(children, seconds=5) == []
    command.end()
    assert committed_runs(str(output)) == []
    (left,) = left_behind(output)
    assert main(["features", "mel-steps", str(music), "--output", str(output), "--workers", "1"]) == EXIT_DONE
    assert f"removed what the unfinished run {Path(left).name} had left in {output}" in capfd.readouterr().err
    assert left_behind(output) == []
    assert len(open_tables(str(output)).read("features")) == 12


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What is left of processes killed before each call of writing a run, and of one that was not killed."""
    output = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.faults.commit_killed", str(output)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return sorted(output.iterdir(), key=lambda folder: int(folder.name))


def seen(output: Path) -> list[str]:
    """Tracks that readers see."""
    try:
        tables = open_tables(str(output))
    except DataError:
        return []
    assert sorted(tables.read("antonyms")["track_id"]) == sorted(tables.read("tracks")["track_id"])
    return sorted(tables.read("tracks")["track_id"])


def seen_by_duckdb(output: Path, table: str) -> list[str]:
    """Tracks that a reader sees who has only DuckDB, by the README's query."""
    if not list(output.glob("run_id=*/run.json")):
        return []
    runs, files = (f"{output}/run_id=*/{name}" for name in ("run.json", f"{table}/*.parquet"))
    sql = "SELECT track_id FROM (SELECT run_id FROM read_json(?)) JOIN read_parquet(?) USING (run_id)"
    return sorted(name for (name,) in duckdb.execute(sql, [runs, files]).fetchall())


def test_wherever_a_commit_is_killed_readers_see_nothing_or_the_whole_run(killed: list[Path]) -> None:
    views = [seen(output) for output in killed]
    whole = sorted(TRACK_IDS)
    begin = views.index(whole)
    assert views == [[]] * begin + [whole] * (len(views) - begin)
    assert begin > 20  # before the commit
    assert len(views) - begin > 10  # while the staging folder is removed
    for output, view in zip(killed, views, strict=True):
        assert seen_by_duckdb(output, "tracks") == seen_by_duckdb(output, "antonyms") == view
    assert left_behind(killed[-1]) == []


def test_a_later_run_clears_whatever_a_killed_commit_has_left(killed: list[Path]) -> None:
    for output in killed:
        before = seen(output)
        staged = (output / ".staging" / RUN_ID).exists()
        assert clear_leftovers(str(output)) == [RUN_ID] * staged
        assert seen(output) == before
        assert left_behind(output) == []


@pytest.fixture
def owned(tmp_path: Path) -> RunIdentity:
    """A run of this process, with a part and a merged file."""
    identity = RunIdentity(new_run_id(), "none", WorkKey("", "", "", ""), str(tmp_path))
    claim(identity)
    for folder in (Path(identity.staging_uri), Path(identity.run_uri) / "tracks"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part.parquet").write_bytes(b"x")
    return identity


def owner_of(identity: RunIdentity) -> Owner:
    return Owner(**json.loads(owner_file(identity).read_text()))


def owner_file(identity: RunIdentity) -> Path:
    return Path(identity.staging_uri) / leftovers.OWNER_FILE


def test_what_a_living_run_has_written_is_let_be(owned: RunIdentity, tmp_path: Path) -> None:
    assert clear_leftovers(str(tmp_path)) == []
    assert (Path(owned.run_uri) / "tracks" / "part.parquet").exists()
    assert (Path(owned.staging_uri) / "part.parquet").exists()


def ended_process() -> int:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@pytest.mark.parametrize("again", [False, True], ids=["gone", "id used again"])
def test_what_a_dead_run_of_this_machine_has_left_is_removed(
    again: bool, owned: RunIdentity, tmp_path: Path
) -> None:
    owner = owner_of(owned)
    dead = replace(owner, started="1") if again else replace(owner, process=ended_process())
    owner_file(owned).write_text(json.dumps(asdict(dead)))
    assert clear_leftovers(str(tmp_path)) == [owned.run_id]
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("note", ["other machine", "none", "half"])
def test_a_run_of_which_nobody_can_tell_is_let_be_for_a_month(
    note: str, owned: RunIdentity, tmp_path: Path
) -> None:
    owner = replace(owner_of(owned), machine="another", process=ended_process())
    texts = {"other machine": json.dumps(asdict(owner)), "none": None, "half": '{"machine": "'}
    text = texts[note]
    owner_file(owned).unlink() if text is None else owner_file(owned).write_text(text)
    assert clear_leftovers(str(tmp_path)) == []
    old = replace(owned, run_id=new_run_id(datetime.now(UTC) - LONGEST_RUN - timedelta(hours=1)))
    Path(owned.staging_uri).rename(old.staging_uri)
    Path(owned.run_uri).rename(old.run_uri)
    assert clear_leftovers(str(tmp_path)) == [old.run_id]
    assert left_behind(tmp_path) == []


def test_what_is_no_runs_is_let_be(tmp_path: Path) -> None:
    (tmp_path / ".staging" / "notes").mkdir(parents=True)
    assert clear_leftovers(str(tmp_path)) == []
    assert (tmp_path / ".staging" / "notes").is_dir()
