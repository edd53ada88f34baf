"""What a bundle costs: seconds of one core for a track of 210 s, from the bytes of an MP3 to its rows."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import Bundle
from pipelines.training.clips import PLAIN, RATE_HZ, Clip, decode
from pipelines.training.forms import FORMS
from schemas.errors import DataError
from transforms.tagging.in_memory import load_tagger

TRACK_S = 210.0
_RATE_HZ = 44_100
_TRACKS = 8
_FORM = "MP3 128 kbit/s"


def measure_speed(bundle: Bundle, clips: Sequence[Clip]) -> dict[str, Any]:
    """Seconds of CPU a track, of this process and of its decoders, and seconds on the clock, after a track
    that is not counted. Tracks are clips one after another, as stereo MP3 at 44.1 kHz and 128 kbit/s.

    Raises the DataError of a track that cannot be tagged.
    """
    tagger = load_tagger(bundle)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "track.mp3"
        path.write_bytes(_track(clips))
        # The models are compiled for every shape of batch.
        tagger.tag({"first": path})
        cpu, clock = _cpu_s(), time.monotonic()
        done = tagger.tag({str(number): path for number in range(_TRACKS)})
        cpu, clock = _cpu_s() - cpu, time.monotonic() - clock
    for one in done.values():
        if isinstance(one, DataError):
            raise one
    return {"cpu_s": cpu / _TRACKS, "clock_s": clock / _TRACKS, "track_s": TRACK_S}


def _track(clips: Sequence[Clip]) -> bytes:
    import soxr

    wanted = round(TRACK_S * RATE_HZ)
    pieces = []
    for clip in clips:
        pieces.append(decode(clip, PLAIN))
        if sum(map(len, pieces)) >= wanted:
            break
    samples = np.resize(np.concatenate(pieces), wanted)
    music = soxr.resample(samples, RATE_HZ, _RATE_HZ).astype(np.float32)
    return FORMS[_FORM].change(np.stack([music, music], axis=1), _RATE_HZ)


def _cpu_s() -> float:
    """Seconds of CPU of this process and of those that it has waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
