"""Bundles with encoders: what is refused, the same numbers in any company, and the job against its oracle."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_files import read_bundle
from models.bundle_index import FORMAT, INDEX
from models.ensemble import Batch
from schemas.emotion_curves import EmotionCurveRow
from schemas.errors import DataError, FailureKind
from schemas.identity import RunIdentity
from schemas.mood_tags import MoodTagRow
from schemas.track import Outcome, Track, TrackGroup
from schemas.work import WorkKey
from tests.bundles import ENCODED, OTHERS, TAGS, Planned, write_bundle
from tests.oracle import Oracle, read
from tests.sounds import music
from transforms.features.mel.step_mel import FRONT_END, step_mel
from transforms.tagging import encoding
from transforms.tagging.batcher import Models
from transforms.tagging.encoding import EncoderBatcher
from transforms.tagging.features import Rows
from transforms.tagging.job import TaggingJob, rows_a_track
from transforms.tagging.windows import TaggingPlan
from transforms.tagging.worker import Loaded, TaggingWorker, WorkSettings

RATE_HZ = 16_000
STEP_MEL, ENCODED_KEY = "step-mel@1", "encoder mobile"
# Shorter than a stretch, one stretch, several; ends of tracks at any place in a patch of 1.5 s.
LENGTHS_S = {"a": 3.2, "b": 30.0, "c": 31.0, "d": 95.5, "e": 4.7, "f": 155.0}
ORDERS = ["abcdef", "fedcba", "dabfec", "eeee", "d", "cbd"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An encoder with three heads, beside a tagger and a regressor on front ends of their own."""
    return write_bundle(tmp_path_factory.mktemp("encoded") / "bundle", [*ENCODED, *OTHERS], tags=TAGS)


@pytest.fixture(scope="module")
def job(bundle: Bundle) -> TaggingJob:
    identity = RunIdentity(run_id="run", bundle=bundle.key, work=WorkKey("", "", "", ""), output_uri="")
    return TaggingJob(
        str(bundle.folder), bundle.sha256, identity, WorkSettings(), 1000, tuple(rows_a_track(bundle))
    )


@pytest.fixture(scope="module")
def loaded(job: TaggingJob) -> Loaded:
    return job.load()


# Bundles.


def test_a_bundle_with_an_encoder_reads_back_in_the_format_that_there_was(bundle: Bundle) -> None:
    assert FORMAT == 1
    assert bundle.front_ends == (STEP_MEL, "crnn-logmel@1", "mel-steps@1")
    assert [member.input_key for member in bundle.members] == [
        STEP_MEL,
        *[ENCODED_KEY] * 3,
        "crnn-logmel@1",
        "mel-steps@1",
    ]
    assert [member.name for member in bundle.encoders] == ["mobile"]
    assert [member.name for member in bundle.predictors] == [
        member.name for member in (*ENCODED[1:], *OTHERS)
    ]
    found = [bundle.encoder_of(member) for member in bundle.predictors]
    assert found == [*[bundle.members[0]] * 3, None, None]


def test_the_front_end_of_a_head_may_be_absent(bundle: Bundle, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path, lambda members: [members[at].pop("front_end") for at in (1, 2, 3)])
    assert [m.input_key for m in read_bundle(folder).members] == [m.input_key for m in bundle.members]


def copied(bundle: Bundle, folder: Path, edit: Callable[[list[dict[str, Any]]], Any]) -> Path:
    """The bundle with other members in its index."""
    for path in bundle.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    fields = json.loads((folder / INDEX).read_text("utf-8"))
    edit(fields["members"])
    (folder / INDEX).write_text(json.dumps(fields), "utf-8")
    return folder


REFUSALS: Mapping[str, tuple[Callable[[list[dict[str, Any]]], Any], str]] = {
    "a head without an encoder": (lambda m: m[1].pop("encoder"), ": 'encoder' is missing"),
    "an encoder that is not there": (
        lambda m: m[1].update(encoder="other"),
        "member 'tag-mean': there is no encoder 'other' in this bundle",
    ),
    "an encoder that is none": (
        lambda m: m[1].update(encoder="crnn-lstm"),
        "member 'tag-mean': there is no encoder 'crnn-lstm' in this bundle",
    ),
    "an encoder by no name": (lambda m: m[1].update(encoder=["mobile"]), "is not a plain name"),
    "a head with a front end": (
        lambda m: m[1].update(front_end=STEP_MEL),
        "front end 'step-mel@1', but tag-head of this version of moodscribe takes the rows of an encoder",
    ),
    "a head with settings of a front end": (
        lambda m: m[1].update(front_end_settings={"a": 1}),
        r"front_end_settings \{'a': 1\}, but it has none",
    ),
    "a head of another width": (
        lambda m: m[3]["settings"].update(inputs=9),
        "member 'affect' takes 9 values a row, encoder 'mobile' gives 8",
    ),
    "an encoder where there is a front end": (
        lambda m: m[4].update(encoder="mobile"),
        "member 'crnn-lstm': encoder 'mobile', but crnn takes the rows of crnn-logmel@1",
    ),
    "an encoder on an encoder": (
        lambda m: m[0].update(encoder="mobile"),
        "encoder 'mobile', but mobile takes the rows of step-mel@1",
    ),
    "an encoder of no use": (
        lambda m: m.append({**m[0], "name": "idle"}),
        "no member takes the rows of encoder 'idle'",
    ),
    "two of one name": (lambda m: m.append(dict(m[0])), "two members are named 'mobile'"),
    "strides that make no place": (
        lambda m: m[0]["settings"].update(strides=[1] * 13),
        "make a place of 2 frames, not of 32",
    ),
    "rows that are no patches": (
        lambda m: m[0]["settings"].update(rows=61),
        "61 rows are no whole patches of 3",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_index_that_does_not_join_heads_and_encoders_is_refused(
    case: str, bundle: Bundle, tmp_path: Path
) -> None:
    edit, message = REFUSALS[case]
    folder = copied(bundle, tmp_path, edit)
    with pytest.raises(DataError, match=message) as caught:
        read_bundle(folder)
    assert caught.value.kind is FailureKind.BAD_BUNDLE


def test_a_bundle_of_encoders_only_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no member takes the rows of encoder 'mobile'"):
        write_bundle(tmp_path / "bundle", ENCODED[:1], tags=())


# Batches.


@functools.cache
def rows_of(name: str) -> Mapping[str, Rows]:
    samples = music(LENGTHS_S[name], seed=ord(name))
    return {STEP_MEL: Rows(step_mel(samples), FRONT_END.layout(None), RATE_HZ, len(samples))}


def encoded(
    loaded: Loaded, tracks: Sequence[tuple[str, Mapping[str, Rows]]]
) -> list[tuple[str, Mapping[str, Rows]]]:
    """All tracks through the encoders, in the order in which they are complete."""
    batcher: EncoderBatcher[str] = EncoderBatcher(loaded.models, loaded.bundle, TaggingPlan())
    done = [one for key, rows in tracks for one in batcher.add(key, rows)]
    return [*done, *batcher.flush()]


@pytest.fixture(scope="module", params=[1, 4], ids="stretches: {}".format)
def batch(request: pytest.FixtureRequest) -> Iterator[None]:
    """Batches of so many stretches, whatever the job's own size is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_BATCH", request.param)
        yield


@pytest.fixture(scope="module")
def alone(loaded: Loaded, batch: None) -> dict[str, NDArray[np.float32]]:
    """An encoder's rows of each track by itself."""
    return {name: encoded(loaded, [(name, rows_of(name))])[0][1][ENCODED_KEY].values for name in LENGTHS_S}


@pytest.mark.parametrize("order", ORDERS)
def test_rows_do_not_depend_on_what_shares_their_batch(
    order: str, loaded: Loaded, alone: Mapping[str, NDArray[np.float32]]
) -> None:
    done = encoded(loaded, [(name, rows_of(name)) for name in order])
    assert sorted(name for name, _ in done) == sorted(order)
    for name, rows in done:
        np.testing.assert_array_equal(rows[ENCODED_KEY].values, alone[name])


def test_rows_of_an_encoder_are_on_the_clock_of_its_front_end_and_replace_what_nobody_else_takes(
    loaded: Loaded,
) -> None:
    given = rows_of("b")
    plain = Rows(np.zeros((5, 192), np.float32), given[STEP_MEL].layout, RATE_HZ, 40_000)
    ((_, found),) = encoded(loaded, [("b", {**given, "mel-steps@1": plain})])
    assert list(found) == ["mel-steps@1", ENCODED_KEY]
    assert found["mel-steps@1"] is plain
    rows, seen = found[ENCODED_KEY], given[STEP_MEL]
    assert rows.values.shape == (60, 8)
    assert rows.values.std(axis=0).min() > 0.01
    assert (rows.rate_hz, rows.total_samples) == (RATE_HZ, seen.total_samples)
    assert (rows.layout.step_s, rows.layout.start_s, rows.layout.row_shape) == (0.5, 0.0, (8,))


def test_a_track_of_a_bundle_without_encoders_does_not_wait(small_bundle: Bundle) -> None:
    class Nothing:
        """No model is asked."""

        def run(self, member: str, batch: Batch) -> NDArray[np.float32]:
            """Fails."""
            raise AssertionError

    batcher: EncoderBatcher[str] = EncoderBatcher(Nothing(), small_bundle, TaggingPlan())
    rows = rows_of("a")
    ((key, found),) = batcher.add("a", rows)
    assert key == "a"
    assert found is rows
    assert not list(batcher.flush())


# The worker.


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrackGroup]:
    """Good tracks, one of them with a copy, and tracks that fail, each in its own way."""
    folder = tmp_path_factory.mktemp("catalogue")
    broken = music(6.0)
    broken[-100] = np.nan
    sounds = {
        "four": music(4.2, seed=1),
        "long": music(65.3, seed=2),
        "not finite": broken,
        "below a summary": music(2.5),
        "thirty": music(31.5, seed=3),
        "below half a second": music(0.4),
        "copied": music(7.0, seed=4),
    }
    for name, samples in sounds.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE_HZ, subtype="FLOAT")
    (folder / "text.wav").write_text("no audio")
    tracks = {name: Track(name, str(folder / f"{name}.wav")) for name in (*sounds, "text")}
    copies = {"copied": (Track("copy", tracks["copied"].uri),)}
    return {name: TrackGroup(track, copies.get(name, ())) for name, track in tracks.items()}


def settled(worker: TaggingWorker, groups: Sequence[TrackGroup], *, together: bool) -> Iterator[Outcome]:
    """Outcomes in their order; nothing waits for the next track unless they go together."""
    for group in groups:
        yield from worker.process(group)
        if not together:
            yield from worker.flush()
    yield from worker.flush()


def tagged(
    job: TaggingJob, loaded: Loaded, groups: Sequence[TrackGroup], *, together: bool = True
) -> tuple[list[Outcome], dict[str, dict[str, list[Any]]]]:
    """Outcomes, and rows by track and table."""
    found: dict[str, dict[str, list[Any]]] = {}

    def keep(table: str, rows: Sequence[Any]) -> None:
        found.setdefault(rows[0].track_id, {})[table] = list(rows)

    worker = job.worker(loaded, keep)
    try:
        outcomes = list(settled(worker, groups, together=together))
        assert worker.take_sums()["seconds.models"] > 0
    finally:
        worker.close()
    return outcomes, found


def test_a_worker_settles_every_track_once_with_the_rows_that_it_has_alone(
    job: TaggingJob, loaded: Loaded, catalogue: Mapping[str, TrackGroup]
) -> None:
    kinds = {
        "not finite": FailureKind.NON_FINITE,
        "below half a second": FailureKind.TOO_SHORT,
        "below a summary": FailureKind.TOO_SHORT,
        "text": FailureKind.NOT_AUDIO,
    }
    names = list(catalogue)
    _, expected = tagged(job, loaded, list(catalogue.values()), together=False)
    assert sorted(expected) == sorted({*names, "copy"} - set(kinds))
    for order in (names, names[::-1]):
        outcomes, found = tagged(job, loaded, [catalogue[name] for name in order])
        assert sorted(outcome.track.track_id for outcome in outcomes) == sorted([*names, "copy"])
        failed = {outcome.track.track_id: outcome.error for outcome in outcomes if outcome.error}
        assert {name: error.kind for name, error in failed.items()} == kinds
        assert found == expected


class _Overflowing:
    """Models of which one gives no numbers."""

    def __init__(self, models: Models, member: str) -> None:
        self._models = models
        self._member = member

    def run(self, member: str, batch: Batch) -> NDArray[np.float32]:
        outputs = self._models.run(member, batch)
        return np.full_like(outputs, np.inf) if member == self._member else outputs


@pytest.mark.parametrize("member", ["tag-mean", "affect", "mobile"])
def test_predictions_that_are_no_numbers_fail_their_track_and_leave_no_rows(
    job: TaggingJob, loaded: Loaded, catalogue: Mapping[str, TrackGroup], member: str
) -> None:
    models = replace(loaded, models=_Overflowing(loaded.models, member))
    outcomes, found = tagged(job, models, [catalogue["four"], catalogue["copied"]])
    assert not found
    assert [outcome.error.kind for outcome in outcomes if outcome.error] == [FailureKind.NON_FINITE] * 3
    assert all("values that are not finite" in outcome.error.message for outcome in outcomes if outcome.error)


@pytest.mark.parametrize("members", [(*ENCODED, *OTHERS), ENCODED], ids=["mixed", "heads only"])
def test_rows_are_those_that_are_computed_in_memory(
    members: Sequence[Planned], catalogue: Mapping[str, TrackGroup], tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "bundle", members, tags=TAGS)
    identity = RunIdentity(run_id="run", bundle=bundle.key, work=WorkKey("", "", "", ""), output_uri="")
    tables = tuple(rows_a_track(bundle))
    assert tables == ("mood_tags", "emotion_curves")
    job = TaggingJob(str(bundle.folder), bundle.sha256, identity, WorkSettings(), 1000, tables)
    names = ("four", "long", "thirty")
    _, found = tagged(job, job.load(), [catalogue[name] for name in names])
    oracle = Oracle(bundle)
    for name in names:
        expected = oracle.expect(read(Path(catalogue[name].first.uri)))
        tags: list[MoodTagRow] = found[name]["mood_tags"]
        curve: EmotionCurveRow = found[name]["emotion_curves"][0]
        np.testing.assert_allclose([row.raw_score for row in tags], expected.raw_score, atol=1e-5)
        np.testing.assert_allclose([row.disagreement for row in tags], expected.disagreement, atol=1e-5)
        for axis in ("valence", "arousal", "valence_spread"):
            np.testing.assert_allclose(getattr(curve, axis), getattr(expected, axis), atol=1e-4)
        assert np.std(curve.valence) > 0.01
