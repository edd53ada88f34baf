"""A small bundle with seeded random weights: the whole shape of a real one, built in seconds."""

from __future__ import annotations

from pathlib import Path

from models.bundle import Bundle, write_index
from models.registry import Settings, architecture
from models.regressors.dilated import DilatedSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from models.weights import save_weights

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
    import keras

    keras.utils.set_random_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    members = []
    for name, kind, settings in MEMBERS:
        save_weights(architecture(kind).build(settings), folder / f"{name}.safetensors")
        members.append(
            {
                "name": name,
                "architecture": kind,
                "settings": settings,
                "front_end": architecture(kind).front_end,
                "weights": f"{name}.safetensors",
            }
        )
    (folder / "card.md").write_text("Random weights, for tests.\n")
    return write_index(
        folder,
        {
            "name": "small",
            "version": "1",
            "rate_hz": 16_000,
            "tags": TAGS,
            "members": members,
            "fusion": {"method": "mean"},
            # Untrained scores lie close to one half: a steep calibration spreads them.
            "calibration": {"method": "platt", "scale": [40.0] * 8, "bias": [0.0] * 8, "provenance": "none"},
            "thresholds": {"values": [0.5] * 8, "provenance": "none"},
            "terms": "none",
            "card": "card.md",
        },
    )
