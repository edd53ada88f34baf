"""How the demo's pieces are released: album, file name, format, rate and channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """A file format in libsndfile's words."""

    suffix: str
    container: str
    subtype: str


FORMATS: Mapping[str, AudioFormat] = MappingProxyType(
    {
        "wav16": AudioFormat(".wav", "WAV", "PCM_16"),
        "wav24": AudioFormat(".wav", "WAV", "PCM_24"),
        "flac16": AudioFormat(".flac", "FLAC", "PCM_16"),
        "flac24": AudioFormat(".flac", "FLAC", "PCM_24"),
        "vorbis": AudioFormat(".ogg", "OGG", "VORBIS"),
        "opus": AudioFormat(".opus", "OGG", "OPUS"),
        "mp3": AudioFormat(".mp3", "MP3", "MPEG_LAYER_III"),
    }
)


@dataclass(frozen=True, slots=True)
class Release:
    """One file of the catalogue: which piece, and what it is stored as (a name of FORMATS)."""

    album: str
    number: int
    title: str
    audio_format: str
    rate_hz: int = 44_100
    channels: int = 2

    @property
    def path(self) -> PurePosixPath:
        """Where it lies in the catalogue."""
        suffix = FORMATS[self.audio_format].suffix
        return PurePosixPath(self.album) / f"{self.number:02d} {self.title}{suffix}"


RELEASES: tuple[Release, ...] = (
    Release("Lakeside Sketches", 1, "Calm Lake", "flac16"),
    Release("Lakeside Sketches", 2, "Morning Porch", "flac16"),
    Release("Lakeside Sketches", 3, "Løvfall", "flac24", rate_hz=48_000),
    Release("Lakeside Sketches", 4, "Slow Tide", "flac16"),
    Release("Lakeside Sketches", 5, "Slow Farewell", "opus", rate_hz=48_000),
    Release("Lakeside Sketches", 6, "Tea at Four", "vorbis"),
    Release("Fête d'été", 1, "Brass Parade", "wav16"),
    Release("Fête d'été", 2, "Sunlit Market", "mp3"),
    Release("Fête d'été", 3, "Café Sprint", "vorbis", channels=1),
    Release("Fête d'été", 4, "Carnival Wheel", "wav24"),
    Release("Fête d'été", 5, "Été lent", "opus", rate_hz=48_000),
    Release("Fête d'été", 6, "¡Gol!", "wav16"),
    Release("Fête d'été", 7, "Kite Weather", "flac16"),
    Release("Night Drives", 1, "Neon Holiday", "mp3"),
    Release("Night Drives", 2, "Night Chase", "flac16"),
    Release("Night Drives", 3, "Wasp Circuit", "vorbis"),
    Release("Night Drives", 4, "Red Alarm", "wav24", rate_hz=48_000),
    Release("Night Drives", 5, "Empty Station", "vorbis", rate_hz=48_000),
    Release("Night Drives", 6, "Drifting Stars", "flac24", rate_hz=48_000),
    Release("Stahl & Größe", 1, "Iron Gate", "wav16"),
    Release("Stahl & Größe", 2, "Größenwahn", "flac16"),
    Release("Stahl & Größe", 3, "Siege Engines", "wav24"),
    Release("Stahl & Größe", 4, "Falling Glass", "opus", rate_hz=48_000, channels=1),
    Release("Old Letters", 1, "Winter Letter", "vorbis"),
    Release("Old Letters", 2, "Last Lantern", "wav16", channels=1),
    Release("Old Letters", 3, "Old Photograph", "wav16", rate_hz=22_050, channels=1),
    Release("Old Letters", 4, "Ash and Rain", "mp3", channels=1),
    Release("Old Letters", 5, "Cradle Song", "mp3", rate_hz=22_050),
)
