"""Both presets on a GPU: tracks a second, how busy it is, and the cores that feed it.

Run as `python -m tests.bench.gpu FILE ROUNDS`; prints JSON, without a GPU only that there is none.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from models.tensorflow_start import start_tensorflow
from schemas.track import Track, TrackGroup
from tests.bench.nine import CACHE, nine_models, vgg16_file
from tests.bench.peers.ours import plan_for, started

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
    file, rounds = Path(sys.argv[1]), int(sys.argv[2])
    bundles = {"default": "default", "nine": str(nine_models())}
    print(json.dumps({name: _measured(file, bundle, rounds) for name, bundle in bundles.items()}))


def _measured(file: Path, bundle: str, rounds: int) -> dict[str, Any]:
    """One process that feeds the GPU: tracks a second, the GPU's utilisation, processor seconds a second."""
    worker = started(plan_for(bundle), [])
    tracks = [TrackGroup(Track(str(number), str(file))) for number in range(_TRACKS)]
    _ = [*worker.process(tracks[0]), *worker.flush()]
    rates, cores, busy = [], [], []
    for _ in range(rounds):
        watch = _Watch()
        begin, cpu = time.perf_counter(), time.process_time()
        for track in tracks:
            list(worker.process(track))
        list(worker.flush())
        seconds = time.perf_counter() - begin
        rates.append(_TRACKS / seconds)
        cores.append((time.process_time() - cpu) / seconds)
        busy.append(watch.stop())
    names = ("tracks_a_second", "cores", "utilisation")
    return dict(zip(names, map(statistics.median, (rates, cores, busy)), strict=True))


class _Watch:
    """The GPU's utilisation in per cent, four times a second, by nvidia-smi."""

    def __init__(self) -> None:
        self._found: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> float:
        """The mean so far."""
        self._done.set()
        self._thread.join()
        return statistics.mean(self._found or [0.0])

    def _look(self) -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while not self._done.wait(0.25):
            shown = subprocess.run(query, check=True, capture_output=True, text=True).stdout
            self._found.append(float(shown.splitlines()[0]))


if __name__ == "__main__":
    main()
