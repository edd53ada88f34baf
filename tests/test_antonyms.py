"""The antonym model of Liu (2018): sizes as published, shares of two moods, learns from soft targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.antonyms import antonym_rnn
from models.antonyms.antonym_rnn import PRESETS, AntonymSettings, poles, standardise
from models.views import ChunkView
from models.weights import arrays_of, save_weights, set_weights
from schemas.errors import DataError, FailureKind

ROWS = 20


def build(*, seed: int = 5, chroma: str = "harmonic") -> Any:
    """A small model."""
    keras.utils.set_random_seed(seed)
    return antonym_rnn.build(AntonymSettings(units=6, dense=8, chroma=chroma))


def segments(size: int = 5, *, seed: int = 17) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Rows as the front end gives them: chroma up to 1, four constants on each row, zeros past the last."""
    rng = np.random.default_rng(seed)
    constants = rng.uniform((0.001, 0.001, 60, 60), (0.1, 0.05, 180, 180), size=(size, 4))
    values = np.concatenate(
        [rng.uniform(size=(size, ROWS, 24)), np.repeat(constants[:, None], ROWS, axis=1)], axis=2
    ).astype(np.float32)
    valid = np.full(size, ROWS, np.int32)
    valid[-1] = 11
    values[-1, 11:] = 0.0
    return values, valid


def shares_of(model: Any, values: NDArray[np.float32], valid: NDArray[np.int32]) -> NDArray[np.float32]:
    shares: NDArray[np.float32] = np.asarray(model([values, valid], training=False))
    return shares


def filled(*, seed: int = 5, chroma: str = "harmonic") -> Any:
    """A small model with its constants standardised."""
    model = build(seed=seed, chroma=chroma)
    standardise(model, *segments(40, seed=1))
    return model


def test_the_shares_of_a_pair_are_two_and_together_one() -> None:
    shares = shares_of(filled(), *segments())
    assert shares.shape == (5, 2)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-6)
    assert (shares > 0).all()


def test_gradient_descent_on_soft_targets_lowers_the_loss() -> None:
    model, inputs = filled(), segments()
    first = np.array([0.7, 0.2, 0.9, 0.5, 0.1], np.float32)
    model.compile(keras.optimizers.SGD(0.05), loss="categorical_crossentropy", run_eagerly=True)
    targets = np.stack([first, 1 - first], axis=1)
    losses = [float(model.train_on_batch(list(inputs), targets)) for _ in range(6)]
    assert losses[-1] < losses[0]
    assert losses[-1] > -np.mean(np.sum(targets * np.log(targets), axis=1)) - 1e-6


def test_a_segment_has_the_same_shares_alone_and_among_others() -> None:
    model, (values, valid) = filled(), segments()
    together = shares_of(model, values, valid)
    for place in range(len(values)):
        alone = shares_of(model, values[place : place + 1], valid[place : place + 1])
        np.testing.assert_allclose(alone[0], together[place], atol=1e-6)


def test_rows_that_do_not_count_change_nothing() -> None:
    model, (values, valid) = filled(), segments()
    changed = values.copy()
    changed[-1, valid[-1] :] = 1e3
    before = shares_of(model, values, valid)
    np.testing.assert_array_equal(shares_of(model, changed, valid), before)
    cut = shares_of(model, values[-1:, : valid[-1]], valid[-1:])
    np.testing.assert_allclose(cut, before[-1:], atol=1e-6)


@pytest.mark.parametrize(
    ("chroma", "heard"), [("harmonic", (True, False)), ("percussive", (False, True)), ("both", (True, True))]
)
def test_a_model_hears_the_chroma_it_is_set_to(chroma: str, heard: tuple[bool, bool]) -> None:
    model, (values, valid) = filled(chroma=chroma), segments()
    changed = np.repeat(values[:1], 25, axis=0)
    for column in range(24):
        changed[1 + column, 3, column] += 1.0
    shares = shares_of(model, changed, np.repeat(valid[:1], 25))
    differs = np.abs(shares[1:] - shares[0]).max(axis=1) > 1e-6
    np.testing.assert_array_equal(differs, np.repeat(heard, 12))
    kernel = model.get_layer("rnn").forward_layer.cell.kernel
    assert kernel.shape[0] == 12 * sum(heard)


@pytest.mark.parametrize("column", range(24, 28))
def test_every_constant_counts(column: int) -> None:
    model, (values, valid) = filled(), segments()
    changed = values.copy()
    changed[0, :, column] *= 1.5
    assert (shares_of(model, changed, valid)[0] != shares_of(model, values, valid)[0]).any()


def test_constants_are_standardised_over_the_training_set() -> None:
    model, (values, valid) = build(), segments(40, seed=1)
    standardise(model, values, valid)
    inner = keras.Model(model.inputs, model.get_layer("standardise").output)
    found = np.asarray(inner([values, valid], training=False))
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=0), 1.0, atol=1e-4)


def test_a_constant_that_never_changes_does_no_harm() -> None:
    model, (values, valid) = build(), segments()
    values[..., 27] = 0.0
    values[..., 26] = 120.1
    standardise(model, values, valid)
    assert arrays_of(model)["standardise/variance"][2:].tolist() == [1.0, 1.0]
    values[..., 27] = 100.0
    assert np.isfinite(shares_of(model, values, valid)).all()


def test_weights_go_through_a_file_unchanged(tmp_path: Path) -> None:
    model, inputs = filled(), segments()
    save_weights(model, tmp_path / "model.safetensors")
    other = build(seed=6)
    set_weights(other, load_file(tmp_path / "model.safetensors"), source="model.safetensors")
    np.testing.assert_array_equal(shares_of(other, *inputs), shares_of(model, *inputs))


def test_a_seed_gives_one_model() -> None:
    first, second = arrays_of(build()), arrays_of(build())
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("published")])
def test_the_model_has_the_published_sizes(name: str) -> None:
    model = antonym_rnn.build(PRESETS[name])
    recurrent = 2 * 4 * 512 * (12 + 512 + 1)
    dense = (2 * 512 + 4 + 1) * 256 + (256 + 1) * 256 + (256 + 1) * 2
    standardised = 2 * 4 + 1  # mean, variance and how many they are of
    counted = sum(v.shape.num_elements() for v in model.variables if "seed_generator" not in v.path)
    assert counted == recurrent + dense + standardised
    assert model.name == f"antonym_rnn_{name.removeprefix('published-').replace('-', '_')}"


def test_the_forget_gates_begin_with_a_bias_of_one() -> None:
    arrays = arrays_of(build())
    for way in ("forward", "backward"):
        bias = arrays[f"rnn/{way}_rnn/lstm_cell/bias"]
        np.testing.assert_array_equal(bias, np.repeat([0.0, 1.0, 0.0, 0.0], 6))


def test_the_view_is_of_10_s() -> None:
    assert antonym_rnn.view(AntonymSettings()) == ChunkView(rows=431, length_s=10.0, minimum_s=3.0)


def test_the_columns_are_those_of_the_front_end() -> None:
    from transforms.features.registry import choose, front_end

    chosen = front_end("hpss-chroma")
    names = chosen.layout(choose(chosen, None, {})).names
    assert len(names) == antonym_rnn.INPUTS
    assert all(name.startswith("harmonic_chroma_") for name in names[:12])
    assert all(name.startswith("percussive_chroma_") for name in names[12:24])
    assert not any("chroma" in name for name in names[24:])


def test_a_pair_is_two_moods() -> None:
    assert poles("calm-excited") == ("calm", "excited")
    assert poles("joy-sad") == ("joy", "sad")


@pytest.mark.parametrize("pair", ["", "calm", "calm-", "-calm", "calm-calm", "calm-very-excited"])
def test_a_pair_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(DataError, match=f"pair {pair!r} is not two moods") as raised:
        antonym_rnn.build(AntonymSettings(pair=pair, units=2, dense=2))
    assert raised.value.kind is FailureKind.BAD_BUNDLE


def test_a_chroma_that_there_is_not_is_refused() -> None:
    with pytest.raises(DataError, match="chroma 'whole' is not known; there are harmonic, percussive, both"):
        build(chroma="whole")
