"""Each stage of the way beside the least that it needs, on one core: decoding, log-mel, the network."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from models.bundle_source import open_bundle
from models.encoders import mobile
from models.ensemble import Ensemble
from models.registry import architecture
from tests.bench.network import network_of
from tests.bench.one_core import on_one_core
from tests.timing import Work, median_seconds
from transforms.decoding.sandbox import DecodeLimits, SandboxedDecoder
from transforms.features.mel import magnitudes, step_mel
from transforms.features.mel.magnitudes import RATE_HZ

_SIDE = 2048
_BLOCK_SAMPLES = 160_000


def main() -> None:
    """Print JSON of one file's stages; run as `python -m tests.bench.stages FILE ROUNDS`."""
    on_one_core()
    print(json.dumps(stages(Path(sys.argv[1]), rounds=int(sys.argv[2]))))


def stages(file: Path, *, rounds: int) -> dict[str, Any]:
    """Seconds of a track by stage, ours and the least, and their ratios; matrix products and the network as
    GFLOP/s."""
    samples = _decoded(file)
    with SandboxedDecoder(DecodeLimits(), block_samples=_BLOCK_SAMPLES) as decoder:

        def ours() -> None:
            with file.open("rb") as opened:
                for _ in decoder.decode(opened, rate_hz=RATE_HZ):
                    pass

        decode = median_seconds({"ours": ours, "least": lambda: _decoded(file)}, rounds)
    mel = median_seconds({"ours": lambda: _streamed(samples), "least": _transforms(samples)}, rounds)
    matrix = np.random.default_rng(1).random((_SIDE, _SIDE), np.float32)
    bundle = open_bundle("default")
    models = Ensemble(bundle, threads=1)
    models.load()
    run, rows = network_of(models, bundle), step_mel.step_mel(samples)
    net = median_seconds({"ours": lambda: run(rows, len(samples)), "least": lambda: matrix @ matrix}, rounds)
    encoder = bundle.encoders[0]
    product = 2 * _SIDE**3 / net["least"] / 1e9
    patches = -(-len(rows) // mobile.PATCH_ROWS)
    operations = flop(architecture(encoder.architecture).build(encoder.settings)) * patches
    reached = operations / net["ours"] / 1e9
    return {
        "decode": _ratio(decode),
        "mel": _ratio(mel),
        "network": {
            "s": round(net["ours"], 4),
            "gflop": round(operations / 1e9, 2),
            "gflop_s": round(reached, 1),
            "product_gflop_s": round(product, 1),
            "share": round(reached / product, 3),
        },
    }


def flop(model: Any) -> float:
    """Products and sums of a model's convolutions for one of their inputs."""
    total = 0.0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            places = float(np.prod(layer.output.shape[1:-1]))
            # A depthwise kernel is [height, width, channels, 1], a whole one [height, width, from, to].
            total += 2 * places * float(np.prod(layer.kernel.shape))
    return total


def _decoded(file: Path) -> Any:
    """libsndfile and soxr alone, as one would write it."""
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ)


def _streamed(samples: Any) -> Any:
    """The front end as the main job runs it, on the blocks of a decoder."""
    stream = step_mel.StepMelStream()
    for start in range(0, len(samples), _BLOCK_SAMPLES):
        stream.push(samples[start : start + _BLOCK_SAMPLES])
    return stream.finish(len(samples))


def _transforms(samples: Any) -> Work:
    """The transforms of all frames of a track, in the blocks of the front end, and nothing else."""
    frames = len(samples) // step_mel.HOP_SAMPLES
    block = np.random.default_rng(1).random((magnitudes.BLOCK_FRAMES, magnitudes.FFT_SAMPLES))
    out = np.empty((len(block), magnitudes.FFT_SAMPLES // 2 + 1), np.complex128)

    def run() -> None:
        for _ in range(0, frames, len(block)):
            np.fft.rfft(block, axis=1, out=out)

    return run


def _ratio(found: Mapping[str, float]) -> dict[str, float]:
    return {
        **{f"{name}_s": round(value, 4) for name, value in found.items()},
        "ratio": round(found["ours"] / found["least"], 3),
    }


if __name__ == "__main__":
    main()
