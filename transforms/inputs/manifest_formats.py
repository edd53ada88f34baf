"""The formats of manifests by their suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO

import pyarrow as pa

from transforms.inputs.manifest_csv import csv_fields, csv_rows
from transforms.inputs.manifest_jsonl import jsonl_fields, jsonl_rows
from transforms.inputs.manifest_parquet import parquet_fields, parquet_rows
from transforms.inputs.manifest_row import Row


@dataclass(frozen=True, slots=True)
class ManifestFormat:
    """How the fields and the rows of one format are read, from the manifest's URI and its open file."""

    fields: Callable[[str, IO[bytes]], list[pa.Field]]
    rows: Callable[[str, IO[bytes]], Iterator[Row]]


FORMATS: Mapping[str, ManifestFormat] = MappingProxyType(
    {
        ".csv": ManifestFormat(csv_fields, csv_rows),
        ".jsonl": ManifestFormat(jsonl_fields, jsonl_rows),
        ".parquet": ManifestFormat(parquet_fields, parquet_rows),
    }
)
