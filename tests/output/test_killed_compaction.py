"""A compaction that is killed at any point leaves the old state or the new one; the next one cleans up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_a_killed_compaction_changes_nothing_for_readers_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    # Every thirteenth change of the files; all of them take minutes.
    command = [sys.executable, "-m", "tests.output.kill_points", str(tmp_path), "2", "13"]
    led = {**os.environ, "TMPDIR": str(tmp_path)}  # killed ones leave their scratch folders
    ended = subprocess.run(command, env=led, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout.split()[-1]) >= 3
