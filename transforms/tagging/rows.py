"""A track's prediction to its rows: decisions on tags, the curve and its summary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.colour import colours
from models.curves import change_points, quadrant, quadrant_shares, summarise_axis
from models.decisions import decide
from schemas.clock import to_seconds
from schemas.emotion_curves import EmotionCurveRow
from schemas.mood_tags import MoodTagRow
from transforms.features.mel import mel_steps, spectrum
from transforms.tagging.batcher import Prediction

STEP_S = to_seconds(mel_steps.STEP_SAMPLES, rate_hz=spectrum.RATE_HZ)
COLOUR_STEPS = 10


def mood_tag_rows(track_id: str, prediction: Prediction, bundle: Bundle, *, run_id: str) -> list[MoodTagRow]:
    """One row for each tag, in the order of the bundle's tags."""
    decision = decide(prediction.member_scores, bundle.decisions)
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
            run_id=run_id,
        )
        for index, tag in enumerate(bundle.tags)
    ]


def emotion_curve_row(track_id: str, prediction: Prediction, *, run_id: str) -> EmotionCurveRow:
    """The row of a track's curves: mean and standard deviation over the regressors."""
    mean, spread = prediction.member_curves.mean(axis=0), prediction.member_curves.std(axis=0)
    valence, arousal = mean[:, 0], mean[:, 1]
    v, a = summarise_axis(valence, step_s=STEP_S), summarise_axis(arousal, step_s=STEP_S)
    shares = quadrant_shares(valence, arousal)
    changes = change_points(valence, arousal, step_s=STEP_S) * mel_steps.STEP_SAMPLES
    return EmotionCurveRow(
        track_id=track_id,
        start_s=0.0,
        step_s=STEP_S,
        valence=valence.tolist(),
        arousal=arousal.tolist(),
        valence_spread=spread[:, 0].tolist(),
        arousal_spread=spread[:, 1].tolist(),
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
        change_points_s=[to_seconds(int(at), rate_hz=spectrum.RATE_HZ) for at in changes],
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
