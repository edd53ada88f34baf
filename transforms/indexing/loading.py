"""What every index has alike: documents go in by batches, and what came of each is counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from schemas.errors import DataError, FailureKind, Stage
from schemas.failures import FailureRow, failure_row
from schemas.table import as_mapping
from transforms.indexing.documents import Document, TrackRows


class Outcome(StrEnum):
    """What came of a document, or of one that was to be deleted.

    `superseded`: the index has one of a newer state of the catalogue, which stands.
    """

    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of a slice, with the rows they are made of, whose `gone` are to be deleted."""

    number: int
    documents: Sequence[Document]
    rows: TrackRows


@dataclass(slots=True)
class Loaded:
    """What came of a batch: `counts` by Outcome, of its documents and of `deletions`, the ones in `gone` that
    the index had."""

    counts: Counter[str] = field(default_factory=Counter)
    deletions: int = 0
    failures: list[FailureRow] = field(default_factory=list)

    def add(self, outcome: Outcome, count: int = 1) -> None:
        """Count documents."""
        self.counts[outcome.value] += count

    def fail(self, document: Mapping[str, str], reason: str) -> None:
        """Count a document that the index does not take, for a reason that another try does not mend."""
        self.add(Outcome.FAILED)
        error = DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, reason)
        track_id, uri, run_id = (document.get(name, "") for name in ("track_id", "uri", "run_id"))
        self.failures.append(failure_row(track_id, uri, error, run_id=run_id))

    def merge(self, other: Loaded) -> None:
        """Count what came of others, too."""
        self.counts.update(other.counts)
        self.deletions += other.deletions
        self.failures += other.failures

    def to_json(self) -> str:
        """As the report of a slice has it."""
        failures = [as_mapping(row) for row in self.failures]
        return json.dumps({"counts": self.counts, "deletions": self.deletions, "failures": failures})


class Loader(Protocol):
    """An open index. Raises OutputError where it cannot be reached for long, or refuses everything."""

    def load(self, batch: Batch) -> Loaded:
        """Bring a batch in: every document and everything deleted is counted once."""

    def close(self) -> None:
        """End what is open."""


class Target(Protocol):
    """An index that is ready to be loaded, as workers get it."""

    @property
    def whole(self) -> bool:
        """Whether it takes all columns of the rows."""

    def open(self) -> Loader:
        """Open it, in a worker."""


def changed(documents: Iterable[Document], hashes: Mapping[str, str], loaded: Loaded) -> list[Document]:
    """Documents that are not in the index as they are; the others are counted. `hashes`: those it has."""
    found = []
    for document in documents:
        if hashes.get(document["track_id"]) == document["content_hash"]:
            loaded.add(Outcome.UNCHANGED)
        else:
            found.append(document)
    return found
