"""What every real catalogue has as well: a duplicate, silence, broken files, and files that are no audio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import soundfile

ODD_ALBUM = "Odds & Ends"
# Both are 16-bit FLAC releases: a WAV of the same depth then holds the very same samples.
DUPLICATED = "Lakeside Sketches/02 Morning Porch.flac"
CUT_SHORT = "Lakeside Sketches/04 Slow Tide.flac"
KEPT_OF_CUT_FILE = 0.6
SILENCE_S, SILENCE_RATE_HZ = 20, 44_100
# A JPEG's start, JFIF header and end, with no picture between them.
EMPTY_JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
LINER_NOTES = "All pieces of this catalogue were composed by a program.\n"


def write_duplicate(path: Path, catalogue: Path) -> None:
    """The samples of a FLAC file as a WAV file under another name."""
    samples, rate_hz = soundfile.read(catalogue / DUPLICATED, dtype="int16")
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")


def write_silence(path: Path, _catalogue: Path) -> None:
    """Digital silence."""
    soundfile.write(path, np.zeros((SILENCE_S * SILENCE_RATE_HZ, 2), np.int16), SILENCE_RATE_HZ)


def write_cut_short(path: Path, catalogue: Path) -> None:
    """The first bytes of a FLAC file, as a failed upload leaves them."""
    whole = (catalogue / CUT_SHORT).read_bytes()
    path.write_bytes(whole[: int(KEPT_OF_CUT_FILE * len(whole))])


def write_text(path: Path, _catalogue: Path) -> None:
    """Plain text, whatever the file's name says."""
    path.write_text(LINER_NOTES, encoding="utf-8")


def write_cover(path: Path, _catalogue: Path) -> None:
    """A cover image that is hardly one."""
    path.write_bytes(EMPTY_JPEG)


# Writers by path in the catalogue: each gets its own path and the catalogue's folder.
ODDITIES: Mapping[str, Callable[[Path, Path], None]] = MappingProxyType(
    {
        f"{ODD_ALBUM}/Porch Before Breakfast.wav": write_duplicate,
        f"{ODD_ALBUM}/Blank Tape.flac": write_silence,
        f"{ODD_ALBUM}/Half a Tide.flac": write_cut_short,
        f"{ODD_ALBUM}/Lost Recording.mp3": write_text,
        f"{ODD_ALBUM}/notes.txt": write_text,
        "Lakeside Sketches/cover.jpg": write_cover,
    }
)
