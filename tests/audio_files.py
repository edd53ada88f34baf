"""Files of sound as bytes, by the encoders of libsndfile and FFmpeg: the same bytes from the same samples,
but for libsndfile's Ogg, whose streams have random numbers."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import soundfile

_BIT_EXACT = 1 << 23  # AV_CODEC_FLAG_BITEXACT: no version of the library in the file


def by_sndfile(samples: Any, rate_hz: int, format_: str, subtype: str | None = None) -> bytes:
    """Samples [n, channels] as a file of libsndfile's."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=format_, subtype=subtype)
    return file.getvalue()


def by_ffmpeg(
    samples: Any, rate_hz: int, container: str, codec: str, *, bit_rate: int | None = 128_000
) -> bytes:
    """Samples [n, channels] as a file of FFmpeg's: mono, stereo, 5.1 or 7.1."""
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[samples.shape[1]]
    if codec == "alac" and layout == "7.1":
        layout = "7.1(wide)"  # which is what ALAC has
    file = io.BytesIO()
    with av.open(file, "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout, options={"strict": "experimental"})
        stream.codec_context.flags |= _BIT_EXACT
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = rate_hz, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return file.getvalue()
