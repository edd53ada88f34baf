"""Sizes of nets: known before a net is built, and refused where no machine should be asked to build it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.antonyms.antonym_rnn import AntonymSettings
from models.bundle_files import read_bundle
from models.checks.sizes import Sizes, check_sizes
from models.encoders.mobile import MobileSettings
from models.registry import ARCHITECTURES, Settings, architecture
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.autoencoder import AutoencoderSettings
from models.regressors.deep_lstm import DeepLstmSettings
from models.regressors.dilated import DilatedSettings
from models.regressors.gru import GruSettings
from models.regressors.two_convolutions import TwoConvolutionsSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from models.taggers.tag_head import TagHeadSettings
from models.weights import arrays_of
from tests.array_bundles import change_index
from tests.refusal import refusal

# No two sizes of one net are equal, so that none can stand for another.
SMALL: tuple[tuple[str, Settings], ...] = (
    ("crnn", CrnnSettings("gru", 10, (2, 3, 4, 5, 6, 7, 8), units=9, dense=11, tags=12)),
    ("crnn", CrnnSettings("bilstm", 3, (2,), units=9, dense=11, tags=12)),
    ("image-rnn", ImageRnnSettings("lstm", 9, 7, channels=(2, 3), units=4, dense=5, tags=6)),
    ("deep-spectrum-rnn", DeepSpectrumRnnSettings("bilstm", 5, inputs=9, units=4, dense=5, tags=6)),
    ("antonym-rnn", AntonymSettings("a-b", units=3, dense=5, chroma="both")),
    ("dilated", DilatedSettings(5, channels=3, dilations=(1, 2))),
    ("deep-lstm", DeepLstmSettings(7, (5, 4), target="arousal")),
    ("gru", GruSettings(7, 11, units=3, dense=(4, 5))),
    ("gru", GruSettings(7, 11, units=3, dense=(), form="forked", target="valence")),
    ("autoencoder", AutoencoderSettings((2, 3, 4, 5), target="both")),
    ("two-convolutions", TwoConvolutionsSettings((2, 3), (4, 5))),
    ("mobile", MobileSettings((2, 3, 4, 5, 6), (2, 1, 2, 2, 2), bands=9, rows=6)),
    ("tag-head", TagHeadSettings(3, hidden=4, tags=5, deviation=True)),
    ("affect-head", AffectHeadSettings(3, contexts=(2, 4), centres=5, voices=3)),
)


def test_every_architecture_is_measured_here() -> None:
    assert {name for name, _ in SMALL} == set(ARCHITECTURES)


@pytest.mark.parametrize(("name", "settings"), SMALL)
def test_sizes_are_those_of_the_net_that_is_built(name: str, settings: Settings) -> None:
    model = architecture(name).build(settings)
    sizes = architecture(name).sizes(settings)
    assert sizes.shapes == {path: array.shape for path, array in arrays_of(model).items()}


# Rows (or patches) x pixels x values of the widest layer.
WIDEST: dict[str, int] = {
    "crnn": 1250 * 64 * 64,
    "image-rnn": 20 * 64 * 31 * 16,
    "deep-spectrum-rnn": 30 * 4096,
    "antonym-rnn": 431 * 4 * 512,
    "dilated": 108 * 192,
    "deep-lstm": 7200 * 4 * 200,
    "gru": 60 * 3 * 30,
    "autoencoder": 24 * 67 * 128,
    "two-convolutions": 32 * 20 * 32,
    "mobile": 20 * 48 * 32 * 64,
    "tag-head": 1024,
    "affect-head": 300 * 1024,
}


@pytest.mark.parametrize(("name", "values"), WIDEST.items())
def test_what_one_window_fills_is_its_widest_layer(name: str, values: int) -> None:
    known = ARCHITECTURES[name]
    assert known.sizes(known.settings()).largest == values


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_published_sizes_are_well_within_the_limits(name: str) -> None:
    known = ARCHITECTURES[name]
    presets = getattr(importlib.import_module(known.build.__module__), "PRESETS", {})
    for settings in (known.settings(), *presets.values()):
        sizes = known.sizes(settings)
        check_sizes(name, sizes, known.view(settings))
        assert sizes.parameters < 1 << 27
        assert sizes.largest < 1 << 23


Edit = Callable[[dict[str, Any]], Any]


def member(name: str, kind: str, **settings: Any) -> Edit:
    """An edit that puts another member, with settings all in bounds, in the place of the one of that name."""

    def edit(fields: dict[str, Any]) -> None:
        one = next(one for one in fields["members"] if one["name"] == name)
        if one["architecture"] != kind:
            one.pop("encoder", None)
            one.update(front_end=architecture(kind).front_end, settings={})
        one.update(architecture=kind)
        one["settings"].update(settings)

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (member("tags", "tag-head", hidden=16_384, inputs=16_384), "member 'tags' has 268517380 parameters"),
        (member("tags", "crnn", channels=[16_384] * 64, tags=4), "parameters, more than 134217728"),
        (member("tags", "crnn", units=16_384, dense=16_384, cell="bilstm", tags=4), "parameters, more than"),
        (member("tags", "crnn", bands=16_384, channels=[64], tags=4), "fills 1310720000 values for one"),
        (
            member("tags", "image-rnn", bands=16_384, frames=16_384, tags=4),
            "values for one window, more than",
        ),
        (member("tags", "deep-spectrum-rnn", units=16_384, tags=4), "parameters, more than"),
        (member("dilated", "dilated", dilations=[16_384] * 64), "fills "),
        (member("dilated", "dilated", inputs=16_384, channels=16_384), "parameters, more than"),
        (member("dilated", "gru", rows=16_384), "takes 16384 rows for every 10, more than 64 times"),
        (member("dilated", "gru", inputs=16_384, units=16_384), "parameters, more than"),
        (member("dilated", "deep-lstm", layers=[2048]), "fills 58982400 values for one window"),
        (member("dilated", "autoencoder", channels=[16_384] * 4), "parameters, more than"),
        (member("dilated", "two-convolutions", dense=[16_384] * 64), "parameters, more than"),
        (member("affect", "affect-head", contexts=[16_384]), "fills 1089528064 values for one window"),
        (member("affect", "affect-head", centres=16_384, inputs=16_384), "parameters, more than"),
        (member("mobile", "mobile", bands=16_384), "member 'mobile' fills "),
        (member("mobile", "mobile", rows=16_383), "member 'mobile' fills "),
        (member("mobile", "mobile", channels=[16_384] * 13), "parameters, more than"),
        (member("affect", "affect-head", contexts=[]), "contexts are (); one at least, and each once"),
        (
            member("affect", "affect-head", contexts=[2, 2]),
            "contexts are (2, 2); one at least, and each once",
        ),
        (member("dilated", "gru", rows=9), "rows is 9; a step has 10"),
        (member("dilated", "gru", form="x"), "form 'x' is not known"),
        (member("dilated", "gru", target="joy"), "target 'joy' is not known"),
        (member("dilated", "dilated", targets=3), "gives 3 values a step, not valence and arousal"),
        (member("dilated", "autoencoder", channels=[1]), "channels are (1,); the autoencoder needs four"),
        (member("dilated", "two-convolutions", channels=[1]), "channels are (1,); the baseline has two"),
        (member("dilated", "antonym-rnn", pair="calm"), "pair 'calm' is not two moods"),
        (member("dilated", "antonym-rnn", pair="a/b-c"), "setting antonym-rnn.pair = 'a/b-c' does not fit"),
        (member("dilated", "antonym-rnn", chroma="x"), "chroma 'x' is not known"),
        (
            member("tags", "crnn", cell="transformer", tags=4),
            "cell 'transformer' is not known; there are lstm",
        ),
        (member("tags", "deep-spectrum-rnn", window_s=7, tags=4), "window_s is 7; 30 s must be a whole"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_settings_each_in_bounds_whose_net_is_absurd_are_refused_before_it_is_built(
    folder: Path, edit: Edit, message: str
) -> None:
    change_index(folder, edit)
    assert message in refusal(lambda: read_bundle(folder))


def test_settings_for_which_the_weights_are_too_few_are_refused(folder: Path) -> None:
    change_index(folder, member("dilated", "dilated", channels=5))
    assert refusal(lambda: read_bundle(folder)) == (
        f"{folder / 'dilated.safetensors'}: array 'conv0/bias' is [4], the architecture needs [5]"
    )


def test_more_members_than_any_bundle_has_are_refused(folder: Path) -> None:
    def edit(fields: dict[str, Any]) -> None:
        tagger = fields["members"][1]
        fields["members"] += [{**tagger, "name": f"{tagger['name']}-{index}"} for index in range(61)]

    change_index(folder, edit)
    assert "it has 65 members" in refusal(lambda: read_bundle(folder))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "/etc/passwd"}, "front_end_settings {'weights': '/etc/passwd'} are not plain values"),
        ({"weights": "vgg16.h5"}, "member 'dilated': front_end_settings name the file 'vgg16.h5'"),
        ({"net": "../vgg16"}, "front_end_settings {'net': '../vgg16'} are not plain values"),
        ({"net": "x" * 5000}, "are not plain values"),
        ({"mel_bands": 10**12}, "front_end_settings {'mel_bands': 1000000000000} are not plain values"),
        ({"mel_bands": 65_537}, "front_end_settings {'mel_bands': 65537} are not plain values"),
        ({"hop_s": 1e-9}, "front_end_settings {'hop_s': 1e-09} are not plain values"),
        ({"hop_s": -1.0}, "front_end_settings {'hop_s': -1.0} are not plain values"),
        ({"net": None}, "front_end_settings {'net': None} are not plain values"),
        ([], "front_end_settings [] are not plain values"),
    ],
)
def test_settings_of_a_front_end_are_short_words_and_numbers_and_name_no_file(
    folder: Path, settings: Any, message: str
) -> None:
    change_index(folder, lambda fields: fields["members"][3].update(front_end_settings=settings))
    assert message in refusal(lambda: read_bundle(folder))


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["calm", "dark", "happy", 7], "tag 7 is not a printable text of 1 to 100 letters"),
        (["calm", "dark", "happy", ""], "tag '' is not a printable text"),
        (["calm", "dark", "happy", " "], "tag ' ' is not a printable text"),
        (["calm", "dark", "happy", "sad\n"], r"tag 'sad\n' is not a printable text"),
        (["calm", "dark", "happy", "\x1b[2J"], "is not a printable text"),
        (["calm", "dark", "happy", "\ud800"], "is not a printable text"),
        (["calm", "dark", "happy", "x" * 101], "is not a printable text"),
        ("calm", "tags 'calm' is not a list"),
        ({"calm": 1}, "tags {'calm': 1} is not a list"),
    ],
)
def test_tags_that_no_table_should_hold_are_refused(folder: Path, tags: Any, message: str) -> None:
    change_index(folder, lambda fields: fields.update(tags=tags))
    assert message in refusal(lambda: read_bundle(folder))


def test_parameters_are_counted_without_overflow() -> None:
    sizes = Sizes()
    for index in range(64):
        sizes.convolution(f"conv{index}", (3, 3), (16_384, 16_384), places=1 << 60)
    assert sizes.parameters == 64 * (9 * 16_384**2 + 16_384)
    assert sizes.largest == (1 << 60) * 16_384
