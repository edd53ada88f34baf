"""From a piece to its samples."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.piece import Piece
from pipelines.demo.score.arrange import arrange
from pipelines.demo.score.form import Bus, Note
from pipelines.demo.sound.desk import SENDS, Stereo, add_note, balanced, mastered
from pipelines.demo.sound.kit import DRUMS
from pipelines.demo.sound.room import ROOMS, reverberate
from pipelines.demo.sound.voices import VOICES
from pipelines.demo.sound.waves import Tone
from schemas.clock import to_samples

CONCERT_A_MIDI, CONCERT_A_HZ = 69, 440.0


def render(piece: Piece, *, rate_hz: int = 44_100) -> NDArray[np.float32]:
    """The samples [samples, 2] of a piece, below 1.0 in magnitude, at its own level and length.

    The same piece and rate give the same samples. KeyError for a name in the piece that does not
    exist, ValueError for a progression that cannot be read or a length without room for a bar.
    """
    room = ROOMS[piece.room]
    notes = arrange(piece)
    buses = balanced(played(notes, seconds=piece.seconds, rate_hz=rate_hz), rate_hz=rate_hz)
    sent = np.zeros((to_samples(piece.seconds, rate_hz=rate_hz), 2), dtype=np.float32)
    mix = np.zeros_like(sent)
    for name, bus in buses.items():
        mix += bus
        sent += np.float32(SENDS[name]) * bus
    mix += reverberate(sent, room, rate_hz=rate_hz, rng=np.random.default_rng(piece.seed))
    return mastered(mix, level_dbfs=piece.level_dbfs, rate_hz=rate_hz)


def played(notes: list[Note], *, seconds: float, rate_hz: int) -> dict[str, Stereo]:
    """All notes on their buses [samples, 2]; a sound is made once for all notes that share it."""
    count = to_samples(seconds, rate_hz=rate_hz)
    buses = {name: np.zeros((count, 2), dtype=np.float32) for name in get_args(Bus)}
    sounds: dict[tuple[str, int, int, int], NDArray[np.float32]] = {}
    for note in notes:
        key = (note.voice, note.midi, to_samples(note.held_s, rate_hz=rate_hz), note.take)
        if key not in sounds:
            sounds[key] = sound_of(note, rate_hz=rate_hz)
        start = to_samples(note.start_s, rate_hz=rate_hz)
        add_note(buses[note.bus], sounds[key], start=start, gain=note.velocity, pan=note.pan)
    return buses


def sound_of(note: Note, *, rate_hz: int) -> NDArray[np.float32]:
    """One note by itself [samples], at full velocity."""
    pitch_hz = CONCERT_A_HZ * 2.0 ** ((note.midi - CONCERT_A_MIDI) / 12.0)
    tone = Tone(pitch_hz=pitch_hz, held_s=note.held_s, rate_hz=rate_hz, seed=97 * note.midi + note.take)
    if note.bus == "drums":
        drum = DRUMS[note.voice]
        return (drum.gain * drum.sound(tone)).astype(np.float32)
    return VOICES[note.voice].sound(tone).astype(np.float32)
