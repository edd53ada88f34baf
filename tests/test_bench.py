"""What is written of `make bench` is what it has measured, and its parts measure what they say."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from tests.bench.gpu import measured
from tests.bench.page import Aim, aims, aims_table, gpu_table, lines, peers_table
from tests.bench.plot import draw
from tests.bench.stages import flop
from tests.bench.turns import Taken, WayProcess, _off_by
from tests.bench.way import WAYS
from tests.full_tracks import RATE_HZ, write_full_tracks

ROOT = Path(__file__).resolve().parents[1]
RESULT = json.loads((ROOT / "models" / "performance.json").read_text())


def test_the_tables_of_the_readme_and_the_ledger_are_those_of_the_last_run() -> None:
    readme = (ROOT / "README.md").read_text()
    assert peers_table(RESULT) in readme
    ledger = (ROOT / "models" / "PERFORMANCE.md").read_text()
    assert aims_table(RESULT) in ledger
    assert gpu_table(RESULT) in ledger


def test_every_way_has_a_figure_or_a_reason() -> None:
    peers = RESULT["peers"]
    assert {*peers["ways"], *peers["skipped"]} == set(WAYS)
    assert all(len(way["rounds_clock_s"]) >= 5 for way in peers["ways"].values())
    assert len(RESULT["main_job"]["rounds"]) >= 5


def test_an_aim_is_met_by_its_number_alone() -> None:
    found = {aim.what: aim for aim in aims(RESULT)}
    rate = found["tracks a second on two cores"]
    assert rate == Aim(rate.what, "at least 3.3", rate.reached, RESULT["main_job"]["tracks_a_second"] >= 3.3)
    slow = {**RESULT, "main_job": {**RESULT["main_job"], "tracks_a_second": 1.0}}
    assert {aim.what: aim.met for aim in aims(slow)}[rate.what] is False
    assert "| **no** |" in aims_table(slow)


def test_a_way_that_was_skipped_is_said_with_its_reason() -> None:
    ways = {name: way for name, way in RESULT["peers"]["ways"].items() if name != "MusiCNN's graph"}
    without = {**RESULT, "peers": {"ways": ways, "skipped": {"MusiCNN's graph": "no weights"}}}
    text = "\n".join(lines(without))
    assert "MusiCNN's graph: skipped, no weights" in text
    assert "MusiCNN and its DEAM head" not in text


def test_results_differ_by_their_largest_difference() -> None:
    ours, theirs = Taken(found={"a": [0.5, 0.25]}), Taken(found={"a": [0.5, 0.375], "b": [9.0]})
    assert _off_by(theirs, ours) == 0.125
    # Values of a net, such as 40: as a share of the largest.
    assert _off_by(Taken(found={"a": [40.0, 20.0]}), Taken(found={"a": [40.0, 30.0]})) == 0.25


def test_the_plot_is_the_same_for_the_same_numbers(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(RESULT, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.svg").stat().st_size > 5_000


def test_a_gpu_has_rows_by_preset_and_batch_with_the_fastest_in_bold() -> None:
    small = {"batch": 16, "tracks_a_second": 9.5, "cores": 1.25, "utilisation": 50.0}
    large = {"batch": 64, "tracks_a_second": 12.0, "cores": 1.5, "utilisation": None}
    text = gpu_table({"gpu": {"default": [small, large]}})
    assert [row.strip("| ").split(" | ") for row in text.splitlines()[2:]] == [
        ["default", "16", "9.5", "50 %", "1.2", "2.5"],
        ["default", "64", "**12**", "", "1.5"],
    ]


def test_a_preset_is_fed_with_batches_of_a_size(tmp_path: Path) -> None:
    (file,) = write_full_tracks(tmp_path, 1, seconds=3)
    found = measured([file, file], "default", batch=2, rounds=1)
    assert found["batch"] == 2
    assert found["tracks_a_second"] > 0
    assert found["cores"] > 0


def test_products_and_sums_of_a_net_are_counted_by_hand() -> None:
    import keras

    images = keras.Input((8, 6, 3))
    x = keras.layers.Conv2D(5, 3, padding="same")(images)
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same")(x)
    model = keras.Model(images, x)
    whole, deep = 2 * (8 * 6) * (3 * 3 * 3 * 5), 2 * (4 * 3) * (3 * 3 * 5)
    assert flop(model) == whole + deep


def test_tracks_are_stereo_of_the_length_asked_for_and_kept(tmp_path: Path) -> None:
    import soundfile

    (file,) = write_full_tracks(tmp_path, 1, seconds=3)
    samples, rate_hz = soundfile.read(file, dtype="float32")
    assert (rate_hz, samples.shape[1]) == (RATE_HZ, 2)
    assert abs(len(samples) / rate_hz - 3) < 0.1
    assert np.abs(samples[:, 0] - samples[:, 1]).max() > 0.001
    changed = file.stat().st_mtime_ns
    write_full_tracks(tmp_path, 1, seconds=3)
    assert file.stat().st_mtime_ns == changed


def test_our_way_and_librosas_find_the_same(tmp_path: Path) -> None:
    pytest.importorskip("librosa")
    (file,) = write_full_tracks(tmp_path, 1, seconds=6)
    found = {}
    for name in ("moodscribe", "librosa + Keras predict"):
        with WayProcess(name) as way:
            begin = time.perf_counter()
            answer = way.ask(file)
            assert 0 < answer["clock_s"] <= time.perf_counter() - begin
            found[name] = answer["found"]
    ours, theirs = found.values()
    assert len(ours) == 56
    np.testing.assert_allclose(theirs, ours, atol=0.01)
