"""Imports point one way only, and rooms stay small.

cli -> wiring -> server -> flows -> runpod, ledger -> policy -> catalog -> pods -> the foundations. The simulator stands
apart and shares nothing with the client it judges. When a test here fails, move the code, not the rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "runpod_mcp"
MODULES = sorted(PACKAGE.rglob("*.py"))

FOUNDATIONS = {"errors", "money", "clock", "config", "logs", ""}
BELOW = {"pods": FOUNDATIONS}
BELOW["catalog"] = BELOW["pods"] | {"pods"}
BELOW["policy"] = BELOW["catalog"] | {"catalog"}
BELOW["ledger"] = BELOW["policy"] | {"policy"}
BELOW["runpod"] = BELOW["catalog"] | {"catalog"}
BELOW["flows"] = BELOW["ledger"] | {"ledger", "runpod"}
BELOW["server"] = BELOW["flows"] | {"flows"}
BELOW["simulator"] = FOUNDATIONS | {"pods"}
BELOW["wiring"] = BELOW["server"] | {"server", "simulator"}
BELOW["cli"] = BELOW["wiring"] | {"wiring"}
BELOW["__main__"] = {"cli"}

PURE = ("policy", "catalog", "pods")
IMPURE = {
    "anyio",
    "asyncio",
    "httpx2",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "time",
}


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name lives"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[Path]:
    """The modules of this package that a file imports."""
    named = {name_of(other): other for other in MODULES}
    return {named[name] for name in imports_of(path) if name in named} - {path}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    room = room_of(path)
    allowed = BELOW.get(room, FOUNDATIONS) | {room}
    for other in ours(path):
        assert room_of(other) in allowed, (
            f"{name_of(path)} imports {name_of(other)}, but {room or 'the package'} may only use {sorted(allowed)}"
        )


def test_only_wiring_and_the_command_line_know_the_simulator() -> None:
    users = {room_of(path) for path in MODULES if any(room_of(other) == "simulator" for other in ours(path))}
    assert users <= {"simulator", "wiring", "cli"}


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) in PURE], ids=name_of)
def test_a_pure_room_touches_nothing_outside_and_knows_no_clock(path: Path) -> None:
    found = {name.partition(".")[0] for name in imports_of(path)} & IMPURE
    assert not found, f"{name_of(path)} imports {sorted(found)}; pass in what it reads, and the time"


def test_only_config_reads_the_environment() -> None:
    readers = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    ]
    assert set(readers) <= {"runpod_mcp.config"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = {path: ours(path) for path in MODULES}
    done: set[Path] = set()

    def walk(path: Path, way: tuple[Path, ...]) -> None:
        assert path not in way, "a circle: " + " -> ".join(name_of(one) for one in (*way, path))
        if path not in done:
            for other in edges[path]:
                walk(other, (*way, path))
            done.add(path)

    for path in MODULES:
        walk(path, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400, f"{name_of(path)} is two rooms"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 50, f"{name_of(path)}.{node.name} has {lines} lines; what are its steps called?"
