"""Who may import whom: what the docstrings of the connector's packages say of the sequence of their modules is so."""
import ast
import importlib
import re
from pathlib import Path

import pytest

CONNECTOR = "hummingbot.connector.derivative.vest_perpetual"
PREFIX = "vest_perpetual_"
PACKAGES = {"": PREFIX, "cli": "", "certification": "", "session_report": ""}
# One line of the list: a heading, two spaces or more, names; or more names below those.
LISTED = re.compile(r"^(?:\S.*?)?\s{2,}((?:[a-z_]+,?\s?)+)$", re.MULTILINE)


def listed(package):
    return [name for names in LISTED.findall(package.__doc__) for name in re.findall(r"\w+", names)]


def is_for_annotations(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(nodes):
    """Full names of what is imported, at the top of a module or in its functions."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield node.module
        elif not is_for_annotations(node):
            yield from imports(ast.iter_child_nodes(node))


@pytest.mark.parametrize("folder, prefix", PACKAGES.items())
def test_each_module_imports_only_those_that_are_listed_before_it(folder, prefix):
    package = importlib.import_module(f"{CONNECTOR}.{folder}".rstrip("."))
    files = {path.stem.removeprefix(prefix): path for path in Path(package.__file__).parent.glob(f"{prefix}*.py")
             if path.stem != "__init__"}
    names = listed(package)
    assert sorted(names) == sorted(files)

    for position, name in enumerate(names):
        later = {f"{package.__name__}.{prefix}{module}" for module in names[position:]}
        assert later.isdisjoint(imports(ast.parse(files[name].read_text()).body)), name
