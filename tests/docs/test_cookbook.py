"""Each policy of the cookbook is one, and does what its cases say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from runpod_mcp.cli import cli

COOKBOOK = (Path(__file__).parents[2] / "runpod_mcp" / "docs" / "cookbook.md").read_text("utf-8")
RECIPE = re.compile(
    r"^## (?P<title>[^\n]+)\n.*?```toml\n# (?P<file>\S+)\n(?P<policy>.*?)```\n+```toml\n(?P<cases>.*?)```",
    re.DOTALL | re.MULTILINE,
)
RECIPES = [match.groupdict() for match in RECIPE.finditer(COOKBOOK)]


def test_every_heading_of_the_cookbook_has_a_policy_and_its_cases() -> None:
    assert [recipe["title"] for recipe in RECIPES] == re.findall(r"^## (.+)", COOKBOOK, re.MULTILINE)
    assert len(RECIPES) > 10
    assert COOKBOOK.count("```toml") == 2 * len(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe["file"] for recipe in RECIPES])
def test_the_policy_does_what_its_cases_say(recipe: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / recipe["file"]).write_text(recipe["policy"], "utf-8")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / recipe["file"]).write_text(recipe["cases"], "utf-8")
    checked = CliRunner().invoke(cli, ["policy", "check", str(tmp_path / recipe["file"])])
    assert checked.exit_code == 0, checked.output
    tested = CliRunner().invoke(cli, ["policy", "test", str(tmp_path / "cases")])
    assert tested.exit_code == 0, tested.output
