"""What a track's tags are to say, by field, and how that differs from what its file says now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

# Values of each field; an empty tuple is a field that is not there.
Fields = Mapping[str, tuple[str, ...]]

# The field that players know, and our own beside it: what others wrote into the first is told by the second.
MOOD, MOODS = "MOOD", "MOODSCRIBE_MOODS"
VALENCE, AROUSAL, COLOUR = "MOODSCRIBE_VALENCE", "MOODSCRIBE_AROUSAL", "MOODSCRIBE_COLOUR"
NAMES = (MOOD, MOODS, VALENCE, AROUSAL, COLOUR)
# What `--fields` chooses among.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "moods": (MOOD, MOODS),
    "valence": (VALENCE,),
    "arousal": (AROUSAL,),
    "colour": (COLOUR,),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which fields are written, and whether a MOOD of others is left as it is."""

    fields: tuple[str, ...] = tuple(CHOICES)
    keep_moods: bool = False

    @property
    def names(self) -> Collection[str]:
        """Names of the fields that may be touched."""
        return frozenset(name for field in self.fields for name in CHOICES[field])


@dataclass(frozen=True, slots=True)
class Change:
    """A field that is to have other values."""

    field: str
    old: tuple[str, ...]
    new: tuple[str, ...]


def fields_of(
    moods: Sequence[str], *, valence: float | None, arousal: float | None, colour: str | None
) -> dict[str, tuple[str, ...]]:
    """The fields of a track: moods best first, means in [-1, 1], #rrggbb; no field where there is none."""
    means = {VALENCE: valence, AROUSAL: arousal}
    return {
        MOOD: tuple(moods),
        MOODS: tuple(moods),
        **{name: () if mean is None else (_decimal(mean),) for name, mean in means.items()},
        COLOUR: () if colour is None else (colour,),
    }


def changes(present: Fields, wanted: Fields, choice: Choice) -> list[Change]:
    """What is to be written so that a file that says `present` says what is wanted.

    A MOOD that is not ours stays where there are no moods to put in its place, or where the choice says so.
    """
    names = [name for name in NAMES if name in choice.names]
    theirs = present.get(MOOD, ()) and present.get(MOOD, ()) != present.get(MOODS, ())
    if theirs and (choice.keep_moods or not wanted.get(MOOD, ())):
        names = [name for name in names if name != MOOD]
    both = ((name, present.get(name, ()), wanted.get(name, ())) for name in names)
    return [Change(name, old, new) for name, old, new in both if old != new]


def _decimal(mean: float) -> str:
    return f"{round(mean, 3) + 0.0:.3f}"  # no minus zero
