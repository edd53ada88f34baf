"""The refusals of files to evaluate: each names the file and the value, and what was near an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from schemas.errors import DataError, FailureKind, Stage


def refuse(file: str, what: str) -> DataError:
    """The DataError(bad_input) for a file: its name and what is wrong in it."""
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, f"{file}: {what}")


def missing(file: str) -> DataError:
    """The DataError(not_found) for a file that is not there."""
    return DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{file}: no such file")


def unknown(name: str, known: Iterable[str], *, kind: str) -> str:
    """Words for a name that is not among those known: "no member 'crnn-grru'; near: crnn-gru"."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    return f"no {kind} {name!r}; " + (f"near: {', '.join(near)}" if near else f"there are {', '.join(names)}")
