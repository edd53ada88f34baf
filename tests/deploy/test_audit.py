"""The audit of dependencies: its exit status says what was found, and that nobody could be asked."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "audit.sh"
REAL = ROOT / "work" / "audit" / "bin" / "pip-audit"
CLEAN = {"dependencies": [{"name": "numpy", "version": "2.1.0", "vulns": []}]}
FOUND: dict[str, Any] = {
    "dependencies": [
        {
            "name": "old",
            "version": "1.0",
            "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": ["CVE-1"], "description": "x"}],
        },
        {"name": "new", "version": "2.0", "vulns": []},
        {"name": "ours", "skip_reason": "not found on PyPI"},
    ]
}


def stand_in(folder: Path, report: object | None, *, readable: bool = True) -> Path:
    """A pip-audit that reads any lock, or none, and answers with a report, or cannot reach its service."""
    answer = (
        f"cat > \"$out\" <<'X'\n{json.dumps(report)}\nX\n"
        if report
        else "echo no route to host >&2\nexit 1\n"
    )
    program = folder / "pip-audit"
    program.write_text(
        f"""#!/bin/sh
echo "$@" >> {folder}/asked
out=
for one in "$@"; do
    [ "$one" = --dry-run ] && exit {0 if readable else 1}
    [ "$before" = --output ] && out="$one"
    before="$one"
done
{answer}
exit 1
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def audit(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script with that pip-audit."""
    environment = {**os.environ, "PIP_AUDIT": str(program)}
    command = ["sh", str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


def test_findings_are_named_and_end_with_status_1(tmp_path: Path) -> None:
    for arguments in ((), ("--offline-ok",)):
        done = audit(stand_in(tmp_path, FOUND), *arguments)
        assert done.returncode == 1
        assert "old 1.0: PYSEC-1 CVE-1, mended in 1.1" in done.stdout
        assert "1 the service does not know: ours" in done.stdout
        assert "2 distributions asked for, 1 known vulnerabilities in 1" in done.stdout


def test_without_findings_it_ends_with_0(tmp_path: Path) -> None:
    done = audit(stand_in(tmp_path, CLEAN))
    assert done.returncode == 0
    assert "requirements.lock: 1 distributions asked for, 0 known vulnerabilities" in done.stdout


def test_a_service_that_does_not_know_all_of_it_has_not_been_asked(tmp_path: Path) -> None:
    partly = {"dependencies": [*CLEAN["dependencies"], {"name": "ours", "skip_reason": "not found on PyPI"}]}
    done = audit(stand_in(tmp_path, partly))
    assert done.returncode == 3
    assert "1 the service does not know: ours" in done.stdout
    assert "not audited: pypi does not know all of it" in done.stderr
    allowed = audit(stand_in(tmp_path, partly), "--offline-ok")
    assert allowed.returncode == 0
    assert "taken as good, as --offline-ok says" in allowed.stdout


def test_a_report_that_asked_for_nothing_is_none(tmp_path: Path) -> None:
    assert audit(stand_in(tmp_path, {"dependencies": []}), "--offline-ok").returncode == 2


def test_a_service_that_does_not_answer_ends_with_3_unless_that_is_allowed(tmp_path: Path) -> None:
    done = audit(stand_in(tmp_path, None))
    assert done.returncode == 3
    assert "not audited: pypi did not answer; --offline-ok lets that pass" in done.stderr
    assert "no route to host" in done.stderr
    allowed = audit(stand_in(tmp_path, None), "--offline-ok", "--service", "osv")
    assert allowed.returncode == 0
    assert allowed.stdout == "not audited: osv did not answer; taken as good, as --offline-ok says\n"


def test_a_lock_that_cannot_be_read_is_no_matter_of_the_network(tmp_path: Path) -> None:
    assert audit(stand_in(tmp_path, CLEAN, readable=False), "--offline-ok").returncode == 2
    missing = audit(stand_in(tmp_path, CLEAN), "--offline-ok", str(tmp_path / "none.lock"))
    assert missing.returncode == 2
    assert "no lock to audit" in missing.stderr


@pytest.mark.parametrize("arguments", [("--strict",), ("--service",), ("--service", "other")], ids=" ".join)
def test_what_it_does_not_know_is_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = audit(stand_in(tmp_path, CLEAN), *arguments)
    assert done.returncode == 2
    assert "usage: sh deploy/audit.sh" in done.stderr


def test_the_lock_is_asked_for_by_its_hashes_and_not_resolved_anew(tmp_path: Path) -> None:
    audit(stand_in(tmp_path, CLEAN))
    for asked in (tmp_path / "asked").read_text().splitlines():
        assert "--requirement requirements.lock --disable-pip --require-hashes" in asked


@pytest.mark.skipif(not REAL.is_file(), reason="no pip-audit: sh deploy/audit.sh makes it in work/audit")
def test_the_real_one_reads_the_lock() -> None:
    command = [
        str(REAL),
        "--requirement",
        "requirements.lock",
        "--disable-pip",
        "--require-hashes",
        "--dry-run",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "would have audited" in done.stderr


def test_it_is_no_part_of_the_gate() -> None:
    assert "audit" not in (ROOT / ".ci" / "run").read_text()
    rules = (ROOT / "Makefile").read_text().split("\n\n")
    gate = [rule for rule in rules if rule.startswith(("check:", "static:", "test:", "# In the order"))]
    assert len(gate) == 3
    assert not [rule for rule in gate if "audit" in rule]
