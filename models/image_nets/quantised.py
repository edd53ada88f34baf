"""Image nets in eight-bit integers by OpenVINO: several times faster, and held against their own floats."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.image_nets.graph import threads_given
from schemas.errors import DataError, FailureKind, Stage

# The least cosine between the integers' values and the floats', of any one picture.
LEAST_COSINE = 0.995

_SHORTEST = 1e-12

Images = NDArray[np.uint8]
Values = NDArray[np.float32]


def openvino_version() -> str:
    """OpenVINO's version; DataError(bad_input) where it is not installed, with what to install."""
    if importlib.util.find_spec("openvino") is None:
        message = "precision int8 needs OpenVINO: pip install 'moodscribe[openvino]'"
        raise DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)
    import openvino

    return str(openvino.__version__).partition("-")[0]


def compiled(graph: Any) -> Callable[[Images], Values]:
    """A graph of OpenVINO as a function of a batch of images -> [batch, values], safe to call from several
    threads; as many threads as this process was given."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads_given(),
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # of what is not quantised
        "ENABLE_CPU_PINNING": False,  # processes beside this one would all get the first cores
    }
    ready = openvino.Core().compile_model(graph, "CPU", settings)
    held = threading.local()

    def run(images: Images) -> Values:
        if not hasattr(held, "request"):
            held.request = ready.create_infer_request()
        found: Values = next(iter(held.request.infer([images]).values()))
        return found.reshape(len(images), -1).copy()

    return run


def least_cosine(found: Values, wanted: Values) -> float:
    """The least cosine between two rows of one place, both [n, values]; rows that are equal have 1."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    products = np.einsum("ij,ij->i", found, wanted, dtype=np.float64)
    alike = (found == wanted).all(axis=1)
    return float(np.where(alike, 1.0, products / np.maximum(lengths, _SHORTEST)).min())


def refuse_unlike(net: str, cosine: float) -> None:
    """DataError(bad_input) for a net whose integers say something else than its floats."""
    if not cosine >= LEAST_COSINE:
        message = (
            f"{net} in int8 is not what it is in float32: cosine {cosine:.4f} on pictures that it was not "
            f"quantised by, at least {LEAST_COSINE} is asked for; run it with precision float32"
        )
        raise DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)
