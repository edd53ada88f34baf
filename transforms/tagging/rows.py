"""A track's predictions to its rows: decisions on tags, the curve and its summary, shares of antonyms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.colour import colours
from models.curves import change_points, quadrant, quadrant_shares, summarise_axis
from models.decisions import TagDecision, decide
from models.registry import Role
from models.regressors.targets import output_names
from models.views import ChunkView
from schemas.antonyms import AntonymRow
from schemas.clock import to_seconds
from schemas.emotion_curves import EmotionCurveRow
from schemas.mood_tags import MoodTagRow
from transforms.tagging.batcher import Prediction

# Curves are at 2 Hz whatever the rate of the samples.
STEPS_HZ = 2
STEP_S = to_seconds(1, rate_hz=STEPS_HZ)
COLOUR_STEPS = 10


def rows_of(
    track_id: str, prediction: Prediction, bundle: Bundle, *, steps: int, run_id: str
) -> dict[str, Sequence[Any]]:
    """Rows of a track of so many half seconds, by table: those that the bundle's members fill."""
    rows: dict[str, Sequence[Any]] = {}
    if bundle.tags:
        rows["mood_tags"] = mood_tag_rows(track_id, prediction, bundle, run_id=run_id)
    if bundle.of_role(Role.REGRESSOR):
        curves = member_curves(prediction, bundle, steps=steps)
        rows["emotion_curves"] = [emotion_curve_row(track_id, curves, run_id=run_id)]
    if bundle.pairs:
        rows["antonyms"] = antonym_rows(track_id, prediction, bundle, run_id=run_id)
    return rows


def mood_tag_rows(track_id: str, prediction: Prediction, bundle: Bundle, *, run_id: str) -> list[MoodTagRow]:
    """One row for each tag, in the order of the bundle's tags; scores are averaged over chunks by weight."""
    predicted = [prediction[member.name] for member in bundle.of_role(Role.TAGGER)]
    scores = [np.average(one.values.astype(np.float64), axis=0, weights=one.weights) for one in predicted]
    decision = decide(np.stack(scores), bundle.decisions, bundle.quality)
    return tag_rows(track_id, decision, bundle, run_id=run_id)


def tag_rows(track_id: str, decision: TagDecision, bundle: Bundle, *, run_id: str) -> list[MoodTagRow]:
    """One row for each tag, in the order of the bundle's tags."""
    return [
        MoodTagRow(
            track_id=track_id,
            tag=tag,
            score=float(decision.score[index]),
            raw_score=float(decision.raw_score[index]),
            threshold=float(bundle.decisions.threshold[index]),
            tagged=bool(decision.tagged[index]),
            rank=int(decision.rank[index]),
            disagreement=float(decision.disagreement[index]),
            grade=bundle.quality.grade(index),
            off=index in bundle.quality.off,
            contradicts=None if other is None else bundle.tags[other],
            run_id=run_id,
        )
        for index, (tag, other) in enumerate(zip(bundle.tags, decision.contradicts, strict=True))
    ]


def member_curves(prediction: Prediction, bundle: Bundle, *, steps: int) -> dict[str, NDArray[np.float32]]:
    """Curves by target: {"valence": [members, steps], "arousal": [members, steps]}, in [-1, 1]."""
    curves: dict[str, list[NDArray[np.float32]]] = {"valence": [], "arousal": []}
    for member in bundle.of_role(Role.REGRESSOR):
        values = _fitted(prediction[member.name].values, steps)
        for column, target in enumerate(output_names(member.settings)):
            curves[target].append(np.clip(values[:, column], -1.0, 1.0))
    return {target: np.stack(some) for target, some in curves.items()}


def _fitted(values: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """A curve with so many steps: where a front end has no row for the last, it is as the one before."""
    kept = values[:steps]
    return np.pad(kept, [(0, steps - len(kept)), (0, 0)], mode="edge")


def antonym_rows(track_id: str, prediction: Prediction, bundle: Bundle, *, run_id: str) -> list[AntonymRow]:
    """One row for each pair: the share of its first mood, mean over its members."""
    rows = []
    for pair in bundle.pairs:
        members = [one for one in bundle.of_role(Role.ANTONYM) if getattr(one.settings, "pair", "") == pair]
        shares = np.stack([prediction[member.name].values[:, 0] for member in members])
        weights, view = prediction[members[0].name].weights, members[0].view
        means = np.average(shares.astype(np.float64), axis=1, weights=weights)
        first, _, second = pair.partition("-")
        rows.append(
            AntonymRow(
                track_id=track_id,
                pair=pair,
                first=first,
                second=second,
                share=float(means.mean()),
                spread=float(means.std()),
                start_s=0.0,
                step_s=view.length_s if isinstance(view, ChunkView) else STEP_S,
                shares=shares.mean(axis=0).tolist(),
                run_id=run_id,
            )
        )
    return rows


def emotion_curve_row(
    track_id: str, curves: dict[str, NDArray[np.float32]], *, run_id: str
) -> EmotionCurveRow:
    """The row of a track's curves: mean and standard deviation over the regressors."""
    valence, arousal = curves["valence"].mean(axis=0), curves["arousal"].mean(axis=0)
    valence_spread, arousal_spread = (curves[target].std(axis=0) for target in ("valence", "arousal"))
    v, a = summarise_axis(valence, step_s=STEP_S), summarise_axis(arousal, step_s=STEP_S)
    shares = quadrant_shares(valence, arousal)
    changes = change_points(valence, arousal, step_s=STEP_S)
    return EmotionCurveRow(
        track_id=track_id,
        start_s=0.0,
        step_s=STEP_S,
        valence=valence.tolist(),
        arousal=arousal.tolist(),
        valence_spread=valence_spread.tolist(),
        arousal_spread=arousal_spread.tolist(),
        valence_mean=v.mean,
        valence_min=v.min,
        valence_max=v.max,
        valence_slope=v.slope,
        arousal_mean=a.mean,
        arousal_min=a.min,
        arousal_max=a.max,
        arousal_slope=a.slope,
        q1_share=float(shares[0]),
        q2_share=float(shares[1]),
        q3_share=float(shares[2]),
        q4_share=float(shares[3]),
        quadrant=quadrant(v.mean, a.mean),
        change_points_s=[to_seconds(int(at), rate_hz=STEPS_HZ) for at in changes],
        colour=colours(np.array([v.mean], np.float32), np.array([a.mean], np.float32))[0],
        colour_step_s=COLOUR_STEPS * STEP_S,
        colours=colours(_by_colour_step(valence), _by_colour_step(arousal)),
        run_id=run_id,
    )


def _by_colour_step(curve: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over each ten steps; the last may have fewer."""
    firsts = np.arange(0, len(curve), COLOUR_STEPS)
    counts = np.diff(np.append(firsts, len(curve)))
    means: NDArray[np.float32] = (np.add.reduceat(curve, firsts) / counts).astype(np.float32)
    return means
