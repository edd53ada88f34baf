"""`moodscribe show`: one track from the tables, or a file tagged on the spot."""

from __future__ import annotations

import argparse
import sys

from pipelines.cli import EXIT_DONE, EXIT_STOPPED
from pipelines.pages.document import render
from pipelines.pages.escaping import visible
from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.track_rows import find_track, read_track
from pipelines.pages.writing import check_page, write_page
from pipelines.showing.envelope import Envelope, envelope_of
from pipelines.showing.on_the_spot import tag_now
from pipelines.showing.page import track_page
from pipelines.showing.player import Player, beside, embedded
from pipelines.showing.terminal import print_track
from pipelines.tables import open_tables
from schemas.errors import DataError, FailureKind, OutputError, Stage
from transforms.storage import absolute, is_local, local_path


def run_show(arguments: argparse.Namespace) -> int:
    """Show the track; the exit status."""
    if arguments.embed and not arguments.html:
        raise _refusal(FailureKind.BAD_INPUT, "--embed is for a page: give --html FILE")
    if arguments.html:
        check_page(arguments.html)
    track = _track(arguments)
    if not arguments.html:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        print_track(track, every_tag=arguments.all)
        return EXIT_DONE
    envelope, player, note = _sound(track, arguments)
    try:
        size = write_page(arguments.html, render(track_page(track, envelope, player, note)))
    except OutputError as error:
        print(f"moodscribe show: {error}", file=sys.stderr)
        return EXIT_STOPPED
    print(f"{arguments.html}: {visible(track.name)}, {size / 1e6:.1f} MB")
    return EXIT_DONE


def _track(arguments: argparse.Namespace) -> ShownTrack:
    """The track of the tables that is meant, else the file of that name, tagged."""
    name = arguments.track
    uri = absolute(name) if name else name
    is_file = bool(name) and (not is_local(name) or local_path(name).is_file())
    if arguments.tables:
        tables = open_tables(absolute(arguments.tables))
        try:
            # A file is meant as it lies here, not as any that is called the same.
            return read_track(tables, find_track(tables, uri if is_file else name, whole=is_file))
        except DataError as error:
            if error.kind is not FailureKind.NOT_FOUND or not is_file:
                raise
        finally:
            tables.connection.close()
    elif not is_file:
        message = f"{name!r}: no such file; a track of a catalogue is found with --tables OUT"
        raise _refusal(FailureKind.NOT_FOUND, message)
    return tag_now(uri, arguments.bundle)


def _sound(track: ShownTrack, arguments: argparse.Namespace) -> tuple[Envelope | None, Player | None, str]:
    """Waveform and player, and in words why there is none."""
    try:
        player = embedded(track.uri) if arguments.embed else None
        envelope = envelope_of(track.uri)
    except DataError as error:
        if arguments.embed:
            raise
        return None, None, f"No waveform and no player: {error.message}"
    if player is not None:
        return envelope, player, ""
    try:
        return envelope, beside(track.uri, arguments.html), ""
    except DataError as error:
        return envelope, None, f"No player: {error.message}"


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.INPUT, message)
