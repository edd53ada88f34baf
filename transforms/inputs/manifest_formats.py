"""The formats of manifests: fields and rows of .csv, .jsonl and .parquet files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import DataError, FailureKind, Stage

_MAX_CSV_FIELD = 1 << 24


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest, or what is wrong with it; `number` counts from 1."""

    number: int
    values: Mapping[str, Any]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestFormat:
    """How the fields and the rows of one format are read."""

    fields: Callable[[str, IO[bytes]], list[pa.Field]]
    rows: Callable[[IO[bytes]], Iterator[Row]]


def is_text(value: Any) -> bool:
    """Whether a value can stand in a table: no half of a surrogate pair in a text."""
    if not isinstance(value, str):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _csv_fields(uri: str, file: IO[bytes]) -> list[pa.Field]:
    header = next(_csv_reader(file), [])
    if not all(map(is_text, header)):
        raise _refusal(f"{uri}: the header is not UTF-8")
    return [pa.field(name, pa.string()) for name in header]


def _csv_rows(file: IO[bytes]) -> Iterator[Row]:
    reader = _csv_reader(file)
    header = next(reader, [])
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Row(number, {}, str(error))
            continue
        if cells:
            number += 1
            values = {name: cell or None for name, cell in zip(header, cells, strict=False)}
            right = len(cells) == len(header)
            yield Row(number, values, None if right else f"{len(cells)} values for {len(header)} columns")


def _csv_reader(file: IO[bytes]) -> Iterator[list[str]]:
    csv.field_size_limit(_MAX_CSV_FIELD)
    text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
    return csv.reader(line.replace("\0", "\ufffd") for line in text)


def _jsonl_fields(uri: str, file: IO[bytes]) -> list[pa.Field]:
    kinds: dict[str, pa.DataType | None] = {}
    for row in _jsonl_rows(file):
        for name, value in row.values.items():
            kind = _json_kind(value)
            before = kinds.setdefault(name, kind)
            if kind is not None and before != kind:
                kinds[name] = kind if before is None else _wider(before, kind)
    if not kinds:
        raise _refusal(f"{uri}: no line of it is a JSON object")
    return [pa.field(name, kind or pa.string()) for name, kind in kinds.items()]


def _json_kind(value: Any) -> pa.DataType | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64() if -(1 << 63) <= value < 1 << 63 else pa.string()
    return pa.float64() if isinstance(value, float) else pa.string()


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()


def _jsonl_rows(file: IO[bytes]) -> Iterator[Row]:
    for number, line in enumerate((line.removeprefix(b"\xef\xbb\xbf") for line in file), 1):
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


def _parquet_fields(uri: str, file: IO[bytes]) -> list[pa.Field]:
    try:
        return list(pq.read_schema(file))
    except (pa.ArrowException, OSError) as error:
        raise _refusal(f"{uri}: not Parquet: {error}") from error


def _parquet_rows(file: IO[bytes]) -> Iterator[Row]:
    number = 0
    for batch in pq.ParquetFile(file).iter_batches(batch_size=4096):
        for values in batch.to_pylist():
            number += 1
            yield Row(number, values)


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)


FORMATS: Mapping[str, ManifestFormat] = {
    ".csv": ManifestFormat(_csv_fields, _csv_rows),
    ".jsonl": ManifestFormat(_jsonl_fields, _jsonl_rows),
    ".parquet": ManifestFormat(_parquet_fields, _parquet_rows),
}
