"""Arguments of `moodscribe compact`."""

from __future__ import annotations

import argparse

from pipelines.number_arguments import whole
from pipelines.option_hints import HintingParser

_ABOUT = """\
Make one current table per kind from all committed runs under OUT: the latest rows of each track, without
tracks that are gone, sorted for search. What was compacted before is taken over, so only runs since then add
work of their own.

OUT gets a folder current_id=.../ with tracks, mood_tags, emotion_curves and so on, by track, and
mood_tags_by_tag, by tag and falling score. Its current.json is written last: without it, the folder is not
finished and nobody reads it. `open_tables`, `moodscribe export` and the next run read the newest compaction
and the runs since. Then the compaction before it is removed.

With --keep N, the folders of all runs but the newest N are removed as well. Their current rows and their
records stay in the compaction; the states of the catalogue between them, for `moodscribe diff`, are lost.

Nothing is removed while a run is at work under OUT.
"""

_EXAMPLES = """\
examples:
  moodscribe compact moods
  moodscribe compact moods --dry-run --keep 10
  moodscribe compact gs://bucket/moods --keep 10 --memory-mb 4096

exit status:
  0  done, or nothing to do       3  rows are missing: nothing was published
  2  usage: nothing was done      4  the output failed under way: nothing was published
"""

_RAW = argparse.RawDescriptionHelpFormatter


def add_compact(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """`moodscribe compact`."""
    compact = commands.add_parser(
        "compact",
        help="make one current table per kind from all runs",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=_RAW,
    )
    compact.add_argument("output", metavar="OUT", help="the --output of the runs")
    compact.add_argument(
        "--sort",
        choices=("tag", "track"),
        default="tag",
        help="tag: mood_tags a second time, by tag and score; track: only by track (default: %(default)s)",
    )
    compact.add_argument(
        "--keep",
        type=whole(0),
        metavar="N",
        help="remove the folders of all runs but the newest N (default: remove none)",
    )
    compact.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    compact.add_argument(
        "--rows-per-file", type=whole(1), default=2_000_000, help="most rows of a file (default: %(default)s)"
    )
    compact.add_argument(
        "--memory-mb",
        type=whole(256),
        help="memory of the sorts; what does not fit goes to disk, under $TMPDIR (default: a quarter of the "
        "machine's)",
    )
    compact.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.output.compacting.command import run_compact

    return run_compact(arguments)
