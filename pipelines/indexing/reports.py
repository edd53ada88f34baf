"""What came of a load: the reports of its slices, added up; refused documents as a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import DataError, FailureKind, OutputError
from transforms.indexing.loading import Outcome
from transforms.indexing.slices import Slice
from transforms.indexing.stage import report_uri
from transforms.storage import read_bytes, whole_file
from transforms.writing.faults import writing

_MOST_BYTES = 1 << 30
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Account:
    """Counts by Outcome, of so many documents and deletions; slices without a report; some reasons of
    refusals."""

    counts: Counter[str]
    documents: int
    missing: tuple[int, ...]
    first: tuple[str, ...]

    @property
    def failed(self) -> int:
        """Refused documents."""
        return self.counts[Outcome.FAILED]

    @property
    def superseded(self) -> int:
        """Documents of which the index has newer ones."""
        return self.counts[Outcome.SUPERSEDED]

    @property
    def complete(self) -> bool:
        """Whether every slice has its report, and every document its count."""
        return not self.missing and self.counts.total() == self.documents

    def __str__(self) -> str:
        """One line: each count, and all documents of them."""
        parts = [f"{self.counts[one]:,} {one}" for one in Outcome if self.counts[one] or one in _ALWAYS]
        return f"{self.counts.total():,} documents: {', '.join(parts)}"


_ALWAYS = (Outcome.INDEXED, Outcome.UNCHANGED, Outcome.DELETED, Outcome.FAILED)


def undone(slices: Sequence[Slice], reports_uri: str) -> list[Slice]:
    """Slices without a report."""
    return [part for part in slices if _read(reports_uri, part) is None]


def account_of(slices: Sequence[Slice], reports_uri: str, *, failures: str) -> Account:
    """The reports added up; rows of refused documents go to the file `failures`, if there are any."""
    counts: Counter[str] = Counter()
    missing: list[int] = []
    due = sum(part.documents for part in slices)
    for part in slices:
        report = _read(reports_uri, part)
        if report is None:
            missing.append(part.number)
        else:
            counts.update(report["counts"])
            due += report["deletions"]
    first: list[str] = []
    if counts[Outcome.FAILED]:
        with writing(failures), whole_file(failures) as file:
            for row in _failures(slices, reports_uri):
                file.write(json.dumps(row).encode() + b"\n")
                if len(first) < _SHOWN:
                    first.append(f"{row['track_id']}: {row['message']}")
    return Account(counts, due, tuple(missing), tuple(first))


def _failures(slices: Sequence[Slice], reports_uri: str) -> Iterator[dict[str, Any]]:
    for part in slices:
        yield from (_read(reports_uri, part) or {"failures": []})["failures"]


def _read(reports_uri: str, part: Slice) -> Any:
    """The report of a slice, None where there is none."""
    uri = report_uri(reports_uri, part.number)
    try:
        return json.loads(read_bytes(uri, max_bytes=_MOST_BYTES))
    except DataError as error:
        if error.kind is FailureKind.NOT_FOUND:
            return None
        raise OutputError(f"{uri}: {error.message}") from error
