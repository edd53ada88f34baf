"""Decoding: what comes in, in whatever format, comes out as it sounded; what cannot costs one track."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from tests.audio_files import by_ffmpeg, by_sndfile
from transforms.decoding.audio import open_audio, regroup, resample
from transforms.decoding.sandbox import DecodedAudio, DecodeLimits, SandboxedDecoder, memory_file
from transforms.features.streams import STREAMED, extract
from transforms.tracks import reader
from transforms.tracks.reader import TrackReading
from transforms.tracks.stage_clock import StageClock
from transforms.tracks.track_file import open_track_file, track_file

RATE_HZ = 16_000
BLOCK = 32_000


def tone(seconds: float, rate_hz: int, *, levels: tuple[float, ...] = (0.5,), hz: float = 440.0) -> Any:
    """A sine with one level for each channel: [n, channels] float32."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (np.sin(2 * np.pi * hz * time_s)[:, None] * np.array(levels)).astype(np.float32)


def noise(seconds: float, rate_hz: int, channels: int = 2) -> Any:
    """Noise that no codec makes small: [n, channels] float32."""
    generator = np.random.default_rng(5)
    return (0.1 * generator.standard_normal((round(seconds * rate_hz), channels))).astype(np.float32)


def video_without_sound() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for shade in range(10):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade * 20, np.uint8), format="rgb24")
            for packet in stream.encode(picture):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return file.getvalue()


@pytest.fixture(scope="module")
def decoder() -> Iterator[SandboxedDecoder]:
    """One decoder for the whole file, as a worker has one for all its tracks."""
    with SandboxedDecoder(DecodeLimits(timeout_s=20), block_samples=BLOCK) as shared:
        yield shared


def decoded(decoder: SandboxedDecoder, data: bytes) -> tuple[DecodedAudio, NDArray[np.float32]]:
    audio = decoder.decode(memory_file(data), rate_hz=RATE_HZ)
    return audio, np.concatenate(list(audio))


def refusal(decoder: SandboxedDecoder, data: bytes) -> DataError:
    """The error that decoding these bytes costs."""
    with pytest.raises(DataError, match=r".") as caught:
        decoded(decoder, data)
    assert caught.value.stage is Stage.DECODE
    return caught.value


def heard(decoder: SandboxedDecoder, data: bytes) -> tuple[TrackReading, dict[str, NDArray[Any]]]:
    """A track read to its end, and its features."""
    reading = TrackReading(track_file(memory_file(data)), decoder, StageClock())
    features = extract(
        reading.blocks(RATE_HZ), STREAMED.values(), total_samples=lambda: reading.total_samples
    )
    return reading, features


def peak_hz(samples: NDArray[np.float32]) -> float:
    """Frequency of the strongest partial of a second and a half in the middle."""
    middle = samples[8_000:32_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 18))
    return float(np.argmax(spectrum)) * RATE_HZ / (1 << 18)


def rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples[8_000:32_000].astype(np.float64) ** 2)))


@pytest.mark.parametrize(
    ("format_", "subtype", "codec", "level"),
    [
        ("WAV", "PCM_16", "pcm_16", 1e-4),
        ("WAV", "PCM_24", "pcm_24", 1e-4),
        ("WAV", "FLOAT", "float", 1e-4),
        ("WAV", "DOUBLE", "double", 1e-4),
        ("WAV", "PCM_U8", "pcm_u8", 0.01),
        ("WAV", "ULAW", "ulaw", 0.02),
        ("WAV", "ALAW", "alaw", 0.02),
        ("RF64", "PCM_16", "pcm_16", 1e-4),
        ("W64", "PCM_16", "pcm_16", 1e-4),
        ("AIFF", "PCM_16", "pcm_16", 1e-4),
        ("CAF", "ALAC_16", "alac_16", 1e-4),
        ("AU", "PCM_16", "pcm_16", 1e-4),
        ("FLAC", "PCM_16", "flac", 1e-4),
        ("FLAC", "PCM_24", "flac", 1e-4),
        ("OGG", "VORBIS", "vorbis", 0.02),
        ("OGG", "OPUS", "opus", 0.02),
        ("MP3", "MPEG_LAYER_III", "mp3", 0.02),
    ],
)
def test_what_libsndfile_writes_comes_back_as_long_as_high_and_as_loud(
    decoder: SandboxedDecoder, format_: str, subtype: str, codec: str, level: float
) -> None:
    rate_hz = 48_000 if subtype == "OPUS" else 44_100
    data = by_sndfile(tone(2.5, rate_hz, levels=(0.5, 0.5)), rate_hz, format_, subtype)
    audio, samples = decoded(decoder, data)
    assert (audio.format.sample_rate_hz, audio.format.channels, audio.format.codec) == (rate_hz, 2, codec)
    assert audio.format.declared_s == pytest.approx(2.5, abs=0.012)
    assert len(samples) / RATE_HZ == pytest.approx(audio.format.declared_s, abs=2 / RATE_HZ)
    assert audio.total_samples == len(samples)
    assert peak_hz(samples) == pytest.approx(440, abs=0.2)
    assert rms(samples) == pytest.approx(0.5 / np.sqrt(2), rel=level)


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("ipod", "aac", "aac"),  # M4A
        ("ipod", "alac", "alac"),
        ("mp4", "aac", "aac"),
        ("adts", "aac", "aac"),
        ("mpegts", "aac", "aac"),
        ("asf", "wmav2", "wmav2"),
        ("matroska", "flac", "flac"),
        ("matroska", "aac", "aac"),
        ("webm", "libopus", "opus"),
        ("ac3", "ac3", "ac3"),
        ("wv", "wavpack", "wavpack"),
        ("tta", "tta", "tta"),
    ],
)
def test_what_only_ffmpeg_reads_comes_back_as_long_as_high_and_as_loud(
    decoder: SandboxedDecoder, container: str, codec: str, name: str
) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg does not write {codec}")
    audio, samples = decoded(
        decoder, by_ffmpeg(tone(2.5, 48_000, levels=(0.5, 0.5)), 48_000, container, codec)
    )
    assert (audio.format.sample_rate_hz, audio.format.channels, audio.format.codec) == (48_000, 2, name)
    # A frame or two of a lossy codec at either end.
    assert audio.format.declared_s == pytest.approx(2.5, abs=0.08)
    assert len(samples) / RATE_HZ == pytest.approx(2.5, abs=0.08)
    assert peak_hz(samples) == pytest.approx(440, abs=0.2)
    assert rms(samples) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("levels", [(0.8, 0.0), (0.0, 0.8), (0.1, 0.7), (0.4, 0.4)], ids=str)
@pytest.mark.parametrize("kind", ["WAV", "alac"])
def test_stereo_is_the_mean_of_both_channels(
    decoder: SandboxedDecoder, kind: str, levels: tuple[float, float]
) -> None:
    samples = tone(2.5, 48_000, levels=levels)
    data = by_sndfile(samples, 48_000, "WAV") if kind == "WAV" else by_ffmpeg(samples, 48_000, "ipod", "alac")
    assert rms(decoded(decoder, data)[1]) == pytest.approx(0.4 / np.sqrt(2), rel=1e-3)


def test_channels_in_opposite_phase_are_silent_and_six_are_averaged(decoder: SandboxedDecoder) -> None:
    _, opposite = decoded(decoder, by_sndfile(tone(2.5, 44_100, levels=(0.5, -0.5)), 44_100, "WAV"))
    assert np.abs(opposite).max() < 1e-4
    levels = (0.6, 0.0, 0.3, 0.0, 0.0, 0.3)
    audio, samples = decoded(decoder, by_sndfile(tone(2.5, 44_100, levels=levels), 44_100, "WAV"))
    assert audio.format.channels == 6
    assert rms(samples) == pytest.approx(0.2 / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize(
    "rate_hz", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000]
)
def test_any_usual_sample_rate_comes_out_at_the_wanted_one(decoder: SandboxedDecoder, rate_hz: int) -> None:
    audio, samples = decoded(decoder, by_sndfile(tone(2.5, rate_hz), rate_hz, "WAV"))
    assert audio.format.sample_rate_hz == rate_hz
    assert abs(len(samples) - 2.5 * RATE_HZ) <= 2
    assert peak_hz(samples) == pytest.approx(440, abs=0.2)
    assert rms(samples) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)


def test_what_lies_above_the_wanted_rate_does_not_fold_back(decoder: SandboxedDecoder) -> None:
    _, samples = decoded(decoder, by_sndfile(tone(2.5, 44_100, hz=9_000.0), 44_100, "WAV", "FLOAT"))
    assert rms(samples) < 1e-4  # folded back it would be a tone of 7 kHz


def test_the_sandbox_gives_what_libsndfile_and_soxr_give_in_this_process(decoder: SandboxedDecoder) -> None:
    original = noise(5.3, 44_100)
    _, samples = decoded(decoder, by_sndfile(original, 44_100, "WAV", "FLOAT"))
    expected = soxr.resample(original.mean(axis=1, dtype=np.float64), 44_100, RATE_HZ, quality="HQ")
    assert abs(len(samples) - len(expected)) <= 1
    common = min(len(samples), len(expected))
    np.testing.assert_allclose(samples[:common], expected[:common], rtol=0, atol=1e-6)


def test_samples_at_the_wanted_rate_come_through_untouched_in_blocks_of_one_length(
    decoder: SandboxedDecoder,
) -> None:
    original = noise(5.3, RATE_HZ, channels=1)
    blocks = list(decoder.decode(memory_file(by_sndfile(original, RATE_HZ, "WAV", "FLOAT")), rate_hz=RATE_HZ))
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, 84_800 - 2 * BLOCK]
    assert all(block.dtype == np.float32 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), original[:, 0])


def test_a_change_of_rate_inside_a_file_is_followed() -> None:
    parts = [(44_100, tone(2.0, 44_100)[:, 0]), (16_000, tone(1.0, 16_000)[:, 0])]
    parts.append((48_000, tone(2.0, 48_000)[:, 0]))
    samples = np.concatenate(list(resample(iter(parts), RATE_HZ)))
    assert abs(len(samples) - 5 * RATE_HZ) <= 4
    for start in (8_000, 56_000):
        assert peak_hz(samples[start - 8_000 :]) == pytest.approx(440, abs=0.5)


@pytest.mark.parametrize("sizes", [[1], [31_999, 2], [32_000], [100_000], [0, 5, 0, 70_000]], ids=str)
def test_regrouping_keeps_every_sample_in_order(sizes: list[int]) -> None:
    samples = np.arange(100_003, dtype=np.float32)
    blocks: list[NDArray[np.float32]] = []
    start = 0
    while start < len(samples):
        size = 977 if sizes == [1] else sizes[len(blocks) % len(sizes)]
        blocks.append(samples[start : start + size])
        start += size
    grouped = list(regroup(blocks, BLOCK))
    assert [len(block) for block in grouped] == [BLOCK, BLOCK, BLOCK, 4_003]
    np.testing.assert_array_equal(np.concatenate(grouped), samples)


@pytest.mark.parametrize(
    ("format_", "codec"),
    [("WAV", "pcm_16"), ("AIFF", "pcm_16"), ("FLAC", "flac"), ("MP3", "mp3")],
)
def test_half_a_file_declares_all_of_it_and_decodes_to_half(
    decoder: SandboxedDecoder, format_: str, codec: str
) -> None:
    data = by_sndfile(noise(6.0, 44_100), 44_100, format_)
    facts = heard(decoder, data[: len(data) // 2])[0].facts
    assert facts.duration_s == pytest.approx(6.0, abs=0.03)
    assert facts.decoded_s == pytest.approx(3.0, abs=0.1)
    assert (facts.partial_decode, facts.codec) == (True, codec)
    whole = heard(decoder, data)[0].facts
    assert (whole.duration_s, whole.decoded_s) == pytest.approx((6.0, 6.0), abs=0.03)
    assert whole.partial_decode is False


@pytest.mark.parametrize(("kept", "partial"), [(0.97, False), (0.93, True)])
def test_a_decode_is_partial_below_95_percent(decoder: SandboxedDecoder, kept: float, partial: bool) -> None:
    data = by_sndfile(noise(6.0, 44_100), 44_100, "WAV")
    assert heard(decoder, data[: round(len(data) * kept)])[0].facts.partial_decode is partial


@pytest.mark.parametrize("kind", ["FLAC", "MP3", "OGG", "aac"])
def test_damage_in_the_middle_costs_little_more_than_itself(decoder: SandboxedDecoder, kind: str) -> None:
    samples = noise(6.0, 48_000)
    data = bytearray(
        by_ffmpeg(samples, 48_000, "ipod", "aac") if kind == "aac" else by_sndfile(samples, 48_000, kind)
    )
    data[len(data) // 2 : len(data) // 2 + 2000] = np.random.default_rng(2).bytes(2000)
    audio, found = decoded(decoder, bytes(data))
    assert audio.format.declared_s == pytest.approx(6.0, abs=0.05)
    assert 5.5 * RATE_HZ < len(found) < 6.05 * RATE_HZ


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (
            b"this is a text that was named song.mp3\n" * 400,
            FailureKind.NOT_AUDIO,
            "no decoder knows this file",
        ),
        (
            b"<!DOCTYPE html><html><body>404</body></html>",
            FailureKind.NOT_AUDIO,
            "no decoder knows this file",
        ),
        (np.random.default_rng(3).bytes(50_000), FailureKind.NOT_AUDIO, "no decoder knows this file"),
        (bytes(50_000), FailureKind.NOT_AUDIO, "no decoder knows this file"),
        (b"", FailureKind.NOT_AUDIO, "no decoder knows this file"),
        (b"RIFF", FailureKind.NOT_AUDIO, "no decoder knows this file"),
        (
            by_sndfile(noise(1, 44_100), 44_100, "FLAC")[:60],
            FailureKind.NOT_AUDIO,
            "no decoder knows this file",
        ),
        (by_sndfile(tone(0, 44_100), 44_100, "WAV"), FailureKind.CORRUPT, "no sample of this pcm_16 file"),
        (by_sndfile(tone(3, 1_000), 1_000, "WAV"), FailureKind.CORRUPT, "sample rate of 1000 Hz"),
        (video_without_sound(), FailureKind.NO_AUDIO, "file without an audio stream"),
    ],
    ids=[
        "text",
        "web page",
        "random bytes",
        "zeros",
        "nothing",
        "four letters",
        "head of a FLAC",
        "WAV without samples",
        "impossible rate",
        "video without sound",
    ],
)
def test_what_cannot_be_decoded_is_refused_with_a_reason(
    decoder: SandboxedDecoder, data: bytes, kind: FailureKind, message: str
) -> None:
    error = refusal(decoder, data)
    assert error.kind is kind
    assert message in error.message
    assert "/dev/fd" not in error.message
    assert not error.retryable


def test_a_sample_that_is_not_a_number_fails_the_track(decoder: SandboxedDecoder) -> None:
    for value in (np.nan, np.inf, -np.inf):
        samples = tone(4.0, RATE_HZ)
        samples[40_000] = value
        with pytest.raises(DataError, match="not finite within 32000 after 32000") as caught:
            heard(decoder, by_sndfile(samples, RATE_HZ, "WAV", "FLOAT"))
        assert (caught.value.kind, caught.value.stage) == (FailureKind.NON_FINITE, Stage.DECODE)


@pytest.mark.parametrize("level", [0.0, 9e-5])
def test_a_silent_track_fails_with_its_peak_and_its_length(decoder: SandboxedDecoder, level: float) -> None:
    data = by_sndfile(tone(4.0, RATE_HZ, levels=(level,)), RATE_HZ, "WAV", "FLOAT")
    with pytest.raises(DataError, match=rf"^peak of {level:.2g} over 4\.00 s$") as caught:
        heard(decoder, data)
    assert caught.value.kind is FailureKind.SILENT


def test_a_very_quiet_track_is_no_silence_and_its_facts_are_all_there(decoder: SandboxedDecoder) -> None:
    samples = tone(4.0, RATE_HZ, levels=(2e-4,))
    data = by_sndfile(samples, RATE_HZ, "WAV", "FLOAT")
    reading, features = heard(decoder, data)
    facts = reading.facts
    assert facts.file_sha256 == hashlib.sha256(data).hexdigest()
    assert facts.audio_sha256 == hashlib.sha256(samples.tobytes()).hexdigest()
    assert (facts.bytes, facts.duration_s, facts.decoded_s) == (len(data), 4.0, 4.0)
    assert (facts.sample_rate_hz, facts.channels, facts.codec) == (RATE_HZ, 1, "float")
    assert reading.total_samples == 64_000
    assert {key: len(values) for key, values in features.items()} == {
        "crnn-logmel@1": 250,
        "window-image@1": 4,
        "mel-steps@1": 8,
        "step-mel@1": 8,
    }


def test_equal_samples_in_different_files_have_one_audio_hash(decoder: SandboxedDecoder) -> None:
    samples = (tone(4.0, 44_100, levels=(0.5, 0.25)) * 32_767).astype(np.int16)
    facts = [heard(decoder, by_sndfile(samples, 44_100, kind))[0].facts for kind in ("WAV", "FLAC", "AIFF")]
    assert len({fact.audio_sha256 for fact in facts}) == 1
    assert len({fact.file_sha256 for fact in facts}) == 3


def test_a_small_file_of_an_hour_of_silence_is_stopped_at_the_longest_duration() -> None:
    bomb = by_sndfile(np.zeros((3600 * 8_000, 1), np.int16), 8_000, "FLAC")
    assert len(bomb) < 100_000
    limits = DecodeLimits(timeout_s=20, max_duration_s=30)
    with SandboxedDecoder(limits, block_samples=BLOCK) as decoder:
        error = refusal(decoder, bomb)
        assert (error.kind, error.message) == (FailureKind.TOO_LONG, "longer than 30 s")
        just = by_sndfile(tone(30.0, 8_000), 8_000, "WAV")
        assert len(decoded(decoder, just)[1]) == 30 * RATE_HZ
        over = by_sndfile(tone(30.5, 8_000), 8_000, "WAV")
        assert refusal(decoder, over).kind is FailureKind.TOO_LONG


@pytest.mark.parametrize("data", [by_sndfile(tone(3, 44_100), 44_100, "FLAC"), b"text"], ids=["flac", "text"])
def test_a_decoder_without_memory_fails_the_track_and_does_not_hang(data: bytes) -> None:
    limits = DecodeLimits(timeout_s=20, memory_mb=16)
    begin = time.monotonic()
    with SandboxedDecoder(limits, block_samples=BLOCK) as decoder:
        error = refusal(decoder, data)
    assert error.kind in (FailureKind.DECODER_MEMORY, FailureKind.DECODER_CRASH)
    assert time.monotonic() - begin < 15


def test_the_smallest_memory_that_the_command_allows_is_enough_for_every_library() -> None:
    limits = DecodeLimits(timeout_s=20, memory_mb=512)
    with SandboxedDecoder(limits, block_samples=BLOCK) as decoder:
        for data in (
            by_sndfile(noise(60, 48_000), 48_000, "FLAC"),
            by_ffmpeg(noise(10, 48_000), 48_000, "ipod", "aac"),
        ):
            assert len(decoded(decoder, data)[1]) > 9.9 * RATE_HZ


def children() -> set[int]:
    """Processes that this one has started and not yet buried, zombies included."""
    files = Path("/proc/self/task").glob("*/children")
    return {int(child) for file in files for child in file.read_text().split()}


def cmdline(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def open_descriptors() -> set[tuple[str, str]]:
    """Number and target of each: a pipe's target is a name of its own."""
    found = set()
    for entry in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found.add((entry.name, str(entry.readlink())))
    return found


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxedDecoder]:
    """A decoder that dies on files that begin with "crash" and hangs on "hang"."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    limits = DecodeLimits(timeout_s=1.5, child_module="tests.faulty_child")
    with SandboxedDecoder(limits, block_samples=BLOCK) as decoder:
        yield decoder


def test_a_file_that_crashes_the_decoder_costs_one_track(faulty: SandboxedDecoder) -> None:
    healthy = by_sndfile(tone(2.5, 44_100), 44_100, "FLAC")
    before, samples = children(), decoded(faulty, healthy)[1]
    for _ in range(2):
        error = refusal(faulty, b"crash, and the rest of the file")
        assert error.kind is FailureKind.DECODER_CRASH
        assert error.message == "the decoder ended with SIGSEGV"
        np.testing.assert_array_equal(decoded(faulty, healthy)[1], samples)
    faulty.close()
    assert children() <= before


def test_a_file_that_hangs_the_decoder_costs_one_track_and_no_more_than_the_limit(
    faulty: SandboxedDecoder,
) -> None:
    healthy = by_sndfile(tone(2.5, 44_100), 44_100, "FLAC")
    before = children()
    decoded(faulty, healthy)
    begin = time.monotonic()
    error = refusal(faulty, b"hang for ever")
    assert 1.4 < time.monotonic() - begin < 4.0
    assert error.kind is FailureKind.DECODER_TIMEOUT
    assert error.message == "no answer from the decoder within 1.5 s"
    assert error.retryable
    assert len(decoded(faulty, healthy)[1]) == 2.5 * RATE_HZ
    faulty.close()
    assert children() <= before


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"raise", "the decoder ended with ZeroDivisionError: as a library might"),
        (b"kind?", "the decoder sent 4 bytes of kind 99"),
        (b"long?", "the decoder sent 4,294,967,280 bytes of kind 3"),
        (b"odd??", "the decoder sent 3 bytes of kind 3"),
    ],
)
def test_a_decoder_that_raises_or_talks_nonsense_costs_one_track_and_says_so(
    faulty: SandboxedDecoder, head: bytes, message: str
) -> None:
    healthy = by_sndfile(tone(2.5, 44_100), 44_100, "FLAC")
    for _ in range(2):
        error = refusal(faulty, head)
        assert (error.kind, error.message) == (FailureKind.DECODER_CRASH, message)
        assert len(decoded(faulty, healthy)[1]) == 2.5 * RATE_HZ


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
def test_ffmpegs_samples_of_any_kind_have_full_scale_one(decoder: SandboxedDecoder, codec: str) -> None:
    original = tone(2.5, RATE_HZ, levels=(0.5, 0.5))
    _, samples = decoded(decoder, by_ffmpeg(original, RATE_HZ, "matroska", codec, bit_rate=None))
    np.testing.assert_allclose(samples, original[:, 0], rtol=0, atol=2**-7 if codec == "pcm_u8" else 2**-15)


def test_a_file_that_is_written_to_while_it_is_read_fails_and_names_both_sizes(
    decoder: SandboxedDecoder, tmp_path: Path
) -> None:
    path = tmp_path / "growing.wav"
    path.write_bytes(by_sndfile(tone(4.0, RATE_HZ), RATE_HZ, "WAV"))
    with contextlib.closing(open_track_file(str(path), max_bytes=1 << 20)) as file:
        blocks = TrackReading(file, decoder, StageClock()).blocks(RATE_HZ)
        next(blocks)
        with path.open("ab") as more:
            more.write(bytes(1000))
        with pytest.raises(
            DataError, match=r"changed while it was read: 128,044 bytes, then 129,044"
        ) as caught:
            list(blocks)
    assert (caught.value.kind, caught.value.stage) == (FailureKind.NOT_READABLE, Stage.READ)


def test_a_track_of_more_samples_than_a_worker_can_hold_fails_before_it_holds_them(
    decoder: SandboxedDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_SAMPLES_HELD", 400_000)
    data = by_sndfile(noise(1.0, 655_350, channels=1), 655_350, "FLAC")
    track = TrackReading(track_file(memory_file(data)), decoder, StageClock())
    with pytest.raises(DataError, match=r"^more than 400,000 samples at 655350 Hz$") as caught:
        track.samples(None)
    assert caught.value.kind is FailureKind.TOO_LONG
    assert len(track.samples(RATE_HZ)) == RATE_HZ


def test_time_that_the_owner_takes_between_blocks_is_not_the_decoders(faulty: SandboxedDecoder) -> None:
    blocks = iter(
        faulty.decode(memory_file(by_sndfile(noise(20.0, 44_100), 44_100, "FLAC")), rate_hz=RATE_HZ)
    )
    next(blocks)
    time.sleep(1.7)  # longer than the limit
    assert sum(map(len, blocks)) == 20 * RATE_HZ - BLOCK


def test_a_decoder_that_was_killed_while_it_waited_is_replaced(decoder: SandboxedDecoder) -> None:
    healthy = by_sndfile(tone(2.5, 44_100), 44_100, "FLAC")
    before = children()
    decoded(decoder, healthy)
    (process,) = (child for child in children() if b"decoding.child" in cmdline(child))
    os.kill(process, signal.SIGKILL)
    for _ in range(100):
        if state(process) == "Z":
            break
        time.sleep(0.01)
    # Whoever the kernel's memory killer picked, the next track is not to blame.
    for _ in range(2):
        assert len(decoded(decoder, healthy)[1]) == 2.5 * RATE_HZ
    assert len(children()) <= max(1, len(before))


def test_a_track_that_is_not_read_to_its_end_does_not_leak_into_the_next(decoder: SandboxedDecoder) -> None:
    long, short = noise(10.0, RATE_HZ, channels=1), tone(2.5, RATE_HZ)
    next(iter(decoder.decode(memory_file(by_sndfile(long, RATE_HZ, "WAV", "FLOAT")), rate_hz=RATE_HZ)))
    _, samples = decoded(decoder, by_sndfile(short, RATE_HZ, "WAV", "FLOAT"))
    np.testing.assert_array_equal(samples, short[:, 0])


def test_a_short_file_after_a_long_one_is_not_read_with_the_long_ones_tail(decoder: SandboxedDecoder) -> None:
    decoded(decoder, by_sndfile(noise(5.0, 44_100), 44_100, "WAV"))
    assert refusal(decoder, b"short text").kind is FailureKind.NOT_AUDIO


def test_a_decoder_that_does_not_start_is_no_fault_of_the_track_and_leaves_nothing_open() -> None:
    limits = DecodeLimits(child_module="tests.there_is_no_such_module")
    with SandboxedDecoder(limits, block_samples=BLOCK) as decoder:
        descriptors, processes = open_descriptors(), children()
        for _ in range(3):
            with pytest.raises(RuntimeError, match="did not start: the decoder ended with exit status 1"):
                decoder.decode(memory_file(b"x"), rate_hz=RATE_HZ)
        assert open_descriptors() <= descriptors
        assert len(children()) <= len(processes)


def test_closing_ends_the_process_and_its_descriptors_and_closing_twice_is_closing() -> None:
    descriptors, processes = open_descriptors(), children()
    decoder = SandboxedDecoder(DecodeLimits(), block_samples=BLOCK)
    assert children() == processes  # nothing is started before there is a track
    decoded(decoder, by_sndfile(tone(2.5, 44_100), 44_100, "WAV"))
    assert len(children() - processes) == 1
    decoder.close()
    decoder.close()
    assert children() == processes
    assert open_descriptors() <= descriptors
    # It can be used again.
    assert len(decoded(decoder, by_sndfile(tone(2.5, 44_100), 44_100, "WAV"))[1]) == 2.5 * RATE_HZ
    decoder.close()
    assert children() == processes


def test_the_sandbox_costs_a_healthy_track_little(decoder: SandboxedDecoder, tmp_path: Path) -> None:
    data = by_sndfile(noise(60.0, 44_100), 44_100, "FLAC")
    path = tmp_path / "healthy.flac"
    path.write_bytes(data)

    def in_process() -> int:
        with path.open("rb") as file:
            _, blocks = open_audio(file)
            return sum(map(len, regroup(resample(blocks, RATE_HZ), 320_000)))

    def in_sandbox() -> int:
        return sum(map(len, decoder.decode(memory_file(data), rate_hz=RATE_HZ)))

    best: list[float] = []
    for work in (in_process, in_sandbox):
        assert work() == 60 * RATE_HZ
        seconds = []
        for _ in range(5):
            begin = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begin)
        best.append(min(seconds))
    # About a tenth on a quiet machine; the bound leaves room for a busy one.
    assert best[1] < 1.5 * best[0] + 0.02
