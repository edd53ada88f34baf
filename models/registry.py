"""The one registry of architectures: the name that a bundle uses -> its role, inputs and builder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, get_type_hints

from models.regressors.dilated import DilatedSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

Settings = CrnnSettings | ImageRnnSettings | DilatedSettings


class Role(StrEnum):
    """What a member of a bundle predicts."""

    TAGGER = "tagger"
    REGRESSOR = "regressor"


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model that our code can build: nothing of it is ever read from a bundle but its settings."""

    name: str
    role: Role
    front_end: str
    settings: type[Settings]
    build: Callable[[Any], keras.Model]


def _build_crnn(settings: CrnnSettings) -> keras.Model:
    from models.taggers.crnn import build

    return build(settings)


def _build_image_rnn(settings: ImageRnnSettings) -> keras.Model:
    from models.taggers.image_rnn import build

    return build(settings)


def _build_dilated(settings: DilatedSettings) -> keras.Model:
    from models.regressors.dilated import build

    return build(settings)


ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("crnn", Role.TAGGER, "crnn-logmel@1", CrnnSettings, _build_crnn),
        Architecture("image-rnn", Role.TAGGER, "window-image@1", ImageRnnSettings, _build_image_rnn),
        Architecture("dilated", Role.REGRESSOR, "mel-steps@1", DilatedSettings, _build_dilated),
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
    fields = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(set(values) - fields):
        raise bad_bundle(f"architecture {name}: unknown setting {unknown[0]!r}")
    hints = get_type_hints(kind)
    return kind(**{key: _fit(f"{name}.{key}", value, hints[key]) for key, value in values.items()})


# Far above any model in use, far below what would exhaust a worker's memory while building.
_LARGEST = 16_384


def _fit(name: str, value: Any, hint: Any) -> Any:
    """`value` as the type of its field: a size, a share in [0, 1), a str or a tuple of sizes."""
    if hint is str and isinstance(value, str):
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    if hint is int and _is_size(value):
        return value
    if hint == tuple[int, ...] and isinstance(value, list) and len(value) <= 64 and all(map(_is_size, value)):
        return tuple(value)
    raise bad_bundle(f"setting {name} = {value!r} does not fit")


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST
