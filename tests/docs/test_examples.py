"""The examples of the pages on the library and on testing: each runs, and each name they give is one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

import runpod_mcp
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.faults import Kind

ROOT = Path(__file__).parents[2]
LIBRARY, TESTING = (
    (ROOT / "runpod_mcp" / "docs" / f"{name}.md").read_text("utf-8") for name in ("library", "testing")
)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
HTTP = re.compile(r"^```http\n(\w+) (\S+)\n(.*?)```", re.MULTILINE | re.DOTALL)
FRAMEWORKS = ("# pydantic-ai\n", "# langchain\n")
ALONE = [block for block in PYTHON.findall(LIBRARY) if not block.startswith(FRAMEWORKS)]


def run(folder: Path, *line: str) -> str:
    """What a program says that runs in an empty folder, beside this package."""
    env = {"PYTHONPATH": str(ROOT), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, *line], cwd=folder, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table that begins with this heading."""
    table = page[page.index(f"| {heading} |") :].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)", cell))


def test_there_are_examples_and_only_those_of_frameworks_are_run_elsewhere() -> None:
    assert len(ALONE) == 2
    assert len(PYTHON.findall(LIBRARY)) == len(ALONE) + len(FRAMEWORKS)
    assert len(PYTHON.findall(TESTING)) == 1


@pytest.mark.parametrize("example", ALONE)
def test_an_example_of_the_library_runs(example: str, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(example, "utf-8")
    said = run(tmp_path, "example.py")
    assert "NVIDIA L4" in said


def test_the_examples_of_the_library_pass_a_strict_type_checker(tmp_path: Path) -> None:
    for number, example in enumerate(ALONE):
        (tmp_path / f"example_{number}.py").write_text(example, "utf-8")
    line = ["mypy", "--strict", "--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", *line, *map(str, tmp_path.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout


def test_the_example_tests_pass(tmp_path: Path) -> None:
    (example,) = PYTHON.findall(TESTING)
    (tmp_path / "test_agent.py").write_text(example, "utf-8")
    said = run(tmp_path, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path))
    assert "3 passed" in said


async def test_each_call_of_the_simulator_on_the_page_is_accepted() -> None:
    calls = HTTP.findall(TESTING)
    assert len(calls) > 3
    transport = httpx2.ASGITransport(app=Simulator().app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://simulator") as client:
        for method, path, body in calls:
            answer = await client.request(method, path, content=body or None)
            assert answer.status_code == 200, f"{method} {path}: {answer.text}"


def test_the_page_names_every_route_of_the_simulator() -> None:
    named = {
        (method, path)
        for cell, _ in rows(TESTING, "route")
        for methods, path in re.findall(r"((?:`?[A-Z]+`?,? )+)(/_sim/\w+)", cell)
        for method in re.findall(r"[A-Z]+", methods)
    }
    assert named == set(_routes(Simulator()))


def _routes(simulator: Simulator) -> list[tuple[str, str]]:
    (control,) = (route for route in simulator.app.routes if getattr(route, "path", "") == "/_sim")
    routes: list[Any] = control.routes  # type: ignore[attr-defined]
    return [(method, f"/_sim{one.path}") for one in routes for method in one.methods if method != "HEAD"]


def test_the_page_names_every_kind_of_trouble() -> None:
    named = [name for _, kinds in rows(TESTING, "when") for name in re.findall(r"`(\w+)`", kinds)]
    fields = {"factor", "seconds", "linger_seconds"}
    assert sorted(name for name in named if name not in fields) == sorted(Kind)


def test_the_page_names_what_the_package_promises_and_nothing_else() -> None:
    named = {name for cell, _ in rows(LIBRARY, "name") for name in names(cell)}
    assert named == {name for name in runpod_mcp.__all__ if not name.startswith("__")}
