"""Arguments of `moodscribe index`."""

from __future__ import annotations

import argparse

from pipelines.number_arguments import number, whole
from pipelines.option_hints import HintingParser

_ABOUT = """\
Bring the current tables under OUT (of all committed runs, the latest rows of each track) into a search index:
one document a track, whose id is its track_id, with tags, the score of every tag, the curve's summary, how it
begins and ends, colour, and the manifest's columns. `moodscribe compact` before it saves a sort.

Only documents that have changed are sent, and tracks that are gone are deleted. An older load that is still
at work does not overwrite what a newer one has written.

opensearch  NAME is an alias. The first load, one with --full, and one whose mapping has changed go into a
            new index NAME-<time>, which takes the alias when it is complete, in one call; others into the
            index that has it. Credentials: OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, OPENSEARCH_TOKEN,
            or ~/.netrc.
postgres    tables tracks, mood_tags and emotion_curves in a schema; the vector is pgvector's where that is
            there. Credentials: PGPASSWORD, PGPASSFILE or ~/.pgpass. Needs the extra `postgres`.
ndjson      all documents in one file, one a line, and {"track_id": ..., "status": "gone"} for each track that
            is gone.
"""

_EXAMPLES = """\
examples:
  moodscribe index moods --to opensearch --url https://search:9200 --index tracks
  moodscribe index moods --to opensearch --url https://search:9200 --index tracks --full --delete-old
  moodscribe index moods --to postgres --url postgresql://loader@db/catalogue --schema moods
  moodscribe index gs://bucket/moods --to ndjson --file tracks.ndjson.gz

exit status:
  0  every document is in the index       2  usage: nothing was loaded
  1  documents were refused: see the file of failures
  3  documents are missing from the account
  4  the index was away for too long, or is of a newer state: what has come is there, load again
"""

TARGETS = ("opensearch", "ndjson", "postgres")


def add_index(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """`moodscribe index`."""
    index = commands.add_parser(
        "index",
        help="bring the current tables into OpenSearch, PostgreSQL or a file of JSON lines",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_index_arguments(index)
    index.set_defaults(run=_run)


def add_index_arguments(index: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    index.add_argument("output", metavar="OUT", help="the --output of the runs")
    index.add_argument("--to", choices=TARGETS, required=True, help="what to load")
    index.add_argument("--url", help="opensearch: https://HOST:PORT; postgres: what libpq takes")
    index.add_argument("--index", metavar="NAME", help="opensearch: the alias that searches use")
    index.add_argument("--schema", metavar="NAME", help="postgres: of the tables (default: moodscribe)")
    index.add_argument("--file", help="ndjson: where to write, gzip if it ends in .gz; gs:// and s3:// too")
    index.add_argument(
        "--ca", metavar="FILE", help="certificates that vouch for the server (default: the system's)"
    )
    index.add_argument(
        "--full", action="store_true", help="send every document, opensearch: into a new index"
    )
    index.add_argument(
        "--delete-old",
        action="store_true",
        help="opensearch: delete the index that had the alias, once the new one has it (default: keep)",
    )
    _add_sizes(index)
    index.add_argument(
        "--failures",
        metavar="FILE",
        default="index-failures.jsonl",
        help="gets a line for each document that was refused (default: %(default)s)",
    )
    index.add_argument(
        "--max-failure-rate",
        type=number(0, 1),
        default=0.01,
        help="opensearch: share of refused documents above which the alias is not switched "
        "(default: %(default)s)",
    )


def _add_sizes(index: argparse.ArgumentParser) -> None:
    index.add_argument(
        "--requests",
        type=whole(1),
        default=4,
        help="opensearch: most requests under way at once, halved while the server has too many "
        "(default: %(default)s)",
    )
    index.add_argument(
        "--batch-mb",
        type=number(0.001, 100),
        default=5,
        help="opensearch: of a request (default: %(default)s)",
    )
    index.add_argument(
        "--batch-documents", type=whole(1), default=1_000, help="of a request (default: %(default)s)"
    )
    index.add_argument("--shards", type=whole(1), default=1, help="opensearch: of a new index (default: 1)")
    index.add_argument("--replicas", type=whole(0), default=1, help="opensearch: of a new index (default: 1)")
    index.add_argument("--workers", type=whole(1), help="processes (default: one a core, or one)")
    index.add_argument(
        "--memory-mb",
        type=whole(256),
        help="of the sort, if OUT is not compacted; the rest goes to disk, under $TMPDIR (default: a quarter "
        "of the machine's)",
    )


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.indexing.command import run_index

    return run_index(arguments)
