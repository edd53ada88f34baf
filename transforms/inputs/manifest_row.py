"""A row of a manifest, whichever format it stands in, and what is refused in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from schemas.errors import DataError, FailureKind, Stage

# Of a line or a cell; a file without an end of line is not read into memory.
MOST_TEXT = 1 << 24
# What UTF-16 and UTF-32 begin with, and what they have where no UTF-8 text has it.
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest, or what is wrong with it; `number` counts from 1."""

    number: int
    values: Mapping[str, Any]
    problem: str | None = None


def is_text(value: Any) -> bool:
    """Whether a value can stand in a table: no half of a surrogate pair in a text."""
    if not isinstance(value, str):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_encoding(uri: str, file: IO[bytes]) -> None:
    """DataError(bad_input) for a text in UTF-16 or UTF-32; the file is at its beginning, and is again."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(_WIDE_MARKS) or b"\0" in head[:2]:
        raise refusal(f"{uri}: the text is UTF-16 or UTF-32; save it as UTF-8")


def refusal(message: str) -> DataError:
    """The error of a manifest that cannot be read as one."""
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
