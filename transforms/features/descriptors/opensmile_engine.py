"""The one door to openSMILE: the 65 ComParE_2016 low-level descriptors and their deltas in one pass.

openSMILE's Python package gives descriptors and deltas in two runs of the same work. Here a configuration of
ours joins them in one, so that the numbers are the library's own to the bit. The library works on 16-bit
samples: those beyond full scale, which loud MP3s have, are cut off here; the package wraps them round to the
other sign. It holds a whole track: about five times the memory of the samples, 3 GB an hour, besides them.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.features.samples import refusal

TERMS = (
    "openSMILE 3, (c) audEERING GmbH: for non-commercial research, teaching and personal use only; "
    "commercial use needs a licence of audEERING. Users are asked to cite Eyben, Woellmer and Schuller "
    "(2010), openSMILE. https://github.com/audeering/opensmile"
)

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


def descriptors(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Samples [n] -> the 65 descriptors, then their deltas, every 10 ms: [rows, 130] float32.

    Raises DataError(bad_input) where openSMILE is not installed.
    """
    return _run(samples, rate_hz, component="cVectorConcat", options=_JOINED)


def statistics(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Samples [n] -> deviation and mean of each of the 130 over 1 s, every .5 s: [rows, 260] float32.

    The deviation is the population's. Raises DataError(bad_input) where openSMILE is not installed.
    """
    return _run(samples, rate_hz, component="cFunctionals", options=_STATISTICS)


def opensmile_version() -> str:
    """Version of the openSMILE package; DataError(bad_input) with how to install it where it is not here."""
    _library()
    return version("opensmile")


def _run(samples: NDArray[np.float32], rate_hz: int, *, component: str, options: str) -> NDArray[np.float32]:
    library = _library()
    folder = Path(library.__file__).parent / "core" / "config" / "compare"
    whole = np.clip(samples, -1.0, 32767 / 32768)
    with TemporaryDirectory(prefix="moodscribe-") as scratch:
        graph = Path(scratch) / "rows.conf"
        graph.write_text(_GRAPH % (component, component, _LEVELS, options), encoding="ascii")
        start = {"descriptors": str(folder / "ComParE_2016_core.lld.conf.inc")}
        smile = library.Smile(feature_set=str(graph), feature_level="rows", options=start)
        rows: NDArray[np.float32] = np.asarray(smile(whole, rate_hz)[0].T, np.float32, order="C")
    return rows


def _library() -> Any:
    try:
        import opensmile
    except ImportError:
        raise refusal(f"openSMILE is not installed: pip install 'moodscribe[opensmile]'. {TERMS}") from None
    return opensmile
