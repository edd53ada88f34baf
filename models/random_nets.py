"""Nets with seeded random weights, on disk as a bundle has them: to try a size without training it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from models.registry import Settings, architecture
from models.weights import save_weights


class PlannedNet(Protocol):
    """A net by its name, architecture and settings."""

    @property
    def name(self) -> str:
        """Its name, and that of its file."""

    @property
    def architecture(self) -> str:
        """One of models.registry."""

    @property
    def settings(self) -> Settings:
        """Its sizes."""


def write_random_nets(folder: Path, nets: Sequence[PlannedNet], *, seed: int) -> int:
    """Write NAME.safetensors for every net, the same for the same seed; how many parameters they have."""
    import keras

    keras.utils.set_random_seed(seed)
    parameters = 0
    for net in nets:
        model = architecture(net.architecture).build(net.settings)
        parameters += int(model.count_params())
        save_weights(model, folder / f"{net.name}.safetensors")
    return parameters


def write_random_vgg16(path: Path, *, seed: int) -> None:
    """Write a whole VGG16 as Keras does, to a path that ends in .h5."""
    import keras

    keras.utils.set_random_seed(seed)
    part = path.with_name(f"part-{path.name}")
    keras.applications.VGG16(weights=None).save(part)
    part.replace(path)
