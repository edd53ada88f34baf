"""Exact medians of neighbouring rows by a sorting network that neighbouring windows share.

Windows of 2h - 1 rows, h a power of two, are taken h at a time. The rows that all h windows share are sorted
once (a). Then the windows are halved again and again: each half adds the sorted run of rows that its windows
share beyond that (b, c), and keeps the ranks that can still be the median. Sorted runs are merged from those
of half their length. Every step is a minimum and a maximum of whole arrays: 30 for a median of 31, where a
network that sorts each window takes over 350. After Adams, "Fast median filters using separable sorting
networks" (2021), in one dimension.

    row      0 1 2 3 4 5 6 7 8 9      h = 4, windows 0 to 3
    window 0 c b b a a a a
    window 1   b b a a a a c
    window 2     c a a a a b b
    window 3       a a a a b b c
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

# Columns of a block: few enough for the cache, enough that a call costs little beside its work.
_COLUMNS = 12_000
_MOST_GROUPS = 64


def sliding_median(values: Rows, *, width: int) -> Rows:
    """Median of every `width` neighbouring rows: [n + width - 1, m] float32 without NaN -> [n, m] float32.

    `width` is a power of two less one. Raises ValueError for another width and for fewer rows than that.
    """
    half = (width + 1) // 2
    count = len(values) - width + 1
    if width < 3 or half * 2 != width + 1 or half & (half - 1):
        raise ValueError(f"width {width} is not a power of two less one, 3 or more")
    if count < 1:
        raise ValueError(f"{len(values)} rows are fewer than the width {width}")
    medians = np.empty((count, values.shape[1]), np.float32)
    total = -(-count // half)
    groups = min(total, _COLUMNS if values.shape[1] == 1 else _MOST_GROUPS)
    lanes = min(values.shape[1], max(1, _COLUMNS // (groups + 2)))
    buffers = np.empty((2 * half.bit_length(), half * (groups + 2) * lanes), np.float32)
    for first in range(0, total, groups):
        for lane in range(0, values.shape[1], lanes):
            here = (slice(first, min(first + groups, total)), slice(lane, min(lane + lanes, values.shape[1])))
            _block(values, medians, here, buffers)
    return medians


def _block(values: Rows, medians: Rows, here: tuple[slice, slice], buffers: Rows) -> None:
    """Fill the medians of a block of groups and lanes."""
    groups, lanes = here[0].stop - here[0].start, here[1].stop - here[1].start
    half = 2 ** (len(buffers) // 2 - 1)
    pool = list(buffers)
    phases = pool.pop()[: half * (groups + 2) * lanes].reshape(half, groups + 2, lanes)
    start = here[0].start * half
    _load(values[:, here[1]], phases, start - 1)
    runs = _sorted_runs(phases.reshape(half, 1, -1), pool)
    found = _select(runs, pool, lanes).reshape(half, groups, lanes)
    for phase in range(half):
        target = medians[start + phase :: half, here[1]][:groups]
        target[:] = found[phase, : len(target)]


def _load(values: Rows, phases: Rows, first: int) -> None:
    """Fill phases [half, groups, lanes] with rows first + half * group + phase; zeros beyond the ends."""
    half, groups, _ = phases.shape
    for phase in range(half):
        row = first + phase
        before = int(row < 0)
        taken = values[row + before * half :: half][: groups - before]
        phases[phase, :before] = 0
        phases[phase, before : before + len(taken)] = taken
        phases[phase, before + len(taken) :] = 0


def _sorted_runs(rows: Rows, pool: list[Rows]) -> dict[int, Rows]:
    """Sort aligned runs of 1, 2, 4 ... half rows: length -> [half / length, length, columns]."""
    half, _, columns = rows.shape
    runs = {1: rows}
    spare = pool.pop()
    for length in _powers(half):
        pairs = runs[length].reshape(-1, 2, length, columns)
        out = _as(pool.pop(), pairs.shape)
        np.minimum(pairs[:, 0], pairs[:, 1, ::-1], out=out[:, 0])
        np.maximum(pairs[:, 0], pairs[:, 1, ::-1], out=out[:, 1])
        merged, other = _sort_bitonic(out.reshape(-1, length, columns), spare)
        spare = other.reshape(-1)
        runs[2 * length] = merged.reshape(-1, 2 * length, columns)
    pool.append(spare)
    return runs


def _select(runs: dict[int, Rows], pool: list[Rows], lanes: int) -> Rows:
    """Medians [half, groups * lanes] of the groups, from the sorted runs of [groups + 2] * lanes columns.

    `kept` holds, for each part of a group's windows, the ranks of its shared rows that can be the median.
    """
    half = max(runs)
    kept = runs[half][:, :, lanes:-lanes]
    for length in reversed(_powers(half)):
        added = runs[length].reshape(-1, 2, length, runs[half].shape[2])
        low, high = kept[:, :length], kept[:, length:]
        shape = (len(added), 2, length, kept.shape[2])
        merged = _as(pool.pop(), shape)
        # The first half of the windows reaches back to an odd run, the second on to an even one.
        np.maximum(low, added[:, 1, ::-1, : -2 * lanes], out=merged[:, 0])
        np.maximum(low, added[:, 0, ::-1, 2 * lanes :], out=merged[:, 1])
        merged, spare = _sort_bitonic(merged.reshape(-1, length, shape[3]), pool.pop())
        inner = _as(spare.reshape(-1), shape)
        np.minimum(merged.reshape(shape), high[:, None, ::-1], out=inner)
        kept, spare = _sort_bitonic(inner.reshape(merged.shape), merged.reshape(-1))
        pool.append(spare.reshape(-1))
    return kept[:, 0]


def _sort_bitonic(rows: Rows, spare: Rows) -> tuple[Rows, Rows]:
    """Sort bitonic runs [runs, length, columns], with a spare of at least that size: (sorted, spare)."""
    runs, length, columns = rows.shape
    spare = _as(spare, rows.shape)
    for step in reversed(_powers(length)):
        shape = (runs, length // (2 * step), 2, step, columns)
        before, after = rows.reshape(shape), spare.reshape(shape)
        np.minimum(before[:, :, 0], before[:, :, 1], out=after[:, :, 0])
        np.maximum(before[:, :, 0], before[:, :, 1], out=after[:, :, 1])
        rows, spare = spare, rows
    return rows, spare


def _as(buffer: Rows, shape: tuple[int, ...]) -> Rows:
    return buffer[: int(np.prod(shape))].reshape(shape)


def _powers(end: int) -> list[int]:
    """1, 2, 4 ... below a power of two."""
    return [2**power for power in range(end.bit_length() - 1)]
