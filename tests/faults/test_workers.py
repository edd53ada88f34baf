"""A worker or a decoder that is killed costs time, not rows; one that is killed again ends the run."""

from __future__ import annotations

import io
import random
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.worker_handlers import ControlFuture

from pipelines.cli import EXIT_DONE, EXIT_STOPPED, main
from pipelines.running import attempts, leftovers
from pipelines.running.attempts import _cause
from pipelines.running.workers.crew import Crew
from pipelines.running.workers.ended import WorkerEndedError
from schemas.errors import DataError, FailureKind
from schemas.identity import RunIdentity, new_run_id
from schemas.work import WorkKey
from tests.faults.commands import (
    DECODER,
    WORKER,
    left_behind,
    outlive,
    start,
    write_noise,
)
from tests.outputs import assert_same_rows
from transforms.decoding.sandbox import DecodeLimits, SandboxedDecoder, memory_file

KILLED = "a worker process was killed (signal 9, SIGKILL), "
# A file for every row: there is more to write and to merge.
MEL_STEPS, MANY_FILES = "features mel-steps", ("--rows-per-file", 1)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_noise(tmp_path_factory.mktemp("music"), 16)


@pytest.fixture(scope="module")
def undisturbed(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed")
    assert main([*MEL_STEPS.split(), str(music), "--output", str(output), "--workers", "1"]) == EXIT_DONE
    return output


def test_a_run_survives_a_worker_that_is_killed_with_exactly_the_rows_of_an_undisturbed_one(
    music: Path, undisturbed: Path, tmp_path: Path
) -> None:
    command = start(MEL_STEPS, music, tmp_path, "--workers", 2, *MANY_FILES)
    command.wait_until(lambda it: it.below(DECODER))
    first = command.below(WORKER)
    command.kill(random.Random(6).choice(first))
    status, printed = command.end()
    assert (status, outlive(first, seconds=1)) == (EXIT_DONE, []), printed
    assert f"{KILLED}most often for lack of memory (fewer --workers take less); the run begins" in printed
    assert "Traceback" not in printed
    assert "Exception" not in printed
    assert_same_rows(tmp_path, undisturbed)
    assert left_behind(tmp_path) == []


def test_a_run_whose_worker_is_killed_twice_ends_with_nothing_of_it_left(music: Path, tmp_path: Path) -> None:
    command = start(MEL_STEPS, music, tmp_path, "--workers", 2, *MANY_FILES)
    command.wait_until(lambda it: it.published)  # it merges
    first = command.below(WORKER)
    command.kill(first[0])
    command.wait_until(lambda it: set(it.below(WORKER)) - set(first))
    second = command.below(WORKER)
    command.kill(second[-1])
    status, printed = command.end()
    assert status == EXIT_STOPPED == 4, printed
    assert printed.count(KILLED) == 2
    assert "; the run begins anew (attempt 2 of 2)" in printed
    assert printed.splitlines()[-1].endswith("; nothing of it was published")
    assert "Traceback" not in printed
    assert not list(tmp_path.glob("run_id=*"))
    assert left_behind(tmp_path) == []
    assert outlive([*first, *second], seconds=1) == []


@pytest.mark.timeout(60)
def test_workers_that_end_before_the_last_has_started_end_the_run(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.executable", "false")
    status = main([*MEL_STEPS.split(), str(music), "--output", str(tmp_path), "--workers", "3"])
    printed = capsys.readouterr().err
    assert status == EXIT_STOPPED, printed
    assert "a worker process ended with exit status 1" in printed
    assert left_behind(tmp_path) == []


def test_a_connection_that_comes_after_a_worker_has_ended_answers_with_an_error() -> None:
    crew, question = Crew(), ControlFuture("question")
    crew._end(WorkerEndedError(-signal.SIGKILL))
    crew.connect(SimpleNamespace(push=lambda _: question)).push(None)
    assert "was killed" in question.get(timeout=0.1).error


@pytest.mark.parametrize("removable", [True, False])
def test_a_run_begins_anew_only_where_nothing_of_the_first_attempt_is_left(
    removable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    identity = RunIdentity(new_run_id(), "none", WorkKey("", "", "", ""), str(tmp_path))
    seen = []

    def write_and_lose_a_worker(*_: object) -> None:
        seen.append(left_behind(tmp_path))
        (Path(identity.run_uri) / "tracks").mkdir(parents=True)
        raise WorkerEndedError(-signal.SIGKILL)

    monkeypatch.setattr(attempts, "_run", write_and_lose_a_worker)
    if not removable:
        monkeypatch.setattr(leftovers, "remove_folder", lambda _: None)
    run: Any = SimpleNamespace(plan=SimpleNamespace(identity=identity))
    assert attempts.carry_out(run, PipelineOptions([]), command="tag") == EXIT_STOPPED
    assert seen == ([[], []] if removable else [[]])
    assert capsys.readouterr().err.count(KILLED) == len(seen)


@pytest.mark.parametrize(
    ("code", "out_of_memory", "said"),
    [
        (
            -signal.SIGKILL,
            0,
            "was killed (signal 9, SIGKILL), most often for lack of memory (fewer --workers",
        ),
        (-signal.SIGKILL, 1, "was killed (signal 9, SIGKILL), by the kernel for lack of memory (fewer"),
        (-signal.SIGSEGV, 0, "was killed (signal 11, SIGSEGV)"),
        (1, 0, "ended with exit status 1"),
    ],
)
def test_it_is_said_how_a_worker_has_ended(code: int, out_of_memory: int, said: str) -> None:
    error = WorkerEndedError(code)
    assert f"{error}{_cause(error, out_of_memory)}".startswith(f"a worker process {said}")


@pytest.fixture(scope="module")
def long_track() -> bytes:
    samples = (0.2 * np.random.default_rng(3).standard_normal(16_000 * 120)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="FLAC")
    return file.getvalue()


def decode(decoder: SandboxedDecoder, track: bytes, *, kill_at: tuple[int, ...] = ()) -> list[bytes]:
    """Blocks of a track whose decoder is killed while some of them are looked at."""
    blocks = []
    with memory_file(track) as file:
        for index, block in enumerate(decoder.decode(file, rate_hz=16_000)):
            blocks.append(block.tobytes())
            if index in kill_at and decoder._process is not None:
                decoder._process._process.send_signal(signal.SIGKILL)
                decoder._process._process.wait()
    return blocks


@pytest.mark.parametrize("kill_at", [(0,), (2,)])
def test_a_track_whose_decoder_is_killed_once_has_the_same_samples(
    kill_at: tuple[int, ...], long_track: bytes
) -> None:
    with SandboxedDecoder(DecodeLimits(), block_samples=16_000) as decoder:
        undisturbed = decode(decoder, long_track)
        assert len(undisturbed) == 120
        assert decode(decoder, long_track, kill_at=kill_at) == undisturbed
        assert decode(decoder, long_track) == undisturbed


def test_a_track_whose_decoder_is_killed_twice_fails_and_the_next_does_not(long_track: bytes) -> None:
    with SandboxedDecoder(DecodeLimits(), block_samples=16_000) as decoder:
        with pytest.raises(DataError, match="the decoder ended with SIGKILL") as failed:
            decode(decoder, long_track, kill_at=(1, 60))
        assert (failed.value.kind, failed.value.attempts) == (FailureKind.DECODER_CRASH, 2)
        assert len(decode(decoder, long_track)) == 120
