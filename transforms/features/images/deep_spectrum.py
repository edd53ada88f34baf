"""`deep-spectrum`: what an image net sees in the spectrogram pictures of a track, a row a chunk.

Amiriparian et al. (2019), after their Deep Spectrum toolkit: mel levels of a chunk, drawn as a figure of
227 x 227 pixels in a colour map, resized to what the net takes; the values of one of its layers are the
row. The presets "1s" and "5s" have the colours of the toolkit, "1s-magma" and "5s-magma" those of the
published run. The toolkit trims digital silence from both ends of a file; here it stays, since times would
shift.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples
from schemas.precision import Precision
from transforms.features.front_end import Extractor, FrontEnd, ImageExtractor, Layout, Net
from transforms.features.images.colour_table import colour_table
from transforms.features.images.drawing import RESIZING, Look, drawing
from transforms.features.images.mel_levels import fft_samples, mel_levels
from transforms.features.samples import check_samples, refusal

if TYPE_CHECKING:
    from models.image_nets.nets import KnownPictures

NAME, VERSION = "deep-spectrum", 1
SIDE = 224


@dataclass(frozen=True, slots=True)
class DeepSpectrumSettings:
    """How chunks are drawn and seen.

    `layer` is empty for the net's own (fc2 of VGG), `weights` is a file, empty for the fetched one, and
    `weights_sha256` what it must be, empty for any. `resize` is Pillow's filter: bicubic since Pillow 7,
    nearest before. `precision` is that of the net: float32, or int8, which is several times faster, close to
    it, and refused at its start where it is not. Raises DataError(bad_input) that names the value.
    """

    net: str = "vgg16"
    layer: str = ""
    weights: str = ""
    weights_sha256: str = ""
    window_s: float = 1.0
    hop_s: float = 1.0
    mel_bands: int = 128
    colour_map: str = "viridis"
    resize: str = "bicubic"
    precision: str = Precision.FLOAT32.value

    def __post_init__(self) -> None:
        for name, seconds in (("window_s", self.window_s), ("hop_s", self.hop_s)):
            if not (math.isfinite(seconds) and seconds > 0):
                raise refusal(f"{name} is {seconds}; it must be above zero")
        if self.mel_bands < 2:
            raise refusal(f"mel_bands is {self.mel_bands}; at least 2 are needed")
        if self.resize not in RESIZING:
            raise refusal(f"resize is {self.resize!r}; there are {', '.join(RESIZING)}")
        if self.precision not in list(Precision):
            raise refusal(f"precision is {self.precision!r}; there are {', '.join(Precision)}")


def spectrogram_images(
    samples: NDArray[np.float32],
    *,
    rate_hz: int,
    settings: DeepSpectrumSettings = DeepSpectrumSettings(),
    side: int = SIDE,
) -> NDArray[np.uint8]:
    """Pictures of the chunks: [chunks, side, side, 3] uint8 RGB, high bands at the top, time to the right.

    Samples are [n] float32 at any rate from 80 Hz on. Each chunk is scaled from its minimum to its maximum;
    one without any change has the first colour of the map throughout. Chunks: see `chunk_bounds`.
    Raises DataError(bad_input, too_short) that names the value.
    """
    bounds = _checked_bounds(samples, rate_hz=rate_hz, settings=settings)
    return _draw(samples, bounds, rate_hz=rate_hz, settings=settings, side=side)


def image_batches(
    samples: NDArray[np.float32],
    *,
    rate_hz: int,
    settings: DeepSpectrumSettings = DeepSpectrumSettings(),
    side: int = SIDE,
    batch: int,
) -> Iterator[NDArray[np.uint8]]:
    """The rows of `spectrogram_images`, at most `batch` at a time, so that memory is bounded."""
    bounds = _checked_bounds(samples, rate_hz=rate_hz, settings=settings)
    parts = (bounds[first : first + batch] for first in range(0, len(bounds), batch))
    return (_draw(samples, part, rate_hz=rate_hz, settings=settings, side=side) for part in parts)


def chunk_bounds(
    total_samples: int, *, rate_hz: int, settings: DeepSpectrumSettings
) -> Iterator[tuple[int, int]]:
    """First sample of each chunk and the one past its last.

    Chunk i starts at i * hop_s. There are as many as whole hops in the track, at least one; what is left of a
    last chunk is kept if it has at least one frame (`fft_samples`).
    """
    window = to_samples(settings.window_s, rate_hz=rate_hz)
    for index in itertools.count():
        start, following = (to_samples(k * settings.hop_s, rate_hz=rate_hz) for k in (index, index + 1))
        end = min(start + window, total_samples)
        if (index and following > total_samples) or end - start < fft_samples(rate_hz):
            return
        yield start, end


def deep_spectrum(net: Net, *, side: int, settings: DeepSpectrumSettings) -> ImageExtractor:
    """Samples [n] float32 at any rate -> what a net that takes images of that side sees: [chunks, values]."""
    return ImageExtractor(partial(image_batches, settings=settings, side=side, batch=net.batch), net)


def _checked_bounds(
    samples: NDArray[np.float32], *, rate_hz: int, settings: DeepSpectrumSettings
) -> list[tuple[int, int]]:
    check_samples(samples, rate_hz=rate_hz)
    shortest = fft_samples(rate_hz)
    check_samples(samples[:shortest], rate_hz=rate_hz, minimum_samples=shortest)
    if to_samples(settings.window_s, rate_hz=rate_hz) < shortest:
        raise refusal(f"window_s is {settings.window_s}; at {rate_hz} Hz a frame has {shortest} samples")
    if to_samples(settings.hop_s, rate_hz=rate_hz) < 1:
        raise refusal(f"hop_s is {settings.hop_s}; at {rate_hz} Hz that is less than a sample")
    return list(chunk_bounds(len(samples), rate_hz=rate_hz, settings=settings))


def _draw(
    samples: NDArray[np.float32],
    bounds: list[tuple[int, int]],
    *,
    rate_hz: int,
    settings: DeepSpectrumSettings,
    side: int,
) -> NDArray[np.uint8]:
    look = Look(settings.colour_map, settings.resize, side)
    images = np.empty((len(bounds), side, side, 3), np.uint8)
    for image, (start, end) in zip(images, bounds, strict=True):
        levels = mel_levels(samples[start:end], rate_hz=rate_hz, bands=settings.mel_bands)
        drawing(len(levels), settings.mel_bands, rate_hz, look)(levels, image)
    return images


def _layout(settings: DeepSpectrumSettings) -> Layout:
    from models.image_nets.nets import value_count

    count = value_count(settings.net, settings.layer)
    return Layout(tuple(f"neuron_{number}" for number in range(count)), step_s=settings.hop_s)


def _needs(settings: DeepSpectrumSettings) -> dict[str, str]:
    """The layer that is read, and the weights by what they are, not by where they lie.

    DataError(bad_input) where they are not those that the settings ask for.
    """
    from models.image_nets.fetching import known_sha256
    from models.image_nets.graph import layer_of
    from models.image_nets.quantised import openvino_version
    from models.image_nets.registry import net_entry
    from models.image_nets.weights import weights_path

    colour_table(settings.colour_map)
    path = weights_path(settings.net, given=settings.weights)
    layer, found = layer_of(net_entry(settings.net), settings.layer), known_sha256(path)
    if settings.weights_sha256 not in ("", found):
        raise refusal(f"{path} has SHA-256 {found}; weights of {settings.weights_sha256} are asked for")
    needed = {"layer": layer, "weights": f"sha256 {found}"}
    if settings.precision == Precision.INT8:
        needed["openvino"] = openvino_version()
    return needed


def _start(settings: DeepSpectrumSettings) -> Extractor:
    from models.image_nets.nets import load_net

    int8 = settings.precision == Precision.INT8
    pictures = _known_pictures(settings.colour_map, settings.net) if int8 else None
    net = load_net(settings.net, layer=settings.layer, weights=settings.weights, quantised_by=pictures)
    return deep_spectrum(net, side=net.input_size, settings=settings)


@cache
def _known_pictures(colour_map: str, net: str) -> KnownPictures:
    """Drawn once for all settings of a bundle: those that differ in the length of chunks share one net."""
    from models.image_nets.nets import KnownPictures
    from models.image_nets.registry import net_entry
    from transforms.features.images.known_pictures import known_pictures

    pictures = known_pictures(colour_map, side=net_entry(net).input_size)
    return KnownPictures(colour_map, pictures[::2], pictures[1::2])


FRONT_END: FrontEnd[DeepSpectrumSettings] = FrontEnd(
    name=NAME,
    version=VERSION,
    about="an image net's view of spectrogram pictures (Amiriparian 2019, Deep Spectrum)",
    rate_hz=None,
    presets={
        "1s": DeepSpectrumSettings(),
        "5s": DeepSpectrumSettings(window_s=5.0, hop_s=5.0),
        "1s-magma": DeepSpectrumSettings(colour_map="magma"),
        "5s-magma": DeepSpectrumSettings(window_s=5.0, hop_s=5.0, colour_map="magma"),
    },
    layout=_layout,
    start=_start,
    needs=_needs,
)
