"""The figures that parts play, one bar of sixteenths to a string.

    0---2-..   a chord tone by number (past the chord: an octave up), held over "-", then a rest
    *---*...   the whole chord, twice
    X..xo      a drum or melody note: accented, normal, soft

A bar of three beats plays the first twelve characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

STEPS_PER_BEAT = 4
ACCENTS: Mapping[str, float] = MappingProxyType({"X": 1.0, "x": 0.75, "o": 0.4})

HARMONIES: Mapping[str, str] = MappingProxyType(
    {
        "held": "*---------------",
        "breath": "*-----------....",
        "arpeggio": "0-1-2-3-4-3-2-1-",
        "rolling": "0-2-1-2-3-2-1-2-",
        "fingerpicked": "0---2-1-3---2-1-",
        "strum": "*---*-*---*-*-*-",
        "offbeat": "..*...*...*...*.",
        "oompah": "....*.......*...",
        "waltz": "....*...*...",
        "pulse": "*-*-*-*-*-*-*-*-",
        "tremolo": "****************",
        "comping": "*--...*-....*-..",
        "chug": "0.0000.0000.0.0-",
        "gallop": "0.000.000.000.00",
        "crush": "0-----0-0-------",
    }
)
BASSES: Mapping[str, str] = MappingProxyType(
    {
        "whole": "0---------------",
        "half": "0-------2-------",
        "bounce": "0---..2-0---..2-",
        "eighths": "0-0-0-0-0-0-0-0-",
        "octaves": "0.3.0.3.0.3.0.3.",
        "walk": "0---1---2---1---",
        "drive": "0.000.000.000.00",
        "synco": "0--0--0-..0-0---",
        "waltz": "0---........",
    }
)
# Three cells: a bar that opens, a bar that answers, and a bar that closes the phrase.
MELODIES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "long": ("x-------x---x---", "x-----x-x-------", "x---------------"),
        "sigh": ("....x---x-------", "....x-x-x-------", "x-----------...."),
        "song": ("x---x-x-x---x---", "x-x-x---x-------", "x---x---x-------"),
        "busy": ("X-x-xxx-X-x-x-x-", "X--x--x-x-x-xxx-", "X-x-x-x-X-------"),
        "riff": ("X--x--x-X--x--x-", "X--x--x-xxx-X---", "X--x--X---------"),
        "fanfare": ("X--xX---X--xX---", "X-xxX-x-X-------", "X---X---X-------"),
        "skip": ("X---x-x-x-x-", "X-x-x---x-x-", "X---x-----.."),
        "drops": ("..x-----..x---x-", "......x---x-----", "x---------------"),
        "alarm": ("X.X.X.X.x.x.x.x.", "X.X.X.X.x.x.x.x.", "X-----------...."),
    }
)
# A texture sounds from end to end, or rises in the last bar of four.
TEXTURES = ("throughout", "rise")

KITS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "none": {},
        "rock": {"kick": "X.....x.X.x.....", "snare": "....X.......X...", "hat": "X.x.X.x.X.x.X.x."},
        "four": {"kick": "X...X...X...X...", "clap": "....X.......X...", "openhat": "..x...x...x...x."},
        "march": {"snare": "X..xX.o.X..xX.oo", "kick": "X.......X.......", "crash": "X..............."},
        "waltz": {"kick": "X...........", "hat": "....x...x...", "brush": "....x...x.o."},
        "brushes": {"brush": "x.ooX.oox.ooX.oo", "kick": "o.......o......."},
        "swing": {"hat": "X...X..xX...X..x", "brush": "....x.......x...", "kick": "x.......x....o.."},
        "half": {"kick": "X.........o.....", "rim": "........X.......", "shaker": "o.x.o.x.o.x.o.x."},
        "shaker": {"shaker": "X.oxo.xoX.oxo.xo", "kick": "X.....o.X.......", "rim": "...x...x....x..."},
        "breakbeat": {"kick": "X.X.......xX....", "snare": "....X..o.o..X..o", "hat": "X.x.X.x.X.x.X.x."},
        "metal": {"kick": "X.XXX.XXX.XXX.XX", "snare": "....X.......X...", "crash": "X.......X......."},
        "blast": {"kick": "X.X.X.X.X.X.X.X.", "snare": ".X.X.X.X.X.X.X.X", "crash": "X...X...X...X..."},
        "siege": {"tom": "X..xX..xX..xXxxx", "lowtom": "X.......X.......", "snare": "....X.......X.oo"},
        "timpani": {"lowtom": "X.......x.......", "tom": "............o.oo", "hat": "o.o.o.o.o.o.o.o."},
    }
)


@dataclass(frozen=True, slots=True)
class Stroke:
    """One event of a bar: when and for how long in sixteenths, and its character."""

    step: int
    steps: int
    symbol: str


def strokes(pattern: str, *, steps: int) -> Iterator[Stroke]:
    """The events of the first `steps` sixteenths of a pattern."""
    bar = pattern[:steps]
    for step, symbol in enumerate(bar):
        if symbol in ".-":
            continue
        rest = bar[step + 1 :]
        yield Stroke(step, 1 + len(rest) - len(rest.lstrip("-")), symbol)
