"""The source keeps to the project's own rules: one way of imports, heavy libraries where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("schemas", "models", "transforms", "pipelines")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def _package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def test_there_are_sources_to_read() -> None:
    assert len(FILES) > 50


def test_imports_point_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in FILES
        for name in _imports(_parsed(path))
        if (top := name.partition(".")[0]) in (*PACKAGES, "tests")
        and (top == "tests" or PACKAGES.index(top) > PACKAGES.index(_package(path)))
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("apache_beam", ("transforms", "pipelines")),
        ("tensorflow", ("models",)),
        ("keras", ("models",)),
        ("tensorflow_io", ("models",)),
        ("essentia", ()),
        ("opensmile", ("transforms",)),
        ("openvino", ("models",)),
        ("mutagen", ("pipelines",)),
        ("pickle", ()),
    ],
)
def test_a_heavy_or_risky_library_is_imported_only_where_it_belongs(
    library: str, allowed: tuple[str, ...]
) -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in FILES
        if _package(path) not in allowed
        and any(name.partition(".")[0] == library for name in _imports(_parsed(path)))
    ]
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_in_its_first_line_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(_parsed(path))
    assert docstring, f"{path} has no docstring"
    assert docstring.splitlines()[0].endswith((".", ":"))


def test_no_exception_is_caught_whatever_it_is() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
        )
    ]
    assert not wrong


def test_public_functions_and_classes_have_docstrings() -> None:
    kinds = (ast.FunctionDef, ast.ClassDef)
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in FILES
        for node in _parsed(path).body
        if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not wrong
