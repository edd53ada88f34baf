"""Vorbis comments of FLAC and of Ogg with Vorbis, Opus, FLAC or Speex: our names, all others as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.writing_tags.fields import NAMES, Fields

_COMMENTS, _PADDING = 4, 1  # types of FLAC's metadata blocks
_LAST = 0x80
_ID3_HEADER_BYTES = 10


class VorbisTags:
    """See pipelines.writing_tags.containers.container.Tags."""

    def __init__(self, path: Path, kind: Any) -> None:
        self._path = path
        self._file = kind(str(path))
        self._flac = kind.__name__ == "FLAC"

    def read(self) -> dict[str, tuple[str, ...]]:
        """Values of our fields, without those that are not there."""
        tags = self._file.tags
        return {name: tuple(tags[name]) for name in NAMES if tags is not None and name in tags}

    def others(self) -> object:
        """Comments that are not ours, what follows them, and a FLAC's other blocks.

        Raises ValueError where comments are not what mutagen would write for them, such as texts in Latin-1.
        """
        blocks = tuple(_blocks(self._path)) if self._flac else ()
        tags = self._file.tags
        if tags is None:
            return (), b"", blocks
        if tags._size and tags._size - len(tags.write(framing=False)) not in (0, 1):  # 1 is the framing bit's
            raise ValueError("its comments are not all NAME=text in UTF-8, and would be changed by writing")
        kept = tuple((name, value) for name, value in list(tags) if name.upper() not in NAMES)
        return kept, getattr(tags, "_pad_data", b""), blocks

    def write(self, fields: Fields) -> None:
        """Write these fields; an empty one is removed."""
        if self._file.tags is None:
            self._file.add_tags()
        tags = self._file.tags
        for name, values in fields.items():
            if name in tags:
                del tags[name]
            tags.extend((name, value) for value in values)
        self._file.save(str(self._path))


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """A FLAC's metadata blocks as they lie in the file, without comments and padding."""
    with path.open("rb") as file:
        head = file.read(_ID3_HEADER_BYTES)
        begin = 0
        if head.startswith(b"ID3"):
            size = head[6:10]
            begin = _ID3_HEADER_BYTES + sum(
                (byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(size)
            )
        file.seek(begin + len(b"fLaC"))
        last = False
        while not last and len(header := file.read(4)) == 4:
            last, kind = bool(header[0] & _LAST), header[0] & ~_LAST
            data = file.read(int.from_bytes(header[1:]))
            if kind not in (_COMMENTS, _PADDING):
                yield kind, data
