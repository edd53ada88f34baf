"""MIDI files become sound by FluidSynth and a General MIDI sound font, a process each, resumable."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.training.data.tables import absent, bad_data

# Where Debian's fluid-soundfont-gm and its relatives put a sound font.
_FONTS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/soundfonts/default.sf2",
)
_INSTALL = "install it, on Debian: apt-get install fluidsynth fluid-soundfont-gm"


@dataclass(frozen=True, slots=True)
class Renderer:
    """The program, the sound font, rate and gain of the sound, and the longest time for one file."""

    program: str = "fluidsynth"
    font: Path | None = None
    rate_hz: int = 44_100
    gain: float = 0.5
    limit_s: float = 120.0


def render(files: Iterable[Path], work: Path, renderer: Renderer | None = None) -> Path:
    """Render what is not rendered yet and return the folder of the sound, one .wav for each file by its stem.

    The folder lies below `work` and is named by the sound font and the settings, so others never mix in.
    Raises DataError(not_found) that says what to install, DataError(bad_input) for a file that fails.
    """
    renderer = renderer or Renderer()
    program = shutil.which(renderer.program)
    if program is None:
        raise absent(f"program {renderer.program} is needed to render MIDI and is not here; {_INSTALL}")
    font = _font(renderer)
    folder = work / _key(renderer, font)
    folder.mkdir(parents=True, exist_ok=True)
    command = [program, *_options(renderer)]

    def one(file: Path) -> None:
        target = folder / f"{file.stem}.wav"
        if not target.is_file():
            _render_one(command, file, target=target, font=font, limit_s=renderer.limit_s)

    # Threads that wait for the program: one a core.
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for done in [pool.submit(one, file) for file in files]:
            done.result()
    finally:
        pool.shutdown(cancel_futures=True)
    return folder


def _options(renderer: Renderer) -> list[str]:
    # No MIDI input, no shell, no chatter; the file's own format is given, for its name ends in .part.
    rate, gain = str(renderer.rate_hz), str(renderer.gain)
    return ["-n", "-i", "-q", "-r", rate, "-g", gain, "-T", "wav", "-O", "s16"]


def _font(renderer: Renderer) -> Path:
    places = [renderer.font] if renderer.font else [Path(name) for name in _FONTS]
    for place in places:
        if place.is_file():
            return place
    raise absent(f"no General MIDI sound font in {', '.join(map(str, places))}; {_INSTALL}")


def _key(renderer: Renderer, font: Path) -> str:
    with font.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return f"{font.stem}-{digest}-{renderer.rate_hz}hz-gain{renderer.gain:g}"


def _render_one(command: list[str], file: Path, *, target: Path, font: Path, limit_s: float) -> None:
    """One file, whole or not at all: the sound gets its name when it is done."""
    part = target.with_suffix(".part")
    try:
        done = subprocess.run(  # noqa: S603 - the program is the user's own choice, no shell is involved
            [*command, "-F", str(part), str(font), str(file)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
        if done.returncode or not part.is_file() or part.stat().st_size <= 44:
            said = done.stderr.decode("utf-8", "replace").strip()[-300:]
            raise bad_data(f"{file.name} could not be rendered, exit status {done.returncode}: {said!r}")
        part.replace(target)
    except subprocess.TimeoutExpired:
        raise bad_data(f"{file.name} was not rendered within {limit_s:g} s") from None
    finally:
        part.unlink(missing_ok=True)
