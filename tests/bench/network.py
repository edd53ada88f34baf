"""Our default bundle's network for peers: rows of `step-mel` to scores and a curve, run in their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_source import open_bundle
from models.ensemble import Batch, Ensemble
from models.registry import architecture
from models.tensorflow_start import start_tensorflow
from models.weights import set_weights
from transforms.features.mel import step_mel
from transforms.features.mel.magnitudes import RATE_HZ
from transforms.tagging.batcher import Models, TrackBatcher, groups_of
from transforms.tagging.encoding import EncoderBatcher
from transforms.tagging.features import Rows
from transforms.tagging.rows import member_curves, mood_tag_rows
from transforms.tagging.windows import TaggingPlan

# Mel rows [steps, 32, 64] of a track of so many samples -> calibrated scores [tags].
Network = Callable[[NDArray[np.float32], int], list[float]]


def network(*, predict: bool = False) -> Network:
    """The compiled functions of the main job, or Keras's `predict`, as most would call it."""
    bundle = open_bundle("default")
    if predict:
        models: Models = _Predicted(bundle)
    else:
        ensemble = Ensemble(bundle, threads=1)
        ensemble.load()
        models = ensemble
    return network_of(models, bundle)


def network_of(models: Models, bundle: Bundle) -> Network:
    """Encoder, heads, curve and decisions by models of the default bundle that are loaded."""
    layout = step_mel.FRONT_END.layout(None)
    key = bundle.encoders[0].input_key

    def run(mel: NDArray[np.float32], total_samples: int) -> list[float]:
        plan = TaggingPlan()
        encoders: EncoderBatcher[int] = EncoderBatcher(models, bundle, plan)
        heads: TrackBatcher[int] = TrackBatcher(models, groups_of(bundle.predictors), plan, batch_size=1)
        rows = {key: Rows(mel, layout, RATE_HZ, total_samples)}
        for _, encoded in [*encoders.add(0, rows), *encoders.flush()]:
            for _, prediction in [*heads.add(0, encoded), *heads.flush()]:
                member_curves(prediction, bundle, steps=len(mel))
                found = mood_tag_rows("peer", prediction, bundle, run_id="bench")
        return [row.score for row in found]

    return run


@dataclass(frozen=True, slots=True, init=False)
class _Predicted:
    """Members by Keras's `predict`."""

    models: dict[str, Any]

    def __init__(self, bundle: Any) -> None:
        start_tensorflow(threads=1)
        models = {}
        for member in bundle.members:
            model = architecture(member.architecture).build(member.settings)
            set_weights(model, bundle.weights(member), source=member.weights)
            models[member.name] = model
        object.__setattr__(self, "models", models)

    def run(self, member: str, batch: Batch) -> NDArray[np.float32]:
        """See transforms.tagging.batcher.Models."""
        found: NDArray[np.float32] = self.models[member].predict([batch.values, batch.extent], verbose=0)
        return found


def mel_rows(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mel magnitudes [frames, 64] that a peer has found -> what the network takes: [steps, 32, 64]."""
    steps = len(bands) // step_mel.STEP_FRAMES
    whole = bands[: steps * step_mel.STEP_FRAMES]
    level = float(np.sqrt(np.mean(np.square(whole, dtype=np.float64))))
    levelled = step_mel.from_level(np.ascontiguousarray(whole, np.float32), level=level)
    return levelled.reshape(steps, step_mel.STEP_FRAMES, -1)
