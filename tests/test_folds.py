"""Training in folds: what each fold sees, which net it keeps, and the bundle and card of the kept nets."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.bundle_files import read_bundle
from models.ensemble import Batch, Ensemble
from models.evaluation.curves import SongCurves, evaluate_curves
from models.training.data.form import DataSet, EmotionTarget, LabelledTrack
from models.training.learning.checkpoint import Progress
from models.training.systems.bundle_of_system import Facts, write_system_bundle
from models.training.systems.fold_measures import Applied, evaluate_mean, mean_figure
from models.training.systems.folds import FoldPlan, check_folds, choose, in_fold, parted_groups, trial_plans
from models.training.systems.loop import Surroundings
from models.training.systems.plan import Choices, SystemPlan, plan_system
from models.training.systems.targets import on_the_clock
from pipelines.option_hints import HintingParser
from pipelines.tables import open_tables
from pipelines.training.arguments import chosen_folds, train_parser
from pipelines.training.command import add_train
from pipelines.training.systems.folds import TrainedFolds, gather_folds, train_folds
from schemas.errors import DataError
from tests.jobs import plan_run, run
from tests.sounds import clicks, music

Floats = NDArray[np.float32]
STEPS = 40
PLAN = FoldPlan(3, 2)


@dataclass(frozen=True)
class Held:
    """Features in memory, in row groups of four."""

    rows: dict[str, Floats]
    step_s: float = 0.5
    row_shape: tuple[int, ...] = (96,)
    runs: tuple[str, ...] = ("made-up",)

    @property
    def groups(self) -> Sequence[Sequence[str]]:
        names = list(self.rows)
        return [names[start : start + 4] for start in range(0, len(names), 4)]

    def read(self, group: int, wanted: Collection[str]) -> dict[str, Floats]:
        return {name: self.rows[name] for name in self.groups[group] if name in wanted}


def rated_set(*, seed: int = 3) -> tuple[DataSet, Held]:
    """Nine songs and two of an official test, of curves from 5 s on that follow the features."""
    rng = np.random.default_rng(seed)
    tracks, rows = [], {}
    for k in range(11):
        curve = np.cumsum(rng.normal(0, 0.06, (STEPS, 2)), axis=0).clip(-1, 1).astype(np.float32)
        noise = rng.normal(0, 0.2, (STEPS, 96))
        rows[f"s{k}"] = (np.repeat(curve, 48, axis=1) + noise).astype(np.float32)
        target = EmotionTarget(5.0, 0.5, curve[10:])
        tracks.append(LabelledTrack(f"s{k}", f"s{k}", curve=target, split="test" if k > 8 else "train"))
    return DataSet("made-up", "none", tuple(tracks)), Held(rows)


NETS = {
    "two-convolutions": {"target": "both", "channels": "4,4", "dense": "8"},
    "deep-lstm": {"inputs": "96", "layers": "3,2"},
}


def small_system(data: DataSet, system: str = "two-convolutions") -> SystemPlan:
    return plan_system(system, data, Choices("compact", members=1, epochs=2, changes=NETS[system]))


def trained_folds(
    work: Path, held: tuple[DataSet, Held], *, plan: FoldPlan = PLAN, stop: str = ""
) -> tuple[TrainedFolds, list[str]]:
    """A tiny deep LSTM in folds and every epoch told; `stop` is the one that is killed when it is told."""
    data, store = held
    epochs: list[str] = []

    def told(name: str, progress: Progress) -> None:
        epochs.append(f"{name}:{progress.epoch}")
        if epochs[-1] == stop:
            raise KeyboardInterrupt

    gathered = gather_folds(data, small_system(data), store, plan=plan)
    return train_folds(gathered, Surroundings(work, "", told=told)), epochs


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedFolds, list[str], Path]:
    """A training that was not stopped, its epochs, and the folder of its checkpoints."""
    work = tmp_path_factory.mktemp("whole")
    return *trained_folds(work, rated_set()), work


def parts_of(data: DataSet, fold: int) -> dict[str, list[str]]:
    tracks = in_fold(data, PLAN, fold).tracks
    return {part: [t.track_id for t in tracks if t.split == part] for part in ("train", "validation", "test")}


def test_each_fold_is_validation_once_and_the_last_is_in_none_of_the_others() -> None:
    data, _ = rated_set()
    first, second = ["s0", "s3", "s6"], ["s1", "s4", "s7"]
    assert parts_of(data, 1) == {"train": second, "validation": first, "test": []}
    assert parts_of(data, 2) == {"train": first, "validation": second, "test": []}
    last = parts_of(data, 3)
    assert last["validation"] == ["s2", "s5", "s8"]
    assert len(last["train"]) == 6
    seen = {track for fold in (1, 2) for some in parts_of(data, fold).values() for track in some}
    assert seen.isdisjoint({*last["validation"], "s9", "s10"})


def test_artists_that_lie_in_several_folds_are_told_of() -> None:
    data, _ = rated_set()
    assert parted_groups(data, PLAN) == ""
    pairs = replace(data, tracks=tuple(replace(t, group=f"a{k // 2}") for k, t in enumerate(data.tracks)))
    assert parted_groups(pairs, PLAN) == "4 of 5 artists have tracks in several folds"


def test_trials_have_names_and_seeds_of_their_own() -> None:
    (kind,) = small_system(rated_set()[0]).members
    trials = trial_plans(kind, FoldPlan(11, 3), 7)
    assert [one.name for one in trials] == [f"two-convolutions-fold7-trial{k}" for k in (1, 2, 3)]
    assert [one.seed for one in trials] == [1, 2, 3]


@pytest.mark.parametrize(
    ("select", "figures", "trial"),
    [
        ("rmse", [0.3, 0.1, 0.2], 2),
        ("ccc", [0.3, 0.1, 0.2], 1),
        ("rmse", [0.2, 0.2], 1),
        ("ccc", [np.nan, -0.4], 2),
    ],
)
def test_the_lowest_error_or_the_highest_concordance_is_kept(
    select: str, figures: list[float], trial: int
) -> None:
    (kind,) = small_system(rated_set()[0]).members
    choice = choose(kind, FoldPlan(3, len(figures), select), 2, figures)
    assert (choice.kind, choice.fold, choice.trial) == ("two-convolutions", 2, trial)


def test_a_figure_is_the_mean_over_songs_whatever_their_length_and_then_over_targets() -> None:
    nan = np.nan
    ratings: dict[str, Floats] = {
        "long": np.array([[nan, nan], *[[0.0, 0.5]] * 9], np.float32),
        "short": np.array([0.5, 0.5], np.float32),
    }
    outputs: dict[str, Floats] = {
        "long": np.full((10, 2), 0.1, np.float32),
        "short": np.full((2, 2), 0.2, np.float32),
    }
    # Valence is wrong by .1 and .3, arousal by .4 and .3.
    assert mean_figure(Applied("both", outputs, ratings), "rmse") == pytest.approx((0.2 + 0.35) / 2)
    valence = Applied(
        "valence",
        {name: output[:, :1] for name, output in outputs.items()},
        {name: rating[..., :1] for name, rating in ratings.items()},
    )
    assert mean_figure(valence, "rmse") == pytest.approx(0.2)
    with pytest.raises(DataError, match="none of 1 tracks of a fold is rated where it has features"):
        mean_figure(Applied("both", {"long": outputs["long"][:1]}, ratings), "rmse")


def test_nets_for_a_target_each_make_the_same_mean_as_nets_for_both() -> None:
    rng = np.random.default_rng(1)
    ratings: dict[str, Floats] = {"a": rng.normal(size=(8, 2)).astype(np.float32)}
    outputs = [{"a": rng.normal(size=(9, 2)).astype(np.float32)} for _ in range(2)]
    both = [Applied("both", output, ratings) for output in outputs]
    apart = [
        Applied(target, {"a": output["a"][:, [k]]}, {"a": ratings["a"][:, [k]]})
        for output in outputs
        for k, target in enumerate(("valence", "arousal"))
    ]
    found = evaluate_mean(both)
    assert found == evaluate_mean(apart)
    mean = (outputs[0]["a"][:8, 1] + outputs[1]["a"][:8, 1]) / 2
    error = float(np.sqrt(np.mean((mean - ratings["a"][:, 1]) ** 2)))
    assert found["arousal"]["rmse_mean"] == pytest.approx(error, rel=1e-5)
    assert found["steps"] == 8


def test_every_fold_trains_its_trials_and_keeps_the_best(
    whole: tuple[TrainedFolds, list[str], Path],
) -> None:
    done, epochs, _ = whole
    names = [f"two-convolutions-fold{fold}-trial{trial}" for fold in (1, 2) for trial in (1, 2)]
    assert epochs == [f"{name}:{epoch}" for name in names for epoch in (1, 2)]
    data, _ = rated_set()
    for one, choice in zip(done.trained, done.report.choices, strict=True):
        assert one.plan.name == f"two-convolutions-fold{choice.fold}-trial{choice.trial}"
        assert choice.figures[choice.trial - 1] == min(choice.figures)
        assert len(set(choice.figures)) == 2
        validation = {t.track_id for t in in_fold(data, PLAN, choice.fold).tracks if t.split == "validation"}
        assert set(one.outputs) == validation == set(done.targets[one.plan.name])


def test_a_kill_changes_nothing_and_another_choice_trains_nothing_again(
    whole: tuple[TrainedFolds, list[str], Path], tmp_path: Path
) -> None:
    done, epochs, work = whole
    stop = "two-convolutions-fold2-trial1:1"
    with pytest.raises(KeyboardInterrupt):
        trained_folds(tmp_path, rated_set(), stop=stop)
    resumed, later = trained_folds(tmp_path, rated_set())
    assert later == epochs[epochs.index(stop) + 1 :]
    assert resumed.report == done.report
    for one, other in zip(resumed.trained, done.trained, strict=True):
        assert one.weights.keys() == other.weights.keys()
        for name, array in one.weights.items():
            np.testing.assert_array_equal(array, other.weights[name])
    by_ccc, again = trained_folds(work, rated_set(), plan=FoldPlan(3, 3, "ccc"))
    assert {name.partition(":")[0] for name in again} == {f"two-convolutions-fold{k}-trial3" for k in (1, 2)}
    assert all(c.figures[c.trial - 1] == max(c.figures) for c in by_ccc.report.choices)


def test_neither_the_held_out_fold_nor_an_official_test_changes_a_net_or_a_choice(
    whole: tuple[TrainedFolds, list[str], Path], tmp_path: Path
) -> None:
    data, store = rated_set()
    unseen = {"s2", "s5", "s8", "s9", "s10"}
    curve = EmotionTarget(0.0, 0.5, np.full((STEPS, 2), 0.9, np.float32))
    tracks = tuple(replace(t, curve=curve) if t.track_id in unseen else t for t in data.tracks)
    rows = {name: -7.0 * values if name in unseen else values for name, values in store.rows.items()}
    other, _ = trained_folds(tmp_path, (replace(data, tracks=tracks), Held(rows)))
    assert other.report.choices == whole[0].report.choices
    assert other.report.held_out["valence"] != whole[0].report.held_out["valence"]
    for one, same in zip(other.trained, whole[0].trained, strict=True):
        for name, array in one.weights.items():
            np.testing.assert_array_equal(array, same.weights[name])


def test_the_bundle_gives_on_the_held_out_fold_what_its_card_says(
    whole: tuple[TrainedFolds, list[str], Path], tmp_path: Path
) -> None:
    done, (data, store) = whole[0], rated_set()
    system = replace(small_system(data), members=tuple(one.plan for one in done.trained))
    facts = Facts(data, {"held out": 3}, 1, targets=done.targets, folds=done.report)
    bundle = write_system_bundle(tmp_path, system, done.trained, facts, name="folds")
    models = Ensemble(bundle)
    models.load()
    inside = np.arange(60)[None] < STEPS
    songs = []
    for track in data.tracks[2:9:3]:
        assert track.curve is not None
        values = np.pad(store.rows[track.track_id], [(0, 60 - STEPS), (0, 0)])
        rows = Batch(values[None], inside)
        curves = np.mean([models.run(member.name, rows)[0, :STEPS] for member in bundle.members], axis=0)
        truth = on_the_clock(track.curve)
        times = np.arange(10, STEPS, dtype=np.float64) * 0.5
        songs.append(SongCurves(track.track_id, times, truth[10:].astype(float), curves[10:].astype(float)))
    found = evaluate_curves(songs)
    card = (tmp_path / "card.md").read_text()
    for axis in ("valence", "arousal"):
        for name in ("rmse", "r", "ccc"):
            said = done.report.held_out[axis][f"{name}_mean"]
            assert said == pytest.approx(found[axis][f"{name}_mean"], abs=1e-6)
            assert f"{said:.4f} ± " in card
    assert "--preset compact --folds 3 --trials 2 --select rmse`" in card
    assert "modulo 3, plus 1. Fold 3 is held out." in card
    for choice in done.report.choices:
        figures = " ".join(f"{figure:.4f}" for figure in choice.figures)
        assert f"| {choice.fold} | two-convolutions | trial {choice.trial} | {figures} |" in card
    assert "mean of" not in card.partition("## Folds and trials")[0]


def test_the_deep_lstm_trains_in_folds(tmp_path: Path) -> None:
    data, store = rated_set()
    gathered = gather_folds(data, small_system(data, "deep-lstm"), store, plan=FoldPlan(3))
    done = train_folds(gathered, Surroundings(tmp_path, ""))
    assert [one.plan.name for one in done.trained] == ["deep-lstm-fold1-trial1", "deep-lstm-fold2-trial1"]
    assert [song["song"] for song in done.report.held_out["by_song"]] == ["s2", "s5", "s8"]
    # The first ten of forty steps are not rated.
    assert done.report.held_out["steps"] == 3 * 30


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train_parser(parser.add_subparsers(parser_class=HintingParser))
    return parser.parse_args(["train", *words, "--data", "s=d", "--output", "o"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("gru --trials 5", "--trials 5 is of the nets of a fold; give --folds too"),
        ("gru --select ccc", "--select ccc is of the nets of a fold; give --folds too"),
        ("gru --folds 2", "--folds 2 is below 3"),
        ("gru --folds -1", "--folds -1 is below 3"),
        ("gru --folds 5 --trials 0", "--trials 0 is below 1"),
        ("gru --folds 5 --members 2", "--members 2: with --folds a bundle has one net of each"),
        ("crnn --folds 5", "--folds is for valence and arousal, which crnn does not learn"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        chosen_folds(parsed(*words.split()))


def test_folds_have_one_trial_by_rmse_where_nothing_else_is_said() -> None:
    assert chosen_folds(parsed("gru", "--folds", "11")) == FoldPlan(11, 1, "rmse")
    assert chosen_folds(parsed("gru")) is None


def test_a_set_that_cannot_be_folded_or_chosen_by_is_refused() -> None:
    data, _ = rated_set()
    with pytest.raises(DataError, match="9 tracks cannot make 11 folds"):
        check_folds(data, FoldPlan(11))
    static = tuple(replace(track, curve=None, static=(0.1, 0.2)) for track in data.tracks)
    check_folds(replace(data, tracks=static), FoldPlan(3))
    with pytest.raises(DataError, match="made-up has one rating a track, of which there is no CCC"):
        check_folds(replace(data, tracks=static), FoldPlan(3, 1, "ccc"))


def test_the_command_makes_a_bundle_that_the_main_job_runs(tmp_path: Path) -> None:
    sounds, songs = tmp_path / "sounds", [*range(1, 7), 2001]
    sounds.mkdir()
    for k in songs:
        samples = music(4.0, seed=k) + clicks(4.0, every_s=0.1 * (1 + k % 5))
        soundfile.write(sounds / f"{k}.wav", samples, 16_000, subtype="FLOAT")
    rng = np.random.default_rng(0)
    for axis in ("valence", "arousal"):
        times = ",".join(f"sample_{500 * k}ms" for k in range(1, 8))
        lines = [f"{k},{','.join(f'{v:.3f}' for v in rng.uniform(-1, 1, 7))}" for k in songs]
        (tmp_path / f"{axis}.csv").write_text("\n".join([f"song_id,{times}", *lines]) + "\n")
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers(parser_class=HintingParser))
    bundle = tmp_path / "bundle"
    words = ["autoencoder", "--data", f"mediaeval2015={tmp_path},audio={sounds}", "--output", str(bundle)]
    words += ["--preset", "compact", "--epochs", "1", "--folds", "3", "--trials", "2", "--select", "ccc"]
    words += ["--set", "channels=4,4,8,4"]
    arguments = parser.parse_args(["train", *words, "--workers", "1", "--threads", "1"])
    assert arguments.run(arguments, []) == 0
    names = [member.name for member in read_bundle(bundle).members]
    kinds = [f"autoencoder-{axis}-fold{fold}" for fold in (1, 2) for axis in ("valence", "arousal")]
    assert [re.sub(r"-trial[12]$", "", name) for name in names] == kinds
    assert {path.stem for path in (tmp_path / "bundle.work" / "checkpoints").iterdir()} == {
        f"{kind}-trial{trial}" for kind in kinds for trial in (1, 2)
    }
    card = (bundle / "card.md").read_text()
    assert "Tracks: 4 in 2 folds, 2 held out, 1 official test (not looked at)." in card
    assert "## Measured on the held-out fold 3" in card
    record = run(plan_run(sounds, tmp_path / "moods", read_bundle(bundle)))
    assert record["counts"]["tagged"] == len(songs)
    curves = open_tables(str(tmp_path / "moods")).read("emotion_curves")
    assert all(max(spread) > 0 for spread in curves["valence_spread"])
