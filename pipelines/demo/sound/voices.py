"""The registry of voices: every sound with a pitch, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.demo.sound import struck, sustained, textures
from pipelines.demo.sound.waves import Signal, Tone


@dataclass(frozen=True, slots=True)
class Voice:
    """A sound and the MIDI pitch around which it is at home; `is_chord` if one note sounds as several."""

    sound: Callable[[Tone], Signal]
    home_midi: int
    is_chord: bool = False


VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        "guitar": Voice(struck.guitar, home_midi=57),
        "steel guitar": Voice(struck.steel_guitar, home_midi=57),
        "piano": Voice(struck.piano, home_midi=60),
        "electric piano": Voice(struck.electric_piano, home_midi=60),
        "bell": Voice(struck.bell, home_midi=79),
        "music box": Voice(struck.music_box, home_midi=79),
        "power chord": Voice(struck.power_chord, home_midi=42, is_chord=True),
        "finger bass": Voice(struck.finger_bass, home_midi=38),
        "pad": Voice(sustained.pad, home_midi=60),
        "strings": Voice(sustained.strings, home_midi=60),
        "brass": Voice(sustained.brass, home_midi=60),
        "accordion": Voice(sustained.reed, home_midi=64),
        "flute": Voice(sustained.flute, home_midi=74),
        "square lead": Voice(sustained.square_lead, home_midi=70),
        "fuzz lead": Voice(sustained.fuzz_lead, home_midi=64),
        "sub bass": Voice(sustained.sub_bass, home_midi=37),
        "synth bass": Voice(sustained.synth_bass, home_midi=37),
        "drone": Voice(textures.drone, home_midi=40),
        "sea": Voice(textures.sea, home_midi=60),
        "rain": Voice(textures.rain, home_midi=60),
        "crackle": Voice(textures.crackle, home_midi=60),
        "rising noise": Voice(textures.rising_noise, home_midi=60),
    }
)
