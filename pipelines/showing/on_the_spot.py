"""A file that is in no table, tagged here and now: the rows that the main job would write of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from typing import Any

from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import clock
from pipelines.pages.track_rows import sound_facts
from schemas.track import FileFacts, Track, TrackGroup
from transforms.bundles import open_bundle
from transforms.tagging.in_memory import load_tagger


def tag_now(uri: str, bundle: str) -> ShownTrack:
    """What a bundle says of a file; its URI is its id.

    Raises DataError: what the main job would write into `failures`, or bad_bundle.
    """
    tagger = load_tagger(open_bundle(bundle))
    rows: dict[str, Sequence[Any]] = defaultdict(tuple)

    def keep(table: str, some: Sequence[Any]) -> None:
        rows[table] = some

    with closing(tagger.job.worker(tagger.loaded, keep)) as worker:
        settled = chain(worker.process(TrackGroup(Track(uri, uri))), worker.flush())
        (outcome,) = settled
    if outcome.error is not None:
        raise outcome.error
    return ShownTrack(
        track_id=uri,
        title="",
        uri=uri,
        source="tagged here and now",
        facts=_facts(outcome.facts, tagger.bundle.key),
        tags=sorted(rows["mood_tags"], key=lambda row: row.rank),
        curve=next(iter(rows["emotion_curves"]), None),
        antonyms=rows["antonyms"],
    )


def _facts(facts: FileFacts | None, bundle: str) -> dict[str, str]:
    found = {"bundle": bundle}
    if facts is None:
        return found
    sound = sound_facts(facts.codec, facts.sample_rate_hz, facts.channels)
    length = {"length": clock(facts.decoded_s)} if facts.decoded_s else {}
    if facts.partial_decode and facts.duration_s:
        length["cut short"] = f"declared as {clock(facts.duration_s)}"
    return {**length, "file": sound, **found}
