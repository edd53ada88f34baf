"""Requests to OpenSearch: with credentials from the environment, tried again, errors as the project's own."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from schemas.errors import DataError, FailureKind, OutputError, Stage
from transforms.object_stores.retries import (
    CONNECTIONS,
    PASSING,
    Purpose,
    TemporaryFaultError,
    persistently,
)

# A server that is restarted is away for a minute or two: see the pauses of `persistently`.
ATTEMPTS = 12
# Seconds to connect, and of silence before an answer; a bulk request can take long under load.
_TIMEOUT_S = (10.0, 120.0)
_USER, _PASSWORD, _TOKEN = "OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD", "OPENSEARCH_TOKEN"
_TOO_MANY = 429


class RefusedError(Exception):
    """The server's answer to a request that no other try will mend."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class TooManyError(TemporaryFaultError):
    """The server has more requests than it can take."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where an OpenSearch is, and the file of the certificates that vouch for it, if not the system's."""

    url: str
    ca: str | None = None


def check_url(url: str) -> str:
    """A server's URL without a slash at its end.

    Raises DataError(bad_input) for one that is none, or that has credentials in it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refusal(f"--url {url}: not of the form https://HOST:PORT")
    if parts.username or parts.password:
        raise _refusal(
            f"--url: no name or password in it, everybody on this machine could read them; they come from "
            f"{_USER} and {_PASSWORD}, {_TOKEN}, or the file ~/.netrc"
        )
    if parts.query or parts.fragment:
        raise _refusal(f"--url {url}: nothing may follow the host and the path")
    return url.rstrip("/")


class Client:
    """A server, asked by one session for each client; threads may share it."""

    def __init__(self, server: Server, *, attempts: int = ATTEMPTS) -> None:
        self._server = server
        self._attempts = attempts

    def ask(self, method: str, path: Sequence[str], body: Any = None, **query: str) -> Any:
        """The answer to a request, from JSON.

        Raises RefusedError, and OutputError where the server cannot be reached, or lets nobody in.
        """
        data = None if body is None else json.dumps(body).encode()
        return self.tried(lambda: self.send(method, path, data, query=query), path)

    def tried(self, action: Any, path: Sequence[str]) -> Any:
        """Result of an action, tried again while it meets temporary faults; OutputError after the last."""
        try:
            return persistently(
                action,
                purpose=Purpose.WRITE,
                stage=Stage.OUTPUT,
                uri=self._url(path),
                attempts=self._attempts,
            )
        except DataError as error:
            raise OutputError(error.message) from error

    def send(
        self,
        method: str,
        path: Sequence[str],
        data: bytes | None,
        *,
        lines: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One request, not tried again; TemporaryFaultError where another may help."""
        import requests

        headers = {"Content-Type": "application/x-ndjson" if lines else "application/json"}
        if data is not None and lines:
            data, headers = gzip.compress(data, 3), {**headers, "Content-Encoding": "gzip"}
        try:
            response = self._session.request(
                method,
                self._url(path),
                params=query,
                data=data,
                headers=headers,
                timeout=_TIMEOUT_S,
                # Of a session it would stand behind REQUESTS_CA_BUNDLE.
                verify=self._server.ca,
                allow_redirects=False,
            )
            return _answer(response)
        except requests.exceptions.SSLError as error:
            raise OutputError(f"{self._server.url}: {error}; --ca FILE names who vouches for it") from error
        except requests.RequestException as error:
            raise TemporaryFaultError(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _url(self, path: Sequence[str]) -> str:
        return "/".join([self._server.url, *(quote(name, safe="") for name in path)])

    @cached_property
    def _session(self) -> Any:
        import requests
        from requests.adapters import HTTPAdapter

        session = requests.Session()
        for beginning in ("http://", "https://"):
            session.mount(beginning, HTTPAdapter(pool_maxsize=CONNECTIONS))
        if token := os.environ.get(_TOKEN):
            session.trust_env = False  # a file of passwords would go before it
            session.headers["Authorization"] = token if " " in token else f"Bearer {token}"
        elif user := os.environ.get(_USER):
            session.auth = (user, os.environ.get(_PASSWORD, ""))
        return session


def _answer(response: Any) -> Any:
    """What a response says; RefusedError, TemporaryFaultError or OutputError where it is an error."""
    if response.status_code < 300:
        try:
            return response.json() if response.content else {}
        except ValueError as error:
            raise OutputError(f"{response.url}: the answer is not JSON; is that an OpenSearch?") from error
    reason = _reason(response)
    if response.status_code in PASSING:
        wait = response.headers.get("Retry-After", "")
        message = f"status {response.status_code}: {reason}"
        kind = TooManyError if response.status_code == _TOO_MANY else TemporaryFaultError
        raise kind(message, retry_after_s=float(wait) if wait.isdecimal() else 0.0)
    raise _refused(response, reason)


def _refused(response: Any, reason: str) -> Exception:
    status = response.status_code
    if status in (401, 403):
        advice = f"{_USER} and {_PASSWORD}, {_TOKEN}, or ~/.netrc say who asks"
        return OutputError(f"{response.url}: status {status}: {reason}; {advice}")
    if 300 <= status < 400:
        return OutputError(f"{response.url}: leads to {response.headers.get('Location')}; give that as --url")
    return RefusedError(status, reason)


def _reason(response: Any) -> str:
    try:
        error = response.json()["error"]
        return str(error if isinstance(error, str) else f"{error['type']}: {error['reason']}")
    except (ValueError, KeyError, TypeError):
        return str(response.text[:200].strip() or response.reason)


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
