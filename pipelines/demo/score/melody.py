"""A melody: two motifs in the phrase form A A B A, bent to the chords under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.demo.score.harmony import Chord
from pipelines.demo.score.patterns import ACCENTS, MELODIES, STEPS_PER_BEAT, strokes

PHRASE_BARS = 4
FORM = "AABA"
# A phrase opens, answers, opens again and closes; what returns is what makes a tune.
CELLS = (0, 1, 0, 2)
STEPS_OF_A_TUNE = (-2, -1, -1, 1, 1, 2)
LOWEST, HIGHEST = -3, 8  # degrees


@dataclass(frozen=True, slots=True)
class MelodyNote:
    """A note in sixteenths of a bar, its pitch as a degree of the scale."""

    bar: int
    step: int
    steps: int
    degree: int
    velocity: float


def sing(
    figure: str, chords: Sequence[Chord], *, beats_per_bar: int, rng: np.random.Generator
) -> Iterator[MelodyNote]:
    """The melody over one chord a bar; KeyError for a figure that is not in MELODIES."""
    contours = {motif: rng.choice(STEPS_OF_A_TUNE, size=(3, 16)) for motif in "AB"}
    openings = {"A": int(rng.choice((2, 4))), "B": int(rng.choice((5, 7)))}
    degree = openings["A"]
    for bar, chord in enumerate(chords):
        motif = FORM[bar // PHRASE_BARS % len(FORM)]
        if bar % PHRASE_BARS == 0:
            degree = openings[motif]
        cell = CELLS[bar % PHRASE_BARS]
        pattern = MELODIES[figure][cell]
        for index, stroke in enumerate(strokes(pattern, steps=beats_per_bar * STEPS_PER_BEAT)):
            degree = bounce(degree + int(contours[motif][cell, index]))
            if stroke.step % (2 * STEPS_PER_BEAT) == 0 or stroke.steps > STEPS_PER_BEAT:
                degree = nearest_tone(degree, chord)
            yield MelodyNote(bar, stroke.step, stroke.steps, degree, ACCENTS[stroke.symbol])


def bounce(degree: int) -> int:
    """A degree turned back where it leaves the range of a singer."""
    if degree > HIGHEST:
        return 2 * HIGHEST - degree
    return 2 * LOWEST - degree if degree < LOWEST else degree


def nearest_tone(degree: int, chord: Chord) -> int:
    """The closest degree that belongs to the chord's triad, the lower one of two."""
    triad = {tone % 7 for tone in chord.degrees[:3]}
    return min(
        (candidate for candidate in range(degree - 3, degree + 4) if candidate % 7 in triad),
        key=lambda candidate: abs(candidate - degree),
    )
