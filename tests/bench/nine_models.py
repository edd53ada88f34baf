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
from tests.bench.one_core import on_one_core
from tests.bench.peers.ours import plan_for, started

# Products and sums of one image to fc2: convolutions and two dense layers.
VGG16_FLOP = 30.94e9
_SIDE = 2048


@dataclass(slots=True)
class Run:
    """What a precision took in each round, and what it said last."""

    track_s: list[float] = field(default_factory=list)
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
    for number in range(rounds + 1):
        for precision, run in runs.items():
            run.values.clear()
            with _net_timed(run):
                begin = time.perf_counter()
                list(workers[precision].process(TrackGroup(Track(str(number), str(file)))))
                list(workers[precision].flush())
                run.track_s.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        matrix @ matrix
        products.append(time.perf_counter() - begin)
    for run in runs.values():  # the first round warms up
        del run.track_s[0], run.net_s[0]
    product = 2 * _SIDE**3 / statistics.median(products)
    return _summary(runs, product)


def _summary(runs: dict[Precision, Run], product: float) -> dict[str, Any]:
    floats, integers = (np.concatenate(runs[precision].values) for precision in Precision)
    scores = [np.array(runs[precision].scores) for precision in Precision]
    found: dict[str, Any] = {"images": len(floats), "product_gflop_s": round(product / 1e9, 1)}
    for precision, run in runs.items():
        track_s, net_s = statistics.median(run.track_s), statistics.median(run.net_s)
        found[precision.value] = {
            "track_s": round(track_s, 2),
            "vgg16_s": round(net_s, 2),
            "vgg16_share": round(len(floats) * VGG16_FLOP / net_s / product, 3),
            "rest_share": round(1 - net_s / track_s, 3),
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
