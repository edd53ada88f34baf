"""Mean and standard deviation of the rows around each time, of those that count, in float32 without loss."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops


class Moments(NamedTuple):
    """Of some rows at each time, as tensors: how many of them count [batch, time, 1], their mean and the sum
    of their squared distances from it, both [batch, time, values]."""

    count: Any
    mean: Any
    squares: Any

    def cut(self, first: int, left: int) -> Moments:
        """Those from `first` on but for the last `left`."""
        return Moments(*(one[:, first : -left or None] for one in self))


def moments_around(values: Any, inside: Any, *, within: int) -> Moments:
    """Tensors values [batch, time, n] float32 and inside [batch, time] bool -> at each time, moments of the
    rows inside among those up to `within` before and after.

    Spans of 1, 2, 4, ... rows are each joined of two, and the window of spans. No sum of squares is ever
    subtracted from another, so that rows far from zero have their deviation to the last digits.
    """
    keep = ops.expand_dims(ops.cast(inside, "float32"), -1)
    beside = [[0, 0], [within, within], [0, 0]]
    rows = ops.pad(ops.where(keep > 0, values, 0.0), beside)
    span = Moments(ops.pad(keep, beside), rows, ops.zeros_like(rows))
    length, done = 2 * within + 1, 1
    found = span.cut(0, length - 1)
    for bit in range(1, length.bit_length()):
        half, size = 1 << bit - 1, 1 << bit
        span = joined(span.cut(0, half), span.cut(half, 0))
        if length & size:
            found = joined(found, span.cut(done, length - size - done))
            done += size
    return found


def joined(one: Moments, other: Moments) -> Moments:
    """Moments of the rows of both; a mean of zero where none of them count."""
    count = one.count + other.count
    share = other.count / ops.maximum(count, 1.0)
    apart = other.mean - one.mean
    squares = one.squares + other.squares + apart * apart * one.count * share
    return Moments(count, one.mean + apart * share, squares)
