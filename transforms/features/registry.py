"""The one registry of front ends: name -> version, presets and settings."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from schemas.errors import DataError
from transforms.features.chroma import hpss_chroma
from transforms.features.descriptors import compare_lld, psychoacoustics, pyaudio_68
from transforms.features.front_end import FrontEnd
from transforms.features.images import deep_spectrum, window_image
from transforms.features.mel import crnn_logmel, mel96, mel_steps, step_mel, vggish, yamnet
from transforms.features.samples import refusal

FRONT_ENDS: Mapping[str, FrontEnd[Any]] = {
    front_end.name: front_end
    for front_end in (
        crnn_logmel.FRONT_END,
        vggish.FRONT_END,
        yamnet.FRONT_END,
        compare_lld.FRONT_END,
        psychoacoustics.FRONT_END,
        pyaudio_68.FRONT_END,
        hpss_chroma.FRONT_END,
        mel96.FRONT_END,
        deep_spectrum.FRONT_END,
        window_image.FRONT_END,
        mel_steps.FRONT_END,
        step_mel.FRONT_END,
    )
}


def front_end(name: str) -> FrontEnd[Any]:
    """The front end of that name; DataError(bad_input) that lists those there are."""
    if name not in FRONT_ENDS:
        raise refusal(f"no front end {name!r}{_near(name, FRONT_ENDS)}; there are {', '.join(FRONT_ENDS)}")
    return FRONT_ENDS[name]


def choose(chosen: FrontEnd[Any], preset: str | None, changes: Mapping[str, str]) -> Any:
    """Settings of a front end: a preset (None: the first), with values given as text in place of its own.

    Raises DataError(bad_input) for a preset or a setting that is not there, or a value that does not fit.
    """
    preset = preset or next(iter(chosen.presets))
    if preset not in chosen.presets:
        raise refusal(
            f"{chosen.name} has no preset {preset!r}{_near(preset, chosen.presets)}; "
            f"there are {', '.join(chosen.presets)}"
        )
    settings = chosen.presets[preset]
    fields = {field.name: getattr(settings, field.name) for field in _fields(settings)}
    for name in changes:
        if name not in fields:
            there = f"; there are {', '.join(fields)}" if fields else ""
            raise refusal(f"{chosen.name} has no setting {name!r}{_near(name, fields)}{there}")
    if not changes:
        return settings
    return dataclasses.replace(
        settings, **{name: _parsed(name, text, fields[name]) for name, text in changes.items()}
    )


def settings_of(settings: Any) -> dict[str, Any]:
    """Settings as plain values by name; none for a front end without any."""
    return {field.name: getattr(settings, field.name) for field in _fields(settings)}


def _fields(settings: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(settings) if settings is not None else ()


def _parsed(name: str, text: str, example: Any) -> Any:
    """Text as a value of the kind that the setting has now."""
    if isinstance(example, bool):
        if text.lower() not in ("true", "false"):
            raise _unfit(name, text, "true or false")
        return text.lower() == "true"
    if isinstance(example, int | float):
        try:
            return type(example)(text)
        except ValueError:
            raise _unfit(name, text, "a whole number" if isinstance(example, int) else "a number") from None
    return text


def _unfit(name: str, text: str, wanted: str) -> DataError:
    return refusal(f"setting {name}={text} is not {wanted}")


def _near(name: str, known: Mapping[str, Any]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {match[0]}?" if match else ""
