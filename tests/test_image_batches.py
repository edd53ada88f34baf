"""Images of several tracks in one batch: rows are those of the track alone, and failures cost their track."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.bundle import Bundle
from models.ensemble import Ensemble
from models.image_nets import nets
from models.image_nets import weights as image_weights
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from schemas.errors import DataError, FailureKind
from schemas.track import Outcome, Track, TrackGroup
from schemas.tracks import Status
from tests.bundles import MEMBERS, TAGS, Planned, write_bundle
from tests.sounds import music
from transforms.features.front_end import ImageExtractor, Layout, Net
from transforms.features.images.deep_spectrum import DeepSpectrumSettings, deep_spectrum
from transforms.tagging.features import Features, FrontEnds, Pictures, Rows
from transforms.tagging.image_batches import ImageBatcher
from transforms.tagging.worker import Loaded, TaggingWorker, WorkSettings

RATE_HZ = 16_000
LAYOUT = Layout(("red", "green", "blue"), step_s=1.0)
Images = NDArray[np.uint8]
# Shorter than a batch of four, one batch, and one that ends within its third.
LENGTHS_S = {"a": 1.2, "b": 3.0, "c": 4.0, "d": 9.5, "e": 0.7, "f": 2.0}
ORDERS = ["abcdef", "fedcba", "dabfec", "eeee", "d", "cbd"]


class MeanColour:
    """A stand-in for a net, the mean of each channel, that keeps how many images came in each call."""

    def __init__(self, batch: int = 4) -> None:
        self.batch = batch
        self.calls: list[int] = []

    def features(self, images: Images) -> NDArray[np.float32]:
        """Images [n, side, side, 3] -> [n, 3]."""
        self.calls.append(len(images))
        mean: NDArray[np.float32] = images.mean(axis=(1, 2), dtype=np.float32)
        return mean


def pictures(net: Net, blocks: Iterator[Images] | Sequence[Images]) -> Pictures:
    return Pictures(iter(blocks), net, LAYOUT, RATE_HZ, RATE_HZ)


def flat(count: int, *, first: int = 0) -> Images:
    """Images [count, 2, 2, 3] of one level each: first, first + 1, ..."""
    return np.tile(np.arange(first, first + count, dtype=np.uint8)[:, None, None, None], (1, 2, 2, 3))


def levels(rows: Mapping[str, Rows], name: str = "pictures") -> list[int]:
    """What MeanColour saw in images of one level each."""
    return [int(values[0]) for values in rows[name].values]


def sent(
    batcher: ImageBatcher[str], tracks: Sequence[tuple[str, Features]]
) -> list[tuple[str, Mapping[str, Rows]]]:
    """All tracks through the batcher, in the order in which they are complete."""
    done = [one for key, features in tracks for one in batcher.add(key, features)]
    return [*done, *batcher.flush()]


# Batches.


def test_images_of_several_tracks_fill_each_batch() -> None:
    net = MeanColour()
    counts = [3, 2, 1, 6, 1]
    firsts = np.cumsum([0, *counts])
    tracks = [
        (str(index), {"pictures": pictures(net, [flat(count, first=int(first))])})
        for index, (count, first) in enumerate(zip(counts, firsts[:-1], strict=True))
    ]
    done = sent(ImageBatcher(), tracks)
    assert net.calls == [4, 4, 4, 1]
    assert [key for key, _ in done] == ["0", "1", "2", "3", "4"]
    assert [levels(rows) for _, rows in done] == [
        list(range(first, first + count)) for count, first in zip(counts, firsts[:-1], strict=True)
    ]


def test_a_track_without_pictures_does_not_wait() -> None:
    batcher: ImageBatcher[str] = ImageBatcher()
    rows = Rows(np.zeros((2, 3), np.float32), LAYOUT, RATE_HZ, RATE_HZ)
    assert not list(batcher.add("waits", {"pictures": pictures(MeanColour(), [flat(1)])}))
    assert list(batcher.add("plain", {"steps": rows})) == [("plain", {"steps": rows})]
    assert [key for key, _ in batcher.flush()] == ["waits"]
    assert not list(batcher.flush())


def test_front_ends_with_one_net_share_its_batches() -> None:
    net = MeanColour()
    rows = Rows(np.zeros((2, 3), np.float32), LAYOUT, RATE_HZ, RATE_HZ)
    short, long = pictures(net, [flat(3)]), pictures(net, [flat(1, first=100)])
    ((key, found),) = ImageBatcher[str]().add("a", {"1s": short, "steps": rows, "5s": long})
    assert net.calls == [4]
    assert (key, list(found)) == ("a", ["1s", "steps", "5s"])
    assert (levels(found, "1s"), levels(found, "5s")) == ([0, 1, 2], [100])
    assert found["steps"] is rows


def test_a_track_waits_for_all_of_its_nets() -> None:
    batcher: ImageBatcher[str] = ImageBatcher()
    one, other = MeanColour(batch=2), MeanColour(batch=3)
    assert not list(batcher.add("a", {"1s": pictures(one, [flat(2)]), "5s": pictures(other, [flat(1)])}))
    assert one.calls == [2]
    ((key, _),) = batcher.add("b", {"5s": pictures(other, [flat(2)]), "1s": pictures(one, [flat(1)])})
    assert key == "a"
    assert other.calls == [3]
    assert [key for key, _ in batcher.flush()] == ["b"]


def test_a_long_track_never_has_more_pictures_than_a_batch_and_a_block() -> None:
    net, drawn, most = MeanColour(), 0, 0

    def blocks() -> Iterator[Images]:
        nonlocal drawn, most
        for _ in range(100):
            drawn += 3
            most = max(most, drawn - sum(net.calls))
            yield flat(3)

    ((_, rows),) = sent(ImageBatcher(), [("long", {"pictures": pictures(net, blocks())})])
    assert rows["pictures"].values.shape == (300, 3)
    assert most < net.batch + 3


def test_a_track_that_waits_holds_no_samples() -> None:
    batcher: ImageBatcher[str] = ImageBatcher()
    samples = music(2.0)
    extract = deep_spectrum(MeanColour(), side=8, settings=DeepSpectrumSettings())
    blocks = extract.draw(samples, rate_hz=RATE_HZ)
    assert not list(batcher.add("a", {"1s": pictures(extract.net, blocks)}))
    left = weakref.ref(samples)
    del samples, blocks
    gc.collect()
    assert left() is None
    assert len(list(batcher.flush())) == 1


# The same numbers.


@pytest.fixture(scope="module")
def net() -> nets.ImageNet:
    """A small net of random weights."""
    return nets.build_net("squeezenet")


@pytest.fixture(scope="module")
def extract(net: nets.ImageNet) -> ImageExtractor:
    """Deep Spectrum with the small net."""
    return deep_spectrum(net, side=net.input_size, settings=DeepSpectrumSettings())


@pytest.fixture(scope="module")
def alone(extract: ImageExtractor) -> dict[str, NDArray[np.float32]]:
    """Rows of each track by itself."""
    return {
        name: extract(music(seconds, seed=ord(name)), rate_hz=RATE_HZ) for name, seconds in LENGTHS_S.items()
    }


@pytest.mark.parametrize("order", ORDERS)
def test_rows_do_not_depend_on_what_shares_their_batch(
    order: str, extract: ImageExtractor, alone: Mapping[str, NDArray[np.float32]]
) -> None:
    tracks = []
    for name in order:
        blocks = extract.draw(music(LENGTHS_S[name], seed=ord(name)), rate_hz=RATE_HZ)
        tracks.append((name, {"1s": pictures(extract.net, blocks)}))
    done = sent(ImageBatcher(), tracks)
    assert sorted(name for name, _ in done) == sorted(order)
    for name, rows in done:
        np.testing.assert_array_equal(rows["1s"].values, alone[name])


# The worker.


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Taggers on windows of 1 s and 5 s of one net, and one without pictures."""
    members = [
        Planned(
            f"gru-{window}s",
            "deep-spectrum-rnn",
            DeepSpectrumRnnSettings("gru", window, inputs=512, units=4, dense=4, tags=8),
            {"net": "squeezenet", "window_s": float(window), "hop_s": float(window)},
        )
        for window in (1, 5)
    ]
    folder = tmp_path_factory.mktemp("pictures") / "bundle"
    return write_bundle(folder, [*members, Planned(*MEMBERS[0])], tags=TAGS)


@pytest.fixture(scope="module")
def loaded(bundle: Bundle, net: nets.ImageNet, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The bundle's models and front ends at work, the net in the place of one with fetched weights."""
    file = tmp_path_factory.mktemp("weights") / "weights.h5"
    file.write_bytes(b"stands for fetched weights")
    models = Ensemble(bundle)
    models.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nets, "load_net", lambda name, *, layer, weights, quantised_by: net)
        patch.setattr(image_weights, "weights_path", lambda name, *, given="": file)
        return Loaded(bundle, models, FrontEnds(bundle.front_ends))


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrackGroup]:
    """Good tracks, one of them with a copy, and four that fail, each in its own way."""
    folder = tmp_path_factory.mktemp("catalogue")
    broken = music(6.0)
    broken[-100] = np.nan
    sounds = {
        "six": music(6.0, seed=1),
        "eleven": music(11.3, seed=2),
        "thirty": music(31.5, seed=3),
        "copied": music(7.0, seed=4),
        "not finite": broken,
        "below half a second": music(0.4),
        "below a window": music(2.5),
    }
    for name, samples in sounds.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE_HZ, subtype="FLOAT")
    (folder / "text.wav").write_text("no audio")
    tracks = {name: Track(name, str(folder / f"{name}.wav")) for name in (*sounds, "text")}
    copies = {"copied": (Track("copy", tracks["copied"].uri),)}
    return {name: TrackGroup(track, copies.get(name, ())) for name, track in tracks.items()}


def tagged(
    loaded: Loaded, groups: Sequence[TrackGroup], *, together: bool
) -> tuple[list[Outcome], dict[tuple[str, str], Any]]:
    """Outcomes of one worker in their order, and its raw scores by track and tag; nothing waits for the next
    track unless they go together."""
    rows: list[Any] = []
    worker = TaggingWorker(loaded, WorkSettings(), run_id="run", sink=lambda _, some: rows.extend(some))
    try:
        outcomes: list[Outcome] = []
        for group in groups:
            outcomes += worker.process(group)
            outcomes += () if together else worker.flush()
        outcomes += worker.flush()
    finally:
        worker.close()
    return outcomes, {(row.track_id, row.tag): row.raw_score for row in rows}


def test_a_worker_settles_every_track_once_with_the_scores_that_it_has_alone(
    loaded: Loaded, catalogue: Mapping[str, TrackGroup]
) -> None:
    kinds = {
        "not finite": FailureKind.NON_FINITE,
        "below half a second": FailureKind.TOO_SHORT,
        "below a window": FailureKind.TOO_SHORT,
        "text": FailureKind.NOT_AUDIO,
    }
    names = list(catalogue)
    _, expected = tagged(loaded, list(catalogue.values()), together=False)
    assert len(expected) == 5 * len(TAGS)
    for order in (names, names[::-1]):
        outcomes, scores = tagged(loaded, [catalogue[name] for name in order], together=True)
        assert sorted(outcome.track.track_id for outcome in outcomes) == sorted([*names, "copy"])
        failed = {outcome.track.track_id: outcome.error for outcome in outcomes if outcome.error}
        assert {name: error.kind for name, error in failed.items()} == kinds
        assert all((one.status is Status.FAILED) == (one.error is not None) for one in outcomes)
        assert all(one.facts.decoded_s for one in outcomes if one.facts and not one.error)
        assert scores == expected


def test_a_failure_after_the_pictures_costs_its_track_and_not_the_one_that_is_at_hand(
    loaded: Loaded, catalogue: Mapping[str, TrackGroup]
) -> None:
    worker = TaggingWorker(loaded, WorkSettings(), run_id="run", sink=lambda *_: None)
    try:
        # Two pictures of 1 s and one of what there is of 5 s wait for a fourth.
        assert not list(worker.process(catalogue["below a window"]))
        (outcome,) = worker.process(catalogue["six"])
        assert (outcome.track.track_id, outcome.status) == ("below a window", Status.FAILED)
        assert outcome.facts is not None
        assert outcome.facts.decoded_s == 2.5
        with pytest.raises(DataError, match=r"2\.50 s decoded, at least 3 s are needed"):
            raise outcome.error or AssertionError
        assert [one.track.track_id for one in worker.flush()] == ["six"]
    finally:
        worker.close()
