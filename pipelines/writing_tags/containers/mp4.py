"""MP4's list of metadata: our freeform atoms, and all others as the bytes that they are.

----:com.apple.iTunes:MOOD with a value for each mood, our names under the same `mean`, which players show.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from mutagen.mp4 import MP4, AtomDataType, MP4FreeForm, MP4Tags

from pipelines.writing_tags.fields import NAMES, Fields

_MEAN = "com.apple.iTunes"
_KEYS = {name: f"----:{_MEAN}:{name}" for name in NAMES}


def _begin(name: str) -> bytes:
    """What a freeform atom of that name begins with."""
    parts = ((b"mean", _MEAN.encode()), (b"name", name.encode()))
    return b"".join(struct.pack(">I4sI", len(text) + 12, kind, 0) + text for kind, text in parts)


_BEGINS = tuple(_begin(name) for name in NAMES)


class _OwnAtoms(MP4Tags):  # type: ignore[misc]
    """Reads our atoms only: mutagen writes back the bytes of those that it cannot read, of all others."""

    def load(self, atoms: Any, fileobj: Any) -> None:
        """Called by mutagen with the file's atoms."""
        super().load(atoms, fileobj)
        own = {key: self[key] for key in _KEYS.values() if key in self}
        self.clear()
        self.update(own)
        self._failed_atoms: dict[str, list[bytes]] = {}
        for atom in atoms.path(b"moov", b"udta", b"meta", b"ilst")[-1].children:
            _, data = atom.read(fileobj)
            if atom.name != b"----" or not data.startswith(_BEGINS):
                self._failed_atoms.setdefault(atom.name.decode("latin-1"), []).append(data)

    @property
    def others(self) -> object:
        """Bytes of all other atoms, by name."""
        return {name: tuple(some) for name, some in self._failed_atoms.items()}


class _Mp4(MP4):  # type: ignore[misc]
    MP4Tags = _OwnAtoms


class Mp4Tags:
    """See pipelines.writing_tags.containers.container.Tags."""

    def __init__(self, path: Path, _kind: Any) -> None:
        self._path = path
        self._file = _Mp4(str(path))

    def read(self) -> dict[str, tuple[str, ...]]:
        """Values of our fields, without those that are not there."""
        tags = self._file.tags or {}
        return {
            name: tuple(bytes(value).decode("utf-8", "replace") for value in tags[key])
            for name, key in _KEYS.items()
            if key in tags
        }

    def others(self) -> object:
        """Bytes of all other atoms of the list, by name."""
        return self._file.tags.others if self._file.tags is not None else {}

    def write(self, fields: Fields) -> None:
        """Write these fields; an empty one is removed."""
        if self._file.tags is None:
            self._file.add_tags()
        for name, values in fields.items():
            if values:
                self._file.tags[_KEYS[name]] = [
                    MP4FreeForm(one.encode(), AtomDataType.UTF8) for one in values
                ]
            else:
                self._file.tags.pop(_KEYS[name], None)
        self._file.save(str(self._path))
