"""What should not show in a curve: where its track begins, and the borders of the stretches it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.curves import AXES
from models.training.reporting.robustness_figures import Curve, common

# Steps of half a second at either end of a track, and around a join, that are left out: 5 s.
END_STEPS = 10
# In a sound that stays as it is, more: the views of nets reach further than 5 s beyond the ends.
STEADY_END_STEPS = 40


@dataclass(frozen=True, slots=True)
class LongCurve:
    """A curve [steps, 2] over several pieces of music; at the steps `joins` one follows another."""

    values: Curve
    joins: tuple[int, ...] = ()


def shift_figures(curves: Sequence[tuple[Curve, Curve]]) -> dict[str, Any]:
    """Pairs of curves [steps, 2], of a sound and of the same one step later -> how far they lie apart.

    The largest and the root mean square difference of each axis over the steps away from the ends; an empty
    dict where there are none.
    """
    apart = np.concatenate([np.zeros((0, 2)), *(_apart(one, later[1:]) for one, later in curves)])
    if not len(apart):
        return {}
    return {
        "steps": len(apart),
        **{
            axis: {
                "largest": float(np.abs(apart[:, column]).max()),
                "rms": float(np.sqrt(np.mean(apart[:, column] ** 2))),
            }
            for column, axis in enumerate(AXES)
        },
    }


def steady_figures(curve: Curve) -> dict[str, Any]:
    """Curve [steps, 2] of a sound that stays as it is -> its largest change from step to step by axis, and
    at which step; an empty dict where no step is away from the ends."""
    places = _kept(LongCurve(curve), STEADY_END_STEPS)
    if not len(places):
        return {}
    moves = _moves(curve, places)
    return {
        axis: {"largest": float(moves[:, column].max()), "at_step": int(places[moves[:, column].argmax()])}
        for column, axis in enumerate(AXES)
    }


def border_figures(curves: Sequence[LongCurve], lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Mean absolute change from step to step at the borders of stretches, over that in the 5 s on either side
    of them, where music moves as much.

    For each of the `lengths` of a stretch in steps: how many borders there are, and the ratio by axis; None
    where there are none, or where the curves do not change beside them. Ends and joins are left out.
    """
    kept = [_kept(curve, END_STEPS) for curve in curves]
    places = np.concatenate([np.zeros(0, np.int64), *kept])
    moved = [_moves(curve.values, some) for curve, some in zip(curves, kept, strict=True)]
    moves = np.concatenate([np.zeros((0, 2)), *moved])
    at_border = np.any([places % length == 0 for length in lengths], axis=0)
    found = []
    for length in lengths:
        beside = np.minimum(places % length, -places % length) <= END_STEPS
        found.append(_ratios(moves[places % length == 0], moves[beside & ~at_border], length))
    return found


def _ratios(borders: Curve, elsewhere: Curve, length: int) -> dict[str, Any]:
    known = len(borders) > 0 and len(elsewhere) > 0
    ground = elsewhere.mean(axis=0) if known else np.zeros(2)
    ratios = {
        axis: float(borders[:, column].mean() / ground[column]) if ground[column] else None
        for column, axis in enumerate(AXES)
    }
    return {"length": length, "borders": len(borders), **ratios}


def _apart(curve: Curve, other: Curve) -> Curve:
    steps = common(curve, other)
    return (other[:steps] - curve[:steps])[END_STEPS : max(steps - END_STEPS, 0)]


def _kept(curve: LongCurve, ends: int) -> NDArray[np.int64]:
    """Steps that lie, with the one before, away from the ends and from joins."""
    inside = np.zeros(len(curve.values), np.bool_)
    inside[ends + 1 : max(len(inside) - ends, 0)] = True
    for join in curve.joins:
        inside[max(join - END_STEPS, 0) : join + END_STEPS + 1] = False
    return np.flatnonzero(inside)


def _moves(curve: Curve, places: NDArray[np.int64]) -> Curve:
    moves: Curve = np.abs(curve[places] - curve[places - 1])
    return moves
