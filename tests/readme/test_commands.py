"""Each command in the README and the documents runs, and each that a sentence names exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from runpod_mcp.cli import cli
from runpod_mcp.errors import Code
from runpod_mcp.simulator.faults import Kind

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "runpod_mcp" / "docs").glob("*.md")])
SHELL = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`(?:uv run )?runpod-mcp ([a-z][^`]*)`")
UV = "uv run "


def blocks(page: Path) -> list[list[str]]:
    """The lines of each shell block of a page."""
    found = (block.splitlines() for _, block in SHELL.findall(page.read_text("utf-8")))
    return [[line.split(" #")[0].strip() for line in lines if line.strip()] for lines in found]


@contextmanager
def simulator() -> Iterator[str]:
    """A simulated Runpod in a process of its own."""
    line = [sys.executable, "-P", "-u", "-m", "runpod_mcp", "simulator", "--port", "0"]
    with subprocess.Popen(line, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for said in process.stdout:
            if found := re.search(r"http://\S+/v2", said):
                break
        try:
            yield found[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a person who reads the README from top to bottom, with a key and Runpod simulated."""
    folder = tmp_path_factory.mktemp("home")
    programs = folder / "programs"
    programs.mkdir()
    (programs / "runpod-mcp").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m runpod_mcp "$@"\n')
    (programs / "runpod-mcp").chmod(0o755)
    (folder / "request.json").write_text('{"gpuTypeIds": ["NVIDIA L4"], "imageName": "runpod/base:1.0.2"}')
    (folder / ".runpod-key").write_text("sim_key")
    with simulator() as url:
        yield {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNPOD_API_URL": url,
            "RUNPOD_API_KEY_FILE": str(folder / ".runpod-key"),
        }


@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are for a Unix shell")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_of_a_page_runs(page: Path, home: dict[str, str]) -> None:
    for lines in blocks(page):
        for line in lines:
            _run(line, home)


def _run(line: str, home: dict[str, str]) -> None:
    """Run a line as it stands, but with this Python's packages, and without running the tests inside a test."""
    command = line.removeprefix("pip install uv && ")
    if command.startswith(f"{UV}pytest"):
        command = f"{command.replace(UV, f'{sys.executable} -m ', 1)} --collect-only -q --no-cov -p no:cacheprovider"
    folder = ROOT if "pytest" in command else Path(home["HOME"])
    done = subprocess.run(
        command.removeprefix(UV),
        shell=True,
        env=home,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    expected = {0, 1} if " doctor" in command else {0}
    assert done.returncode in expected, f"{line}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    key = Path(home["HOME"]) / ".runpod-key"
    if key.exists() and not key.read_text():
        key.write_text("sim_key")


@pytest.mark.skipif(sys.platform == "win32", reason="cron is of Unix")
def test_the_line_for_cron_runs_where_cron_runs_it(home: dict[str, str]) -> None:
    """Cron knows the programs of the system only, and its own few variables."""
    (line,) = re.findall(r"^ *\* \* \* \* \* (.+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    folder = Path(home["HOME"])
    (folder / ".runpod-key").write_text("sim_key", "utf-8")
    programs = folder / "clone" / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "runpod-mcp").symlink_to(folder / "programs" / "runpod-mcp")
    env = {"HOME": home["HOME"], "PATH": "/usr/bin:/bin", "RUNPOD_API_URL": home["RUNPOD_API_URL"]}
    done = subprocess.run(
        ["/bin/sh", "-c", line.replace("/path/to/the/clone", str(folder / "clone"))],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


def named() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = re.sub(r"\s+", " ", page.read_text("utf-8"))
        yield from ((page.name, words) for words in NAMED.findall(text))


def test_every_command_that_a_sentence_names_exists_with_its_flags() -> None:
    found = list(named())
    assert len(found) > 20
    wrong = [(page, words) for page, words in found if not _exists(words)]
    assert not wrong


def _exists(words: str) -> bool:
    command: click.Command | None = cli
    for word in words.split():
        if isinstance(command, click.Group) and not word.startswith("-"):
            command = command.commands.get(word)
            if command is None:
                return False
        elif word.startswith("-") and not any(word in one.opts for one in command.params):
            return False
    return True


@pytest.mark.parametrize(
    ("words", "exists"),
    [("policy chek", False), ("policy check FILE", True), ("pods --wach", False), ("pods --watch", True)],
)
def test_a_command_that_is_not_there_would_be_found(words: str, exists: bool) -> None:
    assert _exists(words) is exists


def test_the_readmes_test_command_is_what_ci_runs() -> None:
    (command,) = [
        line for lines in blocks(ROOT / "README.md") for line in lines if line.endswith("uv run pytest")
    ]
    ci = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert {
        part.strip() for part in command.replace("pip install uv", "pip install -q uv").split("&&")
    } <= set(ci)


def test_every_code_or_trouble_that_a_page_names_is_one() -> None:
    known = {*map(str, Code), *map(str, Kind)}
    for page in PAGES:
        for code in re.findall(r"`((?:over|too|not|no)_[a-z_]+)`", page.read_text("utf-8")):
            assert code in known, f"{page.name}: {code}"


def test_every_link_of_a_page_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_page_promises_a_room_that_is_not_built() -> None:
    rooms = {folder.name for folder in (ROOT / "runpod_mcp").iterdir() if folder.is_dir()}
    for page in (*PAGES, ROOT / "CHANGELOG.md"):
        assert "dashboard" in rooms or "dashboard" not in page.read_text("utf-8"), page.name
