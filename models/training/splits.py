"""Splits that keep a group, such as all tracks of an artist, on one side."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

SHARES: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}


def assign(
    groups: Sequence[str], strata: Sequence[str], *, seed: int, shares: Mapping[str, float] = SHARES
) -> list[str]:
    """Split of every item: `groups` and `strata` are [items]; no group is in two splits.

    Groups come in the order of a seeded hash, large ones first, and each goes where its strata lack most of
    their share. The same items in another order are split the same way.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for group, stratum in zip(groups, strata, strict=True):
        members[group].append(stratum)
    total = Counter(strata)
    held: dict[str, Counter[str]] = {split: Counter() for split in shares}
    place: dict[str, str] = {}
    for group in sorted(members, key=lambda name: (-len(members[name]), _hash(seed, name))):
        lacks = {split: _lack(members[group], held[split], total, shares[split]) for split in shares}
        place[group] = max(lacks, key=lambda split: lacks[split])
        held[place[group]].update(members[group])
    return [place[group] for group in groups]


def _lack(strata: list[str], held: Counter[str], total: Counter[str], share: float) -> float:
    """What part of its share a split still lacks, mean over the strata of one group."""
    return sum(1.0 - held[stratum] / (share * total[stratum]) for stratum in strata) / len(strata)


def _hash(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
