"""What the project does with an object store, each use with a check of what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transforms import storage
from transforms.inputs.listing import Listed, list_folder
from transforms.object_stores.retries import Purpose

BYTES = bytes(range(256)) * 400
EVERYTHING = ["album/three.flac", "cover.jpg", "five.flac", "one.flac", "two.flac"]
# Faults that end a try.
KINDS = ("429", "503", "reset", "reset in upload", "reset after", "reset in download", "cut short")


@dataclass(frozen=True, slots=True)
class Use:
    """One use, what it sums up as, and a check of its result."""

    name: str
    purpose: Purpose
    action: Callable[[], Any]
    holds: Callable[[Any], bool]

    def __str__(self) -> str:
        return self.name


def fill(folder: str) -> None:
    """Put a few objects into a folder."""
    for name in EVERYTHING:
        with storage.create(f"{folder}/{name}") as file:
            file.write(BYTES + name.encode())


def names(found: Sequence[Listed], folder: str) -> list[str]:
    """Names in a folder."""
    return [listed.uri.removeprefix(f"{folder}/") for listed in found]


def uses(folder: str) -> tuple[Use, ...]:
    """All uses, of a folder that is filled."""
    one, new = f"{folder}/one.flac", f"{folder}/new"

    def read(uri: str) -> bytes:
        return storage.read_bytes(uri, max_bytes=1 << 30)

    def write() -> None:
        with storage.create(new) as file:
            file.write(BYTES)
            file.write(b"end")

    def read_ranges() -> list[bytes]:
        with storage.open_file(one) as file:
            file.seek(1000)
            some = file.read(10)
            file.seek(-8, 2)
            return [some, file.read()]

    def listed() -> list[str]:
        return names(list(list_folder(folder)), folder)

    return (
        Use("read", Purpose.READ, lambda: read(one), lambda data: data == BYTES + b"one.flac"),
        Use(
            "describe", Purpose.READ, lambda: storage.describe(one).bytes, lambda size: size == len(BYTES) + 8
        ),
        Use("ranges", Purpose.READ, read_ranges, lambda some: some == [BYTES[1000:1010], b"one.flac"]),
        Use("list", Purpose.READ, listed, lambda found: found == EVERYTHING),
        Use("write", Purpose.WRITE, write, lambda _: read(new) == BYTES + b"end"),
        Use(
            "publish",
            Purpose.WRITE,
            lambda: storage.publish(one, new),
            lambda _: read(new) == BYTES + b"one.flac" and "one.flac" not in listed(),
        ),
        Use("remove", Purpose.WRITE, lambda: storage.remove_folder(folder), lambda _: not listed()),
    )
