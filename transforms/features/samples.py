"""What every front end asks of its samples, refused with the value where it is not so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_seconds
from schemas.errors import DataError, FailureKind, Stage

# Far above full scale in any convention; beyond it, squares would leave single precision.
LOUDEST = 1e9


def check_samples(
    samples: NDArray[np.float32], *, rate_hz: int, wanted_hz: int | None = None, minimum_samples: int = 1
) -> None:
    """Raise DataError(bad_input) unless samples are mono, float32, finite, within +-1e9, not empty and at the
    wanted rate (any rate above zero where it is None); DataError(too_short) below `minimum_samples`."""
    if not isinstance(rate_hz, int | np.integer) or rate_hz <= 0:
        raise refusal(f"rate_hz is {rate_hz!r}; it must be a whole number above zero")
    if wanted_hz is not None and rate_hz != wanted_hz:
        raise refusal(f"rate_hz is {rate_hz}; this front end takes {wanted_hz}")
    if samples.dtype != np.float32 or samples.ndim != 1:
        raise refusal(f"samples must be float32 [n], not {samples.dtype} {list(samples.shape)}")
    if not samples.size:
        raise refusal("samples are empty")
    if not np.isfinite(samples).all():
        raise refusal(f"sample {int(np.argmin(np.isfinite(samples)))} is not finite")
    if (loudest := max(float(samples.max()), -float(samples.min()))) > LOUDEST:
        raise refusal(f"a sample of {loudest:g} is beyond {LOUDEST:g}")
    if len(samples) < minimum_samples:
        short, least = (to_seconds(count, rate_hz=rate_hz) for count in (len(samples), minimum_samples))
        message = (
            f"{len(samples)} samples ({short:.3f} s); at least {minimum_samples} ({least:.3f} s) are needed"
        )
        raise DataError(FailureKind.TOO_SHORT, Stage.FEATURES, message)


def refusal(message: str) -> DataError:
    """The one refusal of what a front end cannot take."""
    return DataError(FailureKind.BAD_INPUT, Stage.FEATURES, message)
