"""A catalogue that changes at random: files, and the manifest that names them."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Catalogue:
    """Rows of a manifest (id, uri, title), and a count by which new names and times differ."""

    folder: Path
    generator: random.Random
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    count: int = 0

    @property
    def manifest(self) -> Path:
        """The manifest's file."""
        return self.folder / "catalogue.csv"

    def change(self) -> str:
        """Do one thing to it, and write the manifest; what it was."""
        changes: list[Callable[[], None]] = [
            self.add,
            self.add,
            self.add_copy,
            self.add_bad,
            self.add_missing,
        ]
        if self.rows:
            changes += [self.rewrite, self.retag, self.touch, self.move, self.rename, self.remove]
            changes += [self.repeat, self.spoil, self.recover, self.shuffle]
        change = self.generator.choice(changes)
        change()
        self.write()
        return change.__name__

    def write(self) -> None:
        """Write the manifest."""
        with self.manifest.open("w", newline="") as file:
            csv.writer(file).writerows([("track_id", "uri", "title"), *self.rows])

    def add(self) -> None:
        """A new track."""
        self._add(b"song %d|" % self._next())

    def add_copy(self) -> None:
        """A new track that sounds like another one, or a new one alone."""
        self._add(b"song %d|copy %d" % (self.generator.randrange(self.count + 1), self._next()))

    def add_bad(self) -> None:
        """A new track that is no audio."""
        self._add(b"bad %d" % self._next())

    def add_missing(self) -> None:
        """A row of the manifest without a file."""
        self.rows.append((f"t{self._next():03d}", "nowhere.mp3", "Missing"))

    def rewrite(self) -> None:
        """Other music in the file of a track."""
        self._put(self._file(), b"song %d|" % self._next())

    def retag(self) -> None:
        """The same music in other bytes."""
        file = self._file()
        if file.exists():
            self._put(file, file.read_bytes() + b" retagged")

    def touch(self) -> None:
        """The same bytes at another time."""
        file = self._file()
        if file.exists():
            self._put(file, file.read_bytes())

    def move(self) -> None:
        """The file of a track, and all rows that name it, elsewhere."""
        file, name = self._file(), f"{self._next():03d}.mp3"
        if file.exists():
            file.rename(self.folder / name)
            self.rows = [
                (track_id, name if uri == file.name else uri, title) for track_id, uri, title in self.rows
            ]

    def rename(self) -> None:
        """Another title in a row."""
        place = self.generator.randrange(len(self.rows))
        track_id, uri, _ = self.rows[place]
        self.rows[place] = (track_id, uri, f"Title {self._next()}")

    def remove(self) -> None:
        """All rows of an id; its file stays, and may come back."""
        gone, _, _ = self.generator.choice(self.rows)
        self.rows = [row for row in self.rows if row[0] != gone]

    def repeat(self) -> None:
        """An id once more, at the end, with a file of its own."""
        track_id, _, _ = self.generator.choice(self.rows)
        self._add(b"song %d|" % self._next(), track_id)

    def spoil(self) -> None:
        """A file that the store cannot give at present."""
        self._put(self._file(), b"flaky %d" % self._next())

    def recover(self) -> None:
        """All files that the store could not give."""
        for file in self.folder.glob("*.mp3"):
            if file.read_bytes().startswith(b"flaky"):
                self._put(file, b"song %d|" % self._next())

    def shuffle(self) -> None:
        """Rows in another order, those of one id in the same."""
        ids = list(dict.fromkeys(row[0] for row in self.rows))
        self.generator.shuffle(ids)
        self.rows = sorted(self.rows, key=lambda row: ids.index(row[0]))

    def _add(self, data: bytes, track_id: str = "") -> None:
        number = self._next()
        self._put(self.folder / f"{number:03d}.mp3", data)
        self.rows.append((track_id or f"t{number:03d}", f"{number:03d}.mp3", f"Title {number}"))

    def _file(self) -> Path:
        return self.folder / self.generator.choice(self.rows)[1]

    def _put(self, file: Path, data: bytes) -> None:
        if file.name != "nowhere.mp3":
            file.write_bytes(data)
            # No two states of a file at one time, however coarse the clock.
            os.utime(file, ns=(self._next() * 10**9,) * 2)

    def _next(self) -> int:
        self.count += 1
        return self.count
