"""Listening with an encoder: live rows and readings are the batch job's for a track that ends there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.bundle import Bundle
from models.registry import Role
from models.views import StepView
from pipelines.cli import EXIT_DONE, main
from schemas.errors import DataError
from tests.bundles import ENCODED, OTHERS, TAGS, write_bundle
from tests.oracle import Oracle
from tests.sounds import music
from transforms.features.mel.magnitudes import MelMagnitudes
from transforms.features.mel.step_mel import FRONT_END, HOP_SAMPLES, LEAD_SAMPLES, step_mel
from transforms.listening.emotion import LiveEmotion, Reading
from transforms.listening.encoded_window import EncodedWindow, rows_heard
from transforms.listening.members import Listeners, listening_members, load_listeners
from transforms.listening.step_mel_window import StepMelWindow
from transforms.tagging.features import Rows
from transforms.tagging.windows import TaggingPlan, windows

RATE_HZ = 16_000
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_bundle(tmp_path_factory.mktemp("encoded") / "bundle", ENCODED, tags=TAGS)


@pytest.fixture(scope="module")
def listeners(bundle: Bundle) -> Listeners:
    return load_listeners(bundle)


@pytest.fixture(scope="module")
def oracle(bundle: Bundle) -> Oracle:
    return Oracle(bundle)


def growing(seconds: float) -> Floats:
    """Music that gets louder, so that its level so far is never that of the whole."""
    samples = music(seconds)
    return samples * np.linspace(0.05, 1.0, len(samples), dtype=np.float32)


def cut(samples: Floats, size: int) -> Iterator[Floats]:
    return (samples[at : at + size] for at in range(0, len(samples), size))


def level_of(samples: Floats) -> float:
    """Root mean square of the bands of a track of whole half seconds."""
    beside = np.pad(samples, LEAD_SAMPLES)
    mel = np.empty((len(samples) // HOP_SAMPLES, 64), np.float32)
    room = MelMagnitudes(HOP_SAMPLES)
    for frame in range(len(mel)):
        room.hold(beside[frame * HOP_SAMPLES :])
        room.fill(mel[frame : frame + 1])
    return float(np.sqrt(np.mean(mel.astype(np.float64) ** 2)))


def shown_by(window: StepMelWindow, samples: Floats) -> list[Floats]:
    """What a window shows at each half second, silence after the end."""
    shown = []
    for block in cut(np.append(samples, np.zeros(100, np.float32)), 4_321):
        window.push(block)
        while window.ready:
            shown.append(window.advance())
    return shown


def readings_of(emotion: LiveEmotion, samples: Floats, *, size: int) -> list[Reading]:
    found = [reading for block in cut(samples, size) for reading in emotion.push(block)]
    return found + emotion.finish()


def curve_of(readings: list[Reading]) -> Floats:
    return np.array([(reading.valence, reading.arousal) for reading in readings], np.float32)


@pytest.mark.parametrize("rows", [1, 5, 40])
def test_rows_are_the_batch_jobs_where_the_level_is_known(rows: int) -> None:
    samples = growing(12.0)
    shown = shown_by(StepMelWindow(rows, level=level_of(samples)), samples)
    expected = step_mel(samples)
    assert len(shown) == len(expected) == 24
    for step, found in enumerate(shown):
        np.testing.assert_allclose(found, expected[max(0, step - rows + 1) : step + 1], atol=1e-4)


def test_the_level_so_far_is_that_of_a_track_that_ends_now() -> None:
    samples = growing(6.0)
    shown = shown_by(StepMelWindow(4), samples)
    for step in (0, 3, 11):
        heard = samples[: (step + 1) * RATE_HZ // 2]
        # The last frames of a step hear a little of the next, of a track that ends nothing.
        expected = step_mel(heard)[-4:, :31]
        np.testing.assert_allclose(shown[step][:, :31], expected, atol=2e-2)


def test_silence_has_rows_too() -> None:
    (rows,) = shown_by(StepMelWindow(1), np.zeros(8_000, np.float32))
    np.testing.assert_allclose(rows, np.full((1, 32, 64), np.log(0.001)), rtol=1e-6)


# Ends at each place in a patch, before and after the head's context is full; 31 s are more than one call.
@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.5, 2.0, 4.0, 11.5, 12.0, 12.5, 31.0])
def test_the_last_reading_is_the_end_of_the_curve_of_the_track(
    seconds: float, oracle: Oracle, listeners: Listeners
) -> None:
    samples = growing(seconds)
    found = curve_of(readings_of(listeners.start(rate_hz=RATE_HZ), samples, size=9_999))
    expected = oracle.expect(samples)
    assert len(found) == len(expected.valence)
    assert seconds < 4.0 or min(np.std(expected.valence), np.std(expected.arousal)) > 0.01
    np.testing.assert_allclose(found[-1], [expected.valence[-1], expected.arousal[-1]], atol=1e-4)


class Numbered:
    """A front end that hears rows of its own making, one each half second, the newest `rows` of them."""

    rate_hz = RATE_HZ
    ready = True

    def __init__(self, values: Floats, rows: int) -> None:
        self._values = values
        self._rows = rows
        self._count = 0

    def push(self, samples: Floats) -> None:
        """Nothing is taken."""

    def advance(self) -> Floats:
        """See LiveWindow."""
        self._count += 1
        return self._values[: self._count][-self._rows :]


def cells_of(view: StepView) -> Callable[[Floats, NDArray[np.bool_]], Floats]:
    """An encoder that looks at the whole grid cell of a row and at what the view has to either side."""
    after = view.rows - view.hop - view.lead

    def encode(values: Floats, inside: NDArray[np.bool_]) -> Floats:
        encoded = np.full_like(values, np.nan)
        heard = np.where(inside[:, :, None], values, 0.0)
        for at in range(view.lead, view.lead + view.hop):
            first = view.lead + (at - view.lead) // view.grid * view.grid
            encoded[:, at] = heard[:, first - view.lead : first + view.grid + after].sum(axis=1)
        return encoded

    return encode


VIEWS = [
    StepView(rows=60, hop=60, grid=3),
    StepView(rows=6, hop=6, grid=3),
    StepView(rows=3, hop=3, grid=3),
    StepView(rows=12, hop=8, lead=3, first_step=3, grid=4),
    StepView(rows=9, hop=6, lead=2, first_step=2),
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("rows", [1, 2, 7, 31])
def test_live_rows_are_those_of_the_batch_jobs_stretches_of_a_track_that_ends_now(
    rows: int, view: StepView
) -> None:
    values = np.random.default_rng(rows).normal(0.0, 1.0, (75, 4)).astype(np.float32)
    encode, sizes = cells_of(view), set()

    def counted(some: Floats, inside: NDArray[np.bool_]) -> Floats:
        sizes.add((some.shape, inside.shape))
        return encode(some, inside)

    window = EncodedWindow(Numbered(values, rows_heard(rows, view)), counted, view, rows=rows)
    for count in range(1, len(values) + 1):
        heard = Rows(values[:count], FRONT_END.layout(None), RATE_HZ, count * RATE_HZ // 2)
        stretches = windows(heard, view, TaggingPlan())
        own = [encode(one.values[None], one.extent[None])[0, view.lead :][: one.steps] for one in stretches]
        np.testing.assert_allclose(window.advance(), np.concatenate(own)[-rows:], rtol=1e-5, atol=1e-5)
    # One shape, for which the encoder is compiled once.
    ((size, inside),) = sizes
    assert size[1:] == (view.rows, 4)
    assert inside == size[:2]


def test_blocks_of_any_size_give_the_same_readings(listeners: Listeners) -> None:
    samples = growing(4.2)
    whole = readings_of(listeners.start(rate_hz=RATE_HZ), samples, size=len(samples))
    assert len(whole) == 8
    assert curve_of(whole).std(axis=0).min() > 0
    assert readings_of(listeners.start(rate_hz=RATE_HZ), samples, size=777) == whole


def test_regressors_with_and_without_an_encoder_listen_together(tmp_path: Path) -> None:
    mixed = write_bundle(tmp_path / "bundle", [*ENCODED, *OTHERS], tags=TAGS)
    together = load_listeners(mixed)
    assert [one.name for one in together.regressors] == ["affect", "dilated-0"]
    assert [member.name for member in together.bundle.members] == ["mobile", "affect", "dilated-0"]
    together.warm_up(rate_hz=44_100)
    assert len(readings_of(together.start(rate_hz=RATE_HZ), music(2.0), size=5_000)) == 4


def test_an_encoder_that_cannot_run_live_is_named_by_its_front_end(bundle: Bundle) -> None:
    (encoder,) = bundle.encoders
    elsewhere = replace(encoder, front_end="mel96@1")
    others = tuple(member for member in bundle.members if member.role is not Role.ENCODER)
    with pytest.raises(DataError, match="can listen: they take mel96@1; mel-steps@1"):
        listening_members(replace(bundle, members=(elsewhere, *others)))


def test_memory_does_not_grow_with_time() -> None:
    window, sizes = StepMelWindow(15), []
    for _ in range(30):
        window.push(music(1.0))
        while window.ready:
            window.advance()
        sizes.append(sum(value.nbytes for value in vars(window).values() if isinstance(value, np.ndarray)))
    assert max(sizes[15:]) <= max(sizes[:15])


def test_the_command_listens_with_an_encoder(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "a.wav", music(2.2), RATE_HZ)
    status = main(["listen", str(tmp_path / "a.wav"), "--fast", "--bundle", str(bundle.folder)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == EXIT_DONE
    assert [line["time_s"] for line in lines] == [0.5, 1.0, 1.5, 2.0]
