"""A file that is in no table, tagged here and now: the rows that the main job would write of it."""

from __future__ import annotations

from pipelines.api import tag_file
from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import clock
from pipelines.pages.track_rows import sound_facts
from schemas.antonyms import ANTONYMS
from schemas.emotion_curves import EMOTION_CURVES
from schemas.mood_tags import MOOD_TAGS
from schemas.track import FileFacts


def tag_now(uri: str, bundle: str) -> ShownTrack:
    """What a bundle says of a file; its URI is its id. Raises DataError as `tag_file` does."""
    tagged = tag_file(uri, bundle=bundle)
    tags = tagged.rows.get(MOOD_TAGS.name, ())
    return ShownTrack(
        track_id=uri,
        title="",
        uri=uri,
        source=f"tagged here and now with {bundle}",
        facts=_facts(tagged.facts),
        tags=sorted(tags, key=lambda row: row.rank),
        curve=next(iter(tagged.rows.get(EMOTION_CURVES.name, ())), None),
        antonyms=tagged.rows.get(ANTONYMS.name, ()),
    )


def _facts(facts: FileFacts) -> dict[str, str]:
    found = {"file": sound_facts(facts.codec, facts.sample_rate_hz, facts.channels)}
    if facts.decoded_s:
        found["length"] = clock(facts.decoded_s)
    if facts.partial_decode and facts.duration_s:
        found["cut short"] = f"declared as {clock(facts.duration_s)}"
    return found
