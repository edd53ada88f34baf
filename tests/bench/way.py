"""One way of tagging a file, in a process of its own on one core, that is asked for one file after another.

Run as `python -m tests.bench.way NAME`: it answers READY, then each line with a path by one of JSON: seconds
on the clock, seconds of processors (its own and those of its child processes), and what it found.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.planning.measure import processor_s
from tests.bench.one_core import on_one_core

Way = Callable[[Path], list[float]]

# By name: the module of tests.bench.peers and the function in it that starts the way.
WAYS = {
    "moodscribe": ("ours", "start"),
    "essentia": ("essentia_loop", "start"),
    "essentia, resampleQuality=4": ("essentia_loop", "start_linear"),
    "librosa + Keras predict": ("librosa_keras", "start"),
    "MusiCNN's graph": ("musicnn_graph", "start"),
    "openSMILE's descriptors alone": ("opensmile_alone", "start"),
    "moodscribe, pictures": ("ours", "start_pictures"),
    "drawn Deep Spectrum": ("drawn_deep_spectrum", "start"),
}


def missing(name: str) -> str:
    """Why a way cannot be taken here, "" if it can."""
    module = importlib.import_module(f"tests.bench.peers.{WAYS[name][0]}")
    reason: str = module.missing() if hasattr(module, "missing") else ""
    return reason


def main() -> None:
    """Serve files until standard input ends."""
    on_one_core()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries that print
    module, function = WAYS[sys.argv[1]]
    way: Way = getattr(importlib.import_module(f"tests.bench.peers.{module}"), function)()
    print("READY", file=answers)
    for line in sys.stdin:
        began, began_cpu = time.perf_counter(), processor_s()
        found = way(Path(line.strip()))
        seconds = {"clock_s": time.perf_counter() - began, "cpu_s": processor_s() - began_cpu}
        print(json.dumps({**seconds, "found": [round(float(value), 6) for value in found]}), file=answers)


if __name__ == "__main__":
    main()
