"""`moodscribe listen`: valence, arousal and a colour twice a second, while the sound plays."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pipelines.option_hints import HintingParser
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    from pipelines.listening.bar import ListenBar
    from transforms.listening.emotion import Reading
    from transforms.listening.hearing import Heard
    from transforms.listening.pcm import PcmFormat

_LISTEN = """\
Say twice a second how what is heard feels: valence and arousal in [-1, 1], and their colour for a lamp.

FILE is played at its own speed. Without FILE, raw PCM is taken from standard input as it arrives. Each half
second gives one JSON line on standard output:

  {"time_s": 12.5, "valence": 0.21, "arousal": -0.1, "colour": "#7f9a5c", "delay_ms": 48.3}

time_s is the end of the audio that the line tells of; delay_ms is the time from then (a file: when that
moment would sound; standard input: when its bytes came in) to the line. On a terminal, a bar shows the same.

The numbers are provisional. The models of a bundle are made for whole tracks: live, the level of the track is
that of the loudest moment so far, and models that look ahead are shown nothing of what is to come.
`moodscribe tag` gives the curves of whole tracks.
"""

_EXAMPLES = """\
examples:
  moodscribe listen song.mp3
  moodscribe listen song.mp3 --fast > song.jsonl
  arecord -q -t raw -f S16_LE -r 44100 -c 1 | moodscribe listen
  ffmpeg -v error -i http://radio.example/stream -f f32le -ar 48000 -ac 2 - \\
      | moodscribe listen --rate 48000 --format f32le --channels 2

It ends with the sound, with Ctrl-C (exit status 130), or when nobody reads its lines any more.
"""

_RATE_HZ, _FORMAT, _CHANNELS = 44_100, "s16le", 1
_FILE_BYTES = 1 << 30
_DECODED_SAMPLES = 1 << 14


def add_listen(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """Add `listen` to the command line."""
    listen = commands.add_parser(
        "listen",
        help="say how what is heard feels, twice a second",
        description=_LISTEN,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listen.add_argument("file", nargs="?", metavar="FILE", help="audio file (default: raw PCM from stdin)")
    listen.add_argument(
        "--bundle",
        default="default",
        help="models: a shipped name, a folder, gs:// or s3:// (default: %(default)s)",
    )
    pcm = listen.add_argument_group("raw PCM from standard input")
    pcm.add_argument("--rate", type=int, metavar="HZ", help=f"sample rate (default: {_RATE_HZ})")
    pcm.add_argument("--format", metavar="NAME", help=f"s16le or f32le (default: {_FORMAT})")
    pcm.add_argument("--channels", type=int, metavar="N", help=f"interleaved (default: {_CHANNELS})")
    listen.add_argument("--fast", action="store_true", help="take FILE as fast as it can be read")
    listen.add_argument("--json", action="store_true", help="write the lines to a terminal too, for the bar")
    listen.add_argument("--no-bar", action="store_true", help="no bar, also on a terminal")
    listen.set_defaults(run=_run_listen)


def _run_listen(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.cli import EXIT_DONE, EXIT_INTERRUPTED

    # Before numpy starts: the reading of one half second is too little work to share.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        with _ended_by_sigterm():
            _listen(arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # What is left in Python's buffer has nowhere to go either, and would be complained of at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_DONE


def _listen(arguments: argparse.Namespace) -> None:
    pcm = _pcm(arguments)
    from transforms.bundles import open_bundle
    from transforms.listening.members import load_listeners
    from transforms.listening.session import listen

    bundle = open_bundle(arguments.bundle)
    with _heard(arguments, pcm) as (heard, rate_hz):
        listeners = load_listeners(bundle)
        if listeners.left_out:
            names = ", ".join(listeners.left_out)
            print(f"moodscribe listen: without {names}, which cannot run live", file=sys.stderr)
        listeners.warm_up(rate_hz=rate_hz)
        _write(arguments, listen(heard, listeners.start(rate_hz=rate_hz), rate_hz=rate_hz))


def _write(arguments: argparse.Namespace, readings: Iterable[tuple[Reading, float]]) -> None:
    with _output(arguments) as output:
        for reading, heard_s in readings:
            output.write(reading, heard_s)


def _pcm(arguments: argparse.Namespace) -> PcmFormat | None:
    """What comes on standard input, None for a file; DataError(bad_input) for options that do not fit."""
    from transforms.listening.pcm import PcmFormat

    given = {"rate": arguments.rate, "format": arguments.format, "channels": arguments.channels}
    if arguments.file is not None:
        if unfit := [f"--{name} {value}" for name, value in given.items() if value is not None]:
            raise _refusal(f"{unfit[0]} is for standard input; {arguments.file} says what it is itself")
        return None
    if arguments.fast:
        raise _refusal("--fast is for a FILE: standard input is taken as it comes")
    if sys.stdin is None or sys.stdin.isatty():
        raise _refusal("nothing to listen to: name a FILE, or send raw PCM to standard input")
    return PcmFormat(
        rate_hz=_RATE_HZ if arguments.rate is None else arguments.rate,
        encoding=_FORMAT if arguments.format is None else arguments.format,
        channels=_CHANNELS if arguments.channels is None else arguments.channels,
    )


@contextlib.contextmanager
def _heard(arguments: argparse.Namespace, pcm: PcmFormat | None) -> Iterator[tuple[Iterator[Heard], int]]:
    """The blocks to listen to and their rate."""
    from transforms.decoding.sandbox import DecodeLimits, SandboxedDecoder
    from transforms.listening.hearing import arriving, at_its_own_speed, at_once, in_short_blocks
    from transforms.tracks.track_file import open_track_file

    if pcm is not None:
        yield arriving(sys.stdin.fileno(), pcm), pcm.rate_hz
        return
    with (
        _naming(arguments.file),
        contextlib.closing(open_track_file(arguments.file, max_bytes=_FILE_BYTES)) as track,
        SandboxedDecoder(DecodeLimits(), block_samples=_DECODED_SAMPLES) as decoder,
    ):
        audio = decoder.decode(track.file, rate_hz=None)
        blocks = in_short_blocks(audio, audio.rate_hz)
        yield at_once(blocks) if arguments.fast else at_its_own_speed(blocks, audio.rate_hz), audio.rate_hz


@contextlib.contextmanager
def _naming(file: str) -> Iterator[None]:
    """Let what is wrong with a file be said with its name."""
    try:
        yield
    except DataError as error:
        if error.stage is Stage.BUNDLE:
            raise
        raise DataError(error.kind, error.stage, f"{file}: {error.message}") from error


class _Output:
    """Where readings go: JSON lines to standard output, a bar to a terminal, either or both."""

    def __init__(self, *, lines: bool, bar: ListenBar | None) -> None:
        self._lines = lines
        self._bar = bar

    def write(self, reading: Reading, heard_s: float) -> None:
        """Write a reading whose audio ended at the monotonic time `heard_s`."""
        import numpy as np

        from models.colour import colours

        valence, arousal = (np.array([axis], np.float32) for axis in (reading.valence, reading.arousal))
        colour = colours(valence, arousal)[0]
        delay_ms = (time.monotonic() - heard_s) * 1e3
        if self._lines:
            print(_line(reading, colour, delay_ms), flush=True)
        if self._bar is not None:
            self._bar.show(reading, colour=colour, delay_ms=delay_ms)


def _line(reading: Reading, colour: str, delay_ms: float) -> str:
    fields = {
        "time_s": reading.time_s,
        "valence": round(reading.valence, 4),
        "arousal": round(reading.arousal, 4),
        "colour": colour,
        "delay_ms": round(delay_ms, 1),
    }
    return json.dumps(fields)


@contextlib.contextmanager
def _output(arguments: argparse.Namespace) -> Iterator[_Output]:
    """Lines unless standard output is a terminal that has the bar; a bar where standard error is one."""
    terminal = sys.stdout.isatty()
    bar = sys.stderr.isatty() and not arguments.no_bar and not (terminal and arguments.json)
    lines = arguments.json or not terminal or not bar
    if not bar:
        yield _Output(lines=lines, bar=None)
        return
    from pipelines.listening.bar import ListenBar

    with ListenBar() as shown:
        yield _Output(lines=lines, bar=shown)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does: the cursor comes back, no decoder is left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
