"""Cases of the fuzzer: each is one broken file, the same for the same seeds, seed and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.seeds import Seed

# How many mutations a case has, and how often.
_COUNTS, _SHARES = (1, 2, 3), (0.6, 0.3, 0.1)
_WRONG_SUFFIX = 0.15
_MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A broken file: `format` of the file that it was, and what was done to it."""

    number: int
    format: str
    mutations: tuple[str, ...]
    suffix: str
    data: bytes

    @property
    def name(self) -> str:
        """A file name."""
        return f"{self.number:06d}.{self.suffix}"


def case_of(seeds: Sequence[Seed], *, seed: int, number: int) -> Case:
    """The case of that number."""
    random = np.random.default_rng((seed, number))
    chosen, other, named = (seeds[int(random.integers(len(seeds)))] for _ in range(3))
    names = [str(name) for name in random.choice(list(MUTATIONS), int(random.choice(_COUNTS, p=_SHARES)))]
    data = chosen.data
    for name in names:
        # Most of what is spliced on is of the same sort, where decoders are less on their guard.
        fellow = chosen if random.random() < 0.3 else other
        data = MUTATIONS[name](random, data, fellow.data)[:_MOST_BYTES] or b"\0"
    suffix = named.suffix if random.random() < _WRONG_SUFFIX else chosen.suffix
    return Case(number, chosen.format, tuple(names), suffix, data)
