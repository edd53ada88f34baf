"""Loading PostgreSQL: one transaction a batch, which compares, copies, merges and deletes.

An older load that is still at work writes nothing any more once a newer one has begun: each transaction
reads the state of the tables, which a newer load changes first, and waits for those under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import OutputError
from transforms.indexing.documents import Document
from transforms.indexing.loading import Batch, Loaded, Outcome, changed
from transforms.indexing.postgres.connection import BadValuesError, Database, Session
from transforms.indexing.postgres.rows import rows_by_table
from transforms.indexing.postgres.sql import LOAD, RESULTS, TRACKS, Form, copy, merges, temporary

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables that are there, for a load of this state; `full`: documents that are unchanged come again."""

    database: Database
    form: Form
    state: str
    full: bool = False
    whole: bool = True

    def open(self) -> TablesLoader:
        """See Target."""
        return TablesLoader(self)


class TablesLoader:
    """See Loader."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        form = tables.form
        begin = tuple(temporary(form, table) for table in (TRACKS, *RESULTS))
        self._session = Session(tables.database, begin=begin)

    def load(self, batch: Batch) -> Loaded:
        """See Loader."""
        return self._load(batch, batch.documents, batch.rows.gone)

    def close(self) -> None:
        """See Loader."""
        self._session.close()

    def _load(self, batch: Batch, documents: Sequence[Document], gone: Sequence[str]) -> Loaded:
        """Documents in one transaction; in two halves where the server refuses a value of theirs."""
        try:
            return self._session.transaction(lambda cursor: self._write(cursor, batch, documents, gone))
        except BadValuesError as error:
            loaded = Loaded()
            if not documents:
                raise OutputError(f"PostgreSQL: {error}") from error
            if len(documents) == 1:
                loaded.fail(documents[0], str(error))
                loaded.merge(self._load(batch, (), gone))
                return loaded
            middle = len(documents) // 2
            loaded.merge(self._load(batch, documents[:middle], ()))
            loaded.merge(self._load(batch, documents[middle:], gone))
            return loaded

    def _write(
        self,
        cursor: psycopg.Cursor[Any],
        batch: Batch,
        documents: Sequence[Document],
        gone: Sequence[str],
    ) -> Loaded:
        loaded = Loaded()
        if newer_state(cursor, self._tables.form, self._tables.state):
            loaded.add(Outcome.SUPERSEDED, len(documents))
            return loaded
        form = self._tables.form
        hashes = {} if self._tables.full else _hashes(cursor, form, [one["track_id"] for one in documents])
        sent = changed(documents, hashes, loaded)
        if sent:
            for table, rows in rows_by_table(sent, batch.rows.results, form):
                with cursor.copy(copy(form, table).encode()) as copying:
                    for row in rows:
                        copying.write_row(row)
            for statement in merges(form):
                cursor.execute(statement.encode())
            loaded.add(Outcome.INDEXED, len(sent))
        if gone:
            delete = f"DELETE FROM {form.name(TRACKS)} WHERE track_id = ANY(%s)"  # noqa: S608 - quoted name
            cursor.execute(delete.encode(), (list(gone),))
            loaded.deletions = cursor.rowcount
            loaded.add(Outcome.DELETED, cursor.rowcount)
        return loaded


def newer_state(cursor: psycopg.Cursor[Any], form: Form, state: str) -> bool:
    """Whether the tables have, or are getting, rows of a newer state; that stays so for the transaction."""
    cursor.execute(f"SELECT state FROM {form.name(LOAD)} FOR SHARE".encode())  # noqa: S608 - quoted name
    found = cursor.fetchone()
    if found is None:
        raise OutputError(f"{form.name(LOAD)} has no row: the tables were emptied while they were loaded")
    return str(found[0]) > state


def _hashes(cursor: psycopg.Cursor[Any], form: Form, ids: Sequence[str]) -> dict[str, str]:
    select = f"SELECT track_id, content_hash FROM {form.name(TRACKS)} WHERE track_id = ANY(%s)"  # noqa: S608 - quoted name
    cursor.execute(select.encode(), (list(ids),))
    return dict(cursor.fetchall())
