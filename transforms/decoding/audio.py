"""Audio files to mono blocks at a wanted rate: libsndfile first, FFmpeg for what it does not read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import av

_BLOCK_VALUES = 1 << 19  # frames times channels read at once
_RATES_HZ = range(2_000, 1_000_000)
_MAX_CHANNELS = 256
# libsndfile mends a chunk that is longer than its file and says so in its log.
_MENDED = re.compile(r"^\s*(?:data|SSND|bdat)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)

_CODEC_NAMES = {
    "mpeg_layer_iii": "mp3",
    "mpeg_layer_ii": "mp2",
    "mpeg_layer_i": "mp1",
    "pcm_f32le": "float",
    "pcm_f32be": "float",
    "pcm_f64le": "double",
    "pcm_f64be": "double",
    "pcm_mulaw": "ulaw",
    "pcm_alaw": "alaw",
    "libopus": "opus",
    "libvorbis": "vorbis",
}

Blocks = Iterator[tuple[int, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a file says of itself; `declared_s` is None where it does not say its duration."""

    sample_rate_hz: int
    channels: int
    codec: str
    declared_s: float | None


def open_audio(file: BinaryIO) -> tuple[AudioFormat, Blocks]:
    """Format of a seekable file and its mono blocks, each (rate in Hz, float32 [n]).

    Channels are averaged. Raises DataError: not_audio where no decoder knows the bytes, no_audio where
    there is no audio stream, corrupt for impossible parameters. The blocks end, without an error, where
    the rest of a damaged file cannot be decoded.
    """
    try:
        return _open_sndfile(file)
    except soundfile.LibsndfileError:
        file.seek(0)
        return _open_ffmpeg(file)


def resample(blocks: Blocks, rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Blocks of any rates -> float32 blocks at `rate_hz`; a change of rate inside a file is followed."""
    stream: soxr.ResampleStream | None = None
    current = 0
    for rate, block in blocks:
        if rate != current:
            if stream is not None:
                yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
            current = rate
            stream = None if rate == rate_hz else soxr.ResampleStream(rate, rate_hz, 1, quality="HQ")
        yield block if stream is None else stream.resample_chunk(block)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def regroup(blocks: Iterable[NDArray[np.float32]], block_samples: int) -> Iterator[NDArray[np.float32]]:
    """The same samples in blocks of one length; only the last may be shorter."""
    pending: list[NDArray[np.float32]] = []
    held = 0
    for block in blocks:
        pending.append(block)
        held += len(block)
        while held >= block_samples:
            joined = np.concatenate(pending)
            yield joined[:block_samples]
            pending, held = [joined[block_samples:]], held - block_samples
    if held:
        yield np.concatenate(pending)


def _open_sndfile(file: BinaryIO) -> tuple[AudioFormat, Blocks]:
    sound = soundfile.SoundFile(file.fileno(), closefd=False)
    audio = _sndfile_format(sound)
    _check(audio)
    first = sound.read(_BLOCK_VALUES // audio.channels, dtype="float32", always_2d=True)
    if audio.declared_s is None or not len(first):
        # Formats that change in mid-file and streams without a length: FFmpeg follows them better.
        raise soundfile.LibsndfileError(0, prefix="no length or no first block")
    return audio, _sndfile_blocks(sound, audio.sample_rate_hz, first)


def _sndfile_format(sound: soundfile.SoundFile) -> AudioFormat:
    rate = int(sound.samplerate)
    declared = sound.frames / rate if 0 < sound.frames < 1 << 60 and rate else None
    if declared and (mended := _MENDED.search(sound.extra_info)) and int(mended[2]):
        declared *= int(mended[1]) / int(mended[2])
    return AudioFormat(rate, int(sound.channels), _codec(sound), declared)


def _sndfile_blocks(sound: soundfile.SoundFile, rate: int, block: NDArray[np.float32]) -> Blocks:
    frames = len(block)
    while len(block):
        yield rate, _average(block)
        try:
            block = sound.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            return


def _codec(sound: soundfile.SoundFile) -> str:
    return "flac" if sound.format == "FLAC" else _codec_name(str(sound.subtype).lower())


def _codec_name(name: str) -> str:
    """One name for a codec, whichever library decodes it: libsndfile's where the two differ."""
    name = re.sub(r"_?(float|fixed)$", "", name) or name  # FFmpeg's decoders: mp3float
    name = re.sub(r"^pcm_s(\d+)[lb]e$", r"pcm_\1", name)
    return _CODEC_NAMES.get(name, name)


def _average(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over channels: [n, channels] -> [n]; a product is several times faster than `mean` here."""
    if block.shape[1] == 1:
        return block[:, 0]
    mono: NDArray[np.float32] = block @ np.full(block.shape[1], 1.0 / block.shape[1], np.float32)
    return mono


def _open_ffmpeg(file: BinaryIO) -> tuple[AudioFormat, Blocks]:
    import av

    try:
        container = av.open(file, mode="r", metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise _refusal(FailureKind.NOT_AUDIO, f"no decoder knows this file: {_reason(error)}") from error
    if not container.streams.audio:
        raise _refusal(FailureKind.NO_AUDIO, f"{container.format.name} file without an audio stream")
    stream = container.streams.audio[0]
    declared = None
    if stream.duration and stream.time_base:
        declared = float(stream.duration * stream.time_base)
    elif container.duration:
        declared = container.duration / av.time_base
    context = stream.codec_context
    if context is None:
        raise _refusal(FailureKind.NOT_AUDIO, f"{container.format.name} file of an unknown codec")
    audio = AudioFormat(
        int(context.sample_rate or 0), int(context.channels or 0), str(context.name), declared
    )
    _check(audio)
    return audio, _ffmpeg_blocks(container, stream)


def _ffmpeg_blocks(container: av.container.InputContainer, stream: av.AudioStream) -> Blocks:
    import av

    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue  # a damaged packet: the next may be whole
        for frame in frames:
            planar = av.AudioResampler(format="fltp", layout=frame.layout, rate=frame.rate)
            for part in planar.resample(frame):
                yield part.rate, _average(np.ascontiguousarray(part.to_ndarray().T))


def _reason(error: Exception) -> str:
    """FFmpeg's words without the name of the descriptor."""
    return str(getattr(error, "strerror", None) or error)


def _check(audio: AudioFormat) -> None:
    if audio.sample_rate_hz not in _RATES_HZ:
        raise _refusal(FailureKind.CORRUPT, f"sample rate of {audio.sample_rate_hz} Hz")
    if not 1 <= audio.channels <= _MAX_CHANNELS:
        raise _refusal(FailureKind.CORRUPT, f"{audio.channels} channels")


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.DECODE, message)
