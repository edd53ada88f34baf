"""One contract for every architecture of the registry: what a bundle's members can be relied on to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from models.antonyms.antonym_rnn import AntonymSettings
from models.encoders.mobile import MobileSettings
from models.registry import ARCHITECTURES, Architecture, Role, Settings, architecture, parse_settings
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.autoencoder import AutoencoderSettings
from models.regressors.deep_lstm import DeepLstmSettings
from models.regressors.dilated import DilatedSettings
from models.regressors.gru import GruSettings
from models.regressors.targets import output_names
from models.regressors.two_convolutions import TwoConvolutionsSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from models.taggers.tag_head import TagHeadSettings
from models.views import StepView, SummaryView
from models.weights import arrays_of, set_weights
from transforms.features.registry import front_end

# Small enough to build in a moment, each with everything that its published size has.
SMALL: Mapping[str, Settings] = {
    "crnn": CrnnSettings("lstm", channels=(4, 4, 4, 4, 8, 8), units=8, dense=8, tags=5),
    "image-rnn": ImageRnnSettings("gru", channels=(4, 8), units=8, dense=8, tags=5),
    "deep-spectrum-rnn": DeepSpectrumRnnSettings("bilstm", inputs=16, units=8, dense=8, tags=5),
    "antonym-rnn": AntonymSettings(units=8, dense=8),
    "dilated": DilatedSettings(channels=8),
    "deep-lstm": DeepLstmSettings(20, layers=(8, 6, 4)),
    "gru": GruSettings(rows=20, units=8, dense=(8, 6, 4)),
    "autoencoder": AutoencoderSettings((4, 4, 8, 4)),
    "two-convolutions": TwoConvolutionsSettings((4, 8), (16, 8)),
    "mobile": MobileSettings((4, 8, 8, 8, 8), (1, 2, 2, 2, 2), rows=12),
    "tag-head": TagHeadSettings(8, hidden=8, tags=5, deviation=True),
    "affect-head": AffectHeadSettings(8, contexts=(4, 1), centres=8, voices=3),
}
# Values of one row, where the settings do not say.
SHAPES: Mapping[str, tuple[int, ...]] = {
    "crnn": (64,),
    "image-rnn": (128, 62),
    "antonym-rnn": (28,),
    "autoencoder": (96,),
    "two-convolutions": (96,),
    "mobile": (32, 64),
}
# Rows of one call where the model takes any number: fewer than whole chunks.
ROWS: Mapping[str, int] = {
    "crnn": 40,
    "image-rnn": 6,
    "deep-spectrum-rnn": 6,
    "antonym-rnn": 20,
    "deep-lstm": 12,
}
EVERY = pytest.mark.parametrize("entry", ARCHITECTURES.values(), ids=lambda entry: str(entry.name))


def rows_of(entry: Architecture) -> int:
    """Rows of one call."""
    view = entry.view(SMALL[entry.name])
    return 2 if isinstance(view, SummaryView) else ROWS.get(entry.name, view.rows)


def inputs(entry: Architecture, batch: int, *, seed: int = 0) -> list[NDArray[Any]]:
    """A batch of random inputs, all of whose rows count."""
    shape = SHAPES.get(entry.name) or (getattr(SMALL[entry.name], "inputs"),)  # noqa: B009
    generator = np.random.default_rng(seed)
    rows = rows_of(entry)
    if entry.name == "image-rnn":
        values: NDArray[Any] = generator.integers(0, 256, (batch, rows, *shape), np.uint8)
    else:
        values = generator.standard_normal((batch, rows, *shape)).astype(np.float32)
    if isinstance(entry.view(SMALL[entry.name]), StepView):
        return [values, np.ones((batch, rows), bool)]
    return [values, np.full(batch, rows, np.int32)]


def built(entry: Architecture, *, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return entry.build(SMALL[entry.name])


def outputs_of(entry: Architecture) -> int:
    """Values of one prediction."""
    settings = SMALL[entry.name]
    if entry.role is Role.TAGGER:
        return int(getattr(settings, "tags", 0))
    if entry.role is Role.ENCODER:
        return int(getattr(settings, "outputs", 0))
    return 2 if entry.role is Role.ANTONYM else len(output_names(settings))


def test_every_architecture_is_here_with_small_settings() -> None:
    assert set(SMALL) == set(ARCHITECTURES)


@EVERY
def test_its_front_end_is_in_the_registry_or_it_takes_the_rows_of_an_encoder(entry: Architecture) -> None:
    if entry.front_end:
        assert front_end(entry.front_end.partition("@")[0]).key == entry.front_end
    else:
        assert hasattr(SMALL[entry.name], "inputs")


@pytest.mark.parametrize("name", [name for name, one in ARCHITECTURES.items() if one.role is Role.ENCODER])
def test_an_encoder_gives_a_row_for_each_of_its_stretch_and_says_how_wide_it_is(name: str) -> None:
    entry = ARCHITECTURES[name]
    view = entry.view(SMALL[name])
    assert isinstance(view, StepView)
    assert (view.steps, view.first_step) == (0, view.lead)
    assert view.hop % view.grid == 0
    found = built(entry)(inputs(entry, 2), training=False)
    assert found.shape == (2, view.rows, getattr(SMALL[name], "outputs"))  # noqa: B009


@EVERY
def test_outputs_have_the_shape_and_the_range_of_the_role(entry: Architecture) -> None:
    found = np.asarray(built(entry)(inputs(entry, 3), training=False))
    assert found.dtype == np.float32
    assert (found.shape[0], found.shape[-1]) == (3, outputs_of(entry))
    assert found.ndim == (3 if entry.role in (Role.REGRESSOR, Role.ENCODER) else 2)
    assert np.isfinite(found).all()
    if entry.role in (Role.TAGGER, Role.ANTONYM):
        assert ((found >= 0) & (found <= 1)).all()


def advancing(model: keras.Model, wanted: NDArray[np.float32]) -> Callable[..., Any]:
    """One step of Adam towards what is wanted, compiled: values and extent -> nothing."""
    optimizer = keras.optimizers.Adam(3e-3)
    optimizer.build(model.trainable_variables)
    variables = [variable.value for variable in model.trainable_variables]

    def advance(*batch: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(list(batch), training=True) - wanted))
        optimizer.apply(tape.gradient(loss, variables), model.trainable_variables)

    function: Callable[..., Any] = tf.function(advance)
    return function


@EVERY
def test_a_few_steps_of_training_lower_the_loss(entry: Architecture) -> None:
    model, batch = built(entry), inputs(entry, 4)
    found = np.asarray(model(batch, training=False))
    wanted = np.random.default_rng(1).uniform(0.2, 0.8, found.shape).astype(np.float32)
    advance = advancing(model, wanted)
    for _ in range(40):
        advance(*batch)
    trained = np.asarray(model(batch, training=False))
    assert np.square(trained - wanted).mean() < np.square(found - wanted).mean()


@EVERY
def test_saved_arrays_make_the_same_model(entry: Architecture) -> None:
    first, second, batch = built(entry, seed=1), built(entry, seed=2), inputs(entry, 2)
    expected = np.asarray(first(batch, training=False))
    assert not np.array_equal(expected, np.asarray(second(batch, training=False)))
    set_weights(second, arrays_of(first), source="test")
    np.testing.assert_array_equal(np.asarray(second(batch, training=False)), expected)


@EVERY
def test_an_input_does_not_change_with_its_neighbours(entry: Architecture) -> None:
    model, batch = built(entry), inputs(entry, 5)
    together = np.asarray(model(batch, training=False))
    for index in (0, 4):
        alone = np.asarray(model([part[index : index + 1] for part in batch], training=False))
        np.testing.assert_allclose(alone[0], together[index], atol=2e-6)


@EVERY
def test_a_seed_makes_the_same_model(entry: Architecture) -> None:
    first, second = (arrays_of(built(entry, seed=5)) for _ in range(2))
    assert list(first) == list(second)
    assert all(np.array_equal(first[name], second[name]) for name in first)


@EVERY
def test_settings_come_back_from_a_bundles_json(entry: Architecture) -> None:
    settings = SMALL[entry.name]
    plain = {
        name: list(value) if isinstance(value := getattr(settings, name), tuple) else value
        for name in settings.__dataclass_fields__
    }
    assert parse_settings(entry.name, plain) == settings
    assert architecture(entry.name) is entry
