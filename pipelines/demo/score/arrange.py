"""From a piece to its notes: who plays what, when and how loud.

bars   | intro | A . . . | A . . . | B . . . | A . . . | close |
lead           ------------------------------------------------
drums          -----------------------------------------+        (a fill before each phrase)
chords ---------------------------------------------------------
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipelines.demo.piece import Part, Piece
from pipelines.demo.score.harmony import Chord, Scale, parse_progression, scale_of, voicing
from pipelines.demo.score.melody import FORM, PHRASE_BARS, sing
from pipelines.demo.score.patterns import (
    ACCENTS,
    BASSES,
    HARMONIES,
    KITS,
    STEPS_PER_BEAT,
    TEXTURES,
    Stroke,
    strokes,
)
from pipelines.demo.sound.percussion import KIT_PANS
from pipelines.demo.sound.voices import VOICES

Bus = Literal["lead", "harmony", "bass", "drums", "texture"]
LAST_RING_S = 1.5  # what the closing chord has at least
STRUM_S = 0.011  # from string to string
HUMAN_S = 0.005  # spread of a player's timing
FILL = "XxxX"


@dataclass(frozen=True, slots=True)
class Note:
    """One sound of the piece, in seconds from its start; `pan` is -1 (left) to 1 (right)."""

    bus: Bus
    voice: str
    midi: int
    start_s: float
    held_s: float
    velocity: float
    pan: float


@dataclass(frozen=True, slots=True)
class Form:
    """The piece cut into bars: an intro, phrases, and one closing bar."""

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

    @property
    def last_held_s(self) -> float:
        """How long the notes of the closing bar are held: to the end but for the fade."""
        return self.piece.seconds - self.close * self.piece.bar_s - 0.5

    def start_s(self, bar: int, step: int = 0) -> float:
        """When a sixteenth of a bar starts, in seconds."""
        return bar * self.piece.bar_s + step * self.step_s

    def energy(self, bar: int) -> float:
        """The arc of the piece: a quiet intro, and the B phrase on top."""
        if bar < self.intro_bars:
            return 0.75
        return 1.0 if FORM[(bar - self.intro_bars) // PHRASE_BARS % len(FORM)] == "B" else 0.9


def form_of(piece: Piece) -> Form:
    """The bars that fit into the piece's length; ValueError for a piece with no room for two."""
    bars = int((piece.seconds - LAST_RING_S) / piece.bar_s)
    if bars < 2:
        raise ValueError(f"{piece.title!r} has no room for two bars: {piece.seconds} s")
    progression = parse_progression(piece.progression)
    chords = [progression[bar % len(progression)] for bar in range(bars - 1)]
    return Form(
        piece=piece,
        scale=scale_of(piece.key, piece.mode),
        chords=(*chords, Chord(root=0, size=3)),
        intro_bars=2 if bars >= 10 else int(bars >= 6),
    )


def arrange(piece: Piece) -> list[Note]:
    """All notes of a piece; KeyError for a voice, figure, kit, key or mode that does not exist."""
    form = form_of(piece)
    rng = np.random.default_rng(piece.seed)
    notes = [*harmony_notes(form, piece.harmony)]
    if piece.lead:
        notes += lead_notes(form, piece.lead, rng)
    if piece.bass:
        notes += bass_notes(form, piece.bass)
    if piece.texture:
        notes += texture_notes(form, piece.texture)
    loose = [humanise(note, rng) for note in notes]
    return [*loose, *drum_notes(form)]


def lead_notes(form: Form, part: Part, rng: np.random.Generator) -> Iterator[Note]:
    """The melody from the end of the intro on; the closing chord holds its tonic."""
    near = VOICES[part.voice].home_midi + 12 * part.octaves
    chords = form.chords[form.intro_bars : form.close]
    for sung in sing(part.figure, chords, beats_per_bar=form.piece.beats_per_bar, rng=rng):
        bar = sung.bar + form.intro_bars
        yield Note(
            bus="lead",
            voice=part.voice,
            midi=form.scale.midi(sung.degree, near=near),
            start_s=form.start_s(bar, sung.step),
            held_s=sung.steps * form.step_s,
            velocity=sung.velocity * form.energy(bar),
            pan=0.12,
        )
    tonic = form.scale.midi(0, near=near)
    yield Note("lead", part.voice, tonic, form.start_s(form.close), form.last_held_s, 0.8, 0.12)


def harmony_notes(form: Form, part: Part) -> Iterator[Note]:
    """The chords in their figure; the closing chord is held."""
    near = VOICES[part.voice].home_midi + 12 * part.octaves
    for bar, chord in enumerate(form.chords):
        pitches = voicing(chord, form.scale, near=near)
        if VOICES[part.voice].is_chord:
            pitches = (form.scale.midi(chord.root, near=near),)
        pattern = HARMONIES[part.figure] if bar < form.close else "*" + "-" * (form.steps - 1)
        for stroke in strokes(pattern, steps=form.steps):
            accent = 1.0 if stroke.step == 0 else 0.85
            chosen = enumerate(pitches) if stroke.symbol == "*" else [pick(pitches, int(stroke.symbol))]
            for order, midi in chosen:
                yield Note(
                    bus="harmony",
                    voice=part.voice,
                    midi=midi,
                    start_s=form.start_s(bar, stroke.step) + order * strum_s(part),
                    held_s=held_s(form, bar, stroke),
                    velocity=accent * form.energy(bar),
                    pan=0.5 * (-1.0) ** (order + 1) if len(pitches) > 1 else 0.0,
                )


def bass_notes(form: Form, part: Part) -> Iterator[Note]:
    """The bass line on the chord's triad."""
    near = VOICES[part.voice].home_midi + 12 * part.octaves
    for bar, chord in enumerate(form.chords):
        root = form.scale.midi(chord.root, near=near)
        if root - near > 5:
            root -= 12
        tonic = form.scale.midi(0, near=near)
        triad = tuple(root + form.scale.midi(tone, near=near) - tonic for tone in (0,))
        shape = [form.scale.midi(tone, near=near) for tone in chord.degrees[:3]]
        triad = tuple(root + pitch - shape[0] for pitch in shape)
        pattern = BASSES[part.figure] if bar < form.close else "0" + "-" * (form.steps - 1)
        for stroke in strokes(pattern, steps=form.steps):
            _, midi = pick(triad, int(stroke.symbol))
            start_s, length_s = form.start_s(bar, stroke.step), held_s(form, bar, stroke)
            yield Note("bass", part.voice, midi, start_s, length_s, form.energy(bar), 0.0)
