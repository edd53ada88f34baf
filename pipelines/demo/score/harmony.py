"""Scales, keys and chords: from Roman numerals to MIDI pitches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Semitones of the seven degrees above the tonic.
MODES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "lydian": (0, 2, 4, 6, 7, 9, 11),
        "major": (0, 2, 4, 5, 7, 9, 11),
        "mixolydian": (0, 2, 4, 5, 7, 9, 10),
        "dorian": (0, 2, 3, 5, 7, 9, 10),
        "minor": (0, 2, 3, 5, 7, 8, 10),
        "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
        "phrygian": (0, 1, 3, 5, 7, 8, 10),
        "locrian": (0, 1, 3, 5, 6, 8, 10),
    }
)
KEYS: Mapping[str, int] = MappingProxyType(
    {
        name: pitch_class
        for pitch_class, names in enumerate(
            ("C", "C# Db", "D", "D# Eb", "E", "F", "F# Gb", "G", "G# Ab", "A", "A# Bb", "B")
        )
        for name in names.split()
    }
)
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass(frozen=True, slots=True)
class Scale:
    """A key and a mode; degree 0 is the tonic, 7 the tonic an octave higher, -1 the note below."""

    tonic: int  # pitch class, 0 is C
    steps: tuple[int, ...]

    def midi(self, degree: int, *, near: int) -> int:
        """Pitch of a degree, with degree 0 in the octave whose middle is `near`."""
        octave, step = divmod(degree, len(self.steps))
        return nearest_midi(self.tonic, near=near) + 12 * octave + self.steps[step]


@dataclass(frozen=True, slots=True)
class Chord:
    """A stack of thirds on a degree of the scale."""

    root: int
    size: int  # 3, or 4 with the seventh

    @property
    def degrees(self) -> tuple[int, ...]:
        """The degrees it is made of, root first."""
        return tuple(self.root + 2 * third for third in range(self.size))


def scale_of(key: str, mode: str) -> Scale:
    """The scale of a key and a mode by name; KeyError for a name that is not in KEYS or MODES."""
    return Scale(tonic=KEYS[key], steps=MODES[mode])


def parse_progression(text: str) -> tuple[Chord, ...]:
    """Chords of a progression such as "I vi7 IV V"; ValueError for what is no numeral.

    The mode decides major and minor, so the case of a numeral is for the reader only.
    """
    chords = []
    for word in text.split():
        numeral = word.removesuffix("7").upper()
        if numeral not in NUMERALS:
            raise ValueError(f"no Roman numeral in the progression {text!r}: {word!r}")
        chords.append(Chord(root=NUMERALS.index(numeral), size=4 if word.endswith("7") else 3))
    return tuple(chords)


def voicing(chord: Chord, scale: Scale, *, near: int) -> tuple[int, ...]:
    """MIDI pitches of a chord, lowest first, every tone in the octave around `near`.

    Staying in one octave leads the voices: from chord to chord a tone moves by a step or not at all.
    """
    return tuple(
        sorted(nearest_midi(scale.midi(degree, near=near) % 12, near=near) for degree in chord.degrees)
    )


def nearest_midi(pitch_class: int, *, near: int) -> int:
    """The pitch of that class from 6 semitones below `near` to 5 above."""
    return near - 6 + (pitch_class - near + 6) % 12
