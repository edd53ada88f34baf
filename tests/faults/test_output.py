"""An output that fails under way ends the run: it is said why, and nothing is published."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.cli import EXIT_STOPPED, EXIT_USAGE, main
from pipelines.running.command import output_folder
from schemas.errors import DataError, FailureKind, OutputError, Stage
from tests.faults.commands import left_behind, write_noise
from transforms.progress import Event, ProgressLog, read_progress
from transforms.writing import faults, stage
from transforms.writing.faults import writing
from transforms.writing.merge import merge


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_noise(tmp_path_factory.mktemp("music"), 8, seconds=20.0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB, where this machine lets the tests have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if mounted.returncode:
        pytest.skip(f"no small disk to be had: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def features(music: Path, output: Path) -> int:
    """A run whose tables are larger than the disk."""
    return main(["features", "crnn-logmel", str(music), "--output", str(output), "--workers", "1"])


def stopped(capfd: pytest.CaptureFixture[str]) -> str:
    """The one line that the command has said."""
    out, errors = capfd.readouterr()
    (line,) = errors.splitlines()
    assert out == ""
    assert line.startswith("moodscribe features: ")
    return line


@pytest.mark.parametrize("already", [0, 1 << 20], ids=["filled by the run", "full before"])
def test_a_full_disk_ends_the_run_with_the_file_that_found_no_room(
    already: int, music: Path, disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (disk / "other").write_bytes(bytes(max(0, already - 4096)))
    assert features(music, disk / "out") == EXIT_STOPPED == 4
    line = stopped(capfd)
    assert f"{disk}/out/.staging/" in line
    assert line.endswith(": No space left on device; nothing of the run was published")
    assert not list(disk.glob("out/run_id=*"))
    assert left_behind(disk / "out") == []


def test_an_output_that_cannot_be_written_any_more_ends_the_run(
    music: Path, disk: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def seal_and_merge(*arguments: Any, **options: Any) -> Any:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        return merge(*arguments, **options)

    monkeypatch.setattr(stage, "merge", seal_and_merge)
    music_of_one = write_noise(disk.parent / "one", 1)
    assert features(music_of_one, disk / "out") == EXIT_STOPPED
    line = stopped(capfd)
    assert str(disk) in line
    assert ": Read-only file system; nothing of the run was published" in line
    assert not list(disk.glob("out/run_id=*/run.json"))


def test_a_disk_that_is_read_only_is_refused_before_anything_runs(music: Path, disk: Path) -> None:
    (disk / "out").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(DataError, match=rf"{disk}/out: no permission to write there") as refused:
        output_folder(str(disk / "out"))
    assert refused.value.kind is FailureKind.BAD_OUTPUT
    with pytest.raises(DataError, match=rf"{disk}/new: Read-only file system"):
        output_folder(str(disk / "new"))
    assert features(music, disk / "out") == EXIT_USAGE


@pytest.mark.parametrize("step", ["merge", "check_there"])
def test_an_output_that_vanishes_under_way_ends_the_run(
    step: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output, before = tmp_path / "out", getattr(stage, step)

    def vanish(*arguments: Any, **options: Any) -> Any:
        shutil.rmtree(output)
        return before(*arguments, **options)

    monkeypatch.setattr(stage, step, vanish)
    assert features(write_noise(tmp_path / "one", 1), output) == EXIT_STOPPED
    line = stopped(capfd)
    assert str(output) in line
    assert ": is gone, though this run has made it; nothing of the run was published" in line
    assert not list(output.glob("run_id=*"))
    assert left_behind(output) == []


def test_a_machine_without_scratch_space_is_told_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_folder(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.TemporaryDirectory", no_folder)
    assert features(write_noise(tmp_path / "one", 1), tmp_path / "out") == EXIT_STOPPED
    assert "no place for scratch files, see TMPDIR: No usable temporary directory found in" in stopped(capfd)
    assert left_behind(tmp_path / "out") == []


def test_progress_that_finds_no_room_is_left_out(tmp_path: Path) -> None:
    log = ProgressLog("/dev/full")
    log.add(Event.DONE)
    log.close()
    log = ProgressLog(str(tmp_path / "progress"))
    log.add(Event.DONE, 2)
    log.close()
    assert read_progress(tmp_path / "progress").done == 2


def test_scratch_that_openSMILE_finds_no_room_in_is_named(  # noqa: N802 - its name
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = pytest.importorskip("transforms.features.descriptors.opensmile_engine")
    pytest.importorskip("opensmile")
    monkeypatch.setattr(np, "save", lambda *_, **__: _no_room())
    with pytest.raises(OutputError, match=r"moodscribe-.*: No space left on device"):
        engine.descriptors(np.zeros(16_000, np.float32), rate_hz=16_000)


def _no_room() -> None:
    Path("/dev/full").write_bytes(b"x")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "gs/part: No space left on device"),
        (
            OSError(2, "No such file or directory", "gs/other"),
            "gs/other: is gone, though this run has made it",
        ),
        (OSError("no number"), "gs/part: no number"),
        (DataError(FailureKind.STORAGE, Stage.OUTPUT, "gs/part: 503 (tried 6 times)"), "gs/part: 503"),
    ],
)
def test_what_refuses_an_output_is_named(error: Exception, said: str) -> None:
    with pytest.raises(OutputError, match=said), writing("gs/part"):
        raise error


def test_what_is_no_fault_of_the_output_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="not there"), writing("gs/part"):
        raise DataError(FailureKind.NOT_FOUND, Stage.READ, "not there")
    with pytest.raises(ValueError, match="a bug"), writing("gs/part"):
        raise ValueError("a bug")
    assert faults.writing is writing
