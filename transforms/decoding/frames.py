"""Frames of FFmpeg's, whatever their samples are, to float32 samples of full scale 1."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

# Full scale of the formats that NumPy can take as they are; exact in single precision.
_SCALES: Mapping[str, float] = MappingProxyType(
    {"u8": 1 / 128, "s16": 1 / 32_768, "s32": 1 / 2_147_483_648, "flt": 1.0, "dbl": 1.0}
)
# From so many on, PyAV takes what lies behind the pointers to the planes for another pointer.
_MANY_PLANES = 8


class FrameConverter:
    """Converts the frames of one stream; its layout and format may change."""

    def __init__(self) -> None:
        self._packer: av.AudioResampler | None = None
        self._packed: tuple[str, str, int] | None = None

    def samples(self, frame: av.AudioFrame) -> NDArray[np.float32]:
        """All samples of a frame: [n, channels]."""
        kind, channels = frame.format.name.removesuffix("p"), frame.layout.nb_channels
        if kind not in _SCALES or (frame.format.is_planar and channels >= _MANY_PLANES):
            return self._by_ffmpeg(frame, channels)
        values = frame.to_ndarray()
        values = values.T if frame.format.is_planar else values.reshape(-1, channels)
        if kind == "u8":
            values = values.astype(np.float32) - 128
        samples: NDArray[np.float32] = np.ascontiguousarray(values, np.float32)
        return samples if _SCALES[kind] == 1 else samples * np.float32(_SCALES[kind])

    def _by_ffmpeg(self, frame: av.AudioFrame, channels: int) -> NDArray[np.float32]:
        """As above, the planes put together by FFmpeg."""
        import av

        kind = (frame.format.name, frame.layout.name, frame.rate)
        if self._packer is None or kind != self._packed:
            self._packer = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.rate)
            self._packed = kind
        parts = [part.to_ndarray().reshape(-1, channels) for part in self._packer.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros((0, channels), np.float32)
