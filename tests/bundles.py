"""A small bundle with seeded random weights: the whole shape of a real one, built in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.bundle import Bundle, write_index
from models.random_nets import write_random_nets
from models.registry import Settings, architecture
from models.regressors.dilated import DilatedSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.image_rnn import ImageRnnSettings

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


def write_bundle(folder: Path, members: Sequence[Planned], *, tags: Sequence[str], seed: int = 7) -> Bundle:
    """A bundle of these members with random weights; the same seed gives the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_random_nets(folder, members, seed=seed)
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
