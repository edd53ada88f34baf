"""A shard of a catalogue: what is listed in it beside the last row of each of its tracks, as whole columns.

Nearly all of a catalogue is as it was in most runs: those rows are told apart at once, and only the others
are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import repeat
from operator import itemgetter

import pyarrow as pa
import pyarrow.compute as pc

from schemas.track import Outcome, Track
from schemas.tracks import Status
from schemas.work import Reason
from transforms.incremental.compare import Compared, Row, compare, is_forced, repeated_row
from transforms.incremental.earlier import DONE, last_rows
from transforms.incremental.policy import Gone, Policy
from transforms.incremental.shards import PLACES

_DONE = pa.array([status.value for status in DONE])
# No run begins so late.
_NEVER = "~"
# The place of a row among those of one track_id: a track comes before what is no track, then the row counts.
_Place = tuple[bool, int]


class Shard:
    """The rows that earlier runs have of a shard, and what a run takes up of it."""

    def __init__(self, earlier: pa.Table, policy: Policy) -> None:
        repeated = pc.fill_null(pc.equal(earlier["reason"], Reason.REPEATED_ID.value), False)
        tracks = earlier.filter(pc.invert(repeated))
        self._policy = policy
        self._last = last_rows(tracks).combine_chunks()
        self._repeated = _repeated_ids(earlier.filter(repeated), tracks)

    def compare(self, listed: pa.Table, *, threshold: int = PLACES) -> Iterator[Compared]:
        """What is to do about each listed row, as `compare` has it; of an id in several rows one counts."""
        listed = listed.combine_chunks()
        before = self._last.take(pc.index_in(listed["track_id"], self._last["track_id"]))
        firsts = _firsts(listed)
        same = self._as_before(listed, before, pa.array(list(firsts), pa.string()))
        yield from repeat(None, pc.sum(same).as_py() or 0)
        rows = (table.filter(pc.invert(same)).to_pylist() for table in (listed, before))
        for row, last in zip(*rows, strict=True):
            first = firsts.get(row["track_id"])
            if first is not None and _place(row) != first:
                yield self._repeated_row(row, first)
            else:
                yield compare(
                    row, None if last["track_id"] is None else last, self._policy, threshold=threshold
                )

    def gone(self, listed: pa.Table) -> Iterator[Outcome]:
        """Tombstones of tracks that are in the input no longer, and of what is no longer a repeated id."""
        can_go = self._can_go(self._last)
        absent = pc.invert(pc.is_in(can_go["track_id"], listed["track_id"].combine_chunks()))
        for row in can_go.filter(absent).select(["track_id", "uri"]).to_pylist():
            yield Outcome(Track(**row, reason=Reason.GONE), Status.GONE)
        for row in self._no_longer_repeated(listed):
            yield Outcome(Track(row["track_id"], row["uri"], reason=Reason.REPEATED_ID), Status.GONE)

    def may_go(self) -> int:
        """How many earlier tracks, and rows about repeated ids, the input is looked through for."""
        return len(self._can_go(self._last)) + len(self._can_go(self._said()))

    def _can_go(self, rows: pa.Table) -> pa.Table:
        policy = self._policy
        if policy.gone is Gone.KEEP:
            return rows.slice(0, 0)
        there = rows.filter(pc.not_equal(rows["status"], Status.GONE.value))
        return there if policy.gone is Gone.ALL else there.filter(pc.equal(there["input"], policy.input_uri))

    def _said(self) -> pa.Table:
        return pa.Table.from_pylist(list(self._repeated.values()), schema=self._last.schema)

    def _no_longer_repeated(self, listed: pa.Table) -> Iterator[Row]:
        """What an earlier run says of ids that are listed, and that is not so any more."""
        said = self._can_go(self._said())
        if not len(said):
            return
        here = listed.filter(pc.is_in(listed["track_id"], said["track_id"].combine_chunks()))
        firsts, ids, still = _firsts(here), set[str](), set[tuple[str, str]]()
        for row in here.select(["track_id", "uri", "status", "row"]).to_pylist():
            ids.add(row["track_id"])
            if firsts.get(row["track_id"], _place(row)) != _place(row):
                still.add((row["track_id"], row["uri"]))
        for row in said.to_pylist():
            if row["track_id"] in ids and (row["track_id"], row["uri"]) not in still:
                yield row

    def _as_before(self, listed: pa.Table, before: pa.Table, several: pa.Array) -> pa.ChunkedArray:
        """Which tracks are there, the same, with results that stand, or are dealt with by this command: of
        these there is nothing more to say."""
        policy, work = self._policy, self._policy.work
        made_by = {
            "front_end_hash": work.front_end,
            "model_hash": work.model,
            "settings_hash": work.settings,
            "decision_hash": work.decision,
        }
        same = [
            pa.scalar(not policy.force),
            *(pc.equal(listed[name], before[name]) for name in ("uri", "source_version", "columns_hash")),
            *(pc.equal(before[name], value) for name, value in made_by.items()),
        ]
        settled = pc.greater_equal(before["run_id"], policy.begun or _NEVER)
        conditions = [
            pc.is_null(listed["status"]),
            pc.invert(pc.is_in(listed["track_id"], several)),
            pc.is_in(before["status"], _DONE),
            pc.or_kleene(settled, reduce(pc.and_kleene, same)),
        ]
        return pc.fill_null(reduce(pc.and_kleene, conditions), False)

    def _repeated_row(self, row: Row, first: _Place) -> Outcome | None:
        """What another row has the track_id of; None where an earlier run says so already."""
        said = self._repeated.get((row["track_id"], row["uri"]))
        if said and not is_forced(said["run_id"], self._policy):
            return None
        return repeated_row(row, first[1])


def _repeated_ids(repeated: pa.Table, tracks: pa.Table) -> dict[tuple[str, str], Row]:
    """The last row about each repeated id and its URI, unless it says that this is no longer so, or the track
    was gone since: readers of the tables do not have it then, either."""
    gone: dict[str, str] = {}
    known = pc.is_in(tracks["track_id"], repeated["track_id"].combine_chunks())
    for row in tracks.filter(pc.and_(known, pc.equal(tracks["status"], Status.GONE.value))).to_pylist():
        gone[row["track_id"]] = max(row["run_id"], gone.get(row["track_id"], ""))
    last: dict[tuple[str, str], Row] = {}
    for row in sorted(repeated.to_pylist(), key=itemgetter("run_id")):
        if row["run_id"] > gone.get(row["track_id"], ""):
            last[row["track_id"], row["uri"]] = row
    return {key: row for key, row in last.items() if row["status"] != Status.GONE}


def _place(row: Row) -> _Place:
    return row["status"] is not None, row["row"]


def _firsts(listed: pa.Table) -> dict[str, _Place]:
    """The first place of each track_id that several rows have."""
    counts = listed["track_id"].value_counts()
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if not len(several):
        return {}
    firsts: dict[str, _Place] = {}
    for row in (
        listed.filter(pc.is_in(listed["track_id"], several)).select(["track_id", "status", "row"]).to_pylist()
    ):
        firsts[row["track_id"]] = min(_place(row), firsts.get(row["track_id"], _place(row)))
    return firsts
