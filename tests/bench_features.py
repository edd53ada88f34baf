"""`make bench-features`: every front end beside its reference, one core, in one process; then VGG16.

Run as `python -m tests.bench_features`; NAMES picks rows. The children that measure memory and VGG16 are
this module again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Before numpy starts.
if "--vgg16" not in sys.argv:
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[_name] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from pipelines.running.local_runner import descendants
from tests.bench.one_core import VGG16_FLOP
from tests.sounds import clicks, music
from tests.timing import Work, median_seconds, seconds_of

SECONDS = 60
Samples = NDArray[np.float32]


def front_end_work(name: str) -> Callable[[Samples, int], Work]:
    """A front end as a job starts it, with its default preset."""

    def prepare(samples: Samples, rate_hz: int) -> Work:
        from transforms.features.registry import choose, front_end

        chosen = front_end(name)
        extract = chosen.start(choose(chosen, None, {}))
        return lambda: extract(samples, rate_hz=rate_hz)

    return prepare


def reference_work(module: str) -> Callable[[Samples, int], Work]:
    """The peer's code path: `reference` of a module of tests.references."""

    def prepare(samples: Samples, rate_hz: int) -> Work:
        reference = importlib.import_module(f"tests.references.{module}").reference
        return lambda: reference(samples, rate_hz=rate_hz)

    return prepare


def step_mel_theirs(samples: Samples, rate_hz: int) -> Work:
    """The published formula of the bands, on the clock and at the level of `step-mel`."""
    from tests.features.step_mel_formula import reference

    return lambda: reference(samples, rate_hz=rate_hz)


def images(samples: Samples, rate_hz: int) -> Work:
    """Pictures from samples, before the net."""
    from transforms.features.images.deep_spectrum import spectrogram_images

    return lambda: spectrogram_images(samples, rate_hz=rate_hz)


def levels_of_seconds(samples: Samples, rate_hz: int) -> list[NDArray[np.float32]]:
    """Mel levels of each second: [frames, 128]."""
    from transforms.features.images.mel_levels import mel_levels

    chunks = samples.reshape(-1, rate_hz)
    return [mel_levels(chunk, rate_hz=rate_hz, bands=128) for chunk in chunks]


def drawing_ours(samples: Samples, rate_hz: int) -> Work:
    """Pictures from mel levels."""
    from transforms.features.images.drawing import Look, drawing

    levels = levels_of_seconds(samples, rate_hz)
    draw = drawing(len(levels[0]), 128, rate_hz, Look("viridis", "bicubic", 224))
    image = np.empty((224, 224, 3), np.uint8)

    def run() -> None:
        for each in levels:
            draw(each, image)

    return run


def drawing_theirs(samples: Samples, rate_hz: int) -> Work:
    """The drawn figures of the same levels."""
    from tests.references.deep_spectrum import drawn, resized

    levels = [each.T for each in levels_of_seconds(samples, rate_hz)]
    return lambda: [resized(drawn(each, rate_hz=rate_hz, colour_map="viridis"), "bicubic") for each in levels]


def separation_ours(samples: Samples, rate_hz: int) -> Work:
    """Masked power from a power spectrum, ten seconds at a time."""
    from transforms.features.chroma.separation import separate
    from transforms.features.chroma.spectrum import frame_count, power_spectrum

    total = frame_count(len(samples))
    power = power_spectrum(samples, first=0, end=total)
    stretches = [range(first, min(first + 431, total)) for first in range(0, total, 431)]

    def run() -> None:
        for frames in stretches:
            separate(
                lambda first, end: power[first:end],
                frames=frames,
                total=total,
                kernel_frames=31,
                kernel_bins=31,
            )

    return run


def separation_theirs(samples: Samples, rate_hz: int) -> Work:
    """librosa's masks from a magnitude spectrum."""
    from librosa import stft
    from librosa.decompose import hpss

    magnitude = np.abs(stft(samples))
    return lambda: hpss(magnitude, mask=True, power=np.inf)


@dataclass(frozen=True, slots=True)
class Case:
    """A row: what is measured at which rate, and who computes the same elsewhere."""

    label: str
    peer: str
    rate_hz: int
    ours: Callable[[Samples, int], Work]
    theirs: Callable[[Samples, int], Work]


def whole(name: str, peer: str, rate_hz: int) -> Case:
    """A front end beside the reference of its own name."""
    return Case(name, peer, rate_hz, front_end_work(name), reference_work(name.replace("-", "_")))


CASES = (
    whole("crnn-logmel", "librosa", 16_000),
    whole("vggish", "published formula, NumPy", 16_000),
    whole("yamnet", "published formula, TensorFlow", 16_000),
    Case("step-mel", "published formula, NumPy", 16_000, front_end_work("step-mel"), step_mel_theirs),
    whole("mel96", "librosa", 22_050),
    Case("deep-spectrum images", "librosa + matplotlib", 44_100, images, reference_work("deep_spectrum")),
    Case("deep-spectrum drawing", "matplotlib figure", 44_100, drawing_ours, drawing_theirs),
    whole("compare-lld", "opensmile", 44_100),
    whole("psychoacoustics", "published formulas, NumPy", 44_100),
    whole("pyaudio-68", "pyAudioAnalysis", 44_100),
    whole("hpss-chroma", "librosa", 22_050),
    Case("hpss-chroma separation", "librosa", 22_050, separation_ours, separation_theirs),
)

HEAD = """\
| front end | s a minute of audio | peak MB | reference | its s a minute | ratio |
|---|---|---|---|---|---|"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Every front end beside its reference, on one core.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows by their first column (default: all)")
    parser.add_argument("--repeats", type=int, default=5, help="medians of so many (default: %(default)s)")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--vgg16", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.vgg16:
        print(vgg16_line())
        return
    chosen = [case for case in CASES if not arguments.names or case.label in arguments.names]
    if arguments.row or arguments.memory:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        print(peak_mb(chosen[0]) if arguments.memory else line(chosen[0], arguments.repeats))
        return
    print(HEAD)
    for case in chosen:
        # A process for each row: openSMILE's library does not bear TensorFlow beside it.
        print(child("--row", case.label, "--repeats", str(arguments.repeats)), flush=True)
    if not arguments.names:
        print("\n" + child("--vgg16"))


def line(case: Case, repeats: int) -> str:
    """One row of the table."""
    samples = sounds(case.rate_hz)
    ours, theirs = case.ours(samples, case.rate_hz), case.theirs(samples, case.rate_hz)
    taken = median_seconds({"ours": ours, "theirs": theirs}, repeats)
    ours_s, theirs_s = taken["ours"], taken["theirs"]
    peak = float(child("--memory", case.label))
    return (
        f"| `{case.label}` | {ours_s:.3f} | {peak:,.0f} | {case.peer} | {theirs_s:.3f} "
        f"| {theirs_s / ours_s:,.1f} |"
    )


def sounds(rate_hz: int) -> Samples:
    """A minute of composed tones, noise and beats: [n] float32."""
    return music(SECONDS, rate_hz=rate_hz) + clicks(SECONDS, every_s=0.5, rate_hz=rate_hz)


def child(*arguments: str) -> str:
    """What this module prints in a process of its own."""
    command = [sys.executable, "-m", "tests.bench_features", *arguments]
    environment = {**os.environ}
    if "--vgg16" in arguments:
        environment = {name: value for name, value in environment.items() if not name.endswith("_THREADS")}
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return ended.stdout.strip()


def peak_mb(case: Case) -> float:
    """What a minute takes at its peak, results included, the minute itself not: arrays and memory of native
    libraries, here and in child processes, beyond what is there when three seconds have gone through."""
    samples = sounds(case.rate_hz)
    case.ours(samples[: 3 * case.rate_hz], case.rate_hz)()
    work = case.ours(samples, case.rate_hz)
    processes = [os.getpid(), *descendants(os.getpid())]
    for process in processes:
        Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak starts anew
    before = [_status_mb(process, "VmRSS") for process in processes]
    tracemalloc.start()
    work()
    arrays = tracemalloc.get_traced_memory()[1] / (1 << 20)
    grown = [_status_mb(process, "VmHWM") - rss for process, rss in zip(processes, before, strict=True)]
    # Arrays may lie where the process had room already.
    return max(arrays, grown[0]) + sum(grown[1:])


def _status_mb(process: int, name: str) -> float:
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


IMAGES = 36


def vgg16_line() -> str:
    """Images through VGG16 to fc2 beside the machine's own matrix products, on all cores, in turns."""
    from models.image_nets.nets import build_net

    net = build_net("vgg16")
    some = np.random.default_rng(1).integers(0, 256, (IMAGES, 224, 224, 3), np.uint8)
    side = 4096
    matrix = np.random.default_rng(2).random((side, side), np.float32)
    net.features(some[:4])
    best_s, best_product_s = np.inf, np.inf
    for _ in range(4):
        best_s = min(best_s, seconds_of(lambda: net.features(some)))
        for _ in range(3):
            best_product_s = min(best_product_s, seconds_of(lambda: matrix @ matrix))
    reached, product = IMAGES * VGG16_FLOP / best_s / 1e9, 2 * side**3 / best_product_s / 1e9
    return (
        f"VGG16 to fc2: {IMAGES} images in {best_s:.2f} s, {reached:.0f} GFLOP/s; "
        f"float32 matrix products of NumPy: {product:.0f} GFLOP/s; ratio {reached / product:.2f}"
    )


if __name__ == "__main__":
    main()
