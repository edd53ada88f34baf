"""From a piece to its notes: who plays what, when and how loud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from pipelines.demo.piece import Part, Piece
from pipelines.demo.score.form import Form, Note, form_of
from pipelines.demo.score.harmony import voicing
from pipelines.demo.score.melody import PHRASE_BARS, sing
from pipelines.demo.score.patterns import ACCENTS, BASSES, HARMONIES, KITS, TEXTURES, Stroke, strokes
from pipelines.demo.sound.kit import DRUMS
from pipelines.demo.sound.voices import VOICES

STRUM_S = 0.012  # from string to string
HUMAN_S = 0.005  # standard deviation of a player's timing
FILL = ("snare", "XxxX")  # over the last beat of a phrase


def arrange(piece: Piece) -> list[Note]:
    """All notes of a piece; KeyError for a voice, figure, kit, key or mode that does not exist."""
    form = form_of(piece)
    rng = np.random.default_rng(piece.seed)
    notes = [*harmony_notes(form, piece.harmony), *drum_notes(form)]
    if piece.lead:
        notes += lead_notes(form, piece.lead, rng)
    if piece.bass:
        notes += bass_notes(form, piece.bass)
    if piece.texture:
        notes += texture_notes(form, piece.texture)
    return [humanise(note, rng) for note in notes]


def lead_notes(form: Form, part: Part, rng: np.random.Generator) -> Iterator[Note]:
    """The melody from the end of the intro on; the closing bar holds the tonic."""
    near = register(part)
    chords = form.chords[form.intro_bars : form.close]
    for sung in sing(part.figure, chords, beats_per_bar=form.piece.beats_per_bar, rng=rng):
        bar = sung.bar + form.intro_bars
        yield Note(
            bus="lead",
            voice=part.voice,
            midi=form.scale.midi(sung.degree, near=near),
            start_s=form.start_s(bar, sung.step),
            held_s=form.held_s(bar, sung.steps),
            velocity=sung.velocity * form.energy(bar),
            pan=0.12,
        )
    tonic = form.scale.midi(0, near=near)
    yield Note("lead", part.voice, tonic, form.start_s(form.close), form.held_s(form.close, 0), 0.8, 0.12)


def harmony_notes(form: Form, part: Part) -> Iterator[Note]:
    """The chords in their figure; a voice that is a chord by itself plays the root, twice."""
    near = register(part)
    for bar, chord in enumerate(form.chords):
        if VOICES[part.voice].is_chord:
            root = form.scale.midi(chord.root, near=near)
            root -= 12 if root - near > 6 else 0
            for take, pan in enumerate((-0.8, 0.8)):
                for stroke in form.strokes(bar, HARMONIES[part.figure]):
                    yield replace(chord_note(form, part, bar, stroke), midi=root, pan=pan, take=take)
            continue
        pitches = voicing(chord, form.scale, near=near)
        for stroke in form.strokes(bar, HARMONIES[part.figure]):
            for order, midi in enumerate(picked(pitches, stroke.symbol)):
                note = chord_note(form, part, bar, stroke)
                late_s = order * STRUM_S if part.figure == "strum" else 0.0
                pan = 0.45 * (-1.0) ** (midi + order)
                yield replace(note, midi=midi, start_s=note.start_s + late_s, pan=pan)


def chord_note(form: Form, part: Part, bar: int, stroke: Stroke) -> Note:
    """A note of the harmony but for its pitch and place."""
    return Note(
        bus="harmony",
        voice=part.voice,
        midi=0,
        start_s=form.start_s(bar, stroke.step),
        held_s=form.held_s(bar, stroke.steps),
        velocity=(1.0 if stroke.step == 0 else 0.85) * form.energy(bar),
    )


def bass_notes(form: Form, part: Part) -> Iterator[Note]:
    """The bass line on the triad above the chord's root."""
    near = register(part)
    for bar, chord in enumerate(form.chords):
        triad = [form.scale.midi(degree, near=near) for degree in chord.degrees[:3]]
        lower = 12 if triad[0] - near > 6 else 0
        for stroke in form.strokes(bar, BASSES[part.figure]):
            (midi,) = picked([pitch - lower for pitch in triad], stroke.symbol)
            start_s, held_s = form.start_s(bar, stroke.step), form.held_s(bar, stroke.steps)
            yield Note("bass", part.voice, midi, start_s, held_s, form.energy(bar))


def texture_notes(form: Form, part: Part) -> Iterator[Note]:
    """One note on the tonic from end to end, or a rise into each new phrase."""
    if part.figure not in TEXTURES:
        raise KeyError(part.figure)
    midi = form.scale.midi(0, near=register(part))
    if part.figure == "throughout":
        yield Note("texture", part.voice, midi, 0.0, form.piece.seconds, 1.0)
        return
    for bar in range(form.close):
        if form.is_before_a_phrase(bar):
            yield Note("texture", part.voice, midi, form.start_s(bar), form.piece.bar_s, 1.0)


def drum_notes(form: Form) -> Iterator[Note]:
    """The kit from the end of the intro on, with a fill before a phrase and a last hit on the close."""
    kit = KITS[form.piece.drums]
    for bar in range(form.intro_bars, form.close):
        for drum, pattern in kit.items():
            is_once_a_phrase = drum == "crash" and (bar - form.intro_bars) % PHRASE_BARS > 0
            for stroke in strokes("" if is_once_a_phrase else pattern, steps=form.steps):
                yield drum_note(form, drum, bar, stroke)
        if FILL[0] in kit and form.is_before_a_phrase(bar):
            for stroke in strokes(FILL[1], steps=len(FILL[1])):
                step = form.steps - len(FILL[1]) + stroke.step
                yield drum_note(form, FILL[0], bar, replace(stroke, step=step))
    for drum in kit.keys() & {"kick", "crash", "lowtom"}:
        yield drum_note(form, drum, form.close, Stroke(0, 1, "X"))


def drum_note(form: Form, drum: str, bar: int, stroke: Stroke) -> Note:
    """One hit; a drum sounds as long as it sounds."""
    velocity = ACCENTS[stroke.symbol] * form.energy(bar)
    return Note("drums", drum, 0, form.start_s(bar, stroke.step), 0.0, velocity, DRUMS[drum].pan)


def register(part: Part) -> int:
    """The MIDI pitch around which a part plays."""
    return VOICES[part.voice].home_midi + 12 * part.octaves


def picked(pitches: Sequence[int], symbol: str) -> Sequence[int]:
    """The whole chord for "*", or one tone by number; past the chord it goes on an octave up."""
    if symbol == "*":
        return pitches
    octave, index = divmod(int(symbol), len(pitches))
    return (pitches[index] + 12 * octave,)


def humanise(note: Note, rng: np.random.Generator) -> Note:
    """The note a little early or late, and never twice as loud; drums and textures keep to the grid."""
    if note.bus in ("drums", "texture"):
        return note
    start_s = max(0.0, note.start_s + HUMAN_S * float(rng.standard_normal()))
    return replace(note, start_s=start_s, velocity=note.velocity * float(rng.uniform(0.85, 1.0)))
