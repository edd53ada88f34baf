"""Whether static ratings have valence and arousal swapped, told from another source of the same songs.

DEAM's averaged ratings of songs 1 to 2000 have them swapped for the songs that they share with emoMusic.
Those of emoMusic agree with its own curves (r .95 and .96), so it is DEAM's columns that are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Ratings = Mapping[str, tuple[float, float]]

# Fewer songs than this say nothing certain about columns.
_LEAST_SONGS = 10


@dataclass(frozen=True, slots=True)
class SwapCheck:
    """Pearson r of (valence, arousal) with the reference as the columns stand, and crossed.

    `straight` is valence with valence and arousal with arousal; `crossed` is our valence with the reference's
    arousal, and our arousal with its valence.
    """

    songs: tuple[str, ...]
    straight: tuple[float, float]
    crossed: tuple[float, float]

    @property
    def swapped(self) -> bool:
        """Whether both columns fit the other target better than their own."""
        return min(self.crossed) > max(self.straight)

    def __str__(self) -> str:
        pairs = [f"{a:.4f} / {b:.4f}" for a, b in (self.straight, self.crossed)]
        return (
            f"{len(self.songs)} songs shared with emoMusic: correlation of valence / arousal with its own "
            f"{pairs[0]}, crossed {pairs[1]}"
        )


def check_swap(ratings: Ratings, reference: Ratings) -> SwapCheck | None:
    """The correlations over the songs that both have, or None where those are too few to tell."""
    songs = tuple(song for song in ratings if song in reference)
    if len(songs) < _LEAST_SONGS:
        return None
    ours, theirs = (np.array([source[song] for song in songs]) for source in (ratings, reference))
    r = np.corrcoef(ours.T, theirs.T)[:2, 2:]
    return SwapCheck(songs, (float(r[0, 0]), float(r[1, 1])), crossed=(float(r[0, 1]), float(r[1, 0])))


def mend(ratings: Ratings, check: SwapCheck) -> dict[str, tuple[float, float]]:
    """Ratings with valence and arousal exchanged for the songs of a check, and as they are for the others."""
    wrong = set(check.songs)
    return {song: pair[::-1] if song in wrong else pair for song, pair in ratings.items()}
