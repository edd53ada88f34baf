"""The form of a piece in bars, and the note that everything is written in.

bars   | intro | A . . . | A . . . | B . . . | A . . . | close |
lead           -------------------------------------------------
drums          -----------------------------------------         (a fill before each phrase)
chords ---------------------------------------------------------
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipelines.demo.piece import Piece
from pipelines.demo.score.harmony import Chord, Scale, parse_progression, scale_of
from pipelines.demo.score.melody import FORM, PHRASE_BARS
from pipelines.demo.score.patterns import STEPS_PER_BEAT, Stroke, strokes

Bus = Literal["lead", "harmony", "bass", "drums", "texture"]
LAST_RING_S = 1.7  # what the closing bar has at least; it takes what is left of the piece
LAST_REST_S = 0.5  # from the end of its notes to the end of the piece


@dataclass(frozen=True, slots=True)
class Note:
    """One sound of the piece, in seconds from its start; `pan` is -1 (left) to 1 (right).

    A second `take` of the same note is played anew, as a guitarist doubles a riff.
    """

    bus: Bus
    voice: str
    midi: int
    start_s: float
    held_s: float
    velocity: float
    pan: float = 0.0
    take: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """A piece cut into bars: an intro, phrases, and one closing bar."""

    piece: Piece
    scale: Scale
    chords: tuple[Chord, ...]  # one a bar
    intro_bars: int

    @property
    def step_s(self) -> float:
        """Length of a sixteenth in seconds."""
        return 60.0 / self.piece.tempo_bpm / STEPS_PER_BEAT

    @property
    def steps(self) -> int:
        """Sixteenths in a bar."""
        return self.piece.beats_per_bar * STEPS_PER_BEAT

    @property
    def close(self) -> int:
        """The closing bar's number."""
        return len(self.chords) - 1

    def start_s(self, bar: int, step: int = 0) -> float:
        """When a sixteenth of a bar starts, in seconds."""
        return bar * self.piece.bar_s + step * self.step_s

    def held_s(self, bar: int, steps: int) -> float:
        """How long a note is held, in seconds: in the closing bar to the end of the piece."""
        if bar == self.close:
            return self.piece.seconds - LAST_REST_S - self.start_s(bar)
        return steps * self.step_s

    def energy(self, bar: int) -> float:
        """The arc of the piece: a quiet intro, and the B phrase on top."""
        if bar < self.intro_bars:
            return 0.75
        return 1.0 if FORM[self.phrase(bar) % len(FORM)] == "B" else 0.9

    def phrase(self, bar: int) -> int:
        """Number of the phrase that a bar after the intro is in."""
        return (bar - self.intro_bars) // PHRASE_BARS

    def is_before_a_phrase(self, bar: int) -> bool:
        """Whether another phrase, or the close, follows this bar."""
        return bar + 1 == self.close or self.phrase(bar + 1) > self.phrase(bar)

    def strokes(self, bar: int, pattern: str) -> Iterator[Stroke]:
        """The events of a bar: those of the pattern, or its first one, held, in the closing bar."""
        if bar == self.close:
            pattern = pattern.lstrip(".")[0] + "-" * (self.steps - 1)
        return strokes(pattern, steps=self.steps)


def form_of(piece: Piece) -> Form:
    """The whole bars that fit into the piece's length, and the close.

    ValueError for a piece with no room for a bar and the close, or a progression that cannot be read.
    """
    bars = int((piece.seconds - LAST_RING_S) / piece.bar_s)
    if bars < 1:
        raise ValueError(f"{piece.title!r} has no room for a bar and its close: {piece.seconds} s")
    progression = parse_progression(piece.progression)
    chords = [progression[bar % len(progression)] for bar in range(bars)]
    return Form(
        piece=piece,
        scale=scale_of(piece.key, piece.mode),
        chords=(*chords, Chord(root=0, size=3)),
        intro_bars=2 if bars >= 10 else int(bars >= 6),
    )
