"""What a run takes up of a catalogue, and what it leaves, by the job without models."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.incremental.stub_runs import WORK, current, plan_stub, run_stub, worked_on
from transforms.incremental.policy import Gone

NAMES = [f"{name}.mp3" for name in "abcdef"]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Six tracks, all of different sounds."""
    folder = tmp_path / "music"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(f"song {name}|".encode())
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where the tables go."""
    return tmp_path / "moods"


def manifest(file: Path, uris: dict[str, str]) -> Path:
    """A manifest of these tracks."""
    file.write_text("track_id,uri\n" + "".join(f"{one},{uri}\n" for one, uri in uris.items()))
    return file


def test_a_touched_file_is_read_and_not_decoded(music: Path, output: Path) -> None:
    run_stub(plan_stub(music, output))
    before = current(output)
    assert worked_on(output) == NAMES
    os.utime(music / "a.mp3", ns=(1, 1))
    record = run_stub(plan_stub(music, output))
    assert record["reasons"] == {"touched": 1}
    assert record["counts"] | {"read": 0} == {
        "read": 0,
        "tagged": 1,
        "failed": 0,
        "skipped": 0,
        "duplicate": 0,
        "unchanged": 5,
        "left": 0,
        "gone": 0,
    }
    assert worked_on(output) == []
    after = current(output)
    assert after["mood_tags"] == before["mood_tags"]
    assert [row["source_version"] for row in after["tracks"] if row["uri"].endswith("a.mp3")] == ["11 1"]
    assert run_stub(plan_stub(music, output))["reasons"] == {}


def test_a_file_that_has_moved_is_read_and_not_decoded(tmp_path: Path, music: Path, output: Path) -> None:
    catalogue = manifest(tmp_path / "catalogue.csv", {"1": "music/a.mp3", "2": "music/b.mp3"})
    run_stub(plan_stub(catalogue, output))
    worked_on(output)
    (music / "a.mp3").rename(music / "moved.mp3")
    manifest(catalogue, {"1": "music/moved.mp3", "2": "music/b.mp3"})
    assert run_stub(plan_stub(catalogue, output))["reasons"] == {"touched": 1}
    assert worked_on(output) == []
    assert [row["uri"] for row in current(output)["tracks"]] == [f"{music}/moved.mp3", f"{music}/b.mp3"]


def test_dated_manifests_say_what_is_gone_where_they_are_the_whole_catalogue(
    tmp_path: Path, music: Path, output: Path
) -> None:
    for day, names, reasons, rows in (
        ("monday", "ab", {"new": 2}, 2),
        ("tuesday", "bc", {"new": 1, "gone": 1}, 2),
        ("wednesday", "abc", {"new": 1}, 3),
    ):
        dated = manifest(tmp_path / f"{day}.csv", {name: f"music/{name}.mp3" for name in names})
        assert run_stub(plan_stub(dated, output, gone=Gone.ALL))["reasons"] == reasons
        assert len(current(output)["tracks"]) == rows
    other = manifest(tmp_path / "other.csv", {"d": "music/d.mp3"})
    assert run_stub(plan_stub(other, output, gone=Gone.INPUT))["reasons"] == {"new": 1}
    assert len(current(output)["tracks"]) == 4


def test_only_what_failed_is_tried_again_where_that_is_asked_for(music: Path, output: Path) -> None:
    (music / "a.mp3").write_bytes(b"bad to the ear")
    (music / "b.mp3").write_bytes(b"flaky")
    first = run_stub(plan_stub(music, output))
    assert first["failures"] == {"not_audio": 1, "storage": 1}
    (music / "new.mp3").write_bytes(b"song new|")
    worked_on(output)
    record = run_stub(plan_stub(music, output, only_failed=True))
    assert record["reasons"] == {"failed_before": 2}
    assert record["left"] == {"new": 1}
    assert record["counts"]["unchanged"] == 4
    assert worked_on(output) == ["a.mp3", "b.mp3"]
    # Without that, only what a second try can help.
    record = run_stub(plan_stub(music, output))
    assert record["reasons"] == {"failed_before": 1, "new": 1}
    assert worked_on(output) == ["b.mp3", "new.mp3"]


def test_a_sample_is_taken_and_a_larger_one_takes_the_rest_of_its_own(music: Path, output: Path) -> None:
    done: list[str] = []
    for sample in (0.5, 1.0):
        record = run_stub(plan_stub(music, output, sample=sample))
        some = worked_on(output)
        assert record["counts"]["tagged"] == len(some)
        assert record["counts"]["unchanged"] == len(done)
        assert record["left"].get("new", 0) == 6 - len(done) - len(some)
        assert record["waiting"] == 0
        assert not set(some) & set(done)
        done += some
    assert sorted(done) == NAMES


def test_limits_take_all_one_after_another_and_nothing_twice(music: Path, output: Path) -> None:
    done = []
    for waiting in (4, 2, 0):
        record = run_stub(plan_stub(music, output, limit=2))
        assert record["counts"]["tagged"] == 2
        assert record["waiting"] == record["counts"]["left"] == waiting
        done += worked_on(output)
    assert sorted(done) == NAMES
    assert run_stub(plan_stub(music, output, limit=2))["counts"]["unchanged"] == 6


def test_a_command_of_several_runs_tries_a_track_once(music: Path, output: Path) -> None:
    (music / "a.mp3").write_bytes(b"flaky")
    first = run_stub(plan_stub(music, output, limit=6, force=True))
    assert first["failures"] == {"storage": 1}
    begun = first["run_id"]
    second = run_stub(plan_stub(music, output, limit=6, force=True, begun=begun))
    assert second["counts"]["unchanged"] == 6
    # Another command, as one that was stopped and called again, goes on from there.
    assert run_stub(plan_stub(music, output))["reasons"] == {"failed_before": 1}


def test_work_that_is_done_in_another_way_is_done_again_and_decisions_without_audio(
    music: Path, output: Path
) -> None:
    run_stub(plan_stub(music, output))
    work = WORK
    for name, value, reason, again in (
        ("model", "other", "model", NAMES),
        ("decision", "0.1", "decisions", []),
        ("front_end", "other", "front_end", NAMES),
        ("decision", "0.9", "decisions", []),
    ):
        worked_on(output)
        work = replace(work, **{name: value})
        assert run_stub(plan_stub(music, output, work))["reasons"] == {reason: 6}
        assert worked_on(output) == again
    found = current(output)
    run_stub(plan_stub(music, output.with_name("fresh"), work))
    assert found == current(output.with_name("fresh"))
