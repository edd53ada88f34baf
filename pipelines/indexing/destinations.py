"""Where a catalogue goes: what is made ready before a load, and what is done at its end."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipelines.indexing.reports import Account
from pipelines.indexing.sorted_tables import Catalogue
from schemas.errors import DataError, FailureKind, Stage
from transforms.indexing.loading import Target
from transforms.indexing.ndjson import Lines, part_uri
from transforms.storage import is_local, local_path, open_file, whole_file
from transforms.writing.faults import writing

# What there is of a load that has not come to its end, where each batch is for itself.
STANDS = "what has come is there: load again for the rest"


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be loaded, a folder for what is on its way, and the processes that load."""

    catalogue: Catalogue
    scratch_uri: str
    workers: int


class Destination(Protocol):
    """An index to be loaded, checked as far as that can be without it."""

    def prepare(self, load: Load) -> Target:
        """Make it ready. Raises OutputError, or DataError for what it was told wrongly."""

    def finish(self, account: Account) -> list[str]:
        """Make what was loaded seen; sentences on that. Raises OutputError where it cannot be."""

    def abandon(self) -> str:
        """Undo what was made ready for a load that does not come to its end; what there is then, in words."""


def destination(arguments: argparse.Namespace) -> Destination:
    """The one that the arguments name; DataError(bad_input) for what cannot be one."""
    if arguments.ca and not Path(arguments.ca).is_file():
        raise refusal(f"--ca {arguments.ca}: no such file")
    if arguments.to == "opensearch":
        from pipelines.indexing.to_opensearch import SearchIndex

        return SearchIndex.of(arguments)
    if arguments.to == "postgres":
        from pipelines.indexing.to_postgres import Schema

        return Schema.of(arguments)
    refuse_others(arguments, {"url": None, "index": None, "schema": None, "ca": None, "delete_old": False})
    return LinesFile(_checked(required(arguments, "file")))


def required(arguments: argparse.Namespace, name: str) -> str:
    """The value of an option without which such an index cannot be loaded."""
    if value := getattr(arguments, name):
        return str(value)
    raise refusal(f"--to {arguments.to} needs --{name}")


def refuse_others(arguments: argparse.Namespace, options: Mapping[str, object]) -> None:
    """Raise DataError(bad_input) where an option is given that has no meaning here."""
    for name, default in options.items():
        if getattr(arguments, name) != default:
            raise refusal(f"--{name.replace('_', '-')} is not for --to {arguments.to}")


def refusal(message: str) -> DataError:
    """The complaint about an option."""
    return DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)


@dataclass(slots=True)
class LinesFile:
    """A file of JSON lines, there whole or not at all."""

    uri: str
    _parts: tuple[str, ...] = ()

    def prepare(self, load: Load) -> Target:
        """See Destination."""
        self._parts = tuple(part_uri(load.scratch_uri, part.number) for part in load.catalogue.slices)
        return Lines(load.scratch_uri, compressed=self.uri.endswith(".gz"))

    def finish(self, account: Account) -> list[str]:
        """See Destination."""
        with writing(self.uri), whole_file(self.uri) as file:
            for part in self._parts:
                with open_file(part) as lines:
                    shutil.copyfileobj(lines, file, 1 << 20)
        return [f"{account.documents:,} lines in {self.uri}"]

    def abandon(self) -> str:
        """See Destination."""
        return "nothing was written"


def _checked(uri: str) -> str:
    if is_local(uri):
        path = local_path(uri)
        if path.is_dir() or not Path(path).absolute().parent.is_dir():
            raise refusal(f"--file {uri}: {'is a folder' if path.is_dir() else f'no folder {path.parent}'}")
    return uri
