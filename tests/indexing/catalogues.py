"""Small outputs to be loaded, and the command that loads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.indexing.sorted_tables import Catalogue, read_catalogue
from tests.output.histories import Past, Row, run_id, write_run
from transforms.indexing.documents import Document, documents
from transforms.indexing.slices import read_slice

IDS = [*"abcdefghi"]
TITLE = '<script>=cmd|\x00\\"\u2028\n'


def add_run(output: Path, number: int, *rows: Row) -> Past:
    """Write a run with these rows."""
    past = Past(run_id(number), rows)
    write_run(output, past)
    return past


def tagged(*track_ids: str, **columns: str) -> list[Row]:
    """Rows of tracks that were tagged."""
    return [Row(one, uri=f"/music/{one}", audio=one, columns=columns) for one in track_ids]


def catalogue_of(output: Path, scratch: Path) -> Catalogue:
    """The current tables, sorted."""
    scratch.mkdir(parents=True, exist_ok=True)
    return read_catalogue(str(output), folder_uri=str(scratch / "tables"), scratch=scratch, memory_mb=256)


def documents_of(output: Path, scratch: Path) -> dict[str, Document]:
    """All documents by id, made in memory: what every index has to hold."""
    catalogue = catalogue_of(output, scratch)
    return {
        document["track_id"]: json.loads(json.dumps(document))
        for part in catalogue.slices
        for document in documents(read_slice(part, whole=False), catalogue.layout)
    }


def index(output: Path, to: str, *arguments: object) -> int:
    """The command in this process; its exit status."""
    return main(["index", str(output), "--to", to, *map(str, arguments)])


def refused(arguments: Iterable[object], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says where it does nothing because of its arguments."""
    assert main(["index", *map(str, arguments)]) == 2
    return capsys.readouterr().err


def without_null(document: Document) -> dict[str, Any]:
    """A document without the fields that it has no value for."""
    return {name: value for name, value in document.items() if value is not None}
