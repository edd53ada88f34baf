"""Files made to do harm: each costs its own track a bounded time, and the next one is decoded as ever."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import DataError, FailureKind
from schemas.track import FileFacts
from tests.audio_files import by_ffmpeg, by_sndfile
from tests.poison.bombs import SOUND_S, flac_of_one_value, huge_heads
from tests.sounds import music
from transforms.decoding.sandbox import DecodeLimits, SandboxedDecoder, memory_file
from transforms.tracks.reader import TrackReading
from transforms.tracks.stage_clock import StageClock
from transforms.tracks.track_file import track_file

RATE_HZ = 16_000
DAY_S = 86_400.0
HEADS = huge_heads()


@pytest.fixture(scope="module")
def decoder() -> Iterator[SandboxedDecoder]:
    """One decoder for all: what one file does to it, the next would feel."""
    limits = DecodeLimits(timeout_s=20, max_duration_s=600)
    with SandboxedDecoder(limits, block_samples=160_000) as shared:
        yield shared


def read(decoder: SandboxedDecoder, data: bytes) -> FileFacts:
    """What is known of a file that was read to its end."""
    reading = TrackReading(track_file(memory_file(data)), decoder, StageClock())
    for _ in reading.blocks(RATE_HZ):
        pass
    return reading.facts


def refusal(decoder: SandboxedDecoder, data: bytes) -> DataError:
    """Why a file cannot be read."""
    with pytest.raises(DataError, match=r".") as caught:
        read(decoder, data)
    return caught.value


@pytest.mark.parametrize("name", sorted(set(HEADS) - {"m4a, its table"}))
def test_a_head_that_declares_centuries_does_not_change_what_is_there(
    decoder: SandboxedDecoder, name: str
) -> None:
    begin = time.monotonic()
    facts = read(decoder, HEADS[name])
    assert time.monotonic() - begin < 5
    assert facts.decoded_s == pytest.approx(SOUND_S, abs=0.03)
    # Where the library mends what the head says, or gives it up, there is nothing to be short of.
    believed = facts.duration_s is not None and facts.duration_s > 1e4
    assert facts.partial_decode is believed
    assert believed or facts.duration_s in (None, pytest.approx(SOUND_S, abs=0.03))


def test_a_table_of_four_billion_entries_is_refused_before_it_is_allocated(decoder: SandboxedDecoder) -> None:
    assert refusal(decoder, HEADS["m4a, its table"]).kind is FailureKind.NOT_AUDIO


def test_a_day_in_forty_kilobytes_ends_at_the_longest_duration(decoder: SandboxedDecoder) -> None:
    bomb = flac_of_one_value(DAY_S)
    assert len(bomb) < 50_000
    begin = time.monotonic()
    error = refusal(decoder, bomb)
    assert (error.kind, error.message) == (FailureKind.TOO_LONG, "longer than 600 s")
    assert time.monotonic() - begin < 10


def test_twenty_hours_are_read_to_their_end_where_they_are_allowed() -> None:
    long = flac_of_one_value(20 * 3600)
    with SandboxedDecoder(DecodeLimits(max_duration_s=DAY_S), block_samples=160_000) as decoder:
        audio = decoder.decode(memory_file(long), rate_hz=None)
        peaks = {float(block.max()) for block in audio}
    assert audio.total_samples / audio.rate_hz == pytest.approx(20 * 3600, abs=40)
    assert peaks == {0.25}


@pytest.mark.parametrize(
    ("channels", "rate_hz"), [(32, 44_100), (2, 192_000), (32, 192_000), (256, 8_000), (1, 768_000)]
)
def test_many_channels_and_high_rates_are_heard_as_they_sound(
    decoder: SandboxedDecoder, channels: int, rate_hz: int
) -> None:
    mono = music(1.0, rate_hz=rate_hz)
    levels = np.linspace(0.2, 1.0, channels, dtype=np.float32)
    data = by_sndfile(mono[:, None] * levels, rate_hz, "WAV", "FLOAT")
    facts = read(decoder, data)
    assert (facts.channels, facts.sample_rate_hz, facts.decoded_s) == (channels, rate_hz, 1.0)
    own = np.concatenate(list(decoder.decode(memory_file(data), rate_hz=None)))
    np.testing.assert_allclose(own, mono * levels.mean(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "rate_hz", "message"),
    [(257, 8_000, "257 channels"), (1000, 8_000, "1000 channels"), (1, 1_999, "sample rate of 1999 Hz")],
)
def test_more_channels_or_less_rate_than_any_music_has_is_refused_with_the_number(
    decoder: SandboxedDecoder, channels: int, rate_hz: int, message: str
) -> None:
    error = refusal(decoder, by_sndfile(np.full((rate_hz, channels), 0.1), rate_hz, "WAV"))
    assert (error.kind, error.message) == (FailureKind.CORRUPT, message)


@pytest.mark.parametrize(("container", "codec"), [("matroska", "flac"), ("ipod", "alac"), ("wv", "wavpack")])
@pytest.mark.parametrize("channels", [6, 8])
def test_surround_sound_that_ffmpeg_has_in_planes_is_the_mean_of_its_channels(
    decoder: SandboxedDecoder, container: str, codec: str, channels: int
) -> None:
    mono = music(1.0, rate_hz=48_000)
    levels = np.linspace(0.2, 1.0, channels, dtype=np.float32)
    data = by_ffmpeg(mono[:, None] * levels, 48_000, container, codec, bit_rate=None)
    own = np.concatenate(list(decoder.decode(memory_file(data), rate_hz=None)))
    np.testing.assert_allclose(own, mono * levels.mean(), rtol=0, atol=0.01)


@pytest.fixture(scope="module")
def beside_sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxedDecoder, Path]]:
    """A decoder that was started in a folder with a sound file, and the folder."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "other.wav").write_bytes(HEADS["wav"])
    with (
        pytest.MonkeyPatch.context() as patch,
        SandboxedDecoder(DecodeLimits(timeout_s=20), block_samples=160_000) as decoder,
    ):
        patch.chdir(folder)
        read(decoder, HEADS["wav"])
        yield decoder, folder


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile other.wav\n",
        "ffconcat version 1.0\nfile {folder}/other.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:9,\n{folder}/other.wav\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
        "rtsp://127.0.0.1:{port}/x\n",
        "<ASX version='3.0'><entry><ref href='http://127.0.0.1:{port}/a.wma'/></entry></ASX>",
        "-SE\nalloff: -\nbase: pink/40 200+10/40\nNOW base\n+23:59:59 alloff\n",
        "[playlist]\nFile1=http://127.0.0.1:{port}/a.mp3\nNumberOfEntries=1\n",
    ],
    ids=["concat", "concat path", "hls", "m3u", "sdp", "rtsp", "asx", "sbagen", "pls"],
)
def test_a_text_that_names_other_sound_is_no_audio_and_nothing_is_opened_for_it(
    beside_sound: tuple[SandboxedDecoder, Path], text: str
) -> None:
    decoder, folder = beside_sound
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        data = text.format(port=server.getsockname()[1], folder=folder).encode()
        begin = time.monotonic()
        error = refusal(decoder, data)
        assert time.monotonic() - begin < 5
        assert error.kind is FailureKind.NOT_AUDIO
        with pytest.raises(TimeoutError):
            server.accept()
