"""Trials of the systems by folds: what is trained on what, what is kept, and the sections of the page."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.training.data.form import DataSet, LabelledTrack
from models.training.systems.plan import Choices
from pipelines.reproduce.results import render
from pipelines.reproduce.stages import Place
from pipelines.reproduce.trials import antonyms, curves, static, taggers
from pipelines.reproduce.trials.affect import Row, courses_of, courses_table, curves_of
from pipelines.reproduce.trials.baselines import fit_mean, fit_svr_baseline
from pipelines.reproduce.trials.cross_fit import Fold, cross_fit, each_track
from pipelines.reproduce.trials.study import MEAN, SVR, Contender, Study, divide_fold
from tests.sounds import music

Floats = NDArray[np.float32]
TRACKS = tuple(
    LabelledTrack(f"t{k:02d}", group=f"artist{k // 2}", static=(0.2 * (k % 9) - 0.8, 0.1 * (k % 7)))
    for k in range(24)
)
DATA = DataSet("made-up", "none", TRACKS)
STUDY = Study("moods4q", (Contender(MEAN, MEAN),), k=3, limit_s=3.0)


class _Held:
    """Rows in memory: pyaudio-68's shape, half of the values the track's valence, half its arousal."""

    def __init__(self) -> None:
        self.groups = [[track.track_id for track in TRACKS]]
        self.rows = {track.track_id: np.tile(np.repeat(track.static or (), 34), (60, 1)) for track in TRACKS}

    def read(self, group: int, wanted: Collection[str]) -> Mapping[str, Floats]:
        return {name: self.rows[name] for name in self.groups[group] if name in wanted}


def test_every_track_is_test_once_and_its_artist_is_nowhere_else() -> None:
    tested = []
    for fold in range(STUDY.k):
        divided = divide_fold(DATA, STUDY, fold)
        parts: dict[str, set[str]] = {}
        for track in divided.tracks:
            parts.setdefault(track.split, set()).add(track.group)
        assert set(parts) == {"train", "validation", "test"}
        assert not parts["train"] & parts["validation"]
        assert not parts["test"] & (parts["train"] | parts["validation"])
        tested += [track.track_id for track in divided.tracks if track.split == "test"]
        assert len(divided.tracks) == len(TRACKS)
    assert sorted(tested) == [track.track_id for track in TRACKS]


def test_a_contenders_folds_are_kept_under_all_that_they_depend_on_and_no_more() -> None:
    gru = Contender("gru", "gru")
    key = STUDY.key(gru)
    assert replace(STUDY, contenders=(gru, gru)).key(gru) == key
    assert STUDY.key(replace(gru, name="another name")) == key
    others = (
        STUDY.key(replace(gru, choices=Choices(epochs=3))),
        STUDY.key(replace(gru, system="deep-lstm")),
        STUDY.key(replace(gru, pretraining=False)),
        replace(STUDY, k=4).key(gru),
        replace(STUDY, limit_s=4.0).key(gru),
    )
    assert len({key, *others}) == 6


def test_without_pretraining_only_the_pretraining_goes() -> None:
    with_it = Contender("a", "deep-lstm").plan(DATA).members[0]
    without = Contender("a", "deep-lstm", pretraining=False).plan(DATA).members[0]
    assert with_it.schedule.pretraining == 20
    assert without == replace(with_it, schedule=replace(with_it.schedule, pretraining=0))


def test_the_baselines_answer_from_other_tracks_alone() -> None:
    divided = divide_fold(DATA, STUDY, 0)
    plan = Contender(MEAN, MEAN).plan(divided)
    held: Any = _Held()
    test = {track.track_id: track.static for track in divided.tracks if track.split == "test"}
    known = np.array([track.static for track in divided.tracks if track.split != "test"])
    means = fit_mean(divided, plan, held)
    assert set(means) == set(test)
    for curve in means.values():
        assert curve.shape == (6, 2)
        np.testing.assert_allclose(curve, np.tile(known.mean(axis=0), (6, 1)), atol=1e-6)
    # C = .1 and few rows: it comes near, where the mean has no r at all.
    by_support = fit_svr_baseline(divided, plan, held)
    predicted = np.array([by_support[name].mean(axis=0) for name in test])
    truth = np.array(list(test.values()))
    for axis in range(2):
        assert np.corrcoef(predicted[:, axis], truth[:, axis])[0, 1] > 0.5


def _course(*validation: float) -> dict[str, Any]:
    return {
        "monitor": "mse",
        "losses": [0.9, 0.5],
        "validation_losses": list(validation),
        "scores": list(validation),
        "best_epoch": 0,
        "parameters": 1234,
        "tracks": [8, 2],
    }


def test_a_rows_curve_is_the_mean_of_its_nets_and_one_net_a_target_makes_two_columns() -> None:
    one, two = np.zeros((4, 2), np.float32), np.ones((4, 2), np.float32)
    ensemble = [Fold({"gru-1": {"a": one}, "gru-2": {"a": two}}, {}, {})]
    assert (curves_of(Row("", "gru", "gru-1"), {"gru": ensemble})["a"] == 0.0).all()
    assert (curves_of(Row("", "gru"), {"gru": ensemble})["a"] == 0.5).all()
    nets = {"autoencoder-valence": {"a": one[:, :1]}, "autoencoder-arousal": {"a": two[:, :1]}}
    curve = curves_of(Row("", "autoencoder"), {"autoencoder": [Fold(nets, {}, {})]})["a"]
    np.testing.assert_array_equal(curve, [[0.0, 1.0]] * 4)
    assert [name for name, _ in each_track([*ensemble, Fold({"gru-1": {"b": one}}, {}, {})])] == ["a", "b"]


def test_a_loss_that_does_not_fall_is_said_not_to() -> None:
    folds = [Fold({}, {}, {"gru": _course(0.3, 0.2)}), Fold({}, {}, {"gru": _course(0.3, 0.4)})]
    table = courses_table(courses_of({"gru": folds}))
    (row,) = table.rows
    assert row[table.columns.index("fell on")] == "1 of 2 trainings"
    assert row[table.columns.index("lowest")] == ".2000 (epoch 2)"


def _write_clips(folder: Path) -> None:
    """A folder of 4Q with twelve clips of 3 s by six artists."""
    (folder / "moods4q" / "audio").mkdir(parents=True)
    with (folder / "moods4q" / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("track_id", "artist", "quadrant", "valence", "arousal", "moods"))
        for k in range(12):
            rows.writerow(
                (f"c{k}", f"a{k // 2}", f"Q{k % 4 + 1}", 0.1 * (k % 5) - 0.2, 0.1 * (k % 3), "Calm")
            )
            samples = music(3.0, rate_hz=22_050, seed=k)
            soundfile.write(folder / "moods4q" / "audio" / f"c{k}.wav", samples, 22_050)


@pytest.mark.timeout(240)
def test_folds_are_trained_in_processes_applied_to_their_test_tracks_and_kept(tmp_path: Path) -> None:
    _write_clips(tmp_path)
    small = Choices("compact", epochs=2)
    contenders = (Contender(SVR, SVR), Contender("gru", "gru", small, folds=1))
    study = replace(STUDY, contenders=contenders)
    place = Place(tmp_path, tmp_path / "work" / "made-up", tmp_path / "work", processes=2)
    data, fitted = cross_fit(study, place)
    assert len(data.tracks) == 12
    assert len(fitted[SVR]) == 3
    (fold,) = fitted["gru"]
    expected = {t.track_id for t in divide_fold(data, study, 0).tracks if t.split == "test"}
    assert set(fold.test["gru"]) == expected
    assert all(curve.shape == (6, 2) for curve in fold.test["gru"].values())
    assert len(fold.courses["gru"]["validation_losses"]) == 2
    assert {name for name, _ in each_track(fitted[SVR])} == {f"c{k}" for k in range(12)}
    begun = {path: path.stat().st_mtime_ns for path in place.work.rglob("*.npz")}
    again = cross_fit(study, place)[1]
    assert begun == {path: path.stat().st_mtime_ns for path in place.work.rglob("*.npz")}
    for name, curve in fold.test["gru"].items():
        np.testing.assert_array_equal(again["gru"][0].test["gru"][name], curve)


def _affect_rows(rows: tuple[Row, ...]) -> dict[str, Any]:
    agreement = dict.fromkeys(("rmse", "r", "ccc"), 0.25)
    axis = {f"{name}_{of}": value for name, value in agreement.items() for of in ("mean", "sd", "pooled")}
    quadrants = {"accuracy": 0.5, "f1_macro": 0.4}
    both = {**axis, **agreement, "r2": 0.1}
    return {
        row.title: {"valence": both, "arousal": both, "quadrants": quadrants, "songs": 7, "steps": 70}
        for row in rows
    }


def test_the_sections_say_every_row_and_every_course() -> None:
    courses = {"gru": {"gru-1": [_course(0.3, 0.2)]}}
    pair = {
        "pair": "joy-sad", "contender": "improved", "folds": 5, "songs": 10, "accuracy": 0.7,
        "accuracy_balanced": 0.6, "commoner_side": 0.65, "shares": {"r": 0.4},
        "confusion": {"joy": {"joy": 0.8, "sad": 0.2}, "sad": {"joy": 0.6, "sad": 0.4}},
        "counts": {"joy": {"joy": 4, "sad": 1}, "sad": {"joy": 3, "sad": 2}},
    }  # fmt: skip
    areas = {"roc_auc_macro": 0.71, "pr_auc_macro": 0.11}
    found: dict[str, dict[str, Any]] = {
        "taggers": {
            "rows": {"1s-lstm": areas, "all six": areas},
            "tracks": {"validation": 10, "test": 12},
            "tags": {"all": 8, "measured": 6},
            "courses": courses,
        },
        "antonyms": {"rows": {"joy-sad improved": pair}, "courses": courses},
        "curves": {"rows": _affect_rows(curves.ROWS), "courses": courses, "notes": []},
        "static": {"rows": _affect_rows(static.ROWS), "courses": courses},
    }
    page = render(found, [module.STAGE for module in (taggers, antonyms, curves, static)])
    for row in (*curves.ROWS, *static.ROWS):
        assert f"| {row.title} |" in page
    assert "| 1s-lstm | .7100 | .1100 | .7004 |" in page
    assert "| joy-sad | improved, 5 of 5 folds | .700 | .600 | .650 | .800 | .400 | .400 | 10 |" in page
    assert "| joy-sad | improved | sad | 3 | 2 |" in page
    assert page.count("| gru | 1,234 | 8 + 2 |") == 4
