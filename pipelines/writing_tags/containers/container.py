"""Which container a file is, and its tags behind one interface, whatever it is."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from pipelines.writing_tags.fields import Fields
from schemas.errors import DataError, FailureKind, Stage

TERMS = (
    "mutagen, (c) its authors: GPL-2.0-or-later; what is given to others with it in it, such as an image, "
    "comes under its terms. https://github.com/quodlibet/mutagen"
)
FORMATS = ("id3", "vorbis", "mp4")

# Names of mutagen's classes by module: those that we write to, and others that must not be taken for them.
_FORMAT_OF: Mapping[tuple[str, str], str] = {
    ("mp3", "MP3"): "id3",
    ("wave", "WAVE"): "id3",
    ("aiff", "AIFF"): "id3",
    ("flac", "FLAC"): "vorbis",
    ("oggvorbis", "OggVorbis"): "vorbis",
    ("oggopus", "OggOpus"): "vorbis",
    ("oggflac", "OggFLAC"): "vorbis",
    ("oggspeex", "OggSpeex"): "vorbis",
    ("mp4", "MP4"): "mp4",
}
_OTHERS = (
    ("aac", "AAC"),
    ("ac3", "AC3"),
    ("apev2", "APEv2File"),
    ("asf", "ASF"),
    ("dsdiff", "DSDIFF"),
    ("dsf", "DSF"),
    ("monkeysaudio", "MonkeysAudio"),
    ("musepack", "Musepack"),
    ("optimfrog", "OptimFROG"),
    ("tak", "TAK"),
    ("trueaudio", "TrueAudio"),
    ("wavpack", "WavPack"),
)
_HEADER_BYTES = 128
# What mutagen lets through of files that are broken in ways that it does not look for.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Tags(Protocol):
    """The tags of one file."""

    def read(self) -> dict[str, tuple[str, ...]]:
        """Values of our fields, without those that are not there."""

    def others(self) -> object:
        """All that is not ours, as it lies in the file: equal before and after."""

    def write(self, fields: Fields) -> None:
        """Write these fields into the file, none other; an empty one is removed."""


def check_installed() -> str:
    """mutagen's terms, to be said; DataError(bad_input) with how to install it where it is not here."""
    if find_spec("mutagen") is None:
        message = f"mutagen is not installed: pip install 'moodscribe[files]'. {TERMS}"
        raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    return TERMS


@contextmanager
def tag_faults() -> Iterator[None]:
    """Turn what mutagen says of a file whose tags it cannot read or write into DataError(corrupt)."""
    from mutagen import MutagenError

    try:
        yield
    except (MutagenError, *_FAULTS) as error:
        message = f"its tags cannot be read or kept: {str(error) or type(error).__name__}"
        raise DataError(FailureKind.CORRUPT, Stage.OUTPUT, message) from error


def kind_of(path: Path) -> tuple[str, str]:
    """The container's name and the format of its tags, "" for one that has none of FORMATS.

    By what the file begins with and, where that leaves a choice, its name. Raises OSError.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        scores = []
        for module, name in (*_FORMAT_OF, *_OTHERS):
            score = int(_class(module, name).score(str(path), file, header))
            scores.append((score, name, _FORMAT_OF.get((module, name), "")))
    score, name, tags = max(scores)
    return (name, tags) if score > 0 else ("an unknown one", "")


def open_tags(path: Path, container: str) -> Tags:
    """The tags of a file of that container, one with a format; to be opened and used within `tag_faults`."""
    module = next(module for module, name in _FORMAT_OF if name == container)
    return _opener(_FORMAT_OF[module, container])(path, _class(module, container))


def _opener(tag_format: str) -> Callable[[Path, Any], Tags]:
    from pipelines.writing_tags.containers.id3 import Id3Tags
    from pipelines.writing_tags.containers.mp4 import Mp4Tags
    from pipelines.writing_tags.containers.vorbis import VorbisTags

    openers: Mapping[str, Callable[[Path, Any], Tags]] = {
        "id3": Id3Tags,
        "vorbis": VorbisTags,
        "mp4": Mp4Tags,
    }
    return openers[tag_format]


def _class(module: str, name: str) -> Any:
    return getattr(import_module(f"mutagen.{module}"), name)
