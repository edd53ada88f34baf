"""`moodscribe weights`: fetch pretrained weights of nets from their official homes, and list them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.option_hints import HintingParser

if TYPE_CHECKING:
    from models.image_nets.fetching import Progress

_LOG_PERIOD_S = 15.0

_WEIGHTS = """\
ImageNet weights for the image nets that some front ends use, and VGGish's, from which the CRNN can start its
training. None is shipped: each is fetched from its official home on request, checked against its checksum,
and kept in $XDG_CACHE_HOME/moodscribe/weights (without XDG_CACHE_HOME, in ~/.cache/moodscribe/weights).
"""

_FETCH_EXAMPLES = """\
examples:
  moodscribe weights fetch vgg16
  moodscribe weights fetch vgg16 --mirror https://mirror.example/keras
  moodscribe weights fetch vgg16 --mirror gs://bucket/weights --folder weights

A fetch that was interrupted goes on where it stopped.
"""


def add_weights(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """Add `weights` with its actions to the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    weights = commands.add_parser(
        "weights",
        help="fetch or list pretrained weights of nets",
        description=_WEIGHTS,
        formatter_class=raw,
    )
    actions = weights.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = actions.add_parser(
        "fetch",
        help="fetch the weights of one net",
        description="Fetch the weights of one net, once.",
        epilog=_FETCH_EXAMPLES,
        formatter_class=raw,
    )
    fetch.add_argument("net", metavar="NAME", help="net, as `moodscribe weights list` names it")
    fetch.add_argument(
        "--mirror", metavar="URL", default="", help="https://, gs:// or folder that has the file"
    )
    fetch.add_argument("--sha256", metavar="HEX", default="", help="refuse a file with another SHA-256")
    fetch.add_argument("--folder", metavar="DIR", help="where to put it (default: the cache)")
    fetch.set_defaults(run=_run_fetch)
    listing = actions.add_parser("list", help="list the nets, their weights and terms")
    listing.set_defaults(run=_run_list)


def _run_fetch(arguments: argparse.Namespace, _: list[str]) -> int:
    from models.image_nets.fetching import fetch
    from models.image_nets.registry import NETS
    from models.image_nets.weights import weights_file
    from pipelines.cli import EXIT_DONE

    file = weights_file(arguments.net)
    if arguments.sha256:
        file = replace(file, sha256=arguments.sha256.lower())
    folder = Path(arguments.folder) if arguments.folder else None
    print(f"{file.net}: weights by {file.terms}", flush=True)
    if not (file.md5 or file.sha256):
        print("their makers publish no checksum: only the size can be checked", flush=True)
    with _progress(file.file_name) as progress:
        done = fetch(file, folder=folder, mirror=arguments.mirror, progress=progress)
    print(f"{'already here' if done.was_there else 'fetched from ' + done.url}")
    print(f"{done.path}  {done.digest.size:,} bytes  SHA-256 {done.digest.sha256}")
    if folder and arguments.net in NETS:
        print(f"to use it: --set weights={done.path}")
    return EXIT_DONE


def _run_list(_: argparse.Namespace, __: list[str]) -> int:
    from rich.console import Console
    from rich.table import Table

    from models.image_nets.weights import WEIGHTS, weights_folder
    from pipelines.cli import EXIT_DONE

    table = Table("net", "MB", "here", "checked by", "terms", "from", box=None, pad_edge=False)
    for file in WEIGHTS.values():
        path = weights_folder() / file.file_name
        size = path.stat().st_size if path.is_file() else file.size
        checked = "SHA-256" if file.sha256 else "MD5" if file.md5 else "size"
        here = str(path) if path.is_file() else "no"
        table.add_row(file.net, f"{size / 1e6:.0f}" if size else "?", here, checked, file.terms, file.url)
    # Off a terminal there is no width to fit: lines are as long as they need to be.
    Console(width=None if sys.stdout.isatty() else 400).print(table)
    return EXIT_DONE


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """What to call with the bytes so far: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines(name)
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(name, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total or None)


class _Lines:
    """A line every so often, for logs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = time.monotonic() + _LOG_PERIOD_S

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOG_PERIOD_S
        share = f" of {total / 1e6:,.0f}" if total else ""
        print(f"moodscribe: {self._name}: {done / 1e6:,.0f}{share} MB", file=sys.stderr, flush=True)
