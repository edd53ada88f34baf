"""Listening: live readings are the batch job's where the level is known, twice a second and soon."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from rich.console import Console

from models.bundle import Bundle
from models.ensemble import compiled
from models.registry import Role
from models.regressors import gru
from models.views import StepView
from pipelines.cli import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, main
from pipelines.listening import command as listen_command
from pipelines.listening.bar import bar
from schemas.errors import DataError, FailureKind, Stage
from tests.sounds import music
from transforms.features.descriptors.pyaudio_68 import Level, PyAudioSettings, level_about, pyaudio_68
from transforms.features.mel import crnn_logmel, spectrum
from transforms.features.mel.mel_steps import mel_steps
from transforms.listening.emotion import AXES, LiveEmotion, LiveRegressor, Reading, latest
from transforms.listening.hearing import Heard, arriving, at_its_own_speed, at_once, in_short_blocks
from transforms.listening.mel_window import MelStepsWindow
from transforms.listening.members import Listeners, listening_members, live_rows, load_listeners
from transforms.listening.pcm import PcmFormat, PcmReader
from transforms.listening.pyaudio_window import PyAudioWindow
from transforms.listening.session import listen
from transforms.listening.window import LiveWindow

# Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
WITH_CTRL_C = (
    sys.executable,
    "-c",
    (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    ),
)
COMMAND = (sys.executable, "-m", "pipelines.cli", "listen")
MEL, PYAUDIO = "mel-steps@1", "pyaudio-68@1"
GRU_ROWS = 60
PYAUDIO_HZ = 44_100

Curve = NDArray[np.float32]


def growing(seconds: float, *, rate_hz: int) -> NDArray[np.float32]:
    """Music that gets louder and drifts off zero, so that its level so far is never that of the whole."""
    samples = music(seconds, rate_hz=rate_hz)
    rise = np.linspace(0.05, 1.0, len(samples), dtype=np.float32)
    return samples * rise + np.float32(0.02) * rise


def cut(samples: NDArray[np.float32], size: int) -> Iterator[NDArray[np.float32]]:
    return (samples[at : at + size] for at in range(0, len(samples), size))


def level_of(samples: NDArray[np.float32]) -> Level:
    mean = np.float64(samples.mean(dtype=np.float64))
    return level_about(mean, lowest=samples.min(), highest=samples.max())


def loudest_of(samples: NDArray[np.float32]) -> np.float32:
    return np.float32(crnn_logmel.mel_level(spectrum.power_spectrum(samples)).max())


def windows_of(window: LiveWindow, samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What a window shows at each half second."""
    shown = []
    for block in cut(samples, 4_321):
        window.push(block)
        while window.ready:
            shown.append(window.advance())
    return shown


def readings_of(emotion: LiveEmotion, blocks: Iterable[NDArray[np.float32]]) -> list[Reading]:
    found = [reading for block in blocks for reading in emotion.push(block)]
    return found + emotion.finish()


def curve_of(readings: list[Reading]) -> Curve:
    return np.array([(reading.valence, reading.arousal) for reading in readings], np.float32)


@pytest.fixture(scope="module")
def listeners(small_bundle: Bundle) -> Listeners:
    return load_listeners(small_bundle)


@pytest.fixture(scope="module")
def gru_regressor() -> LiveRegressor:
    import keras

    keras.utils.set_random_seed(3)
    settings = gru.GruSettings(units=6, dense=(6,))
    run = compiled(gru.build(settings))
    rows = live_rows(gru.view(settings))
    return LiveRegressor("gru", PYAUDIO, rows, AXES, lambda values, inside: run(values, inside).numpy())


@pytest.mark.parametrize("rows", [1, 3, 15])
def test_mel_rows_are_the_batch_jobs_where_the_maximum_is_known(rows: int) -> None:
    samples = growing(20.0, rate_hz=16_000)
    shown = windows_of(MelStepsWindow(rows, loudest=loudest_of(samples)), samples)
    expected = mel_steps(samples)
    # The last step waits for sound beyond it.
    assert len(shown) == len(expected) - 1
    for step, found in enumerate(shown):
        np.testing.assert_allclose(found, expected[max(0, step - rows + 1) : step + 1], atol=1e-6)


@pytest.mark.parametrize("rows", [10, GRU_ROWS])
def test_short_term_rows_are_the_batch_jobs_where_mean_and_peak_are_known(rows: int) -> None:
    samples = growing(8.0, rate_hz=PYAUDIO_HZ)
    shown = windows_of(PyAudioWindow(rows, level=level_of(samples)), samples)
    expected = pyaudio_68(samples, rate_hz=PYAUDIO_HZ)
    assert len(shown) == 16
    for step, found in enumerate(shown):
        last = 10 * (step + 1)
        np.testing.assert_allclose(found, expected[max(0, last - rows) : last], rtol=1e-4, atol=1e-5)


def test_the_level_so_far_is_that_of_a_track_that_ends_now() -> None:
    samples = growing(6.0, rate_hz=PYAUDIO_HZ)
    for step, found in enumerate(windows_of(PyAudioWindow(GRU_ROWS), samples)):
        heard = samples[: (step + 1) * PYAUDIO_HZ // 2]
        expected = pyaudio_68(heard, rate_hz=PYAUDIO_HZ)[-GRU_ROWS:]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_full_scale_is_handed_on() -> None:
    samples = (1e-3 * music(1.0, rate_hz=PYAUDIO_HZ)).astype(np.float32)
    settings = PyAudioSettings(full_scale=32_768.0)
    expected = pyaudio_68(samples, rate_hz=PYAUDIO_HZ, settings=settings)
    found = windows_of(PyAudioWindow(GRU_ROWS, full_scale=32_768.0), samples)[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[:, 1], pyaudio_68(samples, rate_hz=PYAUDIO_HZ)[:, 1], rtol=1e-4)


def test_after_the_loudest_moment_mel_rows_are_the_batch_jobs() -> None:
    samples = growing(6.0, rate_hz=16_000)[::-1].copy()
    shown = windows_of(MelStepsWindow(4), samples)
    np.testing.assert_allclose(shown[-1], mel_steps(samples)[-5:-1], atol=1e-6)


def test_readings_of_the_gru_are_the_batch_curve_where_the_level_is_known(
    gru_regressor: LiveRegressor,
) -> None:
    samples = growing(6.0, rate_hz=PYAUDIO_HZ)
    assert gru_regressor.rows == GRU_ROWS
    window = PyAudioWindow(GRU_ROWS, level=level_of(samples))
    emotion = LiveEmotion([gru_regressor], {PYAUDIO: window}, rate_hz=PYAUDIO_HZ)
    found = curve_of(readings_of(emotion, cut(samples, 10_000)))
    rows = pyaudio_68(samples, rate_hz=PYAUDIO_HZ)
    inputs = [latest(rows[: 10 * (step + 1)], GRU_ROWS) for step in range(12)]
    values, inside = (np.concatenate(parts) for parts in zip(*inputs, strict=True))
    expected = gru_regressor.predict(values, inside)[:, 0]
    assert expected.std(axis=0).min() > 0
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_readings_of_the_default_system_are_the_curve_of_a_track_that_ends_there(
    listeners: Listeners,
) -> None:
    samples = growing(12.0, rate_hz=16_000)
    window = MelStepsWindow(15, loudest=loudest_of(samples))
    assert {regressor.rows for regressor in listeners.regressors} == {15}
    emotion = LiveEmotion(listeners.regressors, {MEL: window}, rate_hz=16_000)
    found = curve_of(readings_of(emotion, cut(samples, 9_999)))
    steps = mel_steps(samples)
    for step in (0, 9, 16, len(steps) - 1):
        values, inside = steps[None, : step + 1], np.ones((1, step + 1), bool)
        expected = np.mean([each.predict(values, inside)[0, -1] for each in listeners.regressors], axis=0)
        np.testing.assert_allclose(found[step], expected, atol=1e-5)
    assert found.std(axis=0).min() > 0


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 24_000, 44_100, 48_000])
def test_each_half_second_has_one_reading_at_any_rate(listeners: Listeners, rate_hz: int) -> None:
    found = readings_of(listeners.start(rate_hz=rate_hz), cut(music(3.3, rate_hz=rate_hz), rate_hz // 7))
    assert [reading.time_s for reading in found] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_no_reading_comes_before_its_time(listeners: Listeners) -> None:
    emotion, heard = listeners.start(rate_hz=44_100), 0
    for block in cut(music(4.0, rate_hz=44_100), 441):
        heard += len(block)
        assert all(reading.time_s <= heard / 44_100 for reading in emotion.push(block))


def test_blocks_of_any_size_give_the_same_readings(
    listeners: Listeners, gru_regressor: LiveRegressor
) -> None:
    samples = growing(4.2, rate_hz=24_000)

    def heard(size: int) -> list[Reading]:
        windows: dict[str, LiveWindow] = {MEL: MelStepsWindow(15), PYAUDIO: PyAudioWindow(GRU_ROWS)}
        regressors = (*listeners.regressors, gru_regressor)
        return readings_of(LiveEmotion(regressors, windows, rate_hz=24_000), cut(samples, size))

    whole = heard(len(samples))
    assert len(whole) == 8
    assert heard(100) == heard(7_777) == whole


def test_an_axis_is_the_mean_of_the_regressors_that_give_it() -> None:
    def constant(*outputs: float) -> LiveRegressor:
        targets = AXES if len(outputs) == 2 else ("arousal",)
        return LiveRegressor("constant", MEL, 1, targets, lambda *_: np.array([[outputs]], np.float32))

    regressors = (constant(0.5, -0.5), constant(0.25), constant(0.5, 3.0))
    emotion = LiveEmotion(regressors, {MEL: MelStepsWindow(1)}, rate_hz=16_000)
    reading = readings_of(emotion, [music(0.5)])[0]
    assert reading.valence == 0.5
    assert reading.arousal == pytest.approx((-0.5 + 0.25 + 3.0) / 3)


@pytest.mark.parametrize("window", [MelStepsWindow(15), PyAudioWindow(GRU_ROWS)], ids=["mel", "pyaudio"])
def test_memory_does_not_grow_with_time(window: LiveWindow) -> None:
    sizes = []
    for _ in range(30):
        window.push(music(1.0, rate_hz=window.rate_hz))
        while window.ready:
            window.advance()
        sizes.append(sum(value.nbytes for value in vars(window).values() if isinstance(value, np.ndarray)))
    assert max(sizes[15:]) <= max(sizes[:15])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e12])
def test_a_sample_that_cannot_be_is_refused(listeners: Listeners, value: float) -> None:
    samples = music(0.5)
    samples[100] = value
    with pytest.raises(DataError, match=r"not finite|beyond"):
        listeners.start(rate_hz=16_000).push(samples)


def test_less_than_half_a_second_is_refused(listeners: Listeners) -> None:
    emotion = listeners.start(rate_hz=16_000)
    assert emotion.push(music(0.4)) == []
    with pytest.raises(DataError, match=r"0\.400 s heard; the first reading needs 0\.5 s"):
        emotion.finish()


def test_silence_has_readings_too(listeners: Listeners) -> None:
    found = readings_of(listeners.start(rate_hz=16_000), [np.zeros(32_000, np.float32)])
    assert len(found) == 4
    assert np.isfinite(curve_of(found)).all()


def test_one_step_looks_at_what_lies_before_its_end() -> None:
    assert live_rows(StepView(rows=60, hop=10, lead=50, steps=1)) == 60
    assert live_rows(StepView(rows=108, hop=80, lead=14, first_step=14)) == 15


def test_regressors_that_cannot_run_live_are_named(small_bundle: Bundle) -> None:
    first, *others = small_bundle.of_role(Role.REGRESSOR)
    elsewhere = replace(first, name="elsewhere", front_end="mel96@1")
    able, left_out = listening_members(replace(small_bundle, members=(elsewhere, *others)))
    assert able == tuple(others)
    assert left_out == ("elsewhere",)
    with pytest.raises(
        DataError, match=r"can listen: they take mel96@1; mel-steps@1, pyaudio-68@1, step-mel@1 can run"
    ):
        listening_members(replace(small_bundle, members=(elsewhere,)))
    with pytest.raises(DataError, match="has no regressor"):
        listening_members(replace(small_bundle, members=small_bundle.of_role(Role.TAGGER)))


def test_a_file_is_given_at_its_own_speed() -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    blocks = in_short_blocks(cut(music(1.0, rate_hz=11_025), 5_000), 11_025)
    heard = list(at_its_own_speed(blocks, 11_025, clock=lambda: now[0], sleep=sleep))
    assert len(heard) == 50
    samples = np.cumsum([len(block.samples) for block in heard])
    np.testing.assert_allclose([block.at_s for block in heard], 100.0 + samples / 11_025)
    # Readings end with a block, to the sample.
    assert {5_512, 11_025} <= set(samples.tolist())
    assert now[0] == pytest.approx(101.0)


def test_short_blocks_are_the_same_samples() -> None:
    samples = music(0.777, rate_hz=8_000)
    np.testing.assert_array_equal(np.concatenate(list(in_short_blocks([samples], 8_000))), samples)


def test_readings_come_within_half_a_second_of_their_sound(listeners: Listeners) -> None:
    listeners.warm_up(rate_hz=24_000)
    blocks = in_short_blocks([music(4.0, rate_hz=24_000)], 24_000)
    begin, delays = time.monotonic(), []
    heard = at_its_own_speed(blocks, 24_000)
    for reading, heard_s in listen(heard, listeners.start(rate_hz=24_000), rate_hz=24_000):
        # As it would sound, from when the first block was there.
        assert heard_s == pytest.approx(begin + reading.time_s, abs=0.2)
        delays.append(time.monotonic() - heard_s)
    assert len(delays) == 8
    assert 0.0 < min(delays) <= max(delays) < 0.5


def test_a_reading_has_the_time_of_the_block_that_its_end_lies_in(listeners: Listeners) -> None:
    blocks = [Heard(block, float(at)) for at, block in enumerate(cut(music(2.0), 3_000))]
    found = list(listen(blocks, listeners.start(rate_hz=16_000), rate_hz=16_000))
    assert [(reading.time_s, at) for reading, at in found] == [
        (0.5, 2.0),
        (1.0, 5.0),
        (1.5, 7.0),
        (2.0, 10.0),
    ]


def test_what_was_heard_before_the_sound_broke_off_is_read(listeners: Listeners) -> None:
    def broken() -> Iterator[Heard]:
        yield from at_once([music(1.0)])
        raise DataError(FailureKind.CORRUPT, Stage.DECODE, "torn")

    found: list[float] = []
    with pytest.raises(DataError, match="torn"):
        found.extend(
            reading.time_s for reading, _ in listen(broken(), listeners.start(rate_hz=16_000), rate_hz=16_000)
        )
    assert found == [0.5, 1.0]


@pytest.mark.parametrize(("encoding", "kind", "scale"), [("s16le", "<i2", 32_768), ("f32le", "<f4", 1)])
@pytest.mark.parametrize("channels", [1, 2])
def test_bytes_cut_anywhere_are_the_same_samples(encoding: str, kind: str, scale: int, channels: int) -> None:
    values = np.stack([music(0.1), -0.5 * music(0.1, seed=1)][:channels], axis=1)
    data = (values * scale).astype(kind).tobytes()
    reader = PcmReader(PcmFormat(16_000, encoding, channels))
    found = np.concatenate([reader.push(data[at : at + 7]) for at in range(0, len(data), 7)])
    reader.finish()
    np.testing.assert_allclose(found, values.mean(axis=1), atol=1 / 32_768)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((0, "s16le", 1), "rate is 0 Hz"),
        ((-1, "s16le", 1), "rate is -1 Hz"),
        ((44_100, "mp3", 1), "format 'mp3' is not known; there are s16le, f32le"),
        ((44_100, "s16le", 0), "channels is 0"),
        ((44_100, "s16le", 1_000), "channels is 1000"),
    ],
)
def test_raw_sound_that_cannot_be_is_refused(fields: tuple[int, str, int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        PcmFormat(*fields)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "the input is empty"), (bytes(1_003), r"1003 bytes ends within a sample: 3 of 4 bytes \(s16le")],
)
def test_an_input_that_ends_too_soon_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "pcm").write_bytes(data)
    with (tmp_path / "pcm").open("rb") as file, pytest.raises(DataError, match=message):
        list(arriving(file.fileno(), PcmFormat(channels=2)))


def test_an_input_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(DataError, match="standard input: Is a directory"):
            list(arriving(folder, PcmFormat()))
    finally:
        os.close(folder)


def test_the_bar_is_one_line_of_the_colour() -> None:
    line = bar(Reading(75.5, 0.25, -0.5), colour="#2ea067", delay_ms=43.2, width=60)
    assert line.plain == " 1:15.5  valence +0.25  arousal -0.50  43 ms".ljust(60)
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=60)
    with console.capture() as shown:
        console.print(line)
    assert "48;2;46;160;103" in shown.get()


# The command itself.

_COMPOSED_S = 4.7


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.flac"
    soundfile.write(path, music(_COMPOSED_S, rate_hz=22_050), 22_050)
    return path


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def check_lines(lines: list[dict[str, object]], *, count: int) -> None:
    assert [line["time_s"] for line in lines] == [0.5 * (step + 1) for step in range(count)]
    for line in lines:
        assert list(line) == ["time_s", "valence", "arousal", "colour", "delay_ms"]
        assert all(-1 <= float(str(line[axis])) <= 1 for axis in AXES)
        assert str(line["colour"]).startswith("#")
        assert float(str(line["delay_ms"])) >= 0


def test_a_file_listened_to_fast_has_a_line_for_each_half_second(
    clip: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.monotonic()
    assert main(["listen", str(clip), "--fast", "--bundle", str(small_bundle.folder)]) == EXIT_DONE
    assert time.monotonic() - begin < 60
    check_lines(lines_of(capsys.readouterr().out), count=int(_COMPOSED_S / 0.5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("CLIP --rate 8000", "--rate 8000 is for standard input"),
        ("CLIP --channels 1", "--channels 1 is for standard input"),
        ("--fast", "--fast is for a FILE"),
        ("--rate 0", "rate is 0 Hz"),
        ("--format mp3", "format 'mp3' is not known; there are s16le, f32le"),
        ("missing.wav", "listen: missing.wav: no such file"),
        ("NOISE", "no decoder knows this file"),
        ("SHORT", "0.300 s heard; the first reading needs 0.5 s"),
        ("CLIP --bundle nowhere", "bundle 'nowhere' is neither"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: str,
    message: str,
    clip: Path,
    small_bundle: Bundle,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(sys, "stdin", (tmp_path / "input").open("w+"))
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(4_000))
    soundfile.write(tmp_path / "short.wav", music(0.3), 16_000)
    files = {"CLIP": str(clip), "NOISE": str(tmp_path / "noise"), "SHORT": str(tmp_path / "short.wav")}
    given = [files.get(argument, argument) for argument in arguments.split()]
    bundle = [] if "--bundle" in given else ["--bundle", str(small_bundle.folder)]
    assert main(["listen", *given, *bundle]) == EXIT_USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert message in shown.err


def started(small_bundle: Bundle, *arguments: str) -> subprocess.Popen[bytes]:
    command = [*WITH_CTRL_C, *COMMAND, "--bundle", str(small_bundle.folder), *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )


def test_raw_sound_on_standard_input_has_the_same_readings_as_its_file(
    tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    stereo = np.stack([music(2.3, rate_hz=48_000), music(2.3, rate_hz=48_000, seed=1)], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 48_000, subtype="FLOAT")
    main(["listen", str(tmp_path / "stereo.wav"), "--fast", "--bundle", str(small_bundle.folder)])
    from_file = lines_of(capsys.readouterr().out)
    options = ("--rate", "48000", "--format", "f32le", "--channels", "2")
    with started(small_bundle, *options) as process:
        out, err = process.communicate(stereo.astype("<f4").tobytes() + b"\0", timeout=60)
    # A byte too many at the end is said, after all that was heard.
    assert process.returncode == EXIT_USAGE
    assert b"ends within a sample: 1 of 8 bytes" in err
    lines = lines_of(out.decode())
    check_lines(lines, count=4)
    for line, same in zip(lines, from_file, strict=True):
        assert [line[axis] for axis in AXES] == pytest.approx([same[axis] for axis in AXES], abs=2e-4)


def test_ctrl_c_ends_it_quietly(small_bundle: Bundle) -> None:
    with started(small_bundle, "--rate", "16000") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write((music(1.0) * 32_767).astype("<i2").tobytes())
        check_lines(lines_of(process.stdout.readline().decode()), count=1)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == EXIT_INTERRUPTED
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_sigterm_ends_it_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), listen_command._ended_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_it_ends_quietly_when_nobody_reads_any_more(small_bundle: Bundle) -> None:
    with started(small_bundle, "--rate", "16000") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        second = (music(1.0) * 32_767).astype("<i2").tobytes()
        process.stdin.write(second)
        process.stdout.readline()
        process.stdout.close()
        for _ in itertools.takewhile(lambda _: process.poll() is None, range(100)):
            try:
                process.stdin.write(second)
            except BrokenPipeError:
                break
            time.sleep(0.05)
        assert process.wait(20) == EXIT_DONE
        assert process.stderr is not None
        assert process.stderr.read() == b""
