"""What Google's client raises, as faults that another try may mend and as bad data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.retries import PASSING, TemporaryFaultError
from transforms.object_stores.store import CHANGED


@contextmanager
def faults(*, absent: str = "no such object") -> Iterator[None]:
    """Turn what the client raises into what a second try may mend, or what it cannot."""
    from google.api_core.exceptions import (
        Forbidden,
        GoogleAPICallError,
        NotFound,
        PreconditionFailed,
        Unauthorized,
    )
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.storage.exceptions import DataCorruption
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except NotFound as error:
        raise _refusal(FailureKind.NOT_FOUND, absent) from error
    except (Forbidden, Unauthorized) as error:
        raise _refusal(FailureKind.NOT_READABLE, str(error)) from error
    except PreconditionFailed as error:
        raise _refusal(FailureKind.STORAGE, CHANGED) from error
    except GoogleAPICallError as error:
        if error.code in PASSING:
            raise TemporaryFaultError(str(error), retry_after_s=_retry_after_s(error.response)) from error
        raise _refusal(FailureKind.STORAGE, str(error)) from error
    except GoogleAuthError as error:
        if isinstance(error, TransportError):
            raise TemporaryFaultError(f"credentials: {error}") from error
        raise _refusal(FailureKind.NOT_READABLE, str(error)) from error
    except (DataCorruption, RequestException, HTTPError, OSError) as error:
        raise TemporaryFaultError(str(error) or type(error).__name__) from error


def _retry_after_s(response: Any) -> float:
    value = response.headers.get("Retry-After", "") if response is not None else ""
    return float(value) if value.isdecimal() else 0.0


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.READ, message)
