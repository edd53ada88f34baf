"""The nine published models on one core: what of a track is VGG16, and what integers gain there.

Run as `python -m tests.bench.nine_models FILE ROUNDS`; prints JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from models.image_nets.nets import ImageNet
from models.image_nets.quantised import least_cosine
from schemas.precision import Precision
from schemas.track import Track, TrackGroup
from tests.bench.nine import CACHE, nine_models, vgg16_file
from tests.bench.one_core import VGG16_FLOP, on_one_core
from tests.bench.peers.ours import plan_for, started
from tests.timing import seconds_of

_SIDE = 2048


@dataclass(slots=True)
class Run:
    """What a precision took in all, what its net took in each round, and what it said last."""

    tracks_s: float = 0.0
    net_s: list[float] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


def main() -> None:
    """Measure both precisions in turns."""
    on_one_core()
    os.environ["XDG_CACHE_HOME"] = str(CACHE.absolute())
    vgg16_file()
    print(json.dumps(measure(Path(sys.argv[1]), rounds=int(sys.argv[2]))))


def measure(file: Path, *, rounds: int) -> dict[str, Any]:
    """Seconds of a track and of VGG16 in it, and the rate of matrix products beside them."""
    bundle = str(nine_models())
    runs = {precision: Run() for precision in Precision}
    workers = {
        precision: started(plan_for(bundle, precision=precision), run.scores)
        for precision, run in runs.items()
    }
    matrix = np.random.default_rng(1).random((_SIDE, _SIDE), np.float32)
    products: list[float] = []
    for run, worker in zip(runs.values(), workers.values(), strict=True):
        _take(worker, run, file, "warm")
        list(worker.flush())
        run.net_s.clear()
        run.tracks_s = 0.0
    for number in range(rounds):
        for run, worker in zip(runs.values(), workers.values(), strict=True):
            _take(worker, run, file, str(number))
        products.append(seconds_of(lambda: matrix @ matrix))
    for run, worker in zip(runs.values(), workers.values(), strict=True):
        # Windows wait for full batches: what is left of the last belongs to all tracks.
        run.tracks_s += seconds_of(partial(_flush, worker))
    return _summary(runs, rounds, 2 * _SIDE**3 / statistics.median(products))


def _take(worker: Any, run: Run, file: Path, name: str) -> None:
    """Take a track through a worker; what is found of it may come with a later one."""
    run.values.clear()
    with _net_timed(run):
        run.tracks_s += seconds_of(lambda: list(worker.process(TrackGroup(Track(name, str(file))))))


def _flush(worker: Any) -> None:
    list(worker.flush())


def _summary(runs: dict[Precision, Run], rounds: int, product: float) -> dict[str, Any]:
    floats, integers = (np.concatenate(runs[precision].values) for precision in Precision)
    scores = [np.array(runs[precision].scores) for precision in Precision]
    found: dict[str, Any] = {"images": len(floats), "product_gflop_s": round(product / 1e9, 1)}
    for precision, run in runs.items():
        track_s, net_s = run.tracks_s / rounds, statistics.median(run.net_s)
        found[precision.value] = {
            "track_s": round(track_s, 2),
            "vgg16_s": round(net_s, 2),
            "vgg16_share": round(len(floats) * VGG16_FLOP / net_s / product, 3),
            "rest_share": round(1 - sum(run.net_s) / run.tracks_s, 3),
        }
    found["int8"] |= {
        "vgg16_times": round(found["float32"]["vgg16_s"] / found["int8"]["vgg16_s"], 2),
        "cosine": round(least_cosine(integers, floats), 5),
        "tags_off_by": round(float(np.abs(scores[0] - scores[1]).max()), 6),
    }
    return found


@contextmanager
def _net_timed(run: Run) -> Iterator[None]:
    """Book what image nets take, and keep what they find."""
    features, spent = ImageNet.features, 0.0

    def timed(net: ImageNet, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal spent
        begin = time.perf_counter()
        found = features(net, images)
        spent += time.perf_counter() - begin
        run.values.append(found)
        return found

    with mock.patch.object(ImageNet, "features", timed):
        yield
    run.net_s.append(spent)


if __name__ == "__main__":
    main()
