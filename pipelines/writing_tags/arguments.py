"""Arguments of `moodscribe write-tags`."""

from __future__ import annotations

import argparse

from pipelines.number_arguments import number, whole
from pipelines.option_hints import HintingParser

_ABOUT = """\
Write moods, mean valence and arousal, and the colour of each track into the tags of its file, or of a copy.
Nothing is written without --apply: what would be is shown.

The fields are, by what the file's container has for them (--format: only those that have these):

  id3     MP3, WAV, AIFF          TMOO (in ID3v2.3: TXXX MOOD) and TXXX MOODSCRIBE_*
  vorbis  FLAC, Ogg, Opus         MOOD and MOODSCRIBE_*
  mp4     M4A                     ----:com.apple.iTunes:MOOD and :MOODSCRIBE_*

with MOODSCRIBE_MOODS (the same as MOOD), _VALENCE and _AROUSAL in [-1, 1], _COLOUR as #rrggbb. All other tags
stay as they are. Each file is written as a copy beside it, decoded, and put in its place only if its samples
are those of before. A file whose samples are not those that were tagged is refused.
"""

_EXAMPLES = """\
examples:
  moodscribe write-tags moods
  moodscribe write-tags moods --apply --sidecar tagged/
  moodscribe write-tags moods --apply --in-place --keep-times --moods 5 --grade B
  moodscribe write-tags moods --fields valence arousal --json account.jsonl

It needs the extra `files`: pip install 'moodscribe[files]' installs mutagen, which is GPL-2.0-or-later. Files
written in place have other bytes, so that the next `moodscribe tag` takes them up again; sidecars spare that.

exit status:
  0  every track is accounted for      2  usage: nothing was done
  1  more failures than allowed        3  the account does not add up
  4  the machine failed the command; each file is as it was, or written as a whole
"""

_RAW = argparse.RawDescriptionHelpFormatter


def add_write_tags(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """`moodscribe write-tags`."""
    write = commands.add_parser(
        "write-tags",
        help="write moods into the files' own tags",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=_RAW,
    )
    write.add_argument("output", metavar="OUT", help="the --output of the runs")
    write.add_argument("--format", choices=("id3", "vorbis", "mp4"), help="only files with such tags")
    write.add_argument(
        "--apply", action="store_true", help="write; without it, only say what would be written"
    )
    where = write.add_mutually_exclusive_group()
    where.add_argument("--in-place", action="store_true", help="write into the files themselves")
    where.add_argument(
        "--sidecar", metavar="FOLDER", help="write into copies under a folder, with the same relative paths"
    )
    write.add_argument(
        "--root",
        metavar="FOLDER",
        help="what the paths of copies are relative to (default: the folder that all files are in)",
    )
    _add_what(write)
    _add_how(write)
    write.set_defaults(run=_run)


def _add_what(write: argparse.ArgumentParser) -> None:
    what = write.add_argument_group("what is written")
    what.add_argument(
        "--moods", type=whole(0), metavar="N", help="the best N moods (default: all that are tagged)"
    )
    what.add_argument(
        "--grade",
        choices=tuple("ABCD"),
        help="only moods with at least this grade (default: all that are tagged)",
    )
    what.add_argument(
        "--fields",
        nargs="+",
        choices=("moods", "valence", "arousal", "colour"),
        default=["moods", "valence", "arousal", "colour"],
        help="default: all",
    )
    what.add_argument(
        "--keep-moods",
        action="store_true",
        help="leave a MOOD that others have written; MOODSCRIBE_MOODS has ours",
    )


def _add_how(write: argparse.ArgumentParser) -> None:
    how = write.add_argument_group("how")
    how.add_argument(
        "--changed", action="store_true", help="also files whose samples are not those that were tagged"
    )
    how.add_argument("--keep-times", action="store_true", help="files keep their time of change")
    how.add_argument(
        "--show", type=whole(0), default=20, metavar="N", help="files shown (default: %(default)s)"
    )
    how.add_argument("--json", metavar="FILE", help="the account of every track, one JSON object a line")
    how.add_argument("--workers", type=whole(1), help="processes (default: one a core)")
    how.add_argument(
        "--max-failure-rate",
        type=number(0, 1),
        default=0.5,
        help="share of failed files above which the exit status is 1 (default: %(default)s)",
    )


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.writing_tags.command import run_write_tags

    return run_write_tags(arguments)
