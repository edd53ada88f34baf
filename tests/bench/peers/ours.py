"""This project, one file after another: the main job's worker, bytes to Parquet rows; and its pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models.bundle_source import open_bundle
from schemas.precision import Precision
from schemas.track import Track, TrackGroup
from tests.bench.nine import vgg16_file
from tests.bench.peers.drawn_deep_spectrum import CHUNKS
from tests.jobs import plan_run
from transforms.tagging.job import at_precision
from transforms.tagging.worker import BATCH, WorkSettings
from transforms.writing.parts import PartWriter


def start() -> Callable[[Path], list[float]]:
    """A file to calibrated scores; rows of all tables are written. Batches are filled up for each file, which
    those of a job are not."""
    scores: list[float] = []
    worker = started(plan_for("default"), scores)

    def run(file: Path) -> list[float]:
        list(worker.process(TrackGroup(Track(str(file), str(file)))))
        list(worker.flush())
        return scores

    return run


def plan_for(bundle: str, *, precision: Precision = Precision.FLOAT32, batch_size: int = BATCH) -> Any:
    """The main job with a bundle, into a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="moodscribe-bench-"))
    (folder / "asked-later.wav").touch()
    opened = at_precision(open_bundle(bundle), precision)
    work = WorkSettings(precision=precision, batch_size=batch_size)
    return plan_run(folder, folder / "moods", opened, work=work).job


def started(job: Any, scores: list[float]) -> Any:
    """A worker of a job that writes its rows; `scores` has those of the track that it settled last."""
    writer = PartWriter(job.identity.staging_uri, job.results, rows_per_file=job.rows_per_file)

    def sink(table: str, rows: Sequence[Any]) -> None:
        list(writer.write(table, rows))
        if table == "mood_tags":
            scores[:] = [row.score for row in rows]

    return job.worker(job.load(), sink)


def start_pictures() -> Callable[[Path], list[float]]:
    """A file to the first values of fc2 of each chunk of `drawn_deep_spectrum`."""
    import soundfile

    from models.image_nets.nets import load_net
    from transforms.features.images.deep_spectrum import DeepSpectrumSettings, spectrogram_images

    net = load_net("vgg16", weights=str(vgg16_file()))

    def run(file: Path) -> list[float]:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        found: list[float] = []
        for window_s, count in CHUNKS:
            settings = DeepSpectrumSettings(window_s=window_s, hop_s=window_s)
            some = mono[: round(count * window_s * rate_hz)]
            values = net.features(spectrogram_images(some, rate_hz=rate_hz, settings=settings))
            found += [float(value) for value in values[:, 0]]
        return found

    return run
