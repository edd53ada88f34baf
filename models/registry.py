"""The one registry of architectures: the name that a bundle uses -> its role, inputs, view and builder."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, get_type_hints

from models.antonyms import antonym_rnn
from models.antonyms.antonym_rnn import AntonymSettings
from models.checks.sizes import Sizes
from models.checks.strict_json import shown
from models.encoders import mobile
from models.encoders.mobile import MobileSettings
from models.regressors import affect_head, autoencoder, deep_lstm, dilated, gru, two_convolutions
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.autoencoder import AutoencoderSettings
from models.regressors.deep_lstm import DeepLstmSettings
from models.regressors.dilated import DilatedSettings
from models.regressors.gru import GruSettings
from models.regressors.two_convolutions import TwoConvolutionsSettings
from models.taggers import crnn, deep_spectrum_rnn, image_rnn, tag_head
from models.taggers.crnn import CrnnSettings
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from models.taggers.tag_head import TagHeadSettings
from models.views import View
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

Settings = (
    CrnnSettings
    | ImageRnnSettings
    | DeepSpectrumRnnSettings
    | AntonymSettings
    | DilatedSettings
    | DeepLstmSettings
    | GruSettings
    | AutoencoderSettings
    | TwoConvolutionsSettings
    | MobileSettings
    | TagHeadSettings
    | AffectHeadSettings
)


class Role(StrEnum):
    """What a member of a bundle predicts, or that it prepares rows for others."""

    TAGGER = "tagger"
    REGRESSOR = "regressor"
    ANTONYM = "antonym"
    ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model that our code can build: nothing of it is ever read from a bundle but its settings.

    A `front_end` of "" says that it is a head: it takes the rows of an encoder of its bundle.
    """

    name: str
    role: Role
    front_end: str
    settings: type[Settings]
    build: Callable[[Any], keras.Model]
    view: Callable[[Any], View]
    sizes: Callable[[Any], Sizes]


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("crnn", Role.TAGGER, "crnn-logmel@1", CrnnSettings, crnn.build, crnn.view, crnn.sizes),
        Architecture(
            "image-rnn",
            Role.TAGGER,
            "window-image@1",
            ImageRnnSettings,
            image_rnn.build,
            image_rnn.view,
            image_rnn.sizes,
        ),
        Architecture(
            "dilated",
            Role.REGRESSOR,
            "mel-steps@1",
            DilatedSettings,
            dilated.build,
            dilated.view,
            dilated.sizes,
        ),
        Architecture(
            "deep-spectrum-rnn",
            Role.TAGGER,
            "deep-spectrum@1",
            DeepSpectrumRnnSettings,
            deep_spectrum_rnn.build,
            deep_spectrum_rnn.view,
            deep_spectrum_rnn.sizes,
        ),
        Architecture(
            "antonym-rnn",
            Role.ANTONYM,
            "hpss-chroma@1",
            AntonymSettings,
            antonym_rnn.build,
            antonym_rnn.view,
            antonym_rnn.sizes,
        ),
        Architecture(
            "deep-lstm",
            Role.REGRESSOR,
            "compare-lld@1",
            DeepLstmSettings,
            deep_lstm.build,
            deep_lstm.view,
            deep_lstm.sizes,
        ),
        Architecture("gru", Role.REGRESSOR, "pyaudio-68@1", GruSettings, gru.build, gru.view, gru.sizes),
        Architecture(
            "autoencoder",
            Role.REGRESSOR,
            "mel96@1",
            AutoencoderSettings,
            autoencoder.build,
            autoencoder.view,
            autoencoder.sizes,
        ),
        Architecture(
            "two-convolutions",
            Role.REGRESSOR,
            "mel96@1",
            TwoConvolutionsSettings,
            two_convolutions.build,
            two_convolutions.view,
            two_convolutions.sizes,
        ),
        Architecture(
            "mobile", Role.ENCODER, "step-mel@1", MobileSettings, mobile.build, mobile.view, mobile.sizes
        ),
        Architecture(
            "tag-head", Role.TAGGER, "", TagHeadSettings, tag_head.build, tag_head.view, tag_head.sizes
        ),
        Architecture(
            "affect-head",
            Role.REGRESSOR,
            "",
            AffectHeadSettings,
            affect_head.build,
            affect_head.view,
            affect_head.sizes,
        ),
    )
}


def architecture(name: str) -> Architecture:
    """The architecture of that name, or DataError(bad_bundle) that lists those there are."""
    if name not in ARCHITECTURES:
        raise bad_bundle(f"architecture {name!r} is not known; there are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def parse_settings(name: str, values: Mapping[str, Any]) -> Settings:
    """Settings of an architecture from a JSON object; DataError(bad_bundle) for a field that does not fit."""
    kind = architecture(name).settings
    if not isinstance(values, Mapping):
        raise bad_bundle(f"architecture {name}: settings {shown(values)} are not an object")
    fields = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(set(values) - fields):
        raise bad_bundle(f"architecture {name}: unknown setting {shown(unknown[0])}")
    hints = get_type_hints(kind)
    return kind(**{key: _fit(f"{name}.{key}", value, hints[key]) for key, value in values.items()})


# Far above any model in use, far below what would exhaust a worker's memory while building.
_LARGEST = 16_384
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _fit(name: str, value: Any, hint: Any) -> Any:
    """`value` as the type of its field: a size, a share in [0, 1), a flag, a word or a tuple of sizes."""
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str) and _WORD.fullmatch(value):
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    if hint is int and _is_size(value):
        return value
    if hint == tuple[int, ...] and isinstance(value, list) and len(value) <= 64 and all(map(_is_size, value)):
        return tuple(value)
    raise bad_bundle(f"setting {name} = {shown(value)} does not fit")


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST
