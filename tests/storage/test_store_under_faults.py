"""Each request to an object store under each fault: mended within the tries there are, counted, or told."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DataError, FailureKind, Stage
from tests.storage.emulator import Store
from tests.storage.fault_plan import Plan
from tests.storage.uses import BYTES, EVERYTHING, KINDS, Use, fill, names, uses
from transforms import storage
from transforms.inputs.listing import list_folder
from transforms.object_stores import body, retries
from transforms.object_stores.google_cloud import store as google_store
from transforms.object_stores.google_cloud import upload
from transforms.object_stores.retries import ATTEMPTS, Purpose, persistently, take_retries

FOLDER = "gs://music/audio"
ONE = f"{FOLDER}/one.flac"


@pytest.fixture(autouse=True)
def filled(store: Store) -> Iterator[None]:
    """A few objects, no faults, nothing counted."""
    store.plan(Plan())
    fill(FOLDER)
    take_retries()
    yield
    store.plan(Plan())
    storage.remove_folder(FOLDER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", uses(FOLDER), ids=str)
def test_faults_in_a_row_are_mended_and_each_is_counted(store: Store, use: Use, kind: str) -> None:
    store.plan(Plan(rate=1.0, kinds=(kind,), most_in_a_row=2, page=2))
    result = use.action()
    counts = store.counts()
    retried = take_retries()
    assert counts["faults"] == {kind: sum(counts["failed"].values())}
    # As many tries again as faults, and each request asked once more than it failed.
    assert sum(retried.values()) == counts["faults"][kind]
    assert retried[f"retries.{use.purpose}"] >= 2
    assert counts["asked"] == {request: failed + 1 for request, failed in counts["failed"].items()}
    store.plan(Plan())
    assert use.holds(result)


@pytest.mark.parametrize("use", uses(FOLDER), ids=str)
def test_a_store_that_goes_on_failing_is_told_after_the_last_try(store: Store, use: Use) -> None:
    store.plan(Plan(rate=1.0, kinds=("503",), most_in_a_row=1_000_000))
    with pytest.raises(
        DataError, match=rf"503 .*fault proxy says 503.* \(tried {ATTEMPTS} times\)"
    ) as refusal:
        use.action()
    assert refusal.value.kind is FailureKind.STORAGE
    assert refusal.value.attempts == ATTEMPTS
    assert refusal.value.retryable
    counts = store.counts()
    assert set(counts["asked"].values()) == {ATTEMPTS}
    assert sum(take_retries().values()) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("kind", "failure", "message"),
    [
        ("400", FailureKind.STORAGE, "400"),
        ("401", FailureKind.NOT_READABLE, "[Cc]redentials"),
        ("403", FailureKind.NOT_READABLE, "403"),
        ("404", FailureKind.NOT_FOUND, "^no such object$"),
        ("412", FailureKind.STORAGE, "has changed while it was read"),
    ],
)
def test_what_no_try_will_mend_is_not_tried_again(
    store: Store, kind: str, failure: FailureKind, message: str
) -> None:
    store.plan(Plan(rate=1.0, kinds=(kind,), most_in_a_row=1_000_000))
    with pytest.raises(DataError, match=message) as refusal:
        storage.read_bytes(ONE, max_bytes=1 << 30)
    assert (refusal.value.kind, refusal.value.attempts) == (failure, 1)
    assert set(store.counts()["asked"].values()) == {1}
    assert not take_retries()


def test_a_store_that_says_how_long_to_wait_is_waited_for(store: Store) -> None:
    store.plan(Plan(rate=1.0, kinds=("503 retry-after",), most_in_a_row=1))
    begin = time.monotonic()
    assert storage.describe(ONE).bytes
    assert time.monotonic() - begin >= 1.0


def test_a_slow_answer_is_waited_for_and_one_that_does_not_come_is_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google_store, "TIMEOUT_S", (1.0, 0.2))
    store.plan(Plan(rate=1.0, kinds=("slow",), most_in_a_row=1))
    assert storage.read_bytes(ONE, max_bytes=1 << 30) == BYTES + b"one.flac"
    assert not take_retries()
    store.plan(Plan(rate=1.0, kinds=("silent",), most_in_a_row=1))
    assert storage.read_bytes(ONE, max_bytes=1 << 30) == BYTES + b"one.flac"
    assert take_retries() == {"retries.read": 1.0}


def test_bytes_that_come_but_hardly_are_asked_for_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "DEADLINE_S", 0.05)
    monkeypatch.setattr(body, "SLOWEST_BYTES_PER_S", 10_000_000)
    store.plan(Plan(rate=1.0, kinds=("slow",), most_in_a_row=1_000_000))
    with pytest.raises(DataError, match=r"bytes in \d+ s are too slow \(tried 6 times\)"):
        storage.read_bytes(ONE, max_bytes=1 << 30)


def test_no_try_begins_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 100.0)
    monkeypatch.setattr(retries, "LONGEST_PAUSE_S", 200.0)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda pause_s: now.__setitem__(0, now[0] + pause_s))

    def fail() -> None:
        raise retries.TemporaryFaultError("down")

    with pytest.raises(DataError, match=r"down \(tried [234] times\)"):
        persistently(fail, purpose=Purpose.READ, stage=Stage.READ, uri=ONE)
    assert now[0] <= retries.DEADLINE_S


def test_pauses_double_and_are_not_the_same_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr(time, "sleep", paused.append)

    def fail() -> None:
        raise retries.TemporaryFaultError("down")

    for _ in range(2):
        with pytest.raises(DataError, match="down"):
            persistently(fail, purpose=Purpose.READ, stage=Stage.READ, uri=ONE)
    first, second = paused[:5], paused[5:]
    assert first != second
    assert all(
        longest / 2 <= pause <= longest for pause, longest in zip(first, (0.5, 1, 2, 4, 8), strict=True)
    )


def test_a_listing_goes_on_where_it_was_and_is_no_longer_than_it_is_looked_at(store: Store) -> None:
    store.plan(Plan(page=2))
    listing = list_folder(FOLDER)
    assert next(listing).uri == f"{FOLDER}/album/three.flac"
    assert sum(store.counts()["asked"].values()) == 1
    store.plan(Plan(rate=0.5, seed=3, kinds=("503", "cut short", "reset"), page=2))
    assert names(list(listing), FOLDER) == EVERYTHING[1:]
    assert store.counts()["failed"]


def test_a_file_of_many_pieces_goes_up_whole_through_resets(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_PIECE_BYTES", 1 << 20)
    data = np.random.default_rng(0).bytes(11 << 20)
    store.plan(Plan(rate=0.3, seed=8, kinds=("reset in upload", "reset after", "503")))
    with storage.create(f"{FOLDER}/large") as file:
        file.write(data)
    assert 1 <= sum(store.counts()["failed"].values()) <= take_retries()["retries.write"]
    store.plan(Plan())
    assert store.files.cat_file("music/audio/large") == data


def test_a_file_whose_writing_fails_is_not_there(store: Store) -> None:
    def write() -> None:
        with storage.create(f"{FOLDER}/half") as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert not store.files.exists("music/audio/half")
    file = storage.create(f"{FOLDER}/half")
    file.write(b"half")
    del file  # as of a worker that has failed elsewhere
    assert not store.files.exists("music/audio/half")


def test_publishing_what_was_published_unheard_is_done_and_what_never_was_there_is_not_found() -> None:
    storage.publish(ONE, f"{FOLDER}/new")
    storage.publish(ONE, f"{FOLDER}/new")
    assert storage.read_bytes(f"{FOLDER}/new", max_bytes=1 << 30) == BYTES + b"one.flac"
    with pytest.raises(DataError, match=f"{FOLDER}/b: no such object"):
        storage.publish(f"{FOLDER}/a", f"{FOLDER}/b")


def test_an_object_that_changes_while_it_is_read_is_refused(store: Store) -> None:
    # The emulator itself does not look at the generation that is asked for.
    store.plan(Plan(rate=1.0, kinds=("412",), where="alt=media&ifGenerationMatch"))
    with storage.open_file(ONE) as file, pytest.raises(DataError, match="has changed while it was read"):
        file.read(1)


def test_parquet_is_written_and_read_in_a_store() -> None:
    table = pa.table({"number": list(range(100_000)), "text": [f"{n:x}" for n in range(100_000)]})
    with storage.create(f"{FOLDER}/t.parquet") as file, pq.ParquetWriter(file, table.schema) as writer:
        writer.write_table(table, row_group_size=7_000)
    with storage.open_file(f"{FOLDER}/t.parquet") as file:
        assert pq.ParquetFile(file).read().equals(table)


@pytest.mark.parametrize("place", ["local", "store"])
def test_a_listing_and_a_description_say_the_same_of_an_object_and_another_of_a_changed_one(
    store: Store, tmp_path: Path, place: str
) -> None:
    folder = FOLDER if place == "store" else str(tmp_path)
    for name in ("a.wav", "b/c.wav"):
        storage.write_text(f"{folder}/new/{name}", name)
    listed = {one.uri: one for one in list_folder(f"{folder}/new")}
    assert len(listed) == 2
    for uri, one in listed.items():
        state = storage.describe(uri)
        assert (one.source_version, one.content_md5) == (state.source_version, state.md5)
        assert (
            [*list_folder(uri)]
            == [*list_folder(uri.replace("c.wav", "[c]*").replace("a.wav", "a*"))]
            == [one]
        )
        storage.write_text(uri, uri.rpartition("/")[2][::-1])
        assert storage.describe(uri).source_version != state.source_version
    assert re.fullmatch(r"generation \d+" if place == "store" else r"\d+ \d+", state.source_version)


@pytest.mark.parametrize(
    ("uri", "kind", "message"),
    [
        ("gs://music/none", FailureKind.NOT_FOUND, "no such object"),
        ("gs://no-such-bucket/a", FailureKind.NOT_FOUND, "no such object"),
        ("gs://music", FailureKind.BAD_URI, "'gs://music' names no object"),
        ("gs:///a", FailureKind.BAD_URI, "'gs:///a' names no bucket"),
        ("ftp://host/a", FailureKind.BAD_URI, "ftp://host/a"),
        ("/none", FailureKind.NOT_FOUND, "no such file"),
        (str(Path(__file__).parent), FailureKind.NOT_READABLE, "not a regular file"),
        ("/a\0b", FailureKind.BAD_URI, "null byte"),
    ],
)
def test_what_cannot_be_described_is_refused_as_in_reading(uri: str, kind: FailureKind, message: str) -> None:
    for look in (storage.describe, lambda uri: storage.read_bytes(uri, max_bytes=1 << 20)):
        with pytest.raises(DataError, match=message) as refusal:
            look(uri)
        assert (refusal.value.kind, refusal.value.stage) == (kind, Stage.READ)


def test_a_bucket_that_is_not_there_and_a_pattern_that_means_nothing_are_named() -> None:
    with pytest.raises(DataError, match="gs://no-such-bucket/a/: no such bucket"):
        next(list_folder("gs://no-such-bucket/a"))
    for uri in ("gs://music/a/**.wav", "/music/a/**.wav"):
        with pytest.raises(DataError, match=rf"{re.escape(uri)}: .*\*\*"):
            next(list_folder(uri))
