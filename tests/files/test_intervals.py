"""Curves over a part of a track: which steps, which numbers, which words for what is not there."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.cli import EXIT_DONE, EXIT_USAGE, main
from pipelines.intervals.interval import Interval
from pipelines.intervals.stored import stored_curves
from pipelines.intervals.text import as_csv, as_json, as_text
from pipelines.intervals.times import parse_time, show_time
from pipelines.intervals.whole_track import whole_track
from pipelines.tables import MoodTables, open_tables
from schemas.antonyms import ANTONYMS, AntonymRow
from schemas.clock import steps_between
from schemas.errors import DataError, FailureKind
from schemas.run import RUN_FILE
from schemas.table import to_arrow
from tests.files.conftest import Catalogue
from tests.output.histories import Past, Row, run_id, write_run
from transforms.writing.parts import parquet_writer, write_row_group

CURVE = np.linspace(-0.5, 0.5, 20, dtype=np.float32)


def track(**values: Any) -> Interval:
    """A track of 10.3 s whose valence rises while its arousal falls."""
    row = {
        "track_id": "t1",
        "start_s": 0.0,
        "step_s": 0.5,
        "valence": CURVE,
        "arousal": -CURVE,
        "valence_spread": np.full(20, 0.1, np.float32),
        "arousal_spread": np.full(20, 0.2, np.float32),
        "change_points_s": [3.0, 5.0],
    }
    pair = {"pair": "calm-excited", "start_s": 0.0, "step_s": 4.0, "shares": [0.1, 0.5, 0.9]}
    return whole_track(row | values, [pair], track_s=10.3)


@pytest.fixture(scope="module")
def tables(catalogue: Catalogue) -> MoodTables:
    return open_tables(str(catalogue.output))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("70", 70.0),
        ("70.5", 70.5),
        ("1:10", 70.0),
        ("1:10.25", 70.25),
        ("1:02:03", 3723.0),
        ("90:00", 5400.0),
    ],
)
def test_times_are_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "1:", ":10", "1:60", "1:60:00", "-1", "nan", "1e3", "1:2:3:4", "ten", "٣"]
)
def test_what_is_no_time_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_time(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (70.5, "1:10.5"),
        (3723, "1:02:03"),
        (59.9996, "1:00"),
        (5.05, "0:05.05"),
        (-2.4, "-0:02.4"),
    ],
)
def test_times_are_shown_as_people_write_them(seconds: float, text: str) -> None:
    assert show_time(seconds) == text


@pytest.mark.parametrize(
    ("from_s", "to_s", "steps"),
    [
        (1.0, 2.0, [2, 3]),  # neither the step that ends at 1.0 nor the one that begins at 2.0
        (1.1, 2.0, [2, 3]),
        (1.0, 2.1, [2, 3, 4]),
        (1.2, 1.3, [2]),
        (0.0, 0.5, [0]),
        (1.0 - 1e-9, 2.0 + 1e-9, [2, 3]),  # what is left of a sum of decimals is no time
        (0.1 + 0.2 + 0.2, 1.0, [1]),
    ],
)
def test_a_step_belongs_to_an_interval_if_they_have_time_in_common(
    from_s: float, to_s: float, steps: list[int]
) -> None:
    assert list(steps_between(from_s, to_s, start_s=0.0, step_s=0.5)) == steps


def test_an_interval_has_the_values_of_its_steps_and_of_no_other() -> None:
    part = track().between("0:01", 2.0)
    assert part.frame["time_s"].tolist() == [1.0, 1.5]
    assert part.frame["valence"].tolist() == CURVE[2:4].tolist()
    assert part.frame["arousal"].tolist() == (-CURVE[2:4]).tolist()
    assert part.summary["valence_mean"] == pytest.approx(CURVE[2:4].mean())
    assert part.summary["valence_slope"] == pytest.approx(60 * (CURVE[3] - CURVE[2]) / 0.5, rel=1e-5)
    assert part.summary["q2_share"] == 1.0
    assert part.summary["valence_spread_mean"] == pytest.approx(0.1)


def test_shares_of_antonyms_are_those_of_the_chunks_that_the_interval_touches() -> None:
    part = track().between(3.0, 5.0)
    assert part.frame["calm-excited"].tolist() == pytest.approx([0.1, 0.1, 0.5, 0.5])
    assert part.summary["antonyms"] == {"calm-excited": pytest.approx(0.3)}
    assert track().between(9.0, 10.0).summary["antonyms"] == {"calm-excited": pytest.approx(0.9)}


def test_change_points_are_those_inside() -> None:
    assert track().between(3.0, 5.0).summary["change_points_s"] == [3.0]
    assert track().between(0.0, 3.0).summary["change_points_s"] == []


def test_parts_of_parts_are_parts_of_the_track() -> None:
    whole = track()
    assert whole.between(2, 9).between(4, 6).frame.equals(whole.between(4, 6).frame)
    with pytest.raises(DataError, match="0:01 is outside of what there is, 0:02 to 0:09"):
        whole.between(2, 9).between(1, 6)


def test_coarser_steps_are_means_and_the_last_has_what_is_left() -> None:
    coarse = track().between(1, 4).every(1.25 + 0.75)
    assert coarse.frame["time_s"].tolist() == [1.0, 3.0]
    assert coarse.frame["valence"].tolist() == pytest.approx([CURVE[2:6].mean(), CURVE[6:8].mean()])
    for wrong in (0.3, 0, 0.75):
        with pytest.raises(DataError, match="takes a multiple"):
            track().every(wrong)


@pytest.mark.parametrize(
    ("from_s", "to_s", "message"),
    [
        (0.0, 10.4, "0:10.4 is outside of what there is, 0:00 to 0:10.3"),
        (11.0, None, "0:11 is outside of"),
        (-1.0, 2.0, "is outside of"),
        (3.0, 3.0, "has nothing in it"),
        (4.0, 3.0, "has nothing in it"),
        (10.1, 10.3, "no step from 0:10.1 on: it ends at 0:10"),
        ("1:99", None, "'1:99' is no time"),
        (float("nan"), 2.0, "nan to 2.0 seconds is no interval"),
        (1.0, float("inf"), "1.0 to inf seconds is no interval"),
    ],
)
def test_an_interval_that_is_not_there_is_refused_with_what_is(
    from_s: float | str, to_s: float | None, message: str
) -> None:
    with pytest.raises(DataError, match=message) as refused:
        track().between(from_s, to_s)
    assert refused.value.kind is FailureKind.BAD_INPUT


def test_a_track_may_be_longer_than_its_last_step() -> None:
    assert len(track().between(9.5, 10.3).frame) == 1
    assert whole_track({**_row(track())}, [], track_s=None).to_s == 10.0


def _row(interval: Interval) -> dict[str, Any]:
    return {"track_id": "t", "start_s": 0.0, "step_s": 0.5, "change_points_s": [], **interval.curves}


def test_the_summary_of_a_whole_track_is_that_of_its_row(tables: MoodTables, catalogue: Catalogue) -> None:
    rows = tables.read("emotion_curves")
    assert len(rows) > len("abcdefg")
    for row in rows.to_dict(orient="records"):
        said = tables.curve(str(row["track_id"])).summary
        shared = said.keys() & row.keys()
        assert len(shared) == 15
        for name in shared:
            found = said[name]
            if isinstance(found, float):
                assert np.float32(found) == row[name], name
            else:
                assert list(found) == list(row[name]), name


@pytest.mark.parametrize("name", ["album/c.flac", "c.flac"])
def test_a_track_is_found_by_its_id_its_path_or_the_end_of_it(
    name: str, tables: MoodTables, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(catalogue.folder)
    path = str(catalogue.folder / "album" / "c.flac")
    assert tables.curve(name).track_id == tables.curve(path).track_id == path


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("a.wav", FailureKind.BAD_INPUT, "2 tracks are meant, such as .*a.wav; give a track_id"),
        ("nosuch", FailureKind.NOT_FOUND, "neither a track_id nor the URI"),
        (".wav", FailureKind.NOT_FOUND, "neither a track_id nor the URI"),
        ("' OR 1=1 --", FailureKind.NOT_FOUND, "neither a track_id nor the URI"),
        ("text.mp3", FailureKind.BAD_INPUT, "no curve, the track is failed: not_audio"),
    ],
)
def test_a_track_that_is_not_there_is_told_from_one_without_a_curve(
    name: str, kind: FailureKind, message: str, tables: MoodTables
) -> None:
    with pytest.raises(DataError, match=message) as refused:
        tables.curve(name)
    assert refused.value.kind is kind


def test_shares_of_antonyms_are_read_from_their_table(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Past(run_id(1), (Row("t1", uri="/t1"),)))
    pair = AntonymRow("t1", "calm-excited", "calm", "excited", 0.5, 0.1, 0.0, 10.0, [0.25, 0.75], run_id(1))
    (folder / "antonyms").mkdir()
    with (folder / "antonyms" / "part.parquet").open("wb") as file, parquet_writer(file, ANTONYMS) as writer:
        write_row_group(writer, to_arrow([pair], ANTONYMS.schema))
    record = json.loads((folder / RUN_FILE).read_text())
    record["tables"]["antonyms"] = {"files": ["antonyms/part.parquet"], "rows": 1}
    (folder / RUN_FILE).write_text(json.dumps(record))
    (share,) = stored_curves(open_tables(str(tmp_path)), "t1").shares
    assert (share.pair, share.step_s, share.values.tolist()) == ("calm-excited", 10.0, [0.25, 0.75])


def test_all_formats_say_the_same() -> None:
    part = track(track_id="=cmd\x1b[2J<script>").between(1, 3).every(1)
    rows = list(csv.DictReader(io.StringIO(as_csv(part))))
    said = json.loads(as_json(part))
    text = as_text(part)
    assert [float(row["valence"]) for row in rows] == said["steps"]["valence"]
    assert said["summary"]["colour"] in text
    assert f"{said['steps']['valence'][0]:+.2f}" in text
    assert said["track_id"] == "=cmd\x1b[2J<script>"
    assert "\x1b" not in text


def test_the_command_writes_an_interval(catalogue: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["curve", "c.flac", "--tables", str(catalogue.output)]
    assert main([*command, "--from", "0:01", "--to", "0:02.5", "--format", "csv"]) == EXIT_DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "time_s,valence,valence_spread,arousal,arousal_spread,colour"
    assert [line.split(",")[0] for line in lines[1:]] == ["1.0000", "1.5000", "2.0000"]
    assert main([*command, "--every", "2"]) == EXIT_DONE
    assert "c.flac, 0:00 to 0:04.3: 2 steps of 2 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("c.flac --from 1:00", "1:00 is outside of what there is"),
        ("c.flac --from 1:99", "'1:99' is no time"),
        ("c.flac --every 0", "takes a multiple"),
        ("a.wav", "2 tracks are meant"),
    ],
)
def test_a_mistake_ends_with_one_line(
    arguments: str, message: str, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["curve", *arguments.split(), "--tables", str(catalogue.output)])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == EXIT_USAGE
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_tables_that_are_not_there_are_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curve", "x", "--tables", str(tmp_path / "nowhere")]) == EXIT_USAGE
    assert "no committed run there" in capsys.readouterr().err
