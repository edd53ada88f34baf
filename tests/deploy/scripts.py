"""Python files of deploy/ as modules: they are scripts of images, and no package of ours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def load_script(name: str) -> ModuleType:
    """A file of deploy/ by its path there, such as image/check_names.py."""
    path = DEPLOY / name
    spec = importlib.util.spec_from_file_location(f"deployed_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
