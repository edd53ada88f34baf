"""The nine published models at their size, with seeded random weights: what a track takes, no more."""

from __future__ import annotations

from pathlib import Path

from pipelines.reproduce.trials.bundles import NINE, nets_of, write_random_bundle, write_random_weights

WORK = Path("work/bench")
CACHE = WORK / "cache"


def vgg16_file() -> Path:
    """A whole VGG16 with random weights, as Keras writes it; made once."""
    return write_random_weights(CACHE)


def nine_models() -> Path:
    """The bundle of three CRNNs and six recurrent nets on Deep Spectrum; made once."""
    folder = WORK / "nine-models"
    if not (folder / "bundle.json").is_file():
        write_random_bundle(folder, nets_of()[NINE])
    return folder
