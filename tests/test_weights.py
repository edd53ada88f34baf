"""Weights come whole and checked from their homes, over bad connections too: tested on a local server."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from models.image_nets import fetching
from models.image_nets.fetching import fetch
from models.image_nets.registry import NETS
from models.image_nets.weights import WEIGHTS, WeightsFile, weights_file, weights_path
from models.taggers.vggish_weights import vggish_path
from pipelines.weights_command import _Lines, add_weights
from schemas.errors import DataError, FailureKind

BODY = bytes(range(256)) * 3000
PATH = "/home/net.h5"


@dataclass
class Script:
    """How the server behaves, one step a request (the last for all that follow), and what it was asked."""

    body: bytes = BODY
    steps: list[str] = field(default_factory=lambda: ["ok"])
    ranges: list[str] = field(default_factory=list)

    def next(self) -> str:
        """The next request's behaviour."""
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


class Handler(BaseHTTPRequestHandler):
    """A file server with Range, whose faults come by a script."""

    script: Script

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send the body, from where it is asked for unless the script says otherwise."""
        script, asked = self.script, self.headers.get("Range", "")
        script.ranges.append(asked)
        step = script.next()
        if step.isdigit():
            self.send_response(int(step))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and step != "no range" else 0
        if start >= len(script.body):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = script.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(script.body) - 1}/{len(script.body)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if step == "break" else body)
        self.close_connection = True


@pytest.fixture
def script() -> Script:
    """The behaviour of this test's server."""
    return Script()


@pytest.fixture
def home(script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a file on a local server; no pauses between tries."""
    monkeypatch.setattr(fetching, "_LONGEST_PAUSE_S", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = type("Scripted", (Handler,), {"script": script})
    monkeypatch.setattr(ThreadingHTTPServer, "handle_error", lambda *_: None)  # clients that go early
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{PATH}"
        server.shutdown()
        thread.join()


def a_file(url: str, *, body: bytes = BODY, sha256: bool = True) -> WeightsFile:
    md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return WeightsFile(
        "net",
        url,
        len(body),
        "nobody, none",
        md5=md5,
        sha256=hashlib.sha256(body).hexdigest() if sha256 else "",
    )


def only_file(folder: Path) -> bytes:
    """The fetched file, beside which there is nothing but its record and its lock."""
    assert {path.name for path in folder.iterdir()} == {"net.h5", "net.h5.json", ".net.h5.lock"}
    return (folder / "net.h5").read_bytes()


def test_a_file_comes_whole_and_is_recorded(home: str, script: Script, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    done = fetch(a_file(home), folder=tmp_path, progress=lambda *numbers: seen.append(numbers))
    assert only_file(tmp_path) == BODY
    assert done.digest.sha256 == hashlib.sha256(BODY).hexdigest()
    assert not done.was_there
    assert seen[-1] == (len(BODY), len(BODY))
    record = json.loads((tmp_path / "net.h5.json").read_text())
    assert record == {
        "url": home,
        "bytes": len(BODY),
        "md5": done.digest.md5,
        "sha256": done.digest.sha256,
    }
    assert script.ranges == [""]


def test_what_is_there_is_not_asked_for_again(home: str, script: Script, tmp_path: Path) -> None:
    fetch(a_file(home), folder=tmp_path)
    again = fetch(a_file(home), folder=tmp_path)
    assert again.was_there
    assert len(script.ranges) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_what_is_there_is_used_in_a_folder_that_cannot_be_written(home: str, tmp_path: Path) -> None:
    fetch(a_file(home), folder=tmp_path)
    tmp_path.chmod(0o500)
    assert fetch(a_file(home), folder=tmp_path).was_there
    tmp_path.chmod(0o700)


def test_a_file_that_was_damaged_since_is_fetched_anew(home: str, tmp_path: Path) -> None:
    file = replace(a_file(home), md5="", sha256="")
    fetch(file, folder=tmp_path)
    (tmp_path / "net.h5").write_bytes(b"x" * len(BODY))
    assert not fetch(file, folder=tmp_path).was_there
    assert only_file(tmp_path) == BODY


@pytest.mark.parametrize("have", [1, 1000, len(BODY) - 1])
def test_a_part_goes_on_from_its_end(home: str, script: Script, tmp_path: Path, have: int) -> None:
    (tmp_path / "net.h5.part").write_bytes(BODY[:have])
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert script.ranges == [f"bytes={have}-"]


def test_a_part_that_is_whole_needs_no_request(home: str, script: Script, tmp_path: Path) -> None:
    (tmp_path / "net.h5.part").write_bytes(BODY)
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert script.ranges == []


def test_a_server_that_knows_no_ranges_is_asked_for_all(home: str, script: Script, tmp_path: Path) -> None:
    (tmp_path / "net.h5.part").write_bytes(b"other bytes")
    script.steps = ["no range"]
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert script.ranges == ["bytes=11-"]


@pytest.mark.parametrize("size", [len(BODY), len(BODY) + 7])
def test_a_part_at_or_past_the_end_starts_over(home: str, script: Script, tmp_path: Path, size: int) -> None:
    (tmp_path / "net.h5.part").write_bytes(b"x" * size)
    fetch(replace(a_file(home), size=0), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert script.ranges == [f"bytes={size}-", ""]


def test_a_part_of_another_file_is_thrown_away_once(home: str, script: Script, tmp_path: Path) -> None:
    (tmp_path / "net.h5.part").write_bytes(b"x" * 1000)
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert script.ranges == ["bytes=1000-", ""]


def test_connections_that_break_go_on_where_they_broke(home: str, script: Script, tmp_path: Path) -> None:
    script.steps = ["break"] * 4 + ["ok"]
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    starts = [int(asked[6:-1]) for asked in script.ranges[1:]]
    assert len(starts) == 4
    assert starts == sorted(set(starts))


@pytest.mark.parametrize("status", ["500", "503", "429"])
def test_a_busy_server_is_asked_again(home: str, script: Script, tmp_path: Path, status: str) -> None:
    script.steps = [status, status, "ok"]
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert len(script.ranges) == 3


def test_a_server_that_stays_busy_ends_the_fetch_and_the_part_is_kept(
    home: str, script: Script, tmp_path: Path
) -> None:
    script.steps = ["break", "503"]
    with pytest.raises(DataError, match=r"answers 503 .* 5 tries; 3\d\d,\d\d\d bytes are kept") as raised:
        fetch(a_file(home), folder=tmp_path)
    assert raised.value.kind is FailureKind.STORAGE
    script.steps = ["ok"]
    fetch(a_file(home), folder=tmp_path)
    assert only_file(tmp_path) == BODY
    assert script.ranges[-1].startswith("bytes=3")


def test_nobody_there_ends_the_fetch(home: str, tmp_path: Path) -> None:
    nowhere = re.sub(r":\d+/", ":1/", home)
    with pytest.raises(DataError, match="given up after 5 tries") as raised:
        fetch(a_file(nowhere), folder=tmp_path)
    assert raised.value.kind is FailureKind.STORAGE


@pytest.mark.parametrize(
    ("status", "kind"), [("404", FailureKind.NOT_FOUND), ("403", FailureKind.NOT_READABLE)]
)
def test_a_missing_file_is_said_at_once(
    home: str, script: Script, tmp_path: Path, status: str, kind: FailureKind
) -> None:
    script.steps = [status]
    with pytest.raises(
        DataError, match=f"{re.escape(home)}: the server answers {status} .*--mirror"
    ) as raised:
        fetch(a_file(home), folder=tmp_path)
    assert raised.value.kind is kind
    assert len(script.ranges) == 1


@pytest.mark.parametrize("sha256", [True, False])
def test_other_bytes_never_get_the_files_name(
    home: str, script: Script, tmp_path: Path, sha256: bool
) -> None:
    script.body = BODY[:-1] + b"x"
    file = a_file(home, sha256=sha256)
    expected = file.sha256 or file.md5
    with pytest.raises(DataError, match=f"{re.escape(home)}: its .* expected is {expected}") as raised:
        fetch(file, folder=tmp_path)
    assert raised.value.kind is FailureKind.CORRUPT
    assert len(script.ranges) == 2
    assert [path.name for path in tmp_path.iterdir()] == [".net.h5.lock"]


def test_a_file_of_another_length_is_not_fetched_at_all(home: str, script: Script, tmp_path: Path) -> None:
    script.body = BODY + b"x"
    with pytest.raises(DataError, match="it has 768,001 bytes, the weights of net have 768,000"):
        fetch(a_file(home), folder=tmp_path)
    assert len(script.ranges) == 1


def test_a_mirror_has_the_file_by_its_name(home: str, script: Script, tmp_path: Path) -> None:
    mirror = home.removesuffix("/net.h5") + "/"
    done = fetch(a_file("https://nowhere.invalid/net.h5"), folder=tmp_path, mirror=mirror)
    assert done.url == home
    assert only_file(tmp_path) == BODY


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_can_be_a_mirror(tmp_path: Path, scheme: str) -> None:
    mirror, folder = tmp_path / "a mirror", tmp_path / "cache"
    mirror.mkdir()
    (mirror / "net.h5").write_bytes(BODY)
    fetch(a_file("https://nowhere.invalid/net.h5"), folder=folder, mirror=f"{scheme}{mirror}")
    assert only_file(folder) == BODY


class Store:
    """A stand-in for gcsfs.GCSFileSystem with one object."""

    def info(self, uri: str) -> dict[str, int]:
        """Size of the object."""
        if uri != "gs://bucket/weights/net.h5":
            raise FileNotFoundError(uri)
        return {"size": len(BODY)}

    def open(self, _: str, __: str) -> io.BytesIO:
        """The object from its beginning."""
        return io.BytesIO(BODY)


def test_a_bucket_can_be_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gcsfs.GCSFileSystem", Store)
    file = a_file("https://nowhere.invalid/net.h5")
    (tmp_path / "net.h5.part").write_bytes(BODY[:1000])
    assert fetch(file, folder=tmp_path, mirror="gs://bucket/weights").url == "gs://bucket/weights/net.h5"
    assert only_file(tmp_path) == BODY
    with pytest.raises(DataError, match=r"gs://bucket/others/net\.h5: no such object"):
        fetch(file, folder=tmp_path / "other", mirror="gs://bucket/others")


@pytest.mark.parametrize(
    ("mirror", "kind"), [("/not/there", FailureKind.NOT_FOUND), ("ftp://mirror.invalid", FailureKind.BAD_URI)]
)
def test_a_mirror_that_is_none_is_refused(tmp_path: Path, mirror: str, kind: FailureKind) -> None:
    with pytest.raises(DataError, match=re.escape(mirror)) as raised:
        fetch(a_file("https://nowhere.invalid/net.h5"), folder=tmp_path, mirror=mirror)
    assert raised.value.kind is kind


def test_a_folder_that_cannot_be_written_is_said(home: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(DataError, match=r"cannot write .*--folder") as raised:
        fetch(a_file(home), folder=tmp_path / "taken")
    assert raised.value.kind is FailureKind.BAD_OUTPUT


def test_two_fetches_at_once_make_one_request(home: str, script: Script, tmp_path: Path) -> None:
    done = []
    threads = [
        threading.Thread(target=lambda: done.append(fetch(a_file(home), folder=tmp_path))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.was_there for one in done) == [False, True, True, True]
    assert len(script.ranges) == 1
    assert only_file(tmp_path) == BODY


# The catalogue and the command.


def test_every_net_has_its_weights_file_with_true_checksums() -> None:
    assert list(WEIGHTS) == [*NETS, "vggish"]
    assert len({file.file_name for file in WEIGHTS.values()}) == len(WEIGHTS)
    for file in WEIGHTS.values():
        assert file.url.startswith("https://")
        assert re.fullmatch(r"(?:[0-9a-f]{32})?", file.md5)
        assert re.fullmatch(r"(?:[0-9a-f]{64})?", file.sha256)
        assert file.terms


def test_the_md5_are_those_that_keras_publishes() -> None:
    keras = pytest.importorskip("keras")
    folder = Path(keras.__file__).parent / "src" / "applications"
    published = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    ours = [file for file in WEIGHTS.values() if "keras-applications" in file.url and file.md5]
    assert len(ours) == 11
    for file in ours:
        assert file.md5 in published
        assert file.url.rpartition("/")[0].removeprefix("https://") in published.replace('"\n    "', "")


def test_the_squeezenet_pins_are_of_one_file(shared_data: Path) -> None:
    file = weights_file("squeezenet")
    digest = fetching.digest_of(shared_data / "weights" / "squeezenet_imagenet_notop_tf.h5")
    assert (digest.size, digest.md5, digest.sha256) == (file.size, file.md5, file.sha256)


def test_missing_weights_name_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match=r"`moodscribe weights fetch vgg16`.*`--set weights=FILE`") as raised:
        weights_path("vgg16")
    assert raised.value.kind is FailureKind.NOT_FOUND


def test_missing_weights_of_a_net_for_sound_name_the_command_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match="`moodscribe weights fetch vggish`, or give a file of your own \\("):
        vggish_path()


def _run(*arguments: str) -> int:
    import argparse

    from pipelines.option_hints import HintingParser

    parser = argparse.ArgumentParser(prog="moodscribe")
    add_weights(parser.add_subparsers(dest="command", required=True, parser_class=HintingParser))
    known = parser.parse_args(["weights", *arguments])
    status: int = known.run(known, [])
    return status


def test_the_command_fetches_says_whose_it_is_and_lists_it(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(WEIGHTS, "vgg16", replace(a_file(home), net="vgg16"))
    assert _run("fetch", "vgg16") == 0
    said = capsys.readouterr().out
    assert "weights by nobody, none" in said
    assert f"SHA-256 {hashlib.sha256(BODY).hexdigest()}" in said
    assert _run("fetch", "vgg16") == 0
    assert "already here" in capsys.readouterr().out
    assert weights_path("vgg16").read_bytes() == BODY
    assert _run("list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(WEIGHTS) + 1
    assert str(tmp_path / "moodscribe" / "weights" / "net.h5") in listed[1]
    assert "CC BY 4.0" in listed[2]


def test_the_command_puts_a_file_where_it_is_told(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(WEIGHTS, "mobilenet", replace(a_file(home), md5="", sha256=""))
    mirror = home.removesuffix("/net.h5")
    assert _run("fetch", "mobilenet", "--mirror", mirror, "--folder", str(tmp_path / "here")) == 0
    said = capsys.readouterr().out
    assert "publish no checksum" in said
    assert f"--set weights={tmp_path / 'here' / 'net.h5'}" in said


def test_the_command_fetches_the_checkpoint_of_vggish_whole(
    home: str, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = home.removesuffix("/net.h5")
    with pytest.raises(DataError, match=f"expected is {weights_file('vggish').md5}"):
        _run("fetch", "vggish", "--mirror", mirror, "--folder", str(tmp_path))
    md5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(WEIGHTS, "vggish", replace(weights_file("vggish"), md5=md5))
    assert _run("fetch", "vggish", "--mirror", mirror, "--folder", str(tmp_path)) == 0
    assert (tmp_path / "vggish_model.ckpt").read_bytes() == BODY


def test_the_command_refuses_an_unknown_net() -> None:
    with pytest.raises(DataError, match=r"image net 'vgg' is not known; did you mean vgg1"):
        _run("fetch", "vgg")


def test_progress_off_a_terminal_is_a_line_every_so_often(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("pipelines.weights_command.time.monotonic", lambda: now[0])
    lines = _Lines("net.h5")
    for now[0] in (1.0, 16.0, 17.0, 40.0):
        lines(int(now[0]) * 1_000_000, 50_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "moodscribe: net.h5: 16 of 50 MB",
        "moodscribe: net.h5: 40 of 50 MB",
    ]
