"""Shards of a catalogue: any number of them, and any cut into parts, compares alike, and so does a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.work import Reason
from tests.incremental.rows import POLICY, earlier, earlier_table, ids_of, listed, listed_table
from transforms.incremental.compare import Compared, Left
from transforms.incremental.earlier import EARLIER, PACKED
from transforms.incremental.listed import listed_schema
from transforms.incremental.shard import Shard
from transforms.incremental.shards import PLACES, packed, shard_of, shards_for, split, together, unpacked
from transforms.incremental.stage import _Nth, _places

Row = Mapping[str, Any]


def parts(batch: pa.RecordBatch, shards: int, size: int) -> dict[int, list[bytes]]:
    """Rows by shard, split so many at once."""
    found: dict[int, list[bytes]] = {}
    for begin in range(0, len(batch), size):
        some = batch.slice(begin, size)
        for number, part in split(some, some.column("track_id").to_pylist(), shards):
            found.setdefault(number, []).append(part)
    return found


def one_batch(table: pa.Table) -> pa.RecordBatch:
    [batch] = table.combine_chunks().to_batches()
    return batch


def all_compared(shards: int, size: int) -> list[str]:
    """Compared tracks of a catalogue in which every third is new, every third changed, some ids repeat."""
    then = [earlier(f"t{index}") for index in range(303) if index % 3]
    now = [
        listed(f"t{index}", row=index, source_version=f"10 {20 + (index % 3 == 1)}") for index in range(300)
    ]
    now += [listed("t5", row=900, uri="/again"), listed("t6", row=901, uri="/again")]
    known = parts(one_batch(earlier_table(then)).cast(PACKED), shards, size)
    new = parts(one_batch(listed_table(now)), shards, size)
    found = []
    for number in set(known) | set(new):
        shard = Shard(together(known.get(number, []), empty=PACKED).cast(EARLIER), POLICY)
        rows = together(new.get(number, []), empty=listed_schema(()))
        found += [*shard.compare(rows), *shard.gone(rows)]
    return sorted(map(repr, found))


def test_any_number_of_shards_and_parts_gives_the_same() -> None:
    expected = all_compared(1, 1000)
    assert len(expected) == 302 + 2
    assert expected.count("None") == 100
    assert sum("Reason.GONE" in one for one in expected) == 2
    assert sum("Reason.REPEATED_ID" in one for one in expected) == 2
    for shards, size in ((2, 7), (64, 50), (200, 1)):
        assert all_compared(shards, size) == expected


def test_a_key_has_one_shard_whatever_is_in_it() -> None:
    keys = ["", "a", "0007", "line\nbreak", "\U0001f3b5", "x" * 1000]
    batch = one_batch(listed_table([listed(key) for key in keys]))
    for shards in (1, 3, 64):
        found = {
            row["track_id"]: number
            for number, part in split(batch, keys, shards)
            for row in unpacked(part).to_pylist()
        }
        assert found == {key: shard_of(key, shards) for key in keys}
    assert list(split(batch.slice(0, 0), [], 64)) == []
    assert unpacked(packed(batch)).equals(batch)


@pytest.mark.parametrize(("rows", "shards"), [(0, 64), (1_600_000, 64), (10_000_000, 400)])
def test_there_are_more_shards_where_there_is_more_to_join(rows: int, shards: int) -> None:
    assert shards_for(rows) == shards


# A limit takes so many, and the same ones however the work is spread.


def taken(shards: int, limit: int, then: Sequence[Row] = ()) -> set[str]:
    """Ids of the tracks that a limit takes of 300."""
    combine = _Nth(limit)
    new = parts(one_batch(listed_table(listed(f"t{index}", row=index) for index in range(300))), shards, 40)
    known = parts(one_batch(earlier_table(then)).cast(PACKED), shards, 40) if then else {}
    both = [(number, {"earlier": known.get(number, []), "listed": some}) for number, some in new.items()]
    halves = [combine.create_accumulator(), combine.create_accumulator()]
    for index, shard in enumerate(both):
        halves[index % 2] = combine.add_input(halves[index % 2], _places(shard, POLICY))
    threshold = combine.extract_output(combine.merge_accumulators(halves))
    found: list[Compared] = []
    for _, rows in both:
        shard_ = Shard(together(rows["earlier"], empty=PACKED).cast(EARLIER), POLICY)
        found += shard_.compare(together(rows["listed"], empty=listed_schema(())), threshold=threshold)
    waiting = found.count(Left(Reason.NEW, waits=True)) + found.count(Left(Reason.MODEL, waits=True))
    assert len(ids_of(found)) + waiting + found.count(None) == 300
    return set(ids_of(found))


def test_a_limit_takes_so_many_and_the_same_however_the_work_is_spread() -> None:
    once = taken(1, 25)
    assert len(once) == 25
    assert taken(8, 25) == once
    assert once < taken(8, 26)


def test_successive_limits_take_all_and_nothing_twice() -> None:
    done: dict[str, Row] = {f"t{index}": earlier(f"t{index}", model_hash="old") for index in range(50)}
    runs = []
    while some := taken(4, 70, list(done.values())):
        done.update({track_id: earlier(track_id, run_id="2") for track_id in some})
        runs.append(some)
    assert [len(some) for some in runs] == [70, 70, 70, 70, 20]
    assert len(set.union(*runs)) == 300


@pytest.mark.parametrize("count", [0, 24, 25])
def test_a_limit_that_all_are_within_takes_all(count: int) -> None:
    combine = _Nth(25)
    some = combine.add_input(combine.create_accumulator(), np.arange(count, dtype=np.uint64))
    assert combine.extract_output(some) == PLACES
