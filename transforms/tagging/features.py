"""Features of a track for every front end of a bundle: one decoding for each rate that they take.

16 kHz     blocks -> streams         (crnn-logmel, window-image, mel-steps, step-mel: never the whole track)
any other  all samples -> extractor  (a whole track in memory)
                       -> pictures   (deep-spectrum: what its net sees in them is for ImageBatcher)
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, bad_bundle
from transforms.features.front_end import Extractor, ImageExtractor, Layout, Net
from transforms.features.mel.spectrum import RATE_HZ
from transforms.features.registry import front_end, settings_of
from transforms.features.streams import STREAMED, Streamed, extract
from transforms.tracks.reader import TrackReading


@dataclass(frozen=True, slots=True)
class Rows:
    """Features of a track: values [rows, ...] on the clock of `layout`, of so many samples at a rate."""

    values: NDArray[Any]
    layout: Layout
    rate_hz: int
    total_samples: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of a track that `net` has not seen yet: `blocks` [some, side, side, 3] uint8, each drawn when
    it is asked for, once. What the net sees are rows on the clock of `layout`."""

    blocks: Iterator[NDArray[np.uint8]]
    net: Net
    layout: Layout
    rate_hz: int
    total_samples: int


Features = Mapping[str, Rows | Pictures]


@dataclass(frozen=True, slots=True)
class _Whole:
    """A front end with its settings, ready to work on whole tracks."""

    key: str
    rate_hz: int | None
    layout: Layout
    extractor: Extractor

    def features(self, samples: NDArray[np.float32], *, rate_hz: int) -> Rows | Pictures:
        """Of a track at its rate."""
        if isinstance(self.extractor, ImageExtractor):
            blocks = self.extractor.draw(samples, rate_hz=rate_hz)
            return Pictures(blocks, self.extractor.net, self.layout, rate_hz, len(samples))
        return Rows(self.extractor(samples, rate_hz=rate_hz), self.layout, rate_hz, len(samples))


class FrontEnds:
    """The front ends of a bundle, started; shared by the threads of a worker process."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are `Member.input_key`: name@version, and settings as JSON where they are not the default.

        Raises DataError: bad_bundle for a front end, a version or a setting that is not here; not_found or
        bad_input where its weights or its library are missing.
        """
        self._streamed: list[Streamed] = [STREAMED[key] for key in keys if key in STREAMED]
        self._whole = [_started(key) for key in keys if key not in STREAMED]

    def layout(self, key: str) -> Layout:
        """Names and clock of a front end's rows."""
        if key in STREAMED:
            return STREAMED[key].front_end.layout(None)
        return next(whole.layout for whole in self._whole if whole.key == key)

    def features_of(self, reading: TrackReading) -> Features:
        """Read a track to its end, once for each rate; features by key. DataError of reading and features."""
        found: dict[str, Rows | Pictures] = {}
        if self._streamed:
            values = extract(
                reading.blocks(RATE_HZ), self._streamed, total_samples=lambda: reading.total_samples
            )
            for key, some in values.items():
                found[key] = Rows(some, self.layout(key), RATE_HZ, reading.total_samples)
        for rate_hz in dict.fromkeys(whole.rate_hz for whole in self._whole):
            samples = reading.samples(rate_hz)
            for whole in self._whole:
                if whole.rate_hz == rate_hz:
                    found[whole.key] = whole.features(samples, rate_hz=reading.rate_hz)
        return found


def _started(key: str) -> _Whole:
    name, _, values = key.partition(" ")
    try:
        chosen = front_end(name.partition("@")[0])
    except DataError as error:
        raise bad_bundle(error.message) from error
    if chosen.key != name:
        raise bad_bundle(f"front end {name} is not here; there is {chosen.key}")
    settings = _with(next(iter(chosen.presets.values())), json.loads(values) if values else {}, key=name)
    chosen.needs(settings)
    return _Whole(key, chosen.rate_hz, chosen.layout(settings), chosen.start(settings))


def _with(settings: Any, values: Mapping[str, Any], *, key: str) -> Any:
    """The default settings with a bundle's values in place of some."""
    known = settings_of(settings)
    for name, value in values.items():
        if name not in known or not isinstance(value, type(known[name])):
            raise bad_bundle(f"front end {key} has no setting {name} = {value!r}")
    try:
        return dataclasses.replace(settings, **values) if values else settings
    except DataError as error:
        raise bad_bundle(f"front end {key}: {error.message}") from error
