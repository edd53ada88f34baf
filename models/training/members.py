"""The recipe of the default bundle: which members it has, from which seeds, and how each is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.registry import Settings
from models.regressors.dilated import DilatedSettings
from models.taggers.crnn import CrnnSettings
from models.taggers.image_rnn import ImageRnnSettings
from models.training.learning.fit import Phase

SPLIT_SEED = 20_190
TEACHER_SEEDS = (11, 12, 13)


@dataclass(frozen=True, slots=True)
class Plan:
    """One member: its architecture and front end, its seed, its phases, and the member it starts from."""

    name: str
    architecture: str
    front_end: str
    settings: Settings
    seed: int
    phases: tuple[Phase, ...]
    start_from: str = ""

    def scaled(self, effort: float) -> Plan:
        """The same with that many times the epochs, at least one a phase."""
        phases = (replace(phase, epochs=max(1, round(phase.epochs * effort))) for phase in self.phases)
        return replace(self, phases=tuple(phases))


def _crnn(cell: str) -> CrnnSettings:
    # Small nets on little data fall short of the teacher on the training clips too: less dropout and noise.
    return CrnnSettings(
        cell=cell, channels=(16, 16, 32, 32, 64, 64), units=64, dense=128, dropout=0.15, noise=0.1
    )


def _image(cell: str) -> ImageRnnSettings:
    return ImageRnnSettings(cell=cell, dropout=0.2)


# As in Amiriparian et al. (2019): recurrent layers first, on convolutions that stay as they are, then all.
_ON_FROZEN = (Phase(4, 2e-3, frozen="conv"), Phase(16, 8e-4))

TAGGERS = (
    Plan("crnn-gru", "crnn", "crnn-logmel@1", _crnn("gru"), 101, (Phase(24, 2e-3),)),
    Plan("image-gru", "image-rnn", "window-image@1", _image("gru"), 104, (Phase(32, 2e-3),)),
    Plan("crnn-lstm", "crnn", "crnn-logmel@1", _crnn("lstm"), 102, _ON_FROZEN, "crnn-gru"),
    Plan("crnn-bilstm", "crnn", "crnn-logmel@1", _crnn("bilstm"), 103, _ON_FROZEN, "crnn-gru"),
    Plan("image-lstm", "image-rnn", "window-image@1", _image("lstm"), 105, (Phase(32, 2e-3),)),
)

REGRESSORS = tuple(
    Plan(f"dilated-{place}", "dilated", "mel-steps@1", DilatedSettings(), 200 + place, (Phase(30, 1e-3),))
    for place in (1, 2, 3)
)

PLANS = TAGGERS + REGRESSORS
