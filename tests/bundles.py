"""A small bundle with seeded random weights: the whole shape of a real one, built in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.bundle import Bundle
from models.bundle_files import write_index
from models.encoders import mobile
from models.encoders.mobile import MobileSettings
from models.random_nets import write_random_nets
from models.registry import Settings, architecture
from models.regressors import affect_head
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.dilated import DilatedSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from models.taggers.tag_head import TagHeadSettings
from models.weights import save_weights

if TYPE_CHECKING:
    import keras

TAGS = tuple(f"tag{index}" for index in range(8))

_NARROW = (4, 4, 4, 4, 8, 8)
MEMBERS: tuple[tuple[str, str, Settings], ...] = (
    ("crnn-lstm", "crnn", CrnnSettings("lstm", channels=_NARROW, units=8, dense=8, tags=8)),
    ("crnn-bilstm", "crnn", CrnnSettings("bilstm", channels=_NARROW, units=8, dense=8, tags=8)),
    ("image-gru", "image-rnn", ImageRnnSettings("gru", channels=(4, 8), units=8, dense=8, tags=8)),
    ("dilated-0", "dilated", DilatedSettings(channels=8)),
    ("dilated-1", "dilated", DilatedSettings(channels=8)),
)


def write_small_bundle(folder: Path, *, seed: int = 7) -> Bundle:
    """Build, save and index the bundle; the same seed gives the same files."""
    members = [Planned(name, kind, settings) for name, kind, settings in MEMBERS]
    return write_bundle(folder, members, tags=TAGS, seed=seed)


@dataclass(frozen=True, slots=True)
class Planned:
    """A member of a bundle for tests."""

    name: str
    architecture: str
    settings: Settings
    front_end_settings: Mapping[str, Any] = field(default_factory=dict)
    encoder: str = ""


# An encoder with the published strides, that its heads share with members of other front ends.
ENCODED: tuple[Planned, ...] = (
    Planned("mobile", "mobile", MobileSettings((8,) * 13)),
    Planned("tag-mean", "tag-head", TagHeadSettings(8, hidden=8, tags=8), encoder="mobile"),
    Planned("tag-both", "tag-head", TagHeadSettings(8, hidden=8, tags=8, deviation=True), encoder="mobile"),
    Planned(
        "affect", "affect-head", AffectHeadSettings(8, contexts=(6, 2), centres=8, voices=2), encoder="mobile"
    ),
)
OTHERS = tuple(Planned(*member) for member in (MEMBERS[0], MEMBERS[3]))


# With kernels of this size what goes through neither dies out nor grows.
_LIVELY = 1.7


def lively_encoder(settings: MobileSettings, *, seed: int) -> keras.Model:
    """An encoder with random weights whose rows tell sounds apart, and biases: one as Keras makes them gives
    rows near zero, the same for any sound. No kernel has a mean: it would hand on what all patches share."""
    model = mobile.build(settings)
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if variable.path.endswith("bias"):
            variable.assign(generator.normal(0.0, 0.1, variable.shape))
            continue
        axes = (0, 1) if "depth" in variable.path else (0, 1, 2)
        kernel = generator.normal(0.0, 1.0, variable.shape)
        kernel -= kernel.mean(axis=axes, keepdims=True)
        variable.assign(_LIVELY * kernel / np.sqrt((kernel**2).sum(axis=axes, keepdims=True)))
    return model


def lively_head(settings: AffectHeadSettings, *, seed: int) -> keras.Model:
    """An affect head with random centres among the rows that a `lively_encoder` gives, and wide around them:
    from centres as Keras makes them all rows are too far to say anything."""
    model = affect_head.build(settings)
    generator = np.random.default_rng(seed)
    centres, scale = np.log(generator.uniform(0.02, 1.0, (settings.inputs, settings.centres))), 0.3
    near, curve = model.get_layer("near"), model.get_layer("curve")
    near.scale.assign(np.full(settings.inputs, scale, np.float32))
    near.centres.assign((scale * centres).astype(np.float32))
    # Voices that agree but for a little; what they say stays inside [-1, 1].
    shared = np.tile(generator.uniform(-0.4, 0.4, (settings.centres, 2)), settings.voices)
    curve.kernel.assign(shared + generator.uniform(-0.1, 0.1, shared.shape))
    return model


def write_bundle(folder: Path, members: Sequence[Planned], *, tags: Sequence[str], seed: int = 7) -> Bundle:
    """A bundle of these members with random weights; the same seed gives the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_random_nets(folder, members, seed=seed)
    for member in members:
        if isinstance(member.settings, MobileSettings):
            save_weights(lively_encoder(member.settings, seed=seed), folder / f"{member.name}.safetensors")
        if isinstance(member.settings, AffectHeadSettings):
            save_weights(lively_head(member.settings, seed=seed), folder / f"{member.name}.safetensors")
    (folder / "card.md").write_text("Random weights, for tests.\n")
    count = len(tags)
    return write_index(
        folder,
        {
            "name": "small",
            "version": "1",
            "tags": list(tags),
            "members": [
                {
                    "name": member.name,
                    "architecture": member.architecture,
                    "settings": member.settings,
                    "front_end": architecture(member.architecture).front_end,
                    "weights": f"{member.name}.safetensors",
                    **(
                        {"front_end_settings": dict(member.front_end_settings)}
                        if member.front_end_settings
                        else {}
                    ),
                    **({"encoder": member.encoder} if member.encoder else {}),
                }
                for member in members
            ],
            "fusion": {"method": "mean"},
            # Untrained scores lie close to one half: a steep calibration spreads them.
            "calibration": {
                "method": "platt",
                "scale": [40.0] * count,
                "bias": [0.0] * count,
                "provenance": "none",
            },
            "thresholds": {"values": [0.5] * count, "provenance": "none"},
            "terms": "none",
            "card": "card.md",
        },
    )
