"""Rows of .csv manifests; one that cannot be read costs itself and not those after it."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import IO

import pyarrow as pa

from transforms.inputs.manifest_row import MOST_TEXT, Row, check_encoding, is_text, refusal

_ENDS = ("\n", "\r")


def csv_fields(uri: str, file: IO[bytes]) -> list[pa.Field]:
    """The columns of the header, all of text; DataError(bad_input) for a header that cannot be read."""
    check_encoding(uri, file)
    header = _header(uri, csv.reader(_Lines(file), strict=True))
    if not all(map(is_text, header)):
        raise refusal(f"{uri}: the header is not UTF-8")
    return [pa.field(name, pa.string()) for name in header]


def csv_rows(uri: str, file: IO[bytes]) -> Iterator[Row]:
    """The rows below the header; empty lines are none.

    Where a quote is never closed, or what follows it is no end of a cell, the row fails that the quote
    begins in, and the next begins with the next line: read on, it would swallow rows without a word.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    header = _header(uri, reader)
    number = 0
    while True:
        lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Row(number, {}, f"{error} in {lines.first_of_record()!r}")
            lines.back_to_second()
            continue
        if cells:
            number += 1
            values = {name: cell or None for name, cell in zip(header, cells, strict=False)}
            right = len(cells) == len(header)
            yield Row(number, values, None if right else f"{len(cells)} values for {len(header)} columns")


def _header(uri: str, reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader, [])
    except csv.Error as error:
        raise refusal(f"{uri}: the header is not CSV: {error}") from error


class _Lines:
    """Lines of a text, of which those of the last record can be read again."""

    def __init__(self, file: IO[bytes]) -> None:
        csv.field_size_limit(MOST_TEXT)
        self._text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        self._record: list[str] = []
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        seen = bool(self._again)
        line = self._again.popleft() if seen else self._text.readline(MOST_TEXT)
        if not line:
            raise StopIteration
        self._record.append(line)
        if len(line) == MOST_TEXT and not line.endswith(_ENDS):
            if not seen:
                self._skip_line()
            raise csv.Error(f"a line of more than {MOST_TEXT:,} characters")
        return line

    def begin_record(self) -> None:
        """What is read from here on is of a new record."""
        self._record.clear()

    def first_of_record(self) -> str:
        """The beginning of the record's first line, to be shown."""
        return self._record[0][:60].rstrip("\r\n").encode("utf-8", "backslashreplace").decode()

    def back_to_second(self) -> None:
        """Read the record again, but for its first line."""
        self._again.extendleft(reversed(self._record[1:]))

    def _skip_line(self) -> None:
        while (rest := self._text.readline(MOST_TEXT)) and not rest.endswith(_ENDS):
            pass
