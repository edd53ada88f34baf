"""Quality of a bundle's tags: a grade each, those that are off by default, and pairs of opposites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

GRADES = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the tags are told from others on unseen data; tags are given by their index in the bundle.

    `grades` has one of GRADES for each tag, or nothing at all where the bundle says nothing. `off` are tags
    that are too poor for decisions; a run decides them only with `all_tags`. `opposites` are pairs of which a
    track should not have both. `provenance` says on which data and by which rule all this was found.
    """

    grades: tuple[str, ...] = ()
    off: tuple[int, ...] = ()
    opposites: tuple[tuple[int, int], ...] = ()
    provenance: str = ""
    all_tags: bool = False

    @property
    def undecided(self) -> tuple[int, ...]:
        """Tags on which nothing is decided: those that are off, unless the run asks for all."""
        return () if self.all_tags else self.off

    def grade(self, tag: int) -> str:
        """Grade of a tag; "" without."""
        return self.grades[tag] if self.grades else ""

    def deciding(self, *, all_tags: bool) -> Quality:
        """The same for a run that decides all tags, or only those that are not off."""
        return replace(self, all_tags=all_tags)


def parse_quality(fields: Any, tags: Sequence[str]) -> Quality:
    """Quality from what bundle.json has under "quality", for a bundle with these tags.

    Raises KeyError for a part that is missing and ValueError with the value for one that does not fit.
    """
    if not isinstance(fields, Mapping):
        raise ValueError(f"quality {fields!r} is not an object")
    if unknown := fields.keys() - {"grades", "off", "opposites", "provenance"}:
        raise ValueError(f"quality has {min(unknown)!r}, which is not known")
    index = {tag: place for place, tag in enumerate(tags)}
    return Quality(
        grades=_grades(fields["grades"], len(tags)),
        off=_off(fields["off"], index),
        opposites=_opposites(fields["opposites"], index),
        provenance=str(fields["provenance"]),
    )


def _grades(values: Any, count: int) -> tuple[str, ...]:
    grades = _list("grades", values)
    if len(grades) != count:
        raise ValueError(f"quality.grades needs {count} grades, has {len(grades)}")
    for grade in grades:
        if grade not in GRADES:
            raise ValueError(f"quality.grades has {grade!r}; grades are {', '.join(GRADES)}")
    return tuple(grades)


def _off(values: Any, index: Mapping[str, int]) -> tuple[int, ...]:
    off = [_tag("off", tag, index) for tag in _list("off", values)]
    for tag, count in Counter(off).items():
        if count > 1:
            raise ValueError(f"quality.off has {list(index)[tag]!r} {count} times")
    return tuple(off)


def _opposites(values: Any, index: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    pairs: list[tuple[int, int]] = []
    for value in _list("opposites", values):
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"quality.opposites has {value!r}, which is not two tags")
        first, second = (_tag("opposites", tag, index) for tag in value)
        if first == second:
            raise ValueError(f"quality.opposites has {value!r}: a tag is not its own opposite")
        if (first, second) in pairs or (second, first) in pairs:
            raise ValueError(f"quality.opposites has {value!r} twice")
        pairs.append((first, second))
    return tuple(pairs)


def _list(name: str, values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise ValueError(f"quality.{name} {values!r} is not a list")
    return values


def _tag(name: str, tag: Any, index: Mapping[str, int]) -> int:
    if not isinstance(tag, str) or tag not in index:
        raise ValueError(f"quality.{name} has {tag!r}, which is not a tag of this bundle")
    return index[tag]
