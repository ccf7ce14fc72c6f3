"""What the code knows is written down once: nothing generated is stale, and the command that writes it works."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runpod_mcp import __version__
from runpod_mcp.cli import cli
from runpod_mcp.errors import Code, Failure
from runpod_mcp.policy.document import Policy
from runpod_mcp.reference.facts import facts_of
from runpod_mcp.reference.files import stale
from runpod_mcp.reference.sections import filled, table

ROOT = Path(__file__).parents[2]
COMMAND = "uv run runpod-mcp reference --write ."


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository with everything that is generated, and what it is generated from."""
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    assert run("--write", str(tmp_path)).exit_code == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["reference", *arguments])


def test_nothing_that_is_generated_is_stale() -> None:
    found = stale(ROOT, facts_of(cli))
    assert not found, f"stale: {', '.join(found)}; run: {COMMAND}"


def test_the_version_is_the_same_everywhere() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"] == __version__


@pytest.mark.parametrize(
    "name", ["manifests/server.json", "manifests/clients/codex-config.toml", "manifests/mcpb/.mcpbignore"]
)
@pytest.mark.parametrize("gone", [True, False])
def test_a_file_that_was_changed_or_is_gone_is_named_and_written_again(
    copy: Path, name: str, gone: bool
) -> None:
    before = (copy / name).read_bytes()
    (copy / name).unlink() if gone else (copy / name).write_bytes(b"other")
    checked = run("--check", str(copy))
    assert (checked.exit_code, checked.stdout) == (1, f"stale: {name}\n")
    assert run("--write", str(copy)).stdout == f"wrote {name}\n"
    assert (copy / name).read_bytes() == before
    assert run("--check", str(copy)).exit_code == 0
    assert run("--write", str(copy)).stdout == "Nothing was stale.\n"


def test_between_its_markers_the_readme_is_written_and_outside_them_left_alone(copy: Path) -> None:
    readme = copy / "README.md"
    was = readme.read_text("utf-8")
    mine = was.replace("| `create_pod` |", "| `rent_pod` |").replace("# runpod-mcp\n", "# My words\n")
    readme.write_text(mine, "utf-8")
    assert run("--check", str(copy)).stdout == "stale: README.md\n"
    assert run("--write", str(copy)).exit_code == 0
    assert readme.read_text("utf-8") == was.replace("# runpod-mcp\n", "# My words\n")


@pytest.mark.parametrize("text", ["", "<!-- end: x -->\n<!-- generated: x -->\n", "<!-- generated: x -->\n"])
def test_a_document_without_a_place_for_a_section_says_which_markers_it_needs(text: str) -> None:
    with pytest.raises(Failure, match="<!-- generated: x --> and <!-- end: x -->") as refused:
        filled(text, {"x": "words"})
    assert refused.value.code is Code.SETTINGS_BROKEN


def test_a_section_that_has_two_places_is_refused() -> None:
    with pytest.raises(Failure, match="once"):
        filled("<!-- generated: x -->\n<!-- end: x -->\n" * 2, {"x": "words"})


def test_a_bar_in_a_cell_does_not_break_a_table() -> None:
    assert table(("a",), [("x|y",)]) == "| a |\n|---|\n| x\\|y |"


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    for flag in ("--check", "--write"):
        done = run(flag, str(tmp_path))
        assert isinstance(done.exception, Failure)
        assert "name the root of the repository" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_said(copy: Path) -> None:
    (copy / "manifests" / "server.json").unlink()
    (copy / "manifests" / "server.json").mkdir()
    done = run("--write", str(copy))
    assert isinstance(done.exception, Failure)
    assert "cannot be written" in str(done.exception)


@pytest.mark.parametrize("arguments", [(), ("--json", "--check", "."), ("--write", ".", "--check", ".")])
def test_one_thing_at_a_time(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_for_programs_everything_is_one_json_object() -> None:
    found = json.loads(run("--json").stdout)
    assert found["version"] == __version__
    assert {one["code"] for one in found["codes"]} == set(Code)
    assert {one["name"] for one in found["tools"]} >= {"create_pod", "create_network_volume", "get_spending"}
    assert {one["usage"] for one in found["commands"]} >= {"runpod-mcp", "runpod-mcp policy check [FILE]"}
    assert "--ledger" in {one["flag"] for one in found["settings"]}


def test_every_key_of_the_policy_is_described() -> None:
    keys = {one.key: one for one in facts_of(cli).policy}
    wanted = {
        f"{table}.{key}"
        for table, field in Policy.model_fields.items()
        for key in getattr(field.annotation, "model_fields", ())
    }
    assert set(keys) == wanted | {"version"}
    assert all(one.description.endswith(".") for one in keys.values())
    assert [key for key, one in keys.items() if one.required] == ["version"]


def test_a_repository_that_is_named_gives_the_manifests_their_owner(copy: Path) -> None:
    project = copy / "pyproject.toml"
    url = "https://github.com/someone/runpod-mcp"
    project.write_text(project.read_text("utf-8") + f'\n[project.urls]\nRepository = "{url}"\n', "utf-8")
    assert run("--write", str(copy)).exit_code == 0
    server = json.loads((copy / "manifests" / "server.json").read_text("utf-8"))
    bundle = json.loads((copy / "manifests" / "mcpb" / "manifest.json").read_text("utf-8"))
    assert server["name"] == "io.github.someone/runpod-mcp"
    assert server["repository"] == {"url": url, "source": "github"}
    assert bundle["repository"]["url"] == url
    assert f"<!-- mcp-name: {server['name']} -->" in (copy / "README.md").read_text("utf-8")
