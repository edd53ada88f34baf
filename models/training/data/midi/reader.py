"""A reader of standard MIDI files for times only: tempo, last note, end; notes themselves are passed over.

    MThd length format tracks division   MTrk length (delta event)*   MTrk ...

Standard MIDI Files 1.0 (MIDI Manufacturers Association): formats 0 and 1, division in ticks per quarter note.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.data.tables import bad_data

_DEFAULT_TEMPO = 500_000
_TEMPO, _END_OF_TRACK = 0x51, 0x2F
_META, _SYSTEM = 0xFF, (0xF0, 0xF7)
_NOTES = (0x80, 0x90)
# Program change and channel pressure have one byte of data, the other channel messages two.
_ONE_BYTE = (0xC0, 0xD0)


@dataclass(frozen=True, slots=True)
class MidiTimes:
    """What says when things are: tempo changes as (tick, microseconds per quarter), in order of ticks."""

    ticks_per_quarter: int
    tempi: tuple[tuple[int, int], ...]
    last_note_tick: int
    end_tick: int

    def seconds(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Times in seconds of ticks [n], by the tempo map: [n]."""
        starts, tempi = (np.array(column, np.int64) for column in zip(*self.tempi, strict=True))
        before = np.concatenate([[0], np.cumsum(np.diff(starts) * tempi[:-1])])
        place = np.searchsorted(starts, ticks, side="right") - 1
        seconds: NDArray[np.float64] = (before[place] + (ticks - starts[place]) * tempi[place]) / (
            self.ticks_per_quarter * 1e6
        )
        return seconds


def read_midi(data: bytes, name: str) -> MidiTimes:
    """Times of a file of format 0 or 1; DataError(bad_input) with its name for anything else."""
    try:
        division, chunks = _chunks(data)
        tempi, last_note, end = {0: _DEFAULT_TEMPO}, 0, 0
        for chunk in chunks:
            tick = 0
            for tick, status, value in _events(chunk):
                if status == _TEMPO:
                    tempi[tick] = value
                elif status in _NOTES:
                    last_note = max(last_note, tick)
            end = max(end, tick)
    except (IndexError, struct.error):
        raise bad_data(f"{name} is a MIDI file that is cut off") from None
    except ValueError as error:
        raise bad_data(f"{name} is no MIDI file that can be read: {error}") from None
    return MidiTimes(division, tuple(sorted(tempi.items())), last_note, end)


def _chunks(data: bytes) -> tuple[int, list[bytes]]:
    """Ticks per quarter and the bodies of the track chunks; ValueError for another format."""
    if data[:4] != b"MThd":
        raise ValueError(f"it begins with {data[:4]!r}, not MThd")
    length, kind, _, division = struct.unpack(">IHHh", data[4:14])
    if kind > 1 or division <= 0:
        raise ValueError(f"format {kind} with division {division}; formats 0 and 1 in ticks are read")
    place, tracks = 8 + length, []
    while place < len(data):
        tag, size = struct.unpack(">4sI", data[place : place + 8])
        if place + 8 + size > len(data):
            raise IndexError
        if tag == b"MTrk":
            tracks.append(data[place + 8 : place + 8 + size])
        place += 8 + size
    if not tracks:
        raise ValueError("it has no track")
    return division, tracks


def _events(track: bytes) -> Iterator[tuple[int, int, int]]:
    """(tick, kind, value) of every event: kind is the meta type or the channel status, value the tempo."""
    place = tick = status = 0
    while place < len(track):
        delta, place = _variable(track, place)
        tick += delta
        if track[place] >= 0x80:
            status, place = track[place], place + 1
        if status == _META:
            kind, (size, place) = track[place], _variable(track, place + 1)
            yield tick, kind, _tempo(track[place : place + size]) if kind == _TEMPO else 0
            if kind == _END_OF_TRACK:
                return
            place, status = place + size, 0
        elif status in _SYSTEM:
            size, place = _variable(track, place)
            place, status = place + size, 0
        elif 0x80 <= status < 0xF0:
            yield tick, status & 0xF0, 0
            place += 1 if status & 0xF0 in _ONE_BYTE else 2
        else:
            raise ValueError(f"status {status:#04x} at byte {place} of a track")


def _tempo(data: bytes) -> int:
    tempo = int.from_bytes(data, "big")
    if len(data) != 3 or tempo == 0:
        raise ValueError(f"tempo {data.hex()!r}")
    return tempo


def _variable(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, at most four bytes, and the place after it."""
    value = 0
    for offset in range(4):
        byte = data[place + offset]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + offset + 1
    raise ValueError(f"number of more than four bytes at byte {place} of a track")
