"""Whether a bundle's curves show where a track begins, or the borders of the stretches they are made of:
python -m pipelines.training.curve_checks --help.
"""

from __future__ import annotations

import itertools
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_source import open_bundle
from models.registry import Role
from models.training.reporting.curve_checks_text import curve_checks_text
from models.training.reporting.curve_steadiness import (
    LongCurve,
    border_figures,
    shift_figures,
    steady_figures,
)
from models.views import StepView
from pipelines.training.clips import RATE_HZ, Clip, decode, read_clips
from pipelines.training.forms import as_it_is
from pipelines.training.robustness import chosen, parse
from schemas.clock import to_samples, to_seconds
from schemas.errors import DataError, bad_bundle
from transforms.tagging.in_memory import load_tagger
from transforms.tagging.rows import STEPS_HZ

log = logging.getLogger(__name__)

STEP_SAMPLES = RATE_HZ // STEPS_HZ
CHORD_S = 150.0
# Stretches of 30 and 60 s; those of the bundle's own members are looked at besides.
STRETCHES_STEPS = (60, 120)
# Lengths of the pieces of a sound, and how many there are.
PIECES_STEPS = (40, 46, 52, 58)
_CLIPS_A_SOUND = 20
# A chord of whole periods in every half second, so that each step of it is the same sound.
_CHORD_HZ = (220, 278, 330)

Samples = NDArray[np.float32]
# Mono samples [n] at 16 kHz -> their curve [steps, 2]: valence and arousal at 2 Hz.
CurveOf = Callable[[Samples], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Music:
    """Samples [n] at 16 kHz of pieces one after another; at the steps `joins` one follows another."""

    samples: Samples
    joins: tuple[int, ...] = ()


def measure_curve_checks(bundle: Bundle, clips: Sequence[Clip]) -> dict[str, Any]:
    """Figures of the three checks on a bundle, ready for JSON.

    Raises DataError: bad_bundle for a bundle without regressors, else what stands against tagging a clip.
    """
    if not bundle.of_role(Role.REGRESSOR):
        raise bad_bundle(f"bundle {bundle.key} has no regressors, so no curves to check")
    sounds = [decode(clip, "plain") for clip in clips]
    music = [
        joined(sounds[first : first + _CLIPS_A_SOUND]) for first in range(0, len(sounds), _CLIPS_A_SOUND)
    ]
    with tempfile.TemporaryDirectory() as folder:
        curve_of = curve_runner(bundle, Path(folder))
        return {
            "bundle": bundle.key,
            "shifted": len(sounds),
            "shift": shift_error(curve_of, *sounds),
            "chord_s": CHORD_S,
            "music": len(music),
            "music_s": to_seconds(sum(len(one.samples) for one in music), rate_hz=RATE_HZ),
            **border_jump(curve_of, music, stretches_of(bundle)),
        }


def shift_error(curve_of: CurveOf, *sounds: Samples) -> dict[str, Any]:
    """Curves of sounds with half a second of silence in front against those without it, one step later.

    See `shift_figures`: 5 s at either end are left out.
    """
    silence = np.zeros(STEP_SAMPLES, np.float32)
    return shift_figures(
        [(curve_of(samples), curve_of(np.concatenate([silence, samples]))) for samples in sounds]
    )


def border_jump(
    curve_of: CurveOf, music: Sequence[Music], stretches: Sequence[int] = STRETCHES_STEPS
) -> dict[str, Any]:
    """Figures of a steady `chord` (see `steady_figures`) and of `borders` in music (see `border_figures`)."""
    curves = [LongCurve(curve_of(one.samples), one.joins) for one in music]
    return {
        "chord": steady_figures(curve_of(steady_chord(CHORD_S))),
        "borders": border_figures(curves, stretches),
    }


def curve_runner(bundle: Bundle, folder: Path) -> CurveOf:
    """What computes curves as the main job does, by a WAV file of floats in `folder`."""
    tagger = load_tagger(bundle)

    def curve_of(samples: Samples) -> NDArray[np.float64]:
        path = folder / "sound.wav"
        path.write_bytes(as_it_is(samples, RATE_HZ))
        found = tagger.tag({"sound": path})["sound"]
        if isinstance(found, DataError):
            raise found
        return found.curve

    return curve_of


def stretches_of(bundle: Bundle) -> tuple[int, ...]:
    """Steps of the stretches to look at: 60, 120, and those that the bundle's regressors cut a track into."""
    views = [member.view for member in bundle.of_role(Role.REGRESSOR)]
    own = {view.steps or view.hop for view in views if isinstance(view, StepView) and view.rows}
    return tuple(sorted(own | set(STRETCHES_STEPS)))


def steady_chord(seconds: float) -> Samples:
    """Three tones with four harmonics each that stay as they are: [n] at 16 kHz."""
    time = np.arange(to_samples(seconds, rate_hz=RATE_HZ)) / RATE_HZ
    chord = np.zeros(len(time))
    for hz, harmonic in itertools.product(_CHORD_HZ, range(1, 5)):
        chord += 0.1 / harmonic * np.sin(2.0 * np.pi * hz * harmonic * time)
    return chord.astype(np.float32)


def joined(pieces: Sequence[Samples]) -> Music:
    """Pieces one after another, each cut to one of a few lengths, so that joins lie anywhere between borders:
    what a border does is not taken for what a join does. A piece that is shorter is left whole."""
    cut = [
        piece[: PIECES_STEPS[place % len(PIECES_STEPS)] * STEP_SAMPLES] for place, piece in enumerate(pieces)
    ]
    if not cut:
        return Music(np.zeros(0, np.float32))
    ends = np.cumsum([len(piece) for piece in cut]) // STEP_SAMPLES
    return Music(np.concatenate(cut), tuple(map(int, ends[:-1])))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the section of the card."""
    options = parse(arguments, "Check the curves of a bundle on shifted, steady and joined sounds.")
    clips = chosen(read_clips(options.data), options.clips)
    figures = measure_curve_checks(open_bundle(options.bundle), clips)
    print(curve_checks_text(figures))


if __name__ == "__main__":
    main()
