"""Rows of .jsonl manifests: a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from transforms.inputs.manifest_row import MOST_TEXT, Row, check_encoding, is_text, refusal

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def jsonl_fields(uri: str, file: IO[bytes]) -> list[pa.Field]:
    """All names of all lines with the type of their values; DataError(bad_input) where there is none."""
    check_encoding(uri, file)
    kinds: dict[str, pa.DataType | None] = {}
    for row in jsonl_rows(uri, file):
        for name, value in row.values.items():
            kind = _kind(value)
            before = kinds.setdefault(name, kind)
            if kind is not None and before != kind:
                kinds[name] = kind if before is None else _wider(before, kind)
    if not kinds:
        raise refusal(f"{uri}: no line of it is a JSON object")
    return [pa.field(name, kind or pa.string()) for name, kind in kinds.items()]


def jsonl_rows(_uri: str, file: IO[bytes]) -> Iterator[Row]:
    """The lines, each a row; empty ones are none."""
    for number, line in enumerate(_lines(file), 1):
        if line is None:
            yield Row(number, {}, f"a line of more than {MOST_TEXT:,} bytes")
            continue
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Row(number, {}, f"not JSON: {error}")
            continue
        if not isinstance(values, dict):
            yield Row(number, {}, "not a JSON object")
        elif not all(map(is_text, values)):
            yield Row(number, {}, "a name in it is not UTF-8")
        else:
            yield Row(number, values)


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """Lines without byte order marks; None for one that is too long."""
    while line := file.readline(MOST_TEXT):
        if len(line) < MOST_TEXT or line.endswith(b"\n"):
            yield line.removeprefix(_BYTE_ORDER_MARK)
            continue
        yield None
        while (rest := file.readline(MOST_TEXT)) and not rest.endswith(b"\n"):
            pass


def _kind(value: Any) -> pa.DataType | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64() if -(1 << 63) <= value < 1 << 63 else pa.string()
    return pa.float64() if isinstance(value, float) else pa.string()


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()
