"""A catalogue into the tables of a PostgreSQL schema."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from pipelines.indexing.destinations import STANDS, Load, refuse_others, required
from pipelines.indexing.reports import Account
from schemas.errors import OutputError
from transforms.indexing.loading import Target
from transforms.indexing.postgres.connection import Database, check_database
from transforms.indexing.postgres.loader import Tables
from transforms.indexing.postgres.preparing import prepare
from transforms.indexing.postgres.sql import check_schema


@dataclass(frozen=True, slots=True)
class Schema:
    """See Destination."""

    database: Database
    name: str
    full: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Schema:
        """From the command's arguments; DataError(bad_input)."""
        refuse_others(arguments, {"index": None, "file": None, "delete_old": False})
        database = check_database(required(arguments, "url"), ca=arguments.ca)
        return cls(database, check_schema(arguments.schema or "moodscribe"), arguments.full)

    def prepare(self, load: Load) -> Target:
        """See Destination."""
        catalogue = load.catalogue
        form = prepare(self.database, self.name, catalogue.layout, state=catalogue.state)
        if form.vector == "real[]":
            message = "no pgvector there: mood_vector is real[]; CREATE EXTENSION vector, then load again"
            print(f"moodscribe index: {message}", file=sys.stderr)
        return Tables(self.database, form, catalogue.state, self.full)

    def finish(self, account: Account) -> list[str]:
        """See Destination."""
        if account.superseded:
            raise OutputError(f"a newer load has begun: it has {account.superseded:,} documents to bring")
        return [f"in schema {self.name}"]

    def abandon(self) -> str:
        """See Destination."""
        return STANDS
