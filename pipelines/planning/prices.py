"""Price table of machines: an editable, dated JSON file, and what hours of work cost by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from schemas.errors import DataError, FailureKind, Stage


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type: what an hour of it costs, and how fast one of its vCPUs is beside a processor here.

    `speed` is None where it is not known.
    """

    name: str
    vcpus: int
    hour: float
    speed: float | None


@dataclass(frozen=True, slots=True)
class Prices:
    """Machines at the prices of a day; flexible scheduling takes the share `flexrs` of the price."""

    date: str
    currency: str
    region: str
    sources: tuple[str, ...]
    flexrs: float
    machines: tuple[Machine, ...]


def read_prices(file: str | None = None) -> Prices:
    """The table of a file, or the one that comes along. DataError(bad_input) names what is wrong."""
    name = file or "prices.json"
    try:
        text = Path(file).read_text() if file else files(__package__).joinpath("prices.json").read_text()
        return _parse(json.loads(text))
    except OSError as error:
        raise _refusal(f"{name}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise _refusal(f"{name}: no price table: {type(error).__name__}: {error}") from error


def _parse(fields: Mapping[str, Any]) -> Prices:
    return Prices(
        date=str(fields["date"]),
        currency=str(fields["currency"]),
        region=str(fields["region"]),
        sources=tuple(map(str, fields["sources"])),
        flexrs=_positive(fields["flexrs_share"]),
        machines=tuple(_machine(one, fields) for one in fields["machines"]),
    )


def _machine(one: Mapping[str, Any], fields: Mapping[str, Any]) -> Machine:
    vcpus = int(_positive(one["vcpus"]))
    hour = vcpus * _positive(fields["vcpu_hour"]) + _positive(one["memory_gb"]) * _positive(
        fields["memory_gb_hour"]
    )
    hour += _positive(one["disk_gb"]) * _positive(fields["disk_gb_hour"]) + float(one["gpu_hour"])
    speed = one["speed"]
    return Machine(str(one["name"]), vcpus, hour, None if speed is None else _positive(speed))


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError(f"{value!r} is not a number above 0")
    return float(value)


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
