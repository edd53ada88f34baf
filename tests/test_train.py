"""Training of systems on arrays made up here: plans, targets, streams, the loop and its stops."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.regressors.gru import GruSettings
from models.taggers.crnn import CrnnSettings
from models.training.data.form import AntonymPair, DataSet, EmotionTarget, LabelledTrack
from models.training.learning.checkpoint import Progress
from models.training.systems.framing import Framing, predict, random_cuts, stack
from models.training.systems.loop import Parts, Surroundings, Trained, train_member
from models.training.systems.plan import PRESETS, Choices, MemberPlan, plan_system
from models.training.systems.schedules import SCHEDULES
from models.training.systems.stream import Stream
from models.training.systems.targets import on_the_clock, split, targets_of
from models.views import ChunkView, StepView
from schemas.errors import DataError

Floats = NDArray[np.float32]
STATIC = tuple(
    LabelledTrack(f"t{k}", group=f"artist{k // 2}", static=(0.1 * (k % 9) - 0.4, 0.1 * (k % 5)))
    for k in range(20)
)
AFFECT = DataSet("made-up", "none", STATIC)
TAGGED = DataSet("made-up", "none", tuple(replace(t, tags=("calm",)) for t in STATIC), tags=("calm", "sad"))


@dataclass(frozen=True)
class Held:
    """Features in memory, in row groups of four."""

    rows: dict[str, Floats]
    step_s: float = 0.05

    @property
    def groups(self) -> Sequence[Sequence[str]]:
        names = list(self.rows)
        return [names[start : start + 4] for start in range(0, len(names), 4)]

    def read(self, group: int, wanted: Collection[str]) -> dict[str, Floats]:
        return {name: self.rows[name] for name in self.groups[group] if name in wanted}


def test_every_system_of_the_schedules_has_presets_and_the_command_names_it() -> None:
    from pipelines.training.arguments import SYSTEMS

    assert set(SYSTEMS) == set(PRESETS) == set(SCHEDULES)


def test_published_is_the_first_published_preset_and_settings_can_be_changed() -> None:
    plan = plan_system("crnn", TAGGED, Choices(changes={"cell": "gru", "channels": "4,4,4,4,8,8"}))
    (member,) = plan.members
    assert member.settings == replace(CrnnSettings("gru"), channels=(4, 4, 4, 4, 8, 8), tags=2)
    assert (plan.trained_by, member.masks, member.name) == ("published", None, "crnn-gru")
    assert member.schedule == SCHEDULES["crnn"]["published"]


def test_improved_is_the_published_net_by_our_schedule_with_specaugment() -> None:
    plan = plan_system("crnn", TAGGED, Choices("improved"))
    (member,) = plan.members
    assert member.settings == replace(CrnnSettings(), tags=2)
    assert (plan.trained_by, member.masks) == ("compact", (60, 8))


def test_the_published_gru_is_five_nets_and_the_autoencoder_one_a_target() -> None:
    members = plan_system("gru", AFFECT, Choices(seed=3)).members
    assert [member.name for member in members] == [f"gru-{k}" for k in range(1, 6)]
    assert [member.seed for member in members] == [3, 4, 5, 6, 7]
    pair = plan_system("autoencoder", AFFECT, Choices()).members
    assert [member.name for member in pair] == ["autoencoder-valence", "autoencoder-arousal"]


def test_a_cap_of_epochs_shortens_the_phases_in_order() -> None:
    (member,) = plan_system("crnn", TAGGED, Choices(epochs=25)).members
    assert [(phase.epochs, phase.frozen) for phase in member.schedule.phases] == [(20, "conv"), (5, "")]


@pytest.mark.parametrize(
    ("system", "data", "choices", "message"),
    [
        ("gur", AFFECT, Choices(), "no system 'gur'; did you mean gru?"),
        ("gru", AFFECT, Choices("compcat"), "no preset of gru 'compcat'; did you mean compact?"),
        ("gru", AFFECT, Choices(changes={"unit": "3"}), "no setting of gru 'unit'; did you mean units?"),
        ("gru", AFFECT, Choices(changes={"units": "many"}), "setting gru.units = 'many' does not fit"),
        ("gru", AFFECT, Choices(changes={"target": "valence"}), "a bundle of gru needs both targets"),
        ("crnn", AFFECT, Choices(), "made-up has no tags, which crnn learns from"),
        ("antonym-rnn", AFFECT, Choices(), "made-up has no antonym pairs"),
        ("gru", DataSet("s", "", (LabelledTrack("a", "a"),)), Choices(), "s has no valence and arousal"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_what_is_near(
    system: str, data: DataSet, choices: Choices, message: str
) -> None:
    with pytest.raises(DataError) as refused:
        plan_system(system, data, choices)
    assert message in refused.value.message


def test_a_curve_lies_on_the_clock_from_zero_and_has_no_value_before_it_begins() -> None:
    values = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    found = on_the_clock(EmotionTarget(1.0, 1.0, values))
    assert np.isnan(found[:2]).all()
    np.testing.assert_array_equal(found[2:], values[[0, 0, 1, 1]])


def test_soft_targets_are_shares_of_those_who_felt_either_mood() -> None:
    pair = AntonymPair("joy-sad", "joy", "sad")
    tracks = (LabelledTrack("a", "a", shares={"joy": 0.6, "sad": 0.2}), LabelledTrack("b", "b"))
    data = DataSet("s", "", tracks, pairs=(pair,))
    (plan,) = plan_system("antonym-rnn", data, Choices("compact")).members
    assert plan.name == "antonym-rnn-joy-sad"
    targets = targets_of(tracks, data, plan)
    assert list(targets) == ["a"]
    np.testing.assert_allclose(targets["a"], [0.75, 0.25])


def test_a_split_keeps_artists_whole_and_an_official_one_as_it_is() -> None:
    parts = split(AFFECT, seed=1)
    artists = [{track.group for track in parts[part]} for part in ("train", "validation")]
    assert not artists[0] & artists[1]
    assert len(parts["validation"]) == 4
    official = tuple(
        replace(track, split="test" if k < 2 else "validation" if k < 5 else "train")
        for k, track in enumerate(STATIC)
    )
    assert {part: len(some) for part, some in split(DataSet("s", "", official), seed=1).items()} == {
        "train": 15,
        "validation": 3,
        "test": 2,
    }


def test_cuts_are_of_whole_steps_with_what_came_before() -> None:
    values = np.arange(1, 96, dtype=np.float32)[:, None]
    framing = Framing(StepView(rows=60, hop=10, lead=50, steps=1), 0.05)
    target = np.arange(18, dtype=np.float32).reshape(9, 2)
    cuts = random_cuts(values, target, framing, np.random.default_rng(0))
    batch, inside, targets = stack(cuts, framing)
    assert batch.shape == (9, 60, 1)
    assert inside[0].tolist() == [False] * 50 + [True] * 10
    np.testing.assert_array_equal(batch[8, :, 0], np.arange(31, 91))
    np.testing.assert_array_equal(targets[:, 0], target)


def test_a_track_is_judged_by_all_its_chunks_by_their_length() -> None:
    framing = Framing(ChunkView(rows=10, length_s=10.0, minimum_s=3.0), 1.0)

    def mean(values: Any, valid: Any) -> Any:
        return values.sum(axis=1) / valid[:, None]

    values = np.arange(25, dtype=np.float32)[:, None]
    np.testing.assert_allclose(predict(mean, [("a", values)], framing)["a"], [values.mean()], rtol=1e-6)


def test_the_same_epoch_gives_the_same_batches_and_another_gives_others() -> None:
    rng = np.random.default_rng(5)
    rows = {f"t{k}": rng.normal(size=(70 + k, 3)).astype(np.float32) for k in range(10)}
    targets = {name: np.zeros(2, np.float32) for name in rows}
    framing = Framing(StepView(rows=60, hop=60), 0.5)
    one, two = (Stream(Held(rows), targets, _lengths(rows), framing, 1, 4) for _ in range(2))
    assert one.steps() == 2
    for ((a, _), _), ((b, _), _) in zip(one.epoch(3), two.batches(3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(next(one.batches(3))[0][0], next(one.batches(4))[0][0])


def _lengths(rows: dict[str, Floats]) -> dict[str, int]:
    return {name: len(values) for name, values in rows.items()}


def _toy(folder: Path, *, kept: Path | None = None) -> tuple[Trained, list[int]]:
    """A small GRU on tracks whose level says how they feel; `kept` gets the folder as it was after each
    epoch, which is what a kill leaves of it."""
    rng = np.random.default_rng(2)
    rows, targets = {}, {}
    for k in range(16):
        level = rng.uniform(-1, 1, 2).astype(np.float32)
        rows[f"t{k}"] = (rng.normal(0, 0.1, (60, 4)) + np.repeat(level, 2)).astype(np.float32)
        targets[f"t{k}"] = 0.8 * level
    schedule = replace(SCHEDULES["gru"]["compact"], phases=(_phase(2), _phase(2)), batch=16)
    plan = MemberPlan("toy", "gru", GruSettings(inputs=4, units=6, dense=(6,)), 3, schedule)
    framing = Framing(plan.view, 0.05)

    def part(names: Collection[str]) -> Stream:
        some = {name: targets[name] for name in names}
        return Stream(Held(rows), some, dict.fromkeys(names, 60), framing, 3, 16)

    epochs: list[int] = []

    def told(_: str, progress: Progress) -> None:
        epochs.append(progress.epoch)
        if kept:
            shutil.copytree(folder, kept / str(progress.epoch))

    parts = Parts(part([f"t{k}" for k in range(12)]), part([f"t{k}" for k in range(12, 16)]))
    return train_member(plan, parts, Surroundings(folder, "toy", told=told)), epochs


def _phase(epochs: int) -> Any:
    from models.training.systems.schedules import RatePhase

    return RatePhase(epochs, 1e-2)


def test_training_lowers_the_loss_and_a_kill_changes_nothing(tmp_path: Path) -> None:
    whole, epochs = _toy(tmp_path / "whole", kept=tmp_path / "killed")
    assert epochs == [1, 2, 3, 4]
    assert whole.losses[-1] < 0.5 * whole.losses[0]
    assert whole.scores[whole.best_epoch] == min(whole.scores)
    for stop in (2, 3):
        resumed, later = _toy(tmp_path / "killed" / str(stop))
        assert later == list(range(stop + 1, 5))
        assert resumed.losses == whole.losses
        for name, array in whole.weights.items():
            np.testing.assert_array_equal(resumed.weights[name], array)


@pytest.mark.parametrize("system", ["deep-spectrum-rnn", "deep-lstm"])
def test_systems_with_front_ends_that_need_more_train_on_rows_of_their_own(
    system: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    rows = {f"t{k}": rng.normal(k % 2, 1.0, (40 + k, 5)).astype(np.float32) for k in range(8)}
    changes = {
        "inputs": "5",
        **({"layers": "3,2"} if system == "deep-lstm" else {"units": "3", "dense": "4"}),
    }
    tracks = tuple(
        replace(track, tags=("calm",) if k % 2 else ("sad",)) for k, track in enumerate(STATIC[:8])
    )
    data = DataSet("s", "", tracks, tags=("calm", "sad"))
    (plan,) = plan_system(system, data, Choices("compact", epochs=2, changes=changes)).members
    step_s = 1.0 if plan.architecture == "deep-spectrum-rnn" else 0.5
    framing = Framing(plan.view, step_s)
    targets = targets_of(tracks, data, plan)

    def part(first: int, last: int) -> Stream:
        names = [f"t{k}" for k in range(first, last)]
        some = {name: targets[name] for name in names}
        lengths = {name: len(rows[name]) for name in names}
        return Stream(Held(rows, step_s), some, lengths, framing, 1, 4)

    trained = train_member(plan, Parts(part(0, 6), part(6, 8)), Surroundings(tmp_path, ""))
    assert len(trained.losses) == 2
    assert np.isfinite(trained.scores).all()
    shapes = [output.shape for output in trained.outputs.values()]
    assert shapes == ([(2,), (2,)] if system == "deep-spectrum-rnn" else [(46, 2), (47, 2)])


def test_training_ends_when_patience_runs_out() -> None:
    from models.training.learning.fit import Manner

    progress = Progress("plan", losses=[3.0, 2.0, 1.0, 1.0], scores=[0.1, 0.5, 0.4, 0.3])
    assert Manner(patience=2).is_over(progress)
    assert not Manner(patience=3).is_over(progress)
    assert not Manner().is_over(progress)
