"""Making the PostgreSQL tables ready for a load, and marking them with its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.errors import OutputError
from transforms.indexing.layout import Layout
from transforms.indexing.postgres.connection import Database, Session
from transforms.indexing.postgres.sql import (
    LOAD,
    TRACKS,
    VECTOR,
    Form,
    definitions,
    quoted,
    retypes,
    vector_type,
)

if TYPE_CHECKING:
    import psycopg

# Tries at a server that has not answered yet.
_FEW = 4
_AVAILABLE = b"SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
_INSTALLED = b"SELECT 1 FROM pg_type WHERE typname = 'vector'"
_TYPE = b"""
SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid = to_regclass(%s) AND a.attname = %s AND NOT a.attisdropped
"""


def prepare(database: Database, schema: str, layout: Layout, *, state: str) -> Form:
    """Make what is not there, and mark the tables with the state that they get, which waits for older loads.

    Raises OutputError where the tables have a newer state, or cannot be made.
    """
    session = Session(database, attempts=_FEW)
    try:
        extension = bool(layout.tags) and session.transaction(_has_vectors)
        form = Form(schema, vector_type(len(layout.tags), extension=extension))
        return session.transaction(lambda cursor: _prepare(cursor, form, layout, state))
    finally:
        session.close()


def _prepare(cursor: psycopg.Cursor[Any], form: Form, layout: Layout, state: str) -> Form:
    cursor.execute(b"SELECT 1 FROM pg_namespace WHERE nspname = %s", (form.schema,))
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(form.schema)}".encode())
    for statement in definitions(form):
        cursor.execute(statement.encode())
    cursor.execute(f"SELECT state, tags FROM {form.name(LOAD)} FOR UPDATE".encode())  # noqa: S608 - quoted name
    before = cursor.fetchone()
    if before is not None and before[0] > state:
        message = f"has the state as of run {before[0]}, this output only that of {state}"
        raise OutputError(f"PostgreSQL: schema {form.schema} {message}")
    if form.vector and (_differs(cursor, form) or (before and before[1] != list(layout.tags))):
        for statement in retypes(form):
            cursor.execute(statement.encode())
    cursor.execute(
        f"INSERT INTO {form.name(LOAD)} VALUES (true, %s, %s) "  # noqa: S608 - quoted name
        "ON CONFLICT (one) DO UPDATE SET state = EXCLUDED.state, tags = EXCLUDED.tags".encode(),
        (state, list(layout.tags)),
    )
    return form


def _has_vectors(cursor: psycopg.Cursor[Any]) -> bool:
    """Whether pgvector is in the database, or can be put there by who asks."""
    import psycopg

    cursor.execute(_INSTALLED)
    if cursor.fetchone() is not None:
        return True
    cursor.execute(_AVAILABLE)
    if cursor.fetchone() is None:
        return False
    try:
        with cursor.connection.transaction():
            cursor.execute(b"CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _differs(cursor: psycopg.Cursor[Any], form: Form) -> bool:
    """Whether the vectors that are there are of another type."""
    cursor.execute(_TYPE, (form.name(TRACKS), VECTOR))
    found = cursor.fetchone()
    return found is None or found[0] != form.vector
