"""What is public says what it is for: modules, classes, functions and methods, or those that they override."""
import ast
import importlib
from pathlib import Path
from typing import Any, Iterator

import pytest

from workbench.home import PROJECT

_FOLDERS = ("benchmarks", "controllers", "fuzz", "hummingbot", "scripts", "vest_simulator", "workbench")
_FILES = [file for folder in _FOLDERS for file in sorted((PROJECT / folder).rglob("*.py")) if file.stat().st_size]
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _without_docstring(body: ast.AST, owner: Any) -> Iterator[str]:
    """:param owner: the module or class whose body it is"""
    bases = getattr(owner, "__mro__", ())[1:]
    for node in body.body:
        if not isinstance(node, _DEFINITIONS) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not any(hasattr(base, node.name) for base in bases):
            yield f"{owner.__name__}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _without_docstring(node, getattr(owner, node.name))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_whatever_is_public_has_a_docstring(file: Path):
    tree = ast.parse(file.read_text())
    assert ast.get_docstring(tree)
    if any(isinstance(node, _DEFINITIONS) for node in tree.body):
        name = ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        assert list(_without_docstring(tree, importlib.import_module(name))) == []
