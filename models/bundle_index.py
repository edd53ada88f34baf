"""The index of a bundle, bundle.json: read strictly, and its plain values checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.checks.files import MAX_BUNDLE_BYTES, MAX_FILE_BYTES
from models.checks.strict_json import parse_json, shown

INDEX = "bundle.json"
FORMAT = 1
MAX_INDEX_BYTES = 1 << 20
_MOST_FILES = 256
_LONGEST_TAG = 100
# A calibration beyond this says nothing but 0 and 1.
_LARGEST = 1e6

# Letters, digits and what lies between them: a name that every file system takes as it is.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class File:
    """What the index says of a file."""

    sha256: str
    size: int


def parse_index(data: bytes) -> dict[str, Any]:
    """The fields of an index; ValueError for what is no JSON or another format."""
    try:
        fields = parse_json(data)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    found = fields.get("format") if isinstance(fields, dict) else fields
    if type(found) is not int or found != FORMAT:
        raise ValueError(f"format version {shown(found)}; this moodscribe reads {FORMAT}")
    checked: dict[str, Any] = fields
    return checked


def text(name: str, value: Any) -> str:
    """A value that is text."""
    if not isinstance(value, str):
        raise ValueError(f"{name} {shown(value)} is not text")
    return value


def an_object(name: str, value: Any) -> Mapping[str, Any]:
    """A value that is an object."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} {shown(value)} is not an object")
    return value


def objects(name: str, value: Any) -> Sequence[Mapping[str, Any]]:
    """A value that is a list of objects."""
    if not isinstance(value, list):
        raise ValueError(f"{name} {shown(value)} is not a list")
    return [an_object(f"{name}:", each) for each in value]


def tag_names(values: Any) -> tuple[str, ...]:
    """Tags: short, printable, each once."""
    if not isinstance(values, list):
        raise ValueError(f"tags {shown(values)} is not a list")
    for tag in values:
        if not isinstance(tag, str) or not tag.isprintable() or not 0 < len(tag.strip()) <= _LONGEST_TAG:
            raise ValueError(f"tag {shown(tag)} is not a printable text of 1 to {_LONGEST_TAG} letters")
    if len(set(values)) != len(values):
        raise ValueError("tags repeat")
    return tuple(values)


def per_tag(name: str, values: Any, tags: Sequence[str]) -> NDArray[np.float64]:
    """One finite number for each tag: [tags]."""
    if not isinstance(values, list) or len(values) != len(tags):
        found = len(values) if isinstance(values, list) else shown(values)
        raise ValueError(f"{name} needs {len(tags)} finite values, has {found}")
    for value in values:
        if type(value) not in (int, float) or not -_LARGEST <= value <= _LARGEST:
            raise ValueError(
                f"{name} needs {len(tags)} finite values, none beyond {_LARGEST:g}, has {shown(value)}"
            )
    return np.array(values, np.float64)


def parse_files(values: Any) -> dict[str, File]:
    """What the index says of each file by name; ValueError for a name that leads elsewhere, two names that
    some file systems take for one, and more than a machine should be asked to read."""
    if not isinstance(values, dict) or len(values) > _MOST_FILES:
        raise ValueError(f"files is not an object of at most {_MOST_FILES} files")
    files = {name: _file(name, entry) for name, entry in values.items()}
    alike: dict[str, str] = {INDEX: INDEX}
    for name in files:
        if (other := alike.setdefault(name.lower(), name)) != name or name == INDEX:
            raise ValueError(f"file name {name!r} is the same as {other!r} where case does not count")
    if (total := sum(file.size for file in files.values())) > MAX_BUNDLE_BYTES:
        raise ValueError(f"its files have {total} bytes together, more than {MAX_BUNDLE_BYTES}")
    return files


def _file(name: str, entry: Any) -> File:
    if not is_plain_name(name):
        raise ValueError(f"file name {shown(name)} is not a plain name")
    sha256, size = (entry.get("sha256"), entry.get("bytes")) if isinstance(entry, dict) else (None, None)
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256) or type(size) is not int or size < 0:
        raise ValueError(f"file {name}: {shown(entry)} has no sha256 and bytes")
    if size > MAX_FILE_BYTES:
        raise ValueError(f"file {name}: {size} bytes, larger than {MAX_FILE_BYTES}")
    return File(sha256, size)


def is_plain_name(value: Any) -> bool:
    """Whether a value of an index is a name that stays in the bundle's folder."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None and _DEVICE.fullmatch(value) is None


def plain_word(value: Any) -> str:
    """A value of an index that is a plain name, or ValueError."""
    if not is_plain_name(value):
        raise ValueError(f"{shown(value)} is not a plain name")
    return str(value)
