"""What holds for every front end and preset of the registry: layout, refusals, finite numbers, pins."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.image_nets import nets
from schemas.errors import DataError, FailureKind, Stage
from tests.sounds import music
from transforms.features.front_end import Extractor
from transforms.features.registry import FRONT_ENDS, choose, front_end

PRESETS = [(name, preset) for name, one in FRONT_ENDS.items() for preset in one.presets]
EVERY_PRESET = pytest.mark.parametrize(("name", "preset"), PRESETS, ids=str)
# Ten seconds and a little: enough for every window that there is.
SECONDS = 10.25


def rate_of(name: str) -> int:
    """The rate that a front end takes, 44.1 kHz where it takes any."""
    return front_end(name).rate_hz or 44_100


@functools.cache
def random_net(name: str, layer: str) -> nets.ImageNet:
    """An image net with random weights, built once."""
    return nets.build_net(name, layer=layer)


def started(name: str, preset: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Extractor, Any]:
    """A front end ready to work, with its settings; an image net has random weights."""
    if name == "compare-lld" and importlib.util.find_spec("opensmile") is None:
        pytest.skip("openSMILE (the `opensmile` extra) is not installed")
    changes = {}
    if name == "deep-spectrum":
        monkeypatch.setattr(
            nets, "load_net", lambda net, *, layer, weights, quantised_by: random_net(net, layer)
        )
        changes = {"net": "squeezenet"}
    settings = choose(front_end(name), preset, changes)
    return front_end(name).start(settings), settings


def sound(name: str, seconds: float = SECONDS) -> NDArray[np.float32]:
    """Composed music at the rate of a front end."""
    return composed(seconds, rate_of(name)).copy()


@functools.cache
def composed(seconds: float, rate_hz: int) -> NDArray[np.float32]:
    """Composed music, made once."""
    return music(seconds, rate_hz=rate_hz)


def with_one(samples: NDArray[np.float32], value: float) -> NDArray[np.float32]:
    """The samples with one in their place 77."""
    spoilt = samples.copy()
    spoilt[77] = value
    return spoilt


@EVERY_PRESET
def test_rows_have_the_shape_and_the_number_that_the_layout_says(
    name: str, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, settings = started(name, preset, monkeypatch)
    layout = front_end(name).layout(settings)
    samples = sound(name)
    values = extract(samples, rate_hz=rate_of(name))
    assert values.dtype in (np.float32, np.uint8)
    assert values.shape[1:] == layout.row_shape
    assert len(set(layout.names)) == len(layout.names) == np.prod(layout.row_shape)
    last_s = layout.start_s + (len(values) - 1) * layout.step_s
    # The last row begins inside the track, and the rows go on to near its end.
    assert last_s <= SECONDS < last_s + max(layout.step_s, 5.0) + 5.0
    assert np.isfinite(values).all()


@EVERY_PRESET
@pytest.mark.parametrize(
    "sounding", ["silence", "constant", "click", "almost silence", "jump", "beyond full scale"]
)
def test_sounds_without_music_give_finite_numbers(
    name: str, preset: str, sounding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, _ = started(name, preset, monkeypatch)
    count = round(SECONDS * rate_of(name))
    samples = {
        "silence": np.zeros(count),
        "constant": np.full(count, 0.5),
        "click": (np.arange(count) == count // 2).astype(float),
        "almost silence": np.full(count, 1e-20),
        "jump": np.arange(count) // (count // 2),
        "beyond full scale": np.where(np.arange(count) % 80 < 40, 1e4, -1e4),
    }[sounding].astype(np.float32)
    assert np.isfinite(extract(samples, rate_hz=rate_of(name))).all()


@EVERY_PRESET
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda samples: samples.astype(np.float64), r"samples must be float32 \[n\], not float64 \["),
        (lambda samples: np.stack([samples, samples], 1), r"samples must be float32 \[n\], not float32 \["),
        (lambda samples: samples[:0], "samples are empty"),
        (lambda samples: np.where(np.arange(len(samples)) == 77, np.nan, samples), "sample 77 is not finite"),
        (
            lambda samples: np.where(np.arange(len(samples)) == 77, -np.inf, samples),
            "sample 77 is not finite",
        ),
        (lambda samples: samples * np.float32(1e12), "a sample of .* is beyond 1e\\+09"),
    ],
    ids=["float64", "stereo", "empty", "not a number", "infinite", "absurdly loud"],
)
def test_what_is_not_samples_is_refused_with_its_value(
    name: str, preset: str, spoil: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, _ = started(name, preset, monkeypatch)
    with pytest.raises(DataError, match=f"^{message}") as caught:
        extract(spoil(sound(name)), rate_hz=rate_of(name))
    assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.FEATURES)


@EVERY_PRESET
@pytest.mark.parametrize("rate_hz", [0, -16_000, 16_000.5])
def test_a_rate_that_is_none_is_refused(
    name: str, preset: str, rate_hz: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, _ = started(name, preset, monkeypatch)
    with pytest.raises(DataError, match=rf"^rate_hz is {rate_hz}; it must be a whole number above zero$"):
        extract(sound(name), rate_hz=rate_hz)


@pytest.mark.parametrize(("name", "preset"), [pair for pair in PRESETS if front_end(pair[0]).rate_hz])
def test_another_rate_than_the_front_ends_is_refused(
    name: str, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, _ = started(name, preset, monkeypatch)
    with pytest.raises(DataError, match=rf"^rate_hz is 8000; this front end takes {rate_of(name)}$"):
        extract(sound(name), rate_hz=8000)


@EVERY_PRESET
def test_the_same_samples_give_the_same_numbers(
    name: str, preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract, _ = started(name, preset, monkeypatch)
    samples = sound(name, 6.0)
    kept = samples.copy()
    once, again = (extract(samples, rate_hz=rate_of(name)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(samples, kept)


def test_every_front_end_is_pinned_by_golden_values_under_its_version() -> None:
    files = [file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py")]
    pinned = {
        key
        for text in files
        if re.search(r"^GOLDEN\b", text, re.MULTILINE)
        for key in re.findall(r'"([a-z0-9-]+@\d+)"', text)
    }
    assert {one.key for one in FRONT_ENDS.values()} <= pinned
