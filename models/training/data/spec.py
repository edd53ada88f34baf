"""The SPEC of `--data`: NAME=FOLDER or NAME=FOLDER,key=value,... -> a data set, read and checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.training.data.form import DataSet
from models.training.data.sources import SOURCES, Options, Source
from models.training.data.tables import bad_data


@dataclass(frozen=True, slots=True)
class Spec:
    """A SPEC taken apart: which source, its folder, and its options as written."""

    source: Source
    folder: Path
    options: Mapping[str, str]


def open_data(spec: str) -> DataSet:
    """The data set that a SPEC names, such as `jamendo=DIR,split=1`.

    Raises DataError for an unknown name or key, with the nearest that there is, for a value that does not
    fit, and for a folder of which anything is missing.
    """
    parsed = parse_spec(spec)
    return parsed.source.open(parsed.folder, Options(parsed.source.name, parsed.folder, parsed.options))


def parse_spec(spec: str) -> Spec:
    """A SPEC taken apart, without a look at the disk; DataError(bad_input) for one that is none."""
    first, *rest = spec.split(",")
    name, equals, folder = first.partition("=")
    name, folder = name.strip(), folder.strip()
    if name not in SOURCES:
        raise bad_data(f"data set {name!r} is not known{_hint(name, SOURCES)}")
    if not equals or not folder:
        raise bad_data(f"{spec!r} does not say where {name} is; write {name}=FOLDER")
    return Spec(SOURCES[name], Path(folder).expanduser(), _options(rest, SOURCES[name]))


def describe_sources() -> str:
    """Names and keys of all sets, as text for --help."""
    lines = ["SPEC is NAME=FOLDER or NAME=FOLDER,key=value,... with NAME one of:"]
    for source in SOURCES.values():
        lines.append(f"  {source.name}: {source.about}")
        lines.extend(f"    {key}={text}" for key, text in source.keys.items())
    return "\n".join(lines)


def _options(parts: Iterable[str], source: Source) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise bad_data(f"{source.name}: {part!r} is not key=value; a folder's name may have no comma")
        if key not in source.keys:
            raise bad_data(f"{source.name} has no key {key!r}{_hint(key, source.keys)}")
        if key in options:
            raise bad_data(f"{source.name}: {key} is given twice")
        options[key] = value
    return options


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
