"""Documents as lines of JSON: one a document, and one of an id that is gone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass

from transforms.indexing.documents import Document
from transforms.indexing.loading import Batch, Loaded, Outcome
from transforms.storage import join, whole_file
from transforms.writing.faults import writing


def lines(documents: Iterable[Document], gone: Iterable[str]) -> str:
    """Lines of documents, then {"track_id": ..., "status": "gone"} for each that is to be deleted."""
    tombstones = ({"track_id": track_id, "status": "gone"} for track_id in gone)
    return "".join(json.dumps(one) + "\n" for one in (*documents, *tombstones))


def part_uri(folder_uri: str, number: int) -> str:
    """Where the lines of a slice are."""
    return join(folder_uri, f"lines-{number:06d}")


@dataclass(frozen=True, slots=True)
class Lines:
    """A folder that gets a file of lines for each slice; gzip files one after another are one, too."""

    folder_uri: str
    compressed: bool
    whole: bool = False

    def open(self) -> Lines:
        """See Target."""
        return self

    def load(self, batch: Batch) -> Loaded:
        """See Loader."""
        loaded = Loaded(deletions=len(batch.rows.gone))
        text = lines(batch.documents, batch.rows.gone).encode()
        uri = part_uri(self.folder_uri, batch.number)
        with writing(uri), whole_file(uri) as file:
            file.write(gzip.compress(text, 6, mtime=0) if self.compressed else text)
        loaded.add(Outcome.INDEXED, len(batch.documents))
        loaded.add(Outcome.DELETED, len(batch.rows.gone))
        return loaded

    def close(self) -> None:
        """See Loader."""
