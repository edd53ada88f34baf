"""The message that a bundle is refused with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.errors import DataError, FailureKind, Stage


def refusal(work: Callable[[], Any]) -> str:
    """The message of the bad_bundle that the work ends in."""
    with pytest.raises(DataError, match=r".") as caught:
        work()
    assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_BUNDLE, Stage.BUNDLE)
    return caught.value.message
