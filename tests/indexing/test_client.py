"""Who asks an OpenSearch, and whom it believes: credentials and certificates."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from schemas.errors import OutputError
from transforms.indexing.opensearch.client import Client, RefusedError, Server
from transforms.object_stores import retries

_NAMES = ("OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD", "OPENSEARCH_TOKEN", "NETRC")


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; /lost has no index, /no nobody may see, /moved is elsewhere."""

    def do_GET(self) -> None:
        """See the class."""
        status = {"/lost": 404, "/no": 401, "/moved": 301}.get(self.path, 200)
        said = self.headers.get("Authorization", "")
        body = (
            f'{{"authorization": "{said}", "error": {{"type": "{status}", "reason": "so it is"}}}}'.encode()
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 301:
            self.send_header("Location", "https://elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _echo(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server, and an environment without credentials."""
    for name in _NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.01)
    with _echo() as found:
        yield found


def _authorization(port: int) -> str:
    client = Client(Server(f"http://127.0.0.1:{port}"))
    try:
        return str(client.ask("GET", ["index"])["authorization"])
    finally:
        client.close()


def test_a_name_and_a_password_or_a_token_come_from_the_environment_or_netrc(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _authorization(port) == ""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert _authorization(port) == "Basic bWU6c2VjcmV0"
    monkeypatch.setenv("OPENSEARCH_USERNAME", "you")
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "other")
    assert _authorization(port) == "Basic eW91Om90aGVy"
    monkeypatch.setenv("OPENSEARCH_TOKEN", "abc")
    assert _authorization(port) == "Bearer abc"
    monkeypatch.setenv("OPENSEARCH_TOKEN", "ApiKey abc")
    assert _authorization(port) == "ApiKey abc"


def test_what_another_try_does_not_mend_is_said_at_once(port: int) -> None:
    client = Client(Server(f"http://127.0.0.1:{port}"))
    with pytest.raises(RefusedError, match="404: 404: so it is"):
        client.ask("GET", ["lost"])
    with pytest.raises(OutputError, match="OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD"):
        client.ask("GET", ["no"])
    with pytest.raises(OutputError, match="leads to https://elsewhere"):
        client.ask("GET", ["moved"])
    client.close()


def test_a_certificate_is_checked_and_one_of_our_own_is_named(tmp_path: Path, port: int) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: apt-get install openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _echo(context) as secure:
        url = f"https://127.0.0.1:{secure}"
        assert Client(Server(url, ca=str(certificate))).ask("GET", ["index"])["authorization"] == ""
        with pytest.raises(OutputError, match="--ca FILE"):
            Client(Server(url)).ask("GET", ["index"])
