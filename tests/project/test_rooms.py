"""The rooms of edge_dce: few at the top, imports that only go down, no circles anywhere in the project."""

from __future__ import annotations

import ast
import graphlib
import sys
from pathlib import Path

import pytest

from tests.project.test_layering import OURS, ROOT, list_modules, resolve_module

# From the ground up: a room may import those before it, and itself. Two in one line know nothing of each other.
FLOORS = (
    ("errors", "version", "machine"),
    ("terminal", "pixels"),
    ("files", "models"),
    ("enhancer", "camera", "reports"),
    ("stream",),
    ("enhancing",),
    ("benchmark",),
    ("doctor",),
    ("cli", "__init__"),
    ("__main__",),
)
MOST_TOP_MODULES = 9


def name_module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_modules(path: Path, known: set[str], *, top_level_only: bool = False) -> set[str]:
    """The modules of the project that a module imports; a package that only lends its name does not count."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
        elif isinstance(node, ast.ImportFrom):
            module = resolve_module(path, node)
            for alias in node.names:
                full = f"{module}.{alias.name}"
                found |= {full} if full in known else {module} & known
    return found - {name_module(path)}


def read_graph(*, top_level_only: bool = False) -> dict[str, set[str]]:
    paths = {name_module(path): path for path in list_modules()}
    return {name: read_modules(path, set(paths), top_level_only=top_level_only) for name, path in paths.items()}


def find_room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_few_modules_lie_at_the_top_of_edge_dce() -> None:
    assert len(list((ROOT / "edge_dce").glob("*.py"))) <= MOST_TOP_MODULES


def test_every_room_has_its_floor() -> None:
    folder = ROOT / "edge_dce"
    rooms = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert {room for floor in FLOORS for room in floor} == rooms


def test_rooms_import_only_from_floors_below() -> None:
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    upward = [
        f"{module} -> {imported}"
        for module, imports in read_graph().items()
        if module.startswith("edge_dce") and module != "edge_dce"
        for imported in sorted(imports)
        # The package lends its name for `from edge_dce import cli`, and its lazy names to scripts that use it.
        if find_room(imported) not in (find_room(module), "__init__")
        and floor_of[find_room(imported)] >= floor_of[find_room(module)]
    ]
    assert not upward


@pytest.mark.parametrize("package", sorted(OURS))
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    graph = {
        module: {imported for imported in imports if imported != package}
        for module, imports in read_graph().items()
        if module.partition(".")[0] == package and module != package
    }
    # Raises CycleError, which names the circle.
    list(graphlib.TopologicalSorter(graph).static_order())


def test_no_module_is_named_as_one_of_the_standard_library() -> None:
    names = {path.stem for path in list_modules()} - {"__init__", "__main__"}
    assert not names & sys.stdlib_module_names
