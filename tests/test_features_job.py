"""`moodscribe features`: a front end over a catalogue, through the same account as the main job."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from apache_beam.testing.util import assert_that
from numpy.typing import NDArray

from pipelines.cli import EXIT_DONE, EXIT_USAGE, main
from pipelines.running.local_runner import default_options, local_runner
from pipelines.tables import open_tables
from schemas.errors import DataError
from tests.jobs import FIRST
from tests.sounds import music
from transforms.features.front_end import Layout
from transforms.features.job import ExtractFeatures
from transforms.features.mel import crnn_logmel, mel_steps
from transforms.features.registry import FRONT_ENDS, choose, front_end
from transforms.features.rows import as_lists

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces, one of them twice, a silent file, text under a name of audio, and notes."""
    folder = tmp_path_factory.mktemp("catalogue")
    for name, seed in (("a", 1), ("b", 2), ("copy_of_b", 2)):
        soundfile.write(folder / f"{name}.wav", music(4.0 + seed, seed=seed), RATE_HZ, subtype="FLOAT")
    soundfile.write(folder / "silent.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    (folder / "text.mp3").write_text("no audio")
    (folder / "notes.txt").write_text("not looked at")
    return folder


@pytest.fixture(scope="module")
def extracted(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of one run of mel-steps over the catalogue."""
    output = tmp_path_factory.mktemp("features") / "steps"
    status = main(["features", "mel-steps", str(catalogue), "--output", str(output), "--workers", "1"])
    assert status == EXIT_DONE
    return output


def one_table(output: Path) -> pa.Table:
    """All features of the one run under an output."""
    (file,) = output.glob("run_id=*/features/*.parquet")
    return pq.read_table(file)


def rows_of(output: Path) -> dict[str, dict[str, Any]]:
    """Rows of features by the name of their file."""
    return {Path(row["track_id"]).name: row for row in one_table(output).to_pylist()}


def test_every_track_with_sound_has_one_row_with_the_values_of_the_front_end(extracted: Path) -> None:
    rows = rows_of(extracted)
    assert sorted(rows) == ["a.wav", "b.wav", "copy_of_b.wav"]
    for name, seed in (("a.wav", 1), ("b.wav", 2), ("copy_of_b.wav", 2)):
        expected = mel_steps.mel_steps(music(4.0 + seed, seed=seed))
        np.testing.assert_allclose(rows[name]["values"], expected, rtol=0, atol=1e-6)
        assert (rows[name]["start_s"], rows[name]["step_s"]) == (0.0, 0.5)
        assert rows[name]["names"] == list(FRONT_ENDS["mel-steps"].layout(None).names)


def test_the_run_accounts_for_every_input(extracted: Path) -> None:
    tables = open_tables(str(extracted))
    assert tables.runs[-1]["counts"] == {
        "read": 6,
        "extracted": 2,
        "failed": 2,
        "skipped": 1,
        "duplicate": 1,
        **FIRST,
    }
    assert tables.runs[-1]["failures"] == {"silent": 1, "not_audio": 1}
    assert tables.runs[-1]["front_end"]["key"] == "mel-steps@1"
    tracks = tables.read("tracks").set_index("track_id")
    assert set(tracks["bundle"]) == {"mel-steps@1"}
    (copy,) = tracks[tracks["status"] == "duplicate"].index
    assert copy.endswith("copy_of_b.wav")
    assert tables.names == ("failures", "features", "tracks")


def test_the_files_say_the_type_of_their_values(extracted: Path) -> None:
    schema = one_table(extracted).schema
    assert schema.names == ["track_id", "start_s", "step_s", "names", "values", "run_id"]
    assert schema.field("values").type.value_type.equals(pa.list_(pa.field("element", pa.float32()), 192))
    assert schema.metadata[b"moodscribe.table"] == b"features"
    assert all(field.metadata[b"meaning"] for field in schema if field.name != "values.element")


def test_half_precision_is_asked_for_by_name(catalogue: Path, tmp_path: Path) -> None:
    output = tmp_path / "half"
    arguments = ["features", "crnn-logmel", str(catalogue / "a.wav"), "--output", str(output)]
    assert main([*arguments, "--dtype", "float16", "--workers", "1"]) == EXIT_DONE
    table = one_table(output)
    assert table.schema.field("values").type.value_type.value_type == pa.float16()
    expected = crnn_logmel.crnn_logmel(music(5.0, seed=1)).astype(np.float16)
    np.testing.assert_array_equal(np.array(table["values"][0].as_py(), np.float16), expected)
    # DuckDB reads it without being told.
    assert len(open_tables(str(output)).read("features")["values"][0]) == len(expected)


@pytest.mark.parametrize(
    ("value", "dtype"), [(65_520.0, "float16"), (np.inf, "float32"), (np.nan, "float16")]
)
def test_a_value_that_does_not_fit_is_refused_by_its_name(value: float, dtype: str) -> None:
    features = np.zeros((3, 2), np.float32)
    features[1, 1] = value
    with pytest.raises(DataError, match=rf"^value .* of energy in row 1 does not fit {dtype}$"):
        as_lists(features, Layout(("zcr", "energy"), step_s=1.0), dtype=dtype)


def test_rows_of_more_than_one_axis_are_laid_out_in_c_order() -> None:
    features = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    layout = Layout(tuple("abcdef"), step_s=1.0, shape=(3, 2))
    assert as_lists(features, layout, dtype="float32").to_pylist() == [
        [0, 1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10, 11],
    ]


@pytest.mark.parametrize("suffix", ["csv", "arff"])
def test_features_as_text_have_one_line_a_step_in_the_toolkits_layout(
    extracted: Path, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"features.{suffix}"
    assert main(["export", str(extracted), "features", str(file)]) == EXIT_DONE
    lines = file.read_text().splitlines()
    if suffix == "arff":
        head, lines = lines[: lines.index("@data")], lines[lines.index("@data") + 1 :]
        assert head[:4] == [
            "@relation 'Deep Spectrum Features'",
            "",
            "@attribute name string",
            "@attribute timeStamp numeric",
        ]
        assert head[4:-1] == [
            f"@attribute {name} numeric" for name in front_end("mel-steps").layout(None).names
        ]
    else:
        assert lines.pop(0).split(",") == ["name", "timeStamp", *front_end("mel-steps").layout(None).names]
    rows = list(csv.reader(lines))
    values = {Path(row["track_id"]).name: row["values"] for row in one_table(extracted).to_pylist()}
    for name, expected in values.items():
        mine = [row for row in rows if Path(row[0]).name == name]
        assert [float(row[1]) for row in mine] == [0.5 * step for step in range(len(expected))]
        found = np.array([row[2:] for row in mine], np.float32)
        np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_an_export_to_parquet_keeps_the_type(extracted: Path, tmp_path: Path) -> None:
    assert main(["export", str(extracted), "features", str(tmp_path / "one.parquet")]) == EXIT_DONE
    whole, table = pq.read_table(tmp_path / "one.parquet"), one_table(extracted)
    assert whole.equals(table)


def test_an_output_holds_features_of_one_kind(
    extracted: Path, catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["features", "crnn-logmel"], ["features", "mel-steps", "--dtype", "float16"], ["tag"]):
        assert main([*command, str(catalogue), "--output", str(extracted)]) == EXIT_USAGE
        message = capsys.readouterr().err
        assert "holds features of mel-steps@1 (dtype=float32); " in message
        assert "need another --output" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("mel-step IN", "no front end 'mel-step'; did you mean mel-steps?; there are crnn-logmel, "),
        ("mel-steps IN --preset fast", "mel-steps has no preset 'fast'; there are default"),
        ("mel-steps IN --set bands=4", "mel-steps has no setting 'bands'"),
        ("mel-steps IN --set bands", "--set bands: not of the form NAME=VALUE"),
        ("mel-steps IN/nothing", "IN/nothing: no such file or folder"),
        (
            "mel-steps IN --dtyp float16",
            "--dtyp is an option of neither moodscribe nor Beam; did you mean --dtype?",
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_runs(
    arguments: str, message: str, catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [part.replace("IN", str(catalogue)) for part in arguments.split()]
    assert main(["features", *filled, "--output", str(tmp_path / "out")]) == EXIT_USAGE
    printed = capsys.readouterr().err
    assert message.replace("IN", str(catalogue)) in printed
    assert len(printed.splitlines()) == 1
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_the_list_names_every_front_end(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["features", "--list"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for one in FRONT_ENDS.values():
        assert f"{one.key}  {one.about}" in printed
        assert all(preset in printed for preset in one.presets if preset != "default")


def test_samples_go_through_a_front_end_as_a_transform() -> None:
    tracks = [(f"track {seed}", music(3.0, seed=seed)) for seed in range(3)]
    expected = {name: mel_steps.mel_steps(samples) for name, samples in tracks}

    def check(found: list[tuple[str, NDArray[np.float32]]]) -> None:
        assert sorted(name for name, _ in found) == sorted(expected)
        for name, values in found:
            np.testing.assert_array_equal(values, expected[name])

    options = beam.options.pipeline_options.PipelineOptions(default_options(workers=1))
    with beam.Pipeline(runner=local_runner(options), options=options) as pipeline:
        assert_that(pipeline | beam.Create(tracks) | ExtractFeatures("mel-steps"), check)


def test_settings_are_read_from_text_by_the_kind_of_their_preset() -> None:
    chosen = front_end("crnn-logmel")
    assert choose(chosen, None, {}) is None
