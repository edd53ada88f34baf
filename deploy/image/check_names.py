"""Check what is installed in an image: nothing but what its locks name, and nobody else with our names.

Run as `python check_names.py LOCK...` by the interpreter that is looked at. In an index, anybody may have a
name: this ends with 1 where something is installed that no lock has, where moodscribe itself came from an
index, and where another distribution brings a package of one of our names.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

OURS = "moodscribe"
# Import packages of ours; all of them are names that anybody could take in an index.
PACKAGES = ("schemas", "models", "transforms", "pipelines")
# Comes with the base image's Python; the image has to be able to say what is in it.
BASE = ("pip",)

_ENTRY = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def locked(text: str) -> dict[str, set[str]]:
    """Versions of each distribution that a lock names; several where they differ by marker."""
    versions: dict[str, set[str]] = {}
    for name, version in _ENTRY.findall(text):
        versions.setdefault(normal(name), set()).add(version)
    return versions


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def problems(installed: Iterable[Distribution], allowed: Mapping[str, set[str]]) -> Iterator[str]:
    """What is wrong with the names of what is installed, a sentence each."""
    seen = set()
    for distribution in installed:
        name = normal(distribution.name)
        seen.add(name)
        if name == OURS:
            if not _from_file(distribution):
                yield f"{OURS} {distribution.version} did not come from a file: an index may have anybody's"
            continue
        if name not in BASE and distribution.version not in allowed.get(name, ()):
            yield f"{distribution.name} {distribution.version} is in no lock"
        for package in sorted(_top_levels(distribution) & set(PACKAGES)):
            yield f"{distribution.name} {distribution.version} has a package {package}, a name of ours"
    if OURS not in seen:
        yield f"{OURS} is not installed"
    for name in sorted({OURS, *PACKAGES} & set(allowed)):
        yield f"a lock names {name}: that would come from an index"


def _from_file(distribution: Distribution) -> bool:
    """Whether the record that pip keeps of a direct installation names a file."""
    record = distribution.read_text("direct_url.json")
    return record is not None and str(json.loads(record).get("url", "")).startswith("file:")


def _top_levels(distribution: Distribution) -> set[str]:
    files = distribution.files or ()
    return {file.parts[0].removesuffix(".py") for file in files if file.suffix in (".py", ".so", ".pyi")}


def main(locks: list[str]) -> int:
    """The exit status."""
    if not locks:
        print("usage: check_names.py LOCK...", file=sys.stderr)
        return 2
    allowed: dict[str, set[str]] = {}
    for lock in locks:
        for name, versions in locked(Path(lock).read_text("utf-8")).items():
            allowed.setdefault(name, set()).update(versions)
    found = list(problems(distributions(), allowed))
    for problem in found:
        print(f"check_names: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
