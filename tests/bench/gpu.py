"""Both presets on a GPU: tracks a second by size of batch, how busy it is, and the cores that feed it.

Run as `python -m tests.bench.gpu FILE ROUNDS`; prints JSON, without a GPU only that there is none.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.tensorflow_start import start_tensorflow
from pipelines.planning.measure import processor_s
from pipelines.running.dataflow import GPU_BATCH
from schemas.track import Track, TrackGroup
from tests.bench.nine import CACHE, nine_models, vgg16_file
from tests.bench.peers.ours import plan_for, started
from transforms.tagging.worker import BATCH

# Windows of a call: that of processors, that of `--gpu`, and one beyond.
BATCHES = (BATCH, GPU_BATCH, 4 * GPU_BATCH)
_TRACKS = 8


def main() -> None:
    """Measure, or say that there is no GPU."""
    start_tensorflow(threads=0)
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        print(json.dumps({"skipped": "no GPU here"}))
        return
    os.environ["XDG_CACHE_HOME"] = str(CACHE.absolute())
    vgg16_file()
    tracks, rounds = [Path(sys.argv[1])] * _TRACKS, int(sys.argv[2])
    bundles = {"default": "default", "nine": str(nine_models())}
    print(
        json.dumps(
            {
                name: [measured(tracks, bundle, batch=batch, rounds=rounds) for batch in BATCHES]
                for name, bundle in bundles.items()
            }
        )
    )


def measured(tracks: Sequence[Path], bundle: str, *, batch: int, rounds: int) -> dict[str, Any]:
    """One process that feeds the GPU: tracks a second, cores that are at work meanwhile, decoder's included,
    and per cent of the time in which the GPU is (None where nvidia-smi is not there to say so)."""
    worker = started(plan_for(bundle, batch_size=batch), [])
    groups = [TrackGroup(Track(str(number), str(file))) for number, file in enumerate(tracks)]
    _tag(worker, groups)  # compiled for full batches and for the rest
    found: dict[str, list[float]] = {"tracks_a_second": [], "cores": [], "utilisation": []}
    for _ in range(rounds):
        with Watch() as watch:
            began, cpu_s = time.perf_counter(), processor_s()
            _tag(worker, groups)
            seconds = time.perf_counter() - began
        found["tracks_a_second"].append(len(groups) / seconds)
        found["cores"].append((processor_s() - cpu_s) / seconds)
        found["utilisation"] += watch.seen and [statistics.mean(watch.seen)]
    worker.close()
    medians = {name: round(statistics.median(some), 3) if some else None for name, some in found.items()}
    return {"batch": batch, **medians}


def _tag(worker: Any, groups: Sequence[TrackGroup]) -> None:
    for group in groups:
        list(worker.process(group))
    list(worker.flush())


class Watch:
    """The first GPU's utilisation in per cent while it lasts, four times a second, by nvidia-smi."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while shutil.which(query[0]) and not self._done.wait(0.25):
            shown = subprocess.run(query, check=True, capture_output=True, text=True).stdout
            self.seen.append(float(shown.splitlines()[0]))


if __name__ == "__main__":
    main()
