"""Each policy of the cookbook is one, and does what its cases say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import Client

from runpod_mcp import Simulator, SteppedClock, build_server
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


AN_L4 = {"gpuTypeIds": ["NVIDIA L4"], "imageName": "a/b"}
RENT = {
    "create_pod": AN_L4,
    "create_network_volume": {"name": "data", "sizeGb": 50, "dataCenterId": "EU-RO-1"},
    "create_endpoint": {**AN_L4, "name": "answers", "workersMax": 1},
}


@pytest.mark.parametrize(
    ("file", "code"), [("ask-me.toml", "approval_required"), ("frozen.toml", "over_hourly_budget")]
)
async def test_a_policy_that_lets_nothing_new_pass_means_every_tool_that_costs(
    file: str, code: str, tmp_path: Path
) -> None:
    (recipe,) = [one for one in RECIPES if one["file"] == file]
    policy = tmp_path / "policy.toml"
    policy.write_text("version = 1\n", "utf-8")
    world = Simulator(SteppedClock(), boot_seconds=0)
    async with build_server(policy, simulator=world, toolsets="all") as server, Client(server) as client:

        async def ask(tool: str, **arguments: object) -> dict[str, Any]:
            return (await client.call_tool(tool, arguments)).structured_content or {}

        pod = (await ask("create_pod", **AN_L4))["pod"]["podId"]
        volume = (await ask("create_network_volume", **RENT["create_network_volume"]))["networkVolume"][
            "networkVolumeId"
        ]
        endpoint = (await ask("create_endpoint", **RENT["create_endpoint"]))["endpoint"]["endpointId"]
        policy.write_text(recipe["policy"], "utf-8")
        told = {
            tool: await ask(tool, **{**arguments, **ANEW.get(tool, {})}) for tool, arguments in RENT.items()
        }
        told["extend_lease"] = await ask("extend_lease", podId=pod, leaseHours=5)
        told["update_pod"] = await ask("update_pod", podId=pod, containerDiskInGb=80)
        told["update_network_volume"] = await ask("update_network_volume", networkVolumeId=volume, sizeGb=90)
        told["update_endpoint"] = await ask("update_endpoint", endpointId=endpoint, workersMax=2)
        await client.call_tool("stop_pod", {"podId": pod})
        told["start_pod"] = await ask("start_pod", podId=pod)
        ended = await client.call_tool("delete_pod", {"podId": pod})
    assert {tool: said.get("code") for tool, said in told.items()} == dict.fromkeys(told, code)
    assert not ended.is_error


ANEW = {"create_network_volume": {"name": "more"}, "create_endpoint": {"name": "more"}}
