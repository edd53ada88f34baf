"""In which numbers an image net computes."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """Single precision, or eight-bit integers: several times faster, close to it, checked at their start."""

    FLOAT32 = "float32"
    INT8 = "int8"
