"""Headless Chromium over its debugging pipe: pages are opened and asked, and what they log is kept."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers have no user namespaces; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)
_PATIENCE_S = 60.0
# A question that is answered when the plane of a report is drawn.
PLANE_IS_THERE = """new Promise(done => {
    document.querySelector('.plane').scrollIntoView();
    const there = () => document.querySelector('.plane .plot-container .xy');
    const look = () => there() ? done(true) : setTimeout(look, 20);
    look();
})"""
# A browser reads its pipe as descriptor 3 and writes to 4.
_START = "import os, sys; os.dup2({there}, 3); os.dup2({back}, 4); os.execv(sys.argv[1], sys.argv[1:])"


@dataclass
class Browser:
    """A browser with a page; `problems` are errors and warnings of its console, `requests` what it
    loads, without what its policy forbids."""

    _to: int
    _from: int
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _urls: dict[str, str] = field(default_factory=dict)
    _session: str = ""
    _count: int = 0
    _pending: bytes = b""
    _loaded: bool = False

    def start(self) -> None:
        """Attach to a page."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, path: Path, *, width: int = 1100, height: int = 900, dark: bool = False) -> float:
        """Open a file and wait until it is loaded; the seconds that took."""
        assert path.is_file(), path
        self.problems.clear()
        self.requests.clear()
        self._loaded = False
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._call("Emulation.setDeviceMetricsOverride", **sizes)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        begin = time.monotonic()
        self._call("Page.navigate", url=path.absolute().as_uri())
        while not self._loaded:
            self._receive()
        return time.monotonic() - begin

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page, of a promise what it comes to."""
        found = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        for kind in ("rawKeyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def click(self, x: float, y: float) -> None:
        """Move to a place of the window and click there."""
        self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        time.sleep(0.3)
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a PNG of the window, or of the whole page."""
        found = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def _call(self, method: str, **values: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        wanted = self._count
        while True:
            answer = self._receive()
            if answer.get("id") == wanted:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._pending:
            block = os.read(self._from, 1 << 20)
            assert block, "the browser has ended"
            self._pending += block
        text, _, self._pending = self._pending.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, values: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self._urls[values["requestId"]] = values["request"]["url"]
            self.requests.append(values["request"]["url"])
        elif method == "Network.loadingFailed" and values.get("blockedReason") == "csp":
            self.requests.remove(self._urls[values["requestId"]])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(values["exceptionDetails"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.problems.append(values["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.problems.append(str(values["args"]))


def _high(descriptor: int) -> int:
    """The same file by a number that is in nobody's way."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


@contextmanager
def headless_browser() -> Iterator[Browser]:
    """A browser for the time of the block; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    there, to_browser = map(_high, os.pipe())
    from_browser, back = map(_high, os.pipe())
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _START.format(there=there, back=back),
                program,
                *_FLAGS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(there, back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(back)
        try:
            browser = Browser(to_browser, from_browser)
            browser.start()
            yield browser
        finally:
            os.close(to_browser)
            os.close(from_browser)
            process.terminate()
            process.wait(timeout=_PATIENCE_S)
