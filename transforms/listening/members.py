"""The regressors of a bundle that can listen: those whose front end, or that of their encoder, can run live.

Each is given what it looks at up to now. Those that look ahead as well, as the default bundle's do by fifteen
seconds, are given nothing of it, as at the end of a track: no reading waits for the future, and each is what
the batch job would say of its half second if the track ended there (at the level of the track so far).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_members import Member
from models.ensemble import Batch, Ensemble
from models.registry import Role
from models.regressors.targets import output_names
from models.views import StepView
from schemas.errors import bad_bundle
from transforms.features.descriptors import pyaudio_68
from transforms.features.mel import mel_steps, step_mel
from transforms.listening.emotion import AXES, LiveEmotion, LiveRegressor, Predict
from transforms.listening.encoded_window import EncodedWindow, rows_heard
from transforms.listening.mel_window import MelStepsWindow
from transforms.listening.pyaudio_window import PyAudioWindow
from transforms.listening.step_mel_window import StepMelWindow
from transforms.listening.window import LiveWindow

_WARM_UP_S = 1.2


@dataclass(frozen=True, slots=True)
class _LiveFrontEnd:
    """How to run a front end live: the settings that it may have, and its window of so many rows."""

    settings: frozenset[str]
    start: Callable[..., LiveWindow]


LIVE_FRONT_ENDS: Mapping[str, _LiveFrontEnd] = {
    mel_steps.FRONT_END.key: _LiveFrontEnd(frozenset(), MelStepsWindow),
    pyaudio_68.FRONT_END.key: _LiveFrontEnd(frozenset({"full_scale"}), PyAudioWindow),
    step_mel.FRONT_END.key: _LiveFrontEnd(frozenset(), StepMelWindow),
}


@dataclass(frozen=True, slots=True)
class Listeners:
    """The members of a bundle that listen, loaded, with what the encoders among them make of rows, by name,
    and the names of the regressors that cannot."""

    bundle: Bundle
    regressors: tuple[LiveRegressor, ...]
    encoders: Mapping[str, Predict]
    left_out: tuple[str, ...]

    def start(self, *, rate_hz: int) -> LiveEmotion:
        """Begin to listen to a signal at that rate."""
        return LiveEmotion(self.regressors, self._windows(), rate_hz=rate_hz)

    def warm_up(self, *, rate_hz: int) -> None:
        """Run once on a second of noise, so that no reading pays for what is made on first use."""
        noise = np.random.default_rng(0).normal(0.0, 0.1, round(_WARM_UP_S * rate_hz))
        self.start(rate_hz=rate_hz).push(noise.astype(np.float32))

    def _windows(self) -> dict[str, LiveWindow]:
        windows: dict[str, LiveWindow] = {}
        for member in self.bundle.of_role(Role.REGRESSOR):
            rows = max(each.rows for each in self.regressors if each.window == member.input_key)
            windows[member.input_key] = self._window(member, rows)
        return windows

    def _window(self, member: Member, rows: int) -> LiveWindow:
        encoder = self.bundle.encoder_of(member)
        if encoder is None:
            return LIVE_FRONT_ENDS[member.front_end].start(rows, **member.front_end_settings)
        view = encoder.view
        assert isinstance(view, StepView)  # noqa: S101 - encoders have no other
        return EncodedWindow(
            self._window(encoder, rows_heard(rows, view)), self.encoders[encoder.name], view, rows=rows
        )


def load_listeners(bundle: Bundle) -> Listeners:
    """Build and fill the regressors of a bundle that can listen, TensorFlow with one thread.

    Raises DataError(bad_bundle) where none can, where one axis has none, and what `Ensemble.load` raises.
    """
    members, left_out = listening_members(bundle)
    encoders = tuple(one for one in bundle.encoders if one.name in {member.encoder for member in members})
    listening = replace(bundle, members=(*encoders, *members))
    models = Ensemble(listening, threads=1)
    models.load()
    regressors = tuple(_listener(member, _predict(models, member.name)) for member in members)
    return Listeners(
        listening, regressors, {one.name: _predict(models, one.name) for one in encoders}, left_out
    )


def listening_members(bundle: Bundle) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Regressors of a bundle that can listen, and the names of those that cannot.

    Raises DataError(bad_bundle) where none can, or where one axis has none.
    """
    regressors = bundle.of_role(Role.REGRESSOR)
    if not regressors:
        raise bad_bundle(f"bundle {bundle.key} has no regressor: it cannot listen")
    heard = {member.name: bundle.encoder_of(member) or member for member in regressors}
    able = tuple(member for member in regressors if _can_run_live(heard[member.name]) and _in_steps(member))
    if not able:
        needed = ", ".join(dict.fromkeys(one.front_end for one in heard.values()))
        raise bad_bundle(
            f"no regressor of bundle {bundle.key} can listen: they take {needed}; "
            f"{', '.join(LIVE_FRONT_ENDS)} can run live"
        )
    if missing := set(AXES) - {target for member in able for target in _targets(member)}:
        raise bad_bundle(f"no regressor of bundle {bundle.key} that can listen gives {missing.pop()}")
    return able, tuple(member.name for member in regressors if member not in able)


def _can_run_live(member: Member) -> bool:
    """Whether the front end of a member can."""
    front_end = LIVE_FRONT_ENDS.get(member.front_end)
    return front_end is not None and set(member.front_end_settings) <= front_end.settings


def _in_steps(member: Member) -> bool:
    """Whether a member looks at a stretch, and not at the whole track."""
    return isinstance(member.view, StepView) and member.view.rows > 0


def _listener(member: Member, predict: Predict) -> LiveRegressor:
    return LiveRegressor(member.name, member.input_key, live_rows(member.view), _targets(member), predict)


def live_rows(view: Any) -> int:
    """Rows of a StepView that one step looks at up to its own end: those before it and its own."""
    steps = view.steps or view.hop
    return int(view.lead + view.hop // steps)


def _targets(member: Member) -> tuple[str, ...]:
    return output_names(member.settings)


def _predict(models: Ensemble, name: str) -> Predict:
    def predict(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
        return models.run(name, Batch(values, inside))

    return predict
