"""The whole job on the composed catalogue against the same result computed in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from models.bundle import Bundle
from pipelines.cli import main
from pipelines.tables import MoodTables, committed_runs, open_tables
from schemas.tables import MOODS, tables_of_run
from tests.bundles import TAGS
from tests.composed import composed_catalogue
from tests.jobs import FIRST, plan_run, run
from tests.oracle import Oracle, read
from transforms.decoding.sandbox import DecodeLimits
from transforms.tagging.worker import WorkSettings
from transforms.tracks.reader import ReadSettings

# The small bundle has no antonyms.
WRITTEN = tables_of_run({name: MOODS[name] for name in ("mood_tags", "emotion_curves")}, [])

TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Job:
    """A catalogue and what the command made of it."""

    catalogue: Path
    output: Path
    printed: str
    status: int


def run_tag(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    command = [sys.executable, "-m", "pipelines.cli", "tag", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, small_bundle: Bundle) -> Job:
    catalogue, output = composed_catalogue(tmp_path_factory).folder, tmp_path_factory.mktemp("job") / "moods"
    done = run_tag(catalogue, "--output", output, "--bundle", small_bundle.folder, "--workers", 2)
    assert done.returncode == 0, done.stderr
    return Job(catalogue, output, done.stdout + done.stderr, done.returncode)


@pytest.fixture(scope="module")
def tables(job: Job) -> MoodTables:
    return open_tables(str(job.output))


def test_every_input_is_accounted_for_once(job: Job, tables: MoodTables) -> None:
    tracks = tables.read("tracks")
    files = sorted(str(path) for path in job.catalogue.rglob("*") if path.is_file())
    assert sorted(tracks["track_id"]) == files
    (record,) = committed_runs(str(job.output))
    statuses: dict[Any, int] = tracks["status"].value_counts().to_dict()
    assert record["counts"] == {"read": len(files), **statuses, **FIRST}
    assert record["reasons"] == {"new": len(files)}


def test_nothing_that_looks_like_an_error_is_printed(job: Job) -> None:
    assert "Traceback" not in job.printed
    assert "WARNING" not in job.printed
    assert "oneDNN" not in job.printed


def test_each_row_is_what_is_computed_in_memory(job: Job, tables: MoodTables, small_bundle: Bundle) -> None:
    oracle = Oracle(small_bundle)
    tracks = tables.read("tracks").set_index("track_id")
    tags = tables.read("mood_tags").set_index(["track_id", "tag"])
    curves = tables.read("emotion_curves").set_index("track_id")
    whole = tracks[tracks["status"].isin(["tagged", "duplicate"]) & (tracks["partial_decode"] != True)]  # noqa: E712 - null is not partial
    # Where the rest of a track below three seconds has to reach back, test_clock shows how.
    simple = [name for name in whole.index if not 0 < whole["decoded_s"][name] % 20 < 3]
    assert len(simple) > 20
    for name in simple:
        expected = oracle.expect(read(Path(name)))
        rows = tags.loc[name].loc[list(TAGS)]
        assert whole["decoded_s"][name] == pytest.approx(expected.decoded_s, abs=1e-9)
        for column in ("raw_score", "disagreement"):
            np.testing.assert_allclose(rows[column], getattr(expected, column), atol=TOLERANCE, err_msg=name)
        # The steep calibration of the small bundle multiplies a difference of its raw scores by ten.
        np.testing.assert_allclose(rows["score"], expected.score, atol=20 * TOLERANCE, err_msg=name)
        # Resampling in blocks differs from all at once by 1e-7, which the logarithm shows in bands near
        # silence, and random weights pass on.
        for column in ("valence", "arousal", "valence_spread"):
            np.testing.assert_allclose(
                curves[column][name], getattr(expected, column), atol=10 * TOLERANCE, err_msg=name
            )


def test_equal_audio_has_one_result_and_names_its_original(tables: MoodTables) -> None:
    tracks = tables.read("tracks").set_index("track_id")
    (copy,) = tracks.index[tracks["status"] == "duplicate"]
    original = tracks["duplicate_of"][copy]
    assert tracks["status"][original] == "tagged"
    assert tracks["audio_sha256"][original] == tracks["audio_sha256"][copy]
    assert tracks["file_sha256"][original] != tracks["file_sha256"][copy]
    for table in ("mood_tags", "emotion_curves"):
        rows = tables.read(table)
        one, other = (
            rows[rows["track_id"] == name].drop(columns="track_id").reset_index(drop=True)
            for name in (original, copy)
        )
        assert len(one)
        pd.testing.assert_frame_equal(one, other)


def test_the_odd_files_fail_or_are_marked_for_what_they_are(tables: MoodTables) -> None:
    failures = tables.read("failures")
    kinds = {Path(row["uri"]).name: row["kind"] for row in _records(failures)}
    assert kinds["Blank Tape.flac"] == "silent"
    assert kinds["Lost Recording.mp3"] == "not_audio"
    tracks = tables.read("tracks")
    cut = tracks[tracks["uri"].str.endswith("Half a Tide.flac")].iloc[0]
    assert cut["status"] == "tagged"
    assert cut["partial_decode"]
    assert cut["decoded_s"] < 0.95 * cut["duration_s"]
    skipped = set(tracks.loc[tracks["status"] == "skipped", "uri"].map(lambda uri: Path(uri).name))
    assert skipped == {"cover.jpg", "notes.txt"}


def test_files_have_the_schemas_and_the_compression_that_are_documented(job: Job) -> None:
    for table in WRITTEN.values():
        files = sorted(job.output.glob(f"run_id=*/{table.name}/*.parquet"))
        assert files
        for file in files:
            parquet = pq.ParquetFile(file)
            assert parquet.schema_arrow.equals(table.schema, check_metadata=False)
            assert parquet.schema_arrow.metadata[b"moodscribe.version"] == str(table.version).encode()
            if parquet.metadata.num_rows:
                assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"


def test_curves_stay_on_the_scale_and_inside_the_track(tables: MoodTables) -> None:
    rows = tables.query(
        "SELECT c.*, t.decoded_s FROM emotion_curves c JOIN tracks t USING (track_id, run_id)"
    )
    for row in _records(rows):
        values = np.concatenate([row["valence"], row["arousal"]])
        assert np.abs(values).max() <= 1
        end = row["start_s"] + len(row["valence"]) * row["step_s"]
        assert row["decoded_s"] - row["step_s"] < end <= row["decoded_s"]
        assert sum(row[f"q{index}_share"] for index in range(1, 5)) == pytest.approx(1, abs=1e-6)
        assert len(row["colours"]) == -(-len(row["valence"]) // 10)


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict(orient="records")


def _tones(folder: Path, names: dict[str, int]) -> None:
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in names.items():
        random = np.random.default_rng(seed)
        time = np.arange(16_000 * 5) / 16_000
        samples = 0.3 * np.sin(2 * np.pi * 110 * (seed + 1) * time) + 0.01 * random.standard_normal(len(time))
        soundfile.write(folder / name, samples.astype(np.float32), 16_000)


def _values(output: Path) -> dict[str, pd.DataFrame]:
    """Rows of all tables, without what marks the run."""
    tables = open_tables(str(output))
    frames = {table: tables.read(table).drop(columns="run_id") for table in WRITTEN}
    return {
        table: frame.sort_values(list(frame.columns[:2])).reset_index(drop=True)
        for table, frame in frames.items()
    }


def test_a_rerun_in_another_order_and_other_batches_gives_the_same_rows(
    tmp_path: Path, small_bundle: Bundle
) -> None:
    names = {f"tone{index}.wav": index for index in range(5)}
    _tones(tmp_path / "in", names)
    forward = [{"track_id": name, "uri": name} for name in names]
    results = []
    for index, (rows, batch) in enumerate(((forward, 16), (forward[::-1], 16), (forward, 1))):
        manifest = tmp_path / "in" / "manifest.jsonl"
        manifest.write_text("\n".join(map(json.dumps, rows)))
        into = ("--output", str(tmp_path / str(index)), "--bundle", str(small_bundle.folder))
        assert main(["tag", str(manifest), *into, "--batch-size", str(batch)]) == 0
        results.append(_values(tmp_path / str(index)))
    for table in WRITTEN:
        pd.testing.assert_frame_equal(results[0][table], results[1][table], check_exact=True)
        pd.testing.assert_frame_equal(results[0][table], results[2][table], rtol=0, atol=1e-5)


def test_a_manifest_brings_its_ids_and_its_columns(tmp_path: Path, small_bundle: Bundle) -> None:
    _tones(tmp_path / "in", {"a.wav": 1, "b.wav": 2})
    manifest = tmp_path / "in" / "catalogue.csv"
    manifest.write_text(
        "track_id,uri,upc,title,status\n"
        '01,a.wav,00123,"Blue, ""Green""\nRed",new\n'
        "02,b.wav,,Ünïcode 🎵,old\n"
        "02,a.wav,9,repeated,old\n"
        "03,missing.wav,7,gone,old\n"
        "04\n"
    )
    output = tmp_path / "out"
    record = run(plan_run(manifest, output, small_bundle))
    tables = open_tables(str(output))
    tracks = tables.read("tracks").set_index("track_id")
    assert tracks["status"].to_dict() == {"01": "tagged", "02": "tagged", "03": "failed", "04": "failed"}
    assert tracks["upc"]["01"] == "00123"
    assert tracks["title"]["01"] == 'Blue, "Green"\nRed'
    assert tracks["manifest_status"]["02"] == "old"
    kinds = tables.read("failures")["kind"].value_counts().to_dict()
    assert kinds == {"duplicate_id": 1, "not_found": 1, "bad_manifest_row": 1}
    assert record["counts"] == {"read": 5, "tagged": 2, "failed": 3, "skipped": 0, "duplicate": 0, **FIRST}


def test_too_many_failures_are_told_by_the_exit_status(
    tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    _tones(tmp_path / "in", {"a.wav": 1})
    for index in range(3):
        (tmp_path / "in" / f"bad{index}.mp3").write_text("no audio")
    into = ("--output", str(tmp_path / "out"), "--bundle", str(small_bundle.folder))
    assert main(["tag", str(tmp_path / "in"), *into]) == 1
    assert "3 of 4 tracks failed" in capsys.readouterr().err
    assert len(committed_runs(str(tmp_path / "out"))) == 1


def test_files_are_split_at_the_rows_that_the_user_says(tmp_path: Path, small_bundle: Bundle) -> None:
    _tones(tmp_path / "in", {f"tone{index}.wav": index for index in range(6)})
    output = tmp_path / "out"
    into = ("--output", str(output), "--bundle", str(small_bundle.folder))
    assert main(["tag", str(tmp_path / "in"), *into, "--rows-per-file", "16"]) == 0
    files: list[Any] = sorted(output.glob("run_id=*/mood_tags/*.parquet"))
    assert [pq.ParquetFile(file).metadata.num_rows for file in files] == [16, 16, 16]


@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_a_decoder_that_dies_costs_its_track_and_nothing_else(
    tmp_path: Path, small_bundle: Bundle, fault: str
) -> None:
    _tones(tmp_path / "in", {"a.wav": 1, "c.wav": 2})
    (tmp_path / "in" / "b.wav").write_bytes(fault.encode() + b" please")
    limits = DecodeLimits(timeout_s=3.0, child_module="tests.faulty_child")
    record = run(
        plan_run(
            tmp_path / "in",
            tmp_path / "out",
            small_bundle,
            work=WorkSettings(read=ReadSettings(limits=limits)),
        )
    )
    assert record["counts"] == {"read": 3, "tagged": 2, "failed": 1, "skipped": 0, "duplicate": 0, **FIRST}
    kind = {"crash": "decoder_crash", "hang": "decoder_timeout"}[fault]
    assert record["failures"] == {kind: 1}
