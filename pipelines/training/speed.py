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
from transforms.tagging.in_memory import FileTagger, load_tagger

TRACK_S = 210.0
_RATE_HZ = 44_100
_FEW, _MANY = 8, 24
_FORM = "MP3 128 kbit/s"


def measure_speed(bundle: Bundle, clips: Sequence[Clip]) -> dict[str, Any]:
    """Seconds of CPU a track, of this process and of its decoder, and seconds on the clock.

    Tracks are clips one after another, as stereo MP3 at 44.1 kHz and 128 kbit/s. What many take less what few
    take: a worker starts its decoder once, for however many tracks. Raises the DataError of a track that
    cannot be tagged.
    """
    tagger = load_tagger(bundle)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "track.mp3"
        path.write_bytes(_track(clips))
        # The models are compiled for every shape of batch.
        _spent(tagger, path, 1)
        few, many = (np.array(_spent(tagger, path, count)) for count in (_FEW, _MANY))
    cpu_s, clock_s = (many - few) / (_MANY - _FEW)
    return {"cpu_s": float(cpu_s), "clock_s": float(clock_s), "track_s": TRACK_S}


def _spent(tagger: FileTagger, path: Path, count: int) -> tuple[float, float]:
    """Seconds of CPU and on the clock for so many tracks."""
    cpu, clock = _cpu_s(), time.monotonic()
    done = tagger.tag({str(number): path for number in range(count)})
    for one in done.values():
        if isinstance(one, DataError):
            raise one
    return _cpu_s() - cpu, time.monotonic() - clock


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
