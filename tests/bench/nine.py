"""The nine published models at their size, with seeded random weights: what a track takes, no more."""

from __future__ import annotations

from pathlib import Path

from models.random_nets import write_random_vgg16
from pipelines.reproduce.trials.bundles import NINE, SEED, nets_of, write_random_bundle

WORK = Path("work/bench")


def vgg16_file() -> Path:
    """A whole VGG16 with random weights, as Keras writes it; made once."""
    file = WORK / "vgg16.h5"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_random_vgg16(file, seed=SEED)
    return file


def nine_models() -> Path:
    """The bundle of three CRNNs and six recurrent nets on Deep Spectrum; made once."""
    folder = WORK / "nine-models"
    if not (folder / "bundle.json").is_file():
        write_random_bundle(folder, nets_of(vgg16_file())[NINE])
    return folder
