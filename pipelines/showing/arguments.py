"""Arguments of `moodscribe show`."""

from __future__ import annotations

import argparse

from pipelines.option_hints import HintingParser

_ABOUT = """\
Show one track: its tags with their scores and how far the models disagree, its valence and arousal over time
in the colours of the moments, where it changes, and their summary. With --html the same as a page with the
waveform and, where the audio is at hand, a player: its cursor runs on the curves, a click goes there.

TRACK is an audio file, or with --tables a track of a catalogue: its id, URI or title, the end of its URI, or
any part of these that one track only has. A file that is in the tables is shown as it is there; another one
is tagged on the spot, which writes no tables.
"""

_EXAMPLES = """\
examples:
  moodscribe show song.mp3
  moodscribe show 0001 --tables moods
  moodscribe show "Blue Hour" --tables gs://bucket/moods --html blue-hour.html
  moodscribe show song.mp3 --html song.html --embed

Without --embed the page plays the file from where it lies: keep the two where they are to each other.

exit status:
  0  done     2  usage, no such track, a file that cannot be tagged     4  the page could not be written
"""


def add_show(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """`moodscribe show`."""
    show = commands.add_parser(
        "show",
        help="show one track on the terminal or as a page",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    show.add_argument("track", metavar="TRACK", help="a file, or with --tables a track's id, URI or title")
    show.add_argument("--tables", metavar="OUT", help="the --output of the runs that the track is in")
    show.add_argument("--all", action="store_true", help="every tag, not only the first and those it has")
    show.add_argument("--html", metavar="FILE", help="write a page: a file, or an object of gs:// or s3://")
    show.add_argument("--embed", action="store_true", help="put the audio into the page")
    show.add_argument(
        "--bundle",
        default="default",
        help="what a file that is not in the tables is tagged with: a shipped name, a folder, gs:// or s3:// "
        "(default: %(default)s)",
    )
    show.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.showing.command import run_show

    return run_show(arguments)
