"""The process that runs openSMILE: one track after another, until its input ends.

Run as `python -m transforms.features.descriptors.opensmile_child`. openSMILE's library corrupts the memory of
a process that TensorFlow is loaded in, so it gets one of its own, which may crash: its owner starts another.

Its Python package gives descriptors and deltas in two runs of the same work. Here a configuration of ours
joins them in one, so that the numbers are the library's own to the bit. The library works on 16-bit samples:
those beyond full scale, which loud MP3s have, are cut off here; the package wraps them round to the other
sign. It holds a whole track: about five times the memory of the samples, 3 GB an hour, besides them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from transforms.parent import end_with_parent

_LEVELS = ";".join(
    f"is13_lld{level}{delta}" for delta in ("", "_de") for level in ("_nzsmo", "A_smo", "B_smo")
)
_GRAPH = r"""[componentInstances:cComponentManager]
instance[dataMemory].type=cDataMemory
\{\cm[source{?}:where samples come from]}
\{\cm[descriptors{?}:low-level descriptors]}
[componentInstances:cComponentManager]
instance[rows].type=%s
[rows:%s]
reader.dmLevel=%s
writer.dmLevel=rows
%s
\{\cm[sink{?}:where rows go]}
"""
_JOINED = "includeSingleElementFields=1"
_STATISTICS = """copyInputName=1
frameMode=fixed
frameSize=1.0
frameStep=0.5
frameCenterSpecial=left
functionalsEnabled=Moments
Moments.variance=0
Moments.stddev=1
Moments.skewness=0
Moments.kurtosis=0
Moments.amean=1
Moments.doRatioLimit=0"""
# What a request asks for -> the component that makes it, and its options.
_KINDS = {"descriptors": ("cVectorConcat", _JOINED), "statistics": ("cFunctionals", _STATISTICS)}


def main() -> None:
    """Serve requests from standard input: a line of JSON each, a line for each answer."""
    end_with_parent()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the library prints goes nowhere
    for line in sys.stdin:
        request = json.loads(line)
        samples = np.load(request["samples"], allow_pickle=False)
        rows = _run(samples, request["rate_hz"], kind=request["kind"])
        np.save(request["rows"], rows, allow_pickle=False)
        answers.write("done\n")


def _run(samples: NDArray[np.float32], rate_hz: int, *, kind: str) -> NDArray[np.float32]:
    import opensmile

    folder = Path(opensmile.__file__).parent / "core" / "config" / "compare"
    component, options = _KINDS[kind]
    whole = np.clip(samples, -1.0, 32767 / 32768)
    with TemporaryDirectory(prefix="moodscribe-") as scratch:
        graph = Path(scratch) / "rows.conf"
        graph.write_text(_GRAPH % (component, component, _LEVELS, options), encoding="ascii")
        start = {"descriptors": str(folder / "ComParE_2016_core.lld.conf.inc")}
        smile = opensmile.Smile(feature_set=str(graph), feature_level="rows", options=start)
        return np.asarray(smile(whole, rate_hz)[0].T, np.float32, order="C")


if __name__ == "__main__":
    main()
