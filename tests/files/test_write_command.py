"""`moodscribe write-tags`: what it says, what it writes, and that every track is accounted for."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mutagen", reason="mutagen is not installed: pip install 'moodscribe[files]'")

import mutagen

from models.bundle import Bundle
from pipelines.cli import EXIT_DONE, EXIT_STOPPED, EXIT_TOO_MANY_FAILURES, EXIT_USAGE, main
from pipelines.tables import open_tables
from pipelines.writing_tags import workers
from pipelines.writing_tags.containers import container
from pipelines.writing_tags.fields import MOOD, VALENCE
from pipelines.writing_tags.one_file import Manner, TrackTask
from pipelines.writing_tags.tracks import MoodChoice, common_folder, tasks
from schemas.errors import OutputError
from tests.files.conftest import NAMES, Catalogue, audio
from tests.jobs import plan_run, run

# Nine tagged files, of which one is gone, and one that is no audio.
TRACKS = len(NAMES) + 3


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_copies_are_written_once_and_every_track_is_accounted_for(
    catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(catalogue.folder)
    command = ["write-tags", str(catalogue.output), "--apply", "--sidecar", str(tmp_path / "side")]
    assert main([*command, "--json", str(tmp_path / "account.jsonl")]) == EXIT_DONE
    captured = capsys.readouterr()
    assert f"{TRACKS} tracks: 8 written, 0 unchanged, 1 left, 1 failed" in captured.out
    assert "1 left: not tagged, but failed: not_audio" in captured.out
    assert "1 failed: no such file" in captured.out
    assert "GPL-2.0-or-later" in captured.err
    copies = files_of(tmp_path / "side")
    assert sorted(copies) == sorted([*(f"album/{name}" for name in NAMES), "other/a.wav"])
    account = [json.loads(line) for line in (tmp_path / "account.jsonl").read_text("utf-8").splitlines()]
    assert [row["track_id"] for row in account] == sorted(
        open_tables(str(catalogue.output)).read("tracks")["track_id"]
    )
    assert main(command) == EXIT_DONE
    assert "0 written, 8 unchanged, 1 left, 1 failed" in capsys.readouterr().out
    assert files_of(tmp_path / "side") == copies
    assert files_of(catalogue.folder) == before


def test_a_dry_run_shows_the_values_of_the_tables(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(catalogue.folder)
    arguments = ["--format", "vorbis", "--moods", "1", "--fields", "moods", "valence", "--workers", "1"]
    arguments += ["--max-failure-rate", "0.2"]
    assert main(["write-tags", str(catalogue.output), *arguments]) == EXIT_TOO_MANY_FAILURES
    out, err = capsys.readouterr()
    assert "1 of 4 files failed, above 20%" in err
    assert "3 to write, 0 unchanged, 6 left, 1 failed" in out
    assert "nothing was written" in out
    tables = open_tables(str(catalogue.output))
    path = str(catalogue.folder / "album" / "c.flac")
    assert f"{tables.curve(path).summary['valence_mean']:.3f}" in out
    assert "MOODSCRIBE_AROUSAL" not in out
    assert files_of(catalogue.folder) == before


def test_the_best_moods_with_a_grade_are_taken(catalogue: Catalogue) -> None:
    tables = open_tables(str(catalogue.output))
    every = {task.track_id: task.fields for task in tasks(tables, MoodChoice())}
    tags = tables.read("mood_tags").sort_values("rank")
    most = max(len(fields[MOOD]) for fields in every.values())
    assert most > 1
    for track_id, fields in every.items():
        rows = tags[(tags["track_id"] == track_id) & tags["tagged"]]
        assert list(fields[MOOD]) == rows["tag"].tolist()
    one = {task.track_id: task.fields for task in tasks(tables, MoodChoice(most=1))}
    assert all(fields[MOOD] == every[track_id][MOOD][:1] for track_id, fields in one.items())
    assert all(fields[VALENCE] == every[track_id][VALENCE] for track_id, fields in one.items())
    # The small bundle has no grades: no tag is known to have one.
    assert not any(task.fields[MOOD] for task in tasks(tables, MoodChoice(grade="D")))
    assert common_folder(tables) == catalogue.folder


def test_a_hostile_name_and_an_old_mood_move_no_cursor(
    tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "music" / "=cmd <script>\x1b[2J[red].flac"
    path.parent.mkdir()
    path.write_bytes(audio("a.flac"))
    file: Any = mutagen.File(str(path))
    file["MOOD"] = "\x1b]0;wistful\x07[bold]"
    file.save()
    run(plan_run(path.parent, tmp_path / "moods", small_bundle))
    command = ["write-tags", str(tmp_path / "moods"), "--in-place", "--apply"]
    assert main([*command, "--keep-moods"]) == EXIT_DONE
    assert mutagen.File(str(path))["MOOD"] == ["\x1b]0;wistful\x07[bold]"]
    assert main(command) == EXIT_DONE
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "<script>\\x1b[2J[red].flac" in out.replace("\n", "")
    assert "1 tracks: 1 written" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("OUT --apply", "--apply needs to know where to: --in-place or --sidecar FOLDER"),
        ("OUT --root x", "--root is for --sidecar"),
        ("OUT --in-place --sidecar x", "not allowed with argument"),
        ("OUT --format ape", "invalid choice: 'ape'"),
        ("OUT --fields mood", "invalid choice: 'mood'"),
        ("HERE/none", "HERE/none: no committed run there"),
        ("OUT --apply --sidecar MUSIC", "MUSIC: has files of the catalogue in it, such as MUSIC/"),
        ("OUT --json HERE/none/x.jsonl", "HERE/none/x.jsonl: No such file or directory"),
    ],
)
def test_a_mistake_ends_with_one_line_and_nothing_is_written(
    arguments: str, message: str, catalogue: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"OUT": str(catalogue.output), "HERE": str(tmp_path), "MUSIC": str(catalogue.folder)}
    for name, place in places.items():
        arguments, message = arguments.replace(name, place), message.replace(name, place)
    before = files_of(catalogue.folder)
    try:
        status = main(["write-tags", *arguments.split()])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == EXIT_USAGE
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert files_of(catalogue.folder) == before


def test_without_mutagen_it_is_said_how_to_get_it_and_its_terms(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "find_spec", lambda _: None)
    assert main(["write-tags", str(catalogue.output)]) == EXIT_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'moodscribe[files]'" in line
    assert "GPL-2.0-or-later" in line


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_ends_the_command_and_says_so(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_settle", _killed)
    task = TrackTask("a", "a", "tagged", None, None, None, {})
    with pytest.raises(OutputError, match="a worker was killed"):
        list(workers.settle_all([task], Manner(), workers=1))

    def settle_all(*_: object, **__: object) -> Iterator[None]:
        raise OutputError("a worker was killed")
        yield

    monkeypatch.setattr("pipelines.writing_tags.command.settle_all", settle_all)
    assert main(["write-tags", str(catalogue.output)]) == EXIT_STOPPED
    assert "a worker was killed" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["write-tags", "curve"])
def test_help_teaches_by_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"examples:\n  moodscribe {command} " in capsys.readouterr().out


def test_features_are_no_moods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.output.histories import Past, Row, run_id, write_run

    write_run(tmp_path, Past(run_id(1), (Row("a", "extracted"),), features=True))
    assert main(["write-tags", str(tmp_path)]) == EXIT_USAGE
    assert "no mood_tags or emotion_curves there" in capsys.readouterr().err
    shutil.rmtree(tmp_path / f"run_id={run_id(1)}")
    write_run(tmp_path, Past(run_id(2), ()))
    assert main(["write-tags", str(tmp_path)]) == EXIT_DONE
    assert "0 tracks: 0 to write, 0 unchanged, 0 left, 0 failed" in capsys.readouterr().out
