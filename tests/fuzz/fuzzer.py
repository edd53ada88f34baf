"""The fuzzer: makes cases, reads each, has a share of them in whole jobs, and keeps what must never be."""

from __future__ import annotations

import faulthandler
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.bundle import Bundle
from tests.fuzz.cases import Case, case_of
from tests.fuzz.reading import BUGS, CaseReader, Result
from tests.fuzz.seeds import Seed
from tests.fuzz.whole_job import problems_in_job
from transforms.decoding.sandbox import DecodeLimits

# After so many cases, and after each that a decoder died of, a sound file must be read as ever.
_SOUND_EVERY = 100
# Beyond the decoder's limit: then it is this process that hangs, and its stack is shown.
_STUCK_S = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Which cases are made, of what, and which of them a job has, too."""

    seeds: Sequence[Seed]
    seed: int
    numbers: range
    limits: DecodeLimits
    job_every: int = 10
    cases_a_job: int = 200


@dataclass(slots=True)
class Report:
    """How often each format came out how, and what was found: each a case's file and what is wrong."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    mutations: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: list[tuple[Path | None, str]] = field(default_factory=list)
    in_jobs: int = 0
    slowest: tuple[float, str] = (0.0, "none")


def fuzz(plan: Plan, bundle: Bundle, folder: Path, *, progress: Callable[[str], None]) -> Report:
    """Read every case, and run jobs on a share of them; files of cases to be kept are left in the folder."""
    report, waiting, begin = Report(), [], time.monotonic()
    with CaseReader(bundle.front_ends, plan.limits) as reader:
        for case, path, result in _read(plan, reader, folder):
            _note(report, case, result)
            problems = [*result.problems]
            if case.number % _SOUND_EVERY == 0 or result.outcome.startswith("decoder"):
                problems += _harm_to_others(plan, reader, folder)
            # What a decoder dies of is accounted for, and worth telling its makers.
            kept = problems or result.outcome in ("decoder_crash", "decoder_timeout")
            report.found += [(path, problem) for problem in problems]
            if not kept:
                path.unlink()
            if case.number % plan.job_every == 0:
                waiting.append((case, result))
            last = case.number == plan.numbers[-1]
            if len(waiting) == plan.cases_a_job or (last and waiting):
                _in_job(plan, waiting, bundle, folder, report)
                waiting = []
            if case.number % 500 == 499 or last:
                progress(_line(report, time.monotonic() - begin))
    return report


def replay(path: Path, bundle: Bundle, limits: DecodeLimits) -> Result:
    """Read one file as the fuzzer does."""
    with CaseReader(bundle.front_ends, limits) as reader:
        return reader.read(path)


def _read(plan: Plan, reader: CaseReader, folder: Path) -> Iterator[tuple[Case, Path, Result]]:
    """Cases with their files and what became of them; one that hangs this very process ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in plan.numbers:
        case = case_of(plan.seeds, seed=plan.seed, number=number)
        path = folder / f"seed{plan.seed}-{case.name}"
        path.write_bytes(case.data)
        faulthandler.dump_traceback_later(plan.limits.timeout_s + _STUCK_S, exit=True)
        result = reader.read(path)
        faulthandler.cancel_dump_traceback_later()
        yield case, path, result


def _harm_to_others(plan: Plan, reader: CaseReader, folder: Path) -> list[str]:
    """What became of a sound file after a case: nothing but reading."""
    sound = plan.seeds[0]
    path = folder / f"sound.{sound.suffix}"
    path.write_bytes(sound.data)
    result = reader.read(path)
    path.unlink()
    if result.outcome == "read" and not result.problems:
        return []
    return [f"a sound file after it came out as {result.outcome}: {result.message}"]


def _in_job(
    plan: Plan, cases: Sequence[tuple[Case, Result]], bundle: Bundle, folder: Path, report: Report
) -> None:
    with tempfile.TemporaryDirectory(prefix="moodscribe-fuzz-") as scratch:
        try:
            problems = problems_in_job(Path(scratch), cases, bundle, plan.limits)
        except BUGS as error:  # all files of the job are kept: `moodscribe tag` of the folder shows it again
            kept = folder / f"seed{plan.seed}-job-{cases[0][0].number}"
            shutil.copytree(Path(scratch) / "among", kept)
            report.found.append((kept, f"{type(error).__name__} in a job: {error}"))
            return
    report.in_jobs += len(cases)
    for case, problem in problems:
        path = None
        if case is not None:
            path = folder / f"seed{plan.seed}-{case.name}"
            path.write_bytes(case.data)
        report.found.append((path, problem))


def _note(report: Report, case: Case, result: Result) -> None:
    report.outcomes[case.format.removesuffix(" real"), result.outcome] += 1
    for name in set(case.mutations):
        report.mutations[name, result.outcome] += 1
    report.slowest = max(report.slowest, (result.seconds, f"{case.number}, a {case.format}"))


def _line(report: Report, seconds: float) -> str:
    done = sum(report.outcomes.values())
    return (
        f"{done:,} cases, {report.in_jobs:,} of them in jobs, {done / seconds:.0f} a second; "
        f"{len(report.found)} found; the slowest, {report.slowest[1]}, took {report.slowest[0]:.1f} s"
    )
