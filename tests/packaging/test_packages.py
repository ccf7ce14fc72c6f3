"""What is published: the same bytes from the same files, nothing but what belongs, and it runs wherever it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from runpod_mcp import __version__

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
WHEEL = f"runpod_mcp-{__version__}-py3-none-any.whl"
SDIST = f"runpod_mcp-{__version__}.tar.gz"
PARTS = (
    "runpod_mcp",
    "tests",
    "manifests",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "pyproject.toml",
    ".gitignore",
)


def run(*command: str, env: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    """Run a program; what it printed, when it ended well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=folder, env=env)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def program(name: str) -> str:
    """The path of a program; the test is skipped where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name}")
    return path


def tracked() -> set[str]:
    """The files under version control that are published."""
    git = program("git")
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    return set(run(git, "ls-files", "-z", *PARTS).split("\0")) - {""}


def build(source: Path, out: Path) -> None:
    run(program("uv"), "build", "-q", "-o", str(out), str(source))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    out = tmp_path_factory.mktemp("built")
    build(ROOT, out)
    return out


def test_the_same_files_make_the_same_bytes(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)  # other times, other permissions
    build(copy, tmp_path / "again")
    for name in (WHEEL, SDIST):
        assert (built / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / WHEEL) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == {name for name in tracked() if name.startswith("runpod_mcp/")}


def test_the_source_distribution_holds_what_is_under_version_control(built: Path) -> None:
    with tarfile.open(built / SDIST) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert names - {"PKG-INFO"} == tracked()


def interpreters() -> list[str]:
    """The Pythons that are on this machine, of those that are promised."""
    uv = shutil.which("uv")
    if uv is None:
        return []
    beside = (Path.home() / ".pyenv" / "versions").glob(
        "3.*/bin"
    )  # pyenv's shims start only what a folder asks for
    env = {**os.environ, "PATH": os.pathsep.join([os.environ["PATH"], *map(str, beside)])}
    found = (
        subprocess.run(
            [uv, "python", "find", "--no-project", version], capture_output=True, text=True, env=env
        )
        for version in PYTHONS
    )
    return [one.stdout.strip() for one in found if one.returncode == 0]


@pytest.mark.clients
@pytest.mark.parametrize("python", interpreters())
def test_it_runs_on_each_python_of_this_machine(python: str, built: Path, tmp_path: Path) -> None:
    uv, home = program("uv"), tmp_path / "environment"
    run(uv, "venv", "-q", "-p", python, str(home))
    inside = home / "bin" / "python"
    run(uv, "pip", "install", "-q", "-p", str(inside), str(built / WHEEL))
    assert "Every step came out as it should." in run(
        str(inside), "-m", "runpod_mcp", "demo", folder=tmp_path
    )


@pytest.mark.clients
def test_pip_installs_it(built: Path, tmp_path: Path) -> None:
    run(program("python3.11"), "-m", "venv", str(tmp_path / "environment"))
    run(str(tmp_path / "environment" / "bin" / "pip"), "install", "-q", str(built / WHEEL))
    told = run(str(tmp_path / "environment" / "bin" / "runpod-mcp"), "--version", folder=tmp_path)
    assert __version__ in told


@pytest.mark.clients
def test_uv_tool_installs_it(built: Path, tmp_path: Path) -> None:
    env = {**os.environ, "UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    run(program("uv"), "tool", "install", "-q", str(built / WHEEL), env=env)
    assert __version__ in run(str(tmp_path / "bin" / "runpod-mcp"), "--version", folder=tmp_path)


@pytest.mark.clients
def test_pipx_installs_it(built: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    run(program("uvx"), "pipx", "install", "-q", str(built / SDIST), env=env)
    assert __version__ in run(str(tmp_path / "bin" / "runpod-mcp"), "--version", folder=tmp_path)


@pytest.mark.clients
def test_uvx_runs_it_from_a_clone(tmp_path: Path) -> None:
    told = run(program("uvx"), "-q", "--from", str(ROOT), "runpod-mcp", "demo", folder=tmp_path)
    assert "Every step came out as it should." in told
