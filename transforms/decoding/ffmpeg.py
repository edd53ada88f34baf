"""What FFmpeg's libraries read for us: AAC and ALAC in MP4, WMA, APE, Matroska and others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from schemas.errors import FailureKind
from transforms.decoding.audio_format import RATES_HZ, AudioFormat, Blocks, audio_format, average, refusal
from transforms.decoding.frames import FrameConverter

if TYPE_CHECKING:
    import av

# By FFmpeg's names, the containers of music. Its others are not for files of strangers: some open what a
# text names, be it another file (concat), an address (hls) or a port to wait at (sdp), some make up sound
# (sbg), and few have been looked at for faults as these have (adx divides by zero).
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,loas,matroska,mlp,mov,mp3,mpc,mpc8,"
    "mpeg,mpegts,mxf,nistsphere,ogg,oma,qoa,rm,shn,tak,truehd,tta,voc,w64,wav,wsd,wv"
)


def open_ffmpeg(file: BinaryIO) -> tuple[AudioFormat, Blocks]:
    """Format and blocks of a file at its beginning.

    Raises DataError: not_audio where it is no container of music or its codec is unknown, no_audio where
    there is no audio stream, corrupt for impossible parameters.
    """
    import av

    try:
        # By its descriptor: an error in seeking is FFmpeg's to deal with, not an exception of Python's.
        options = {"format_whitelist": CONTAINERS, "fd": str(file.fileno())}
        container = av.open("fd:", mode="r", metadata_errors="replace", container_options=options)
    except av.ArgumentError as error:
        raise refusal(FailureKind.NOT_AUDIO, "no decoder knows this file: not a format of music") from error
    except av.MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise refusal(FailureKind.NOT_AUDIO, f"no decoder knows this file: {_reason(error)}") from error
    streams = container.streams.audio
    if not streams:
        raise refusal(FailureKind.NO_AUDIO, f"{container.format.name} file without an audio stream")
    stream = next((stream for stream in streams if stream.codec_context is not None), None)
    if stream is None:
        raise refusal(FailureKind.NOT_AUDIO, f"{container.format.name} file of an unknown codec")
    return _format(container, stream), _blocks(container, stream)


def _format(container: av.container.InputContainer, stream: av.AudioStream) -> AudioFormat:
    import av

    declared = None
    if stream.duration and stream.time_base:
        declared = float(stream.duration * stream.time_base)
    elif container.duration:
        declared = container.duration / av.time_base
    context = stream.codec_context
    return audio_format(
        sample_rate_hz=int(context.sample_rate or 0),
        channels=int(context.channels or 0),
        codec=str(context.name),
        declared_s=declared,
    )


def _blocks(container: av.container.InputContainer, stream: av.AudioStream) -> Blocks:
    import av

    converter = FrameConverter()
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except av.MemoryError:
            raise
        except av.FFmpegError:
            continue  # a damaged packet: the next may be whole
        for frame in frames:
            if frame.rate not in RATES_HZ:
                continue  # what a damaged packet says, and the resampler would believe
            yield frame.rate, average(converter.samples(frame))


def _packets(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.Packet]:
    """Packets up to the end, or to where the container cannot be followed any further."""
    import av

    try:
        yield from container.demux(stream)
    except av.MemoryError:
        raise
    except (av.FFmpegError, IndexError):  # PyAV knows no streams that begin in mid-file
        return


def _reason(error: Exception) -> str:
    """FFmpeg's words without the name of the descriptor."""
    return str(getattr(error, "strerror", None) or error)
