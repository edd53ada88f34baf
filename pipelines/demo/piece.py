"""One piece of the demo catalogue, described as one would brief a composer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quadrant = Literal["happy", "tense", "sad", "calm"]


@dataclass(frozen=True, slots=True)
class Part:
    """One player: a name from `sound.voices.VOICES` and the figure it plays.

    The figure is a name from `score.patterns`: of MELODIES for a lead, HARMONIES for a harmony,
    BASSES for a bass, TEXTURES for a texture. `octaves` shifts the voice from its home register.
    """

    voice: str
    figure: str
    octaves: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece as the composer needs it; the same piece always gives the same samples.

    `quadrant` is the mood it is written for (happy: high energy, pleasant; tense: high, unpleasant; sad:
    low, unpleasant; calm: low, pleasant) and `progression` is Roman numerals, one a bar. `drums` is a
    name of `score.patterns.KITS` and `room` of `sound.room.ROOMS`. `level_dbfs` is the RMS of the whole
    piece against full scale, and `seconds` its exact length.
    """

    title: str
    quadrant: Quadrant
    tempo_bpm: float
    key: str
    mode: str
    progression: str
    lead: Part | None
    harmony: Part
    bass: Part | None
    room: str
    level_dbfs: float
    seconds: float
    seed: int
    texture: Part | None = None
    drums: str = "none"
    beats_per_bar: int = 4

    @property
    def bar_s(self) -> float:
        """Length of a bar in seconds."""
        return self.beats_per_bar * 60.0 / self.tempo_bpm

    @property
    def instruments(self) -> tuple[Part, ...]:
        """Everyone who plays but the drummer."""
        return tuple(part for part in (self.lead, self.harmony, self.bass, self.texture) if part)
