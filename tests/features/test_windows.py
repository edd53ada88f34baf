"""Windows are SciPy's to the last bit, without its package."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import get_window

from transforms.features.windows import hamming, hann


@pytest.mark.parametrize("samples", [2, 5, 384, 400, 512, 1102, 2048])
def test_windows_are_those_of_scipy(samples: int) -> None:
    np.testing.assert_array_equal(hann(samples), get_window("hann", samples, fftbins=True))
    np.testing.assert_array_equal(hamming(samples), get_window("hamming", samples, fftbins=True))
