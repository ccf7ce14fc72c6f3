"""The arrows between the rooms, read from the source: who may import whom, and what a room may not touch.

    cli -> wiring -> server, dashboard -> flows -> runpod, ledger -> policy -> catalog -> pods -> foundations

A module may import from its own room and from rooms further down. `simulator` stands beside: it may use `pods` and the
foundations, so that it and `runpod` check each other, and only `wiring`, `library` and `cli` may use it. `clients` stands beside too:
it knows the settings of the programs that start us, for `cli` and `reference`. `library` is the door of programs that embed us; the
package itself only says what is behind it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "runpod_mcp"
ROOT = Path(__file__).parents[1] / PACKAGE

FOUNDATIONS = {"errors", "money", "clock", "config", "logs"}
BELOW = {
    "pods": FOUNDATIONS,
    "catalog": {"pods", *FOUNDATIONS},
    "policy": {"catalog", "pods", *FOUNDATIONS},
    "ledger": {"policy", "catalog", "pods", *FOUNDATIONS},
    "runpod": {"catalog", "pods", *FOUNDATIONS},
    "flows": {"runpod", "ledger", "policy", "catalog", "pods", *FOUNDATIONS},
    "server": {"flows", "runpod", "ledger", "policy", "catalog", "pods", *FOUNDATIONS},
    "dashboard": {"flows", "runpod", "ledger", "policy", "catalog", "pods", *FOUNDATIONS},
    "simulator": {"pods", *FOUNDATIONS},
    "clients": FOUNDATIONS,
    "wiring": {"server", "dashboard", "flows", "runpod", "ledger", "policy", "catalog", "pods", "simulator"}
    | FOUNDATIONS,
}
BELOW["library"] = {"wiring", *BELOW["wiring"]}
BELOW[""] = {"library", *BELOW["library"]}
BELOW["reference"] = {"server", "clients", *BELOW["server"]}
BELOW["cli"] = {"wiring", "clients", "reference", *BELOW["wiring"]}
BELOW["__main__"] = {"cli"}
BELOW |= {name: FOUNDATIONS - {name} for name in FOUNDATIONS}

PURE = ("policy", "catalog", "pods")
NO_IO = {
    "anyio", "asyncio", "httpx2", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess",
    "threading", "time",
}  # fmt: skip
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 50


@dataclass(frozen=True)
class Import:
    """One import: which module says it, on which line, and what it imports."""

    by: str
    line: int
    of: str

    def __str__(self) -> str:
        return f"{self.by}:{self.line} imports {self.of}"


@cache
def sources() -> dict[str, ast.Module]:
    """Every module by its name below the package (`flows.create_pod`; a package by its own name), parsed."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def room(module: str) -> str:
    """The room a module is in."""
    return module.partition(".")[0]


@cache
def imports() -> tuple[Import, ...]:
    """Every import anywhere: inside functions and under TYPE_CHECKING as well."""
    return tuple(
        Import(module, node.lineno, name)
        for module, tree in sources().items()
        for node in ast.walk(tree)
        for name in _named(node, module)
    )


def _named(node: ast.AST, module: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}:{node.lineno} imports relatively; name the whole path"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if _ours(whole) in sources() else str(node.module)


def _ours(name: str) -> str | None:
    """A name below the package, or None for what others made."""
    if name == PACKAGE:
        return ""
    return name.removeprefix(f"{PACKAGE}.") if name.startswith(f"{PACKAGE}.") else None


def inside() -> Iterator[tuple[Import, str]]:
    """Imports of our own modules; the package itself (its version) may be used anywhere."""
    for one in imports():
        if target := _ours(one.of):
            yield one, target


def test_every_room_has_its_place_in_the_order():
    unknown = {room(module) for module in sources()} - set(BELOW)
    assert not unknown, f"give {sorted(unknown)} a place in BELOW, and in section 3 of the design"


def test_imports_point_down_only():
    wrong = [
        str(one)
        for one, target in inside()
        if room(target) != room(one.by) and room(target) not in BELOW[room(one.by)]
    ]
    assert not wrong, "these point up or sideways; move what they need further down:\n" + "\n".join(wrong)


def test_only_wiring_the_library_and_the_command_line_know_the_simulator():
    wrong = [
        str(one)
        for one, target in inside()
        if room(target) == "simulator" and room(one.by) not in ("simulator", "wiring", "library", "", "cli")
    ]
    assert not wrong, "the simulator is chosen in one place:\n" + "\n".join(wrong)


def test_there_is_no_import_cycle_not_even_a_late_one():
    arrows: dict[str, set[str]] = {module: set() for module in sources()}
    for one, target in inside():
        if target != one.by:
            arrows[one.by].add(target)
    cycle = _cycle(arrows)
    assert not cycle, "a cycle: " + " -> ".join(cycle)


def _cycle(arrows: dict[str, set[str]]) -> list[str]:
    """Some way that leads back to where it began; empty when there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for target in sorted(arrows[module]):
            if found := walk(target, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := walk(module, []))), [])


def test_what_is_pure_imports_nothing_that_reaches_outside():
    wrong = [str(one) for one in imports() if room(one.by) in PURE and one.of.partition(".")[0] in NO_IO]
    assert not wrong, "judging and quoting get time and facts as arguments:\n" + "\n".join(wrong)


def test_what_is_pure_opens_no_file_and_asks_no_clock():
    asks = ("open", "now", "today", "utcnow", "time", "input")
    wrong = [
        f"{module}:{node.lineno} calls {name}"
        for module, tree in sources().items()
        if room(module) in PURE
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (name := _called(node)) in asks
    ]
    assert not wrong, "judging and quoting get time and facts as arguments:\n" + "\n".join(wrong)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def test_only_config_reads_the_environment():
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    wrong = [
        f"{module}:{node.lineno} uses {node.attr}"
        for module, tree in sources().items()
        if module != "config"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in names
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    wrong += [
        f"{module}:{node.lineno} imports {alias.name} from os"
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
        if alias.name in names
    ]
    assert not wrong, "settings come from config.read_settings:\n" + "\n".join(wrong)


def test_nothing_prints():
    wrong = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node) == "print"
    ]
    assert not wrong, "stdout carries the protocol; log, or click.echo in cli:\n" + "\n".join(wrong)


def test_stdout_is_touched_by_the_command_line_only():
    wrong = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        if room(module) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("stdout", "__stdout__")
    ]
    assert not wrong, "stdout carries the protocol:\n" + "\n".join(wrong)


def test_modules_stay_small_enough_to_read():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert not long, f"over {MOST_LINES} lines, split them by what they are about: {long}"


def test_functions_stay_small_enough_to_read():
    long = [
        f"{module}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long, f"over {MOST_LINES_OF_A_FUNCTION} lines:\n" + "\n".join(long)


# the guards themselves must be able to fail


@pytest.mark.parametrize(
    ("arrows", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ["b", "c", "b"]),
    ],
)
def test_a_cycle_would_be_found(arrows, found):
    assert _cycle(arrows) == found


def test_a_late_import_is_seen():
    tree = ast.parse("def f():\n    from runpod_mcp.simulator.app import Simulator\n")
    node = next(node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    assert list(_named(node, "x")) == ["runpod_mcp.simulator.app"]
