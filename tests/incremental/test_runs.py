"""Several runs over one catalogue: only what changed is worked on, and the tables are as if all had been."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import soundfile

from models.bundle import Bundle
from models.bundle_files import read_bundle
from pipelines.cli import main
from pipelines.tables import committed_runs, open_tables
from tests.jobs import plan_run, run
from tests.sounds import music
from transforms.incremental.policy import Gone
from transforms.tagging.windows import Coverage
from transforms.tagging.worker import WorkSettings

RATE_HZ = 16_000
# Columns that say which run wrote a row and why, not what is known of a track.
OF_THE_RUN = ["run_id", "reason", "bundle", "source_version", "input"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four tracks, one of them a copy, one file that is no audio, one that is none by its name."""
    made = tmp_path / "music"
    made.mkdir()
    for index in range(3):
        soundfile.write(made / f"{index}.wav", music(4.0 + index, seed=index), RATE_HZ)
    shutil.copy(made / "2.wav", made / "copy.wav")
    (made / "bad.mp3").write_bytes(b"nothing to hear")
    (made / "cover.jpg").write_bytes(b"a picture")
    return made


def tables_of(output: Path) -> dict[str, pd.DataFrame]:
    """Current rows of all tables, without what only tells runs apart."""
    tables = open_tables(str(output))
    orders = {"mood_tags": ["track_id", "tag"]}
    found = {
        name: tables.read(name)
        .drop(columns=OF_THE_RUN, errors="ignore")
        .sort_values(orders.get(name, ["track_id"]), ignore_index=True)
        for name in ("tracks", "mood_tags", "emotion_curves", "failures")
    }
    # What is skipped has no results, whatever they would have been made by.
    tracks = found["tracks"]
    tracks.loc[tracks["status"] == "skipped", "settings_hash"] = ""
    return found


def assert_as_in_one_run(output: Path, fresh: Path, source: Path, bundle: Bundle, **settings: Any) -> None:
    """The tables say what those of a first run of the catalogue as it is now would say."""
    run(plan_run(source, fresh, bundle, **settings))
    found, expected = tables_of(output), tables_of(fresh)
    for name, rows in expected.items():
        pd.testing.assert_frame_equal(found[name], rows, check_exact=True)


def silenced(folder: Path) -> None:
    """Leave nothing to hear in the files, but their size and time of change."""
    for file in folder.iterdir():
        state = file.stat()
        file.write_bytes(b"\0" * state.st_size)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def worked_on(record: dict[str, Any]) -> dict[str, int]:
    """Counts that are not zero, but for what was read."""
    return {name: count for name, count in record["counts"].items() if count and name != "read"}


def test_a_second_run_does_nothing_and_says_so(
    tmp_path: Path, folder: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "tag",
        str(folder),
        "--output",
        str(tmp_path / "moods"),
        "--bundle",
        str(small_bundle.folder),
    ]
    assert main([*arguments, "--workers", "1"]) == 0
    assert "6 inputs: 3 tagged, 1 duplicate, 1 failed, 1 skipped" in capsys.readouterr().out
    before = tables_of(tmp_path / "moods")
    assert main([*arguments, "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "6 unchanged" in said
    assert "nothing to do: every track is as it was" in said
    for name, rows in tables_of(tmp_path / "moods").items():
        pd.testing.assert_frame_equal(rows, before[name], check_exact=True)


def test_what_is_new_changed_touched_and_gone_is_dealt_with_and_nothing_else(
    tmp_path: Path, folder: Path, small_bundle: Bundle
) -> None:
    output = tmp_path / "moods"
    run(plan_run(folder, output, small_bundle))
    soundfile.write(folder / "new.wav", music(3.5, seed=9), RATE_HZ)
    soundfile.write(folder / "0.wav", music(4.5, seed=8), RATE_HZ)
    os.utime(folder / "1.wav", ns=(1, 1))
    (folder / "2.wav").unlink()
    (folder / "bad.mp3").unlink()
    record = run(plan_run(folder, output, small_bundle))
    assert worked_on(record) == {"tagged": 3, "unchanged": 2, "gone": 2}
    assert record["reasons"] == {"new": 1, "changed": 1, "touched": 1, "gone": 2}
    # Only what is new or changed was decoded.
    assert record["audio_s"] == pytest.approx(3.5 + 4.5)
    # The copy of what is gone is an original now.
    assert_as_in_one_run(output, tmp_path / "fresh", folder, small_bundle)
    shutil.copy(folder / "copy.wav", folder / "2.wav")
    record = run(plan_run(folder, output, small_bundle))
    assert record["reasons"] == {"new": 1}
    assert_as_in_one_run(output, tmp_path / "again", folder, small_bundle)


def changed(bundle: Bundle, folder: Path, change: Callable[[dict[str, Any]], None]) -> Bundle:
    """A copy of a bundle with another index."""
    shutil.copytree(bundle.folder, folder)
    index = folder / "bundle.json"
    fields = json.loads(index.read_text())
    change(fields)
    index.write_text(json.dumps(fields))
    return read_bundle(folder)


def other_decisions(fields: dict[str, Any]) -> None:
    fields["thresholds"]["values"] = [0.3, 0.7] * 4
    fields["calibration"]["bias"] = [0.1] * 8
    fields["version"] = "2"


def test_other_thresholds_decide_anew_from_stored_scores_without_audio(
    tmp_path: Path, folder: Path, small_bundle: Bundle
) -> None:
    output = tmp_path / "moods"
    run(plan_run(folder, output, small_bundle))
    other = changed(small_bundle, tmp_path / "other", other_decisions)
    run(plan_run(folder, tmp_path / "fresh", other))
    silenced(folder)
    record = run(plan_run(folder, output, other))
    assert worked_on(record) == {"tagged": 3, "duplicate": 1, "unchanged": 2}
    assert record["reasons"] == {"decisions": 4}
    assert record["audio_s"] == 0
    found, expected = tables_of(output), tables_of(tmp_path / "fresh")
    for name in ("mood_tags", "emotion_curves"):
        pd.testing.assert_frame_equal(found[name], expected[name], check_exact=True)
    rates = committed_runs(str(tmp_path / "fresh"))[-1]["tag_rates"]
    assert record["tag_rates"] == rates
    assert max(rates.values()) > 0
    record = run(plan_run(folder, output, other))
    assert worked_on(record) == {"unchanged": 6}


@pytest.mark.parametrize(
    ("work", "reason"),
    [(WorkSettings(coverage=Coverage.CENTRE), "settings"), (WorkSettings(stride_s=2.0), "settings")],
)
def test_other_settings_tag_again(
    tmp_path: Path, folder: Path, small_bundle: Bundle, work: WorkSettings, reason: str
) -> None:
    output = tmp_path / "moods"
    run(plan_run(folder, output, small_bundle))
    record = run(plan_run(folder, output, small_bundle, work=work))
    assert record["reasons"] == {reason: 5}
    assert_as_in_one_run(output, tmp_path / "fresh", folder, small_bundle, work=work)


def manifest(file: Path, rows: list[tuple[str, str, str]]) -> Path:
    lines = ["track_id,uri,title", *(",".join(row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_manifest_that_says_something_else_is_followed_without_audio(
    tmp_path: Path, folder: Path, small_bundle: Bundle
) -> None:
    output = tmp_path / "moods"
    first = manifest(tmp_path / "one.csv", [("a", "music/0.wav", "Blue"), ("b", "music/1.wav", "Red")])
    run(plan_run(first, output, small_bundle))
    second = manifest(
        tmp_path / "two.csv",
        [("a", "music/0.wav", "Green"), ("b", "music/1.wav", "Red"), ("b", "music/2.wav", "Red again")],
    )
    silenced(folder)
    planned = plan_run(second, output, small_bundle)
    record = run(replace(planned, policy=replace(planned.policy, gone=Gone.ALL)))
    assert worked_on(record) == {"tagged": 1, "failed": 1, "unchanged": 1}
    assert record["reasons"] == {"columns": 1, "repeated_id": 1}
    tables = open_tables(str(output))
    tracks = tables.read("tracks").set_index("track_id")
    assert tracks["title"].to_dict() == {"a": "Green", "b": "Red"}
    assert set(tracks["status"]) == {"tagged"}
    assert tables.read("failures")["kind"].to_list() == ["duplicate_id"]
    assert len(tables.read("mood_tags")) == 2 * 8
    # A file that has moved, its bytes the same: it is read, and its results stand.
    third = manifest(tmp_path / "three.csv", [("a", "music/moved.wav", "Green")])
    shutil.move(folder / "0.wav", folder / "moved.wav")
    planned = plan_run(third, output, small_bundle)
    record = run(replace(planned, policy=replace(planned.policy, gone=Gone.ALL)))
    assert worked_on(record)["gone"] == 1
    assert record["reasons"] == {"changed": 1, "gone": 1}, "silence is not what it was"


def test_more_gone_than_is_likely_publishes_nothing(
    tmp_path: Path, folder: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "tag",
        str(folder),
        "--output",
        str(tmp_path / "moods"),
        "--bundle",
        str(small_bundle.folder),
    ]
    assert main([*arguments, "--workers", "1"]) == 0
    for name in ("0.wav", "1.wav", "2.wav", "copy.wav"):
        (folder / name).unlink()
    capsys.readouterr()
    assert main([*arguments, "--workers", "1"]) == 3
    assert "4 of 6 tracks of earlier runs are no longer in the input" in capsys.readouterr().err
    assert len(committed_runs(str(tmp_path / "moods"))) == 1
    assert main([*arguments, "--workers", "1", "--max-gone-rate", "0.7"]) == 0
    assert len(open_tables(str(tmp_path / "moods")).read("tracks")) == 2


def test_runs_of_bounded_size_add_up_to_one(
    tmp_path: Path, folder: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "moods"
    arguments = ["tag", str(folder), "--output", str(output), "--bundle", str(small_bundle.folder)]
    arguments += ["--workers", "1", "--max-failure-rate", "1"]  # it may be the bad one that is taken
    assert main([*arguments, "--limit", "1"]) == 0
    assert "left for another run: 4 new" in capsys.readouterr().out
    assert main([*arguments, "--tracks-per-run", "2"]) == 0
    said = capsys.readouterr().out
    assert "published, 2 tracks to go" in said
    assert "6 inputs:" in said
    assert "2 runs, the last" in said
    records = committed_runs(str(output))
    assert len(records) == 3
    assert sum(record["counts"]["failed"] for record in records) == 1
    assert_as_in_one_run(output, tmp_path / "fresh", folder, small_bundle)
    assert main([*arguments, "--force", "--tracks-per-run", "3"]) == 0
    forced = committed_runs(str(output))[3:]
    assert [sum(record["reasons"].get("forced", 0) for record in forced)] == [5]
    assert sum(record["counts"]["skipped"] for record in forced) == 1
    assert_as_in_one_run(output, tmp_path / "forced", folder, small_bundle)


def test_features_of_touched_files_stand(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "features"
    arguments = ["features", "mel-steps", str(folder), "--output", str(output), "--workers", "1"]
    arguments += ["--dtype", "float16"]
    assert main(arguments) == 0
    before = open_tables(str(output)).read("features").sort_values("track_id", ignore_index=True)
    os.utime(folder / "0.wav", ns=(1, 1))
    assert main(arguments) == 0
    record = committed_runs(str(output))[-1]
    assert record["reasons"] == {"touched": 1}
    assert record["audio_s"] == 0
    after = open_tables(str(output)).read("features").sort_values("track_id", ignore_index=True)
    columns = ["track_id", "start_s", "step_s"]
    pd.testing.assert_frame_equal(after[columns], before[columns])
    for one, other in zip(after["values"], before["values"], strict=True):
        assert [list(row) for row in one] == [list(row) for row in other]
