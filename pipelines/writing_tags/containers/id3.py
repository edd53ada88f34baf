"""ID3v2 of MP3, WAV and AIFF: our text frames, and all others as the bytes that they are.

v2.4   TMOO with a value for each mood, TXXX frames of our names
v2.3   has no frame for moods: TXXX "MOOD", moods in one value with semicolons between

mutagen writes back as it lies what it does not know: here that is all but our frames. ID3v1 and APEv2 tags at
the end of an MP3 are not touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutagen.id3 import TMOO, TXXX, BitPaddedInt, Encoding, Frames, ID3JunkFrameError

from pipelines.writing_tags.fields import MOOD, MOODS, NAMES, Fields

_V24 = (2, 4, 0)
_BETWEEN = "; "
_V1_BYTES = 128
_UNSYNCHRONISED = 0x02  # a frame's own flag in v2.4
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a frame for mutagen, if it is ours; else mutagen keeps its bytes."""

    read: Callable[[Any, int, bytes], Any]

    def _fromData(self, header: Any, flags: int, data: bytes) -> Any:  # noqa: N802 - mutagen's name
        try:
            return self.read(header, flags, data)
        except ID3JunkFrameError as error:
            raise NotImplementedError from error


def _mood(header: Any, flags: int, data: bytes) -> Any:
    if header.version < _V24:
        raise NotImplementedError
    return TMOO._fromData(header, flags, data)


def _text(header: Any, flags: int, data: bytes) -> Any:
    frame = TXXX._fromData(header, flags, data)
    if frame.desc not in NAMES or (frame.desc == MOOD and header.version >= _V24):
        raise NotImplementedError
    return frame


def _foreign(_header: Any, _flags: int, _data: bytes) -> Any:
    raise NotImplementedError


_KNOWN = {name: _Reader(_foreign) for name in Frames} | {"TMOO": _Reader(_mood), "TXXX": _Reader(_text)}


class Id3Tags:
    """See pipelines.writing_tags.containers.container.Tags."""

    def __init__(self, path: Path, kind: Any) -> None:
        self._path = path
        self._file = kind(str(path), known_frames=_KNOWN, translate=False, load_v1=False)
        self._mp3 = kind.__name__ == "MP3"
        version = self._file.tags.version if self._file.tags is not None else _V24
        if version < (2, 3, 0):
            raise ValueError("ID3v2.2: tags of this version are read, but not written; convert them first")
        self._v24 = version >= _V24

    def read(self) -> dict[str, tuple[str, ...]]:
        """Values of our fields, without those that are not there."""
        found = {}
        for name in NAMES:
            for frame in self._file.tags.getall(self._key(name)) if self._file.tags is not None else ():
                values = tuple(str(value) for value in frame.text)
                if not self._v24 and name in (MOOD, MOODS):
                    values = tuple(one for value in values for one in value.split(_BETWEEN))
                found[name] = values
        return found

    def others(self) -> object:
        """Frames that are not ours and, of an MP3, a hash of all that follows its ID3v2 tag."""
        if self._file.tags is None:
            return (), _rest(self._path, 0) if self._mp3 else ""
        frames = tuple(bytes(self._whole(frame)) for frame in self._file.tags.unknown_frames)
        return frames, _rest(self._path, self._file.tags.size) if self._mp3 else ""

    def write(self, fields: Fields) -> None:
        """Write these fields; an empty one is removed."""
        if self._file.tags is None:
            self._file.add_tags()
        tags = self._file.tags
        for name, values in fields.items():
            tags.delall(self._key(name))
            if values:
                tags.add(self._frame(name, values))
        tags.unknown_frames = [self._whole(frame) for frame in tags.unknown_frames]
        end = _v1_of(self._path) if self._mp3 else b""
        tags.save(str(self._path), v2_version=4 if self._v24 else 3, v23_sep=None)
        if end:  # mutagen makes another from the frames
            with self._path.open("r+b") as file:
                file.seek(-_V1_BYTES, 2)
                file.write(end)

    def _key(self, name: str) -> str:
        return "TMOO" if name == MOOD and self._v24 else f"TXXX:{name}"

    def _frame(self, name: str, values: tuple[str, ...]) -> Any:
        if self._v24:
            text = list(values)
            return TMOO(Encoding.UTF8, text) if name == MOOD else TXXX(Encoding.UTF8, name, text)
        return TXXX(Encoding.UTF16, name, [_BETWEEN.join(values)])

    def _whole(self, frame: bytes) -> bytes:
        """A frame's bytes with its size and flags as they have to be in a tag that mutagen writes.

        Some programs write v2.4's sizes as v2.3 has them, and some say for the whole tag, not for each frame,
        that it is unsynchronised.
        """
        name, flags, data = frame[:4], bytearray(frame[8:10]), frame[10:]
        if not self._v24:
            return name + len(data).to_bytes(4) + bytes(flags) + data
        if self._file.tags._header is not None and self._file.tags._header.f_unsynch:
            flags[1] |= _UNSYNCHRONISED
        return name + bytes(BitPaddedInt.to_str(len(data), width=4)) + bytes(flags) + data


def _rest(path: Path, start: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _v1_of(path: Path) -> bytes:
    """The ID3v1 tag at the end of a file, nothing where there is none."""
    with path.open("rb") as file:
        if file.seek(0, 2) < _V1_BYTES:
            return b""
        file.seek(-_V1_BYTES, 2)
        end = file.read(_V1_BYTES)
    return end if end.startswith(b"TAG") else b""
