"""The sliding median: SciPy's numbers to the bit, in blocks of any shape."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from transforms.features.chroma.separation import median_along_bins, mirrored
from transforms.features.chroma.sliding_median import sliding_median


def noise(*shape: int, seed: int = 5) -> NDArray[np.float32]:
    """Numbers of many sizes and both signs."""
    generator = np.random.default_rng(seed)
    return (generator.standard_normal(shape) * 10 ** generator.uniform(-6, 6, shape)).astype(np.float32)


def scipy_median(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """The same windows by SciPy, without those that reach over the ends."""
    filtered: NDArray[np.float32] = median_filter(values, size=(width, 1))
    return filtered[width // 2 : len(values) - width // 2]


@pytest.mark.parametrize("width", [3, 7, 15, 31, 63])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 5), (2, 1), (15, 3), (16, 3), (17, 40), (33, 2), (300, 9)], ids=str
)
def test_medians_are_those_of_scipy_to_the_bit(width: int, shape: tuple[int, int]) -> None:
    values = noise(shape[0] + width - 1, shape[1])
    found = sliding_median(values, width=width)
    assert found.shape == shape
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, scipy_median(values, width))


@pytest.mark.parametrize("shape", [(1_100, 190), (200_000, 1), (31, 13_000)], ids=str)
def test_blocks_join_without_a_seam(shape: tuple[int, int]) -> None:
    values = noise(shape[0] + 30, shape[1])
    if shape[1] == 1:
        # SciPy's filter in one dimension is the faster one.
        expected = median_filter(values[:, 0], size=31)[15:-15, None]
    else:
        expected = scipy_median(values, 31)
    np.testing.assert_array_equal(sliding_median(values, width=31), expected)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_equal_values_are_counted_each(levels: int) -> None:
    values = np.random.default_rng(2).integers(0, levels, (130, 21)).astype(np.float32)
    np.testing.assert_array_equal(sliding_median(values, width=31), scipy_median(values, 31))


def test_infinite_values_keep_their_rank() -> None:
    values = noise(64, 4)
    values[::3, 1], values[::2, 2] = np.inf, -np.inf
    np.testing.assert_array_equal(sliding_median(values, width=31), scipy_median(values, 31))


def test_rows_may_lie_apart_in_memory() -> None:
    values = noise(90, 40)
    np.testing.assert_array_equal(
        sliding_median(values[::2, ::3], width=15), scipy_median(values[::2, ::3].copy(), 15)
    )


def test_the_values_are_left_as_they_are() -> None:
    values = noise(80, 5)
    before = values.copy()
    sliding_median(values, width=31)
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("width", [-1, 0, 1, 2, 5, 30, 32])
def test_a_width_that_no_network_fits_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"width {width} is not a power of two less one"):
        sliding_median(noise(100, 2), width=width)


def test_fewer_rows_than_the_width_are_refused() -> None:
    assert sliding_median(noise(31, 2), width=31).shape == (1, 2)
    with pytest.raises(ValueError, match="30 rows are fewer than the width 31"):
        sliding_median(noise(30, 2), width=31)


@pytest.mark.parametrize(
    ("frames", "bins", "width"), [(1, 1025, 31), (37, 1025, 31), (5, 40, 63), (4, 9, 31)]
)
def test_medians_along_the_bins_are_mirrored_at_the_ends_as_scipy_does(
    frames: int, bins: int, width: int
) -> None:
    power = np.abs(noise(frames, bins))
    expected = median_filter(power, size=(1, width), mode="reflect")
    np.testing.assert_array_equal(median_along_bins(power, width=width), expected)


def test_a_mirrored_row_repeats_its_ends() -> None:
    assert mirrored(-4, 7, size=3).tolist() == [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
