"""What a program that embeds the server may use: the door, the judgement, and what stands behind each name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from front_door import IMAGE, L4, RTX_4090, toml_with
from mcp import Client

import runpod_mcp
from runpod_mcp import (
    Allow,
    AskHuman,
    Code,
    Deny,
    Failure,
    Policy,
    Simulator,
    SteppedClock,
    build_server,
    decide,
)

ROOT = Path(__file__).parents[2]
POLICY = Policy.from_toml(
    toml_with(budget={"usd_per_hour": 1.0}, gpus={"allow": [L4, RTX_4090]}, lease={"default_hours": 2})
)
AN_L4 = {"gpuTypeIds": [L4], "imageName": IMAGE}


def simulator() -> Simulator:
    return Simulator(SteppedClock(), boot_seconds=0)


async def rent(client: Client, **more: object) -> str | None:
    """The code of a refusal; None for a pod."""
    answer = await client.call_tool("create_pod", {**AN_L4, **more})
    assert answer.structured_content is not None
    return answer.structured_content["code"] if answer.is_error else None


def test_every_promised_name_is_there_and_no_other():
    assert all(getattr(runpod_mcp, name) is not None for name in runpod_mcp.__all__)
    assert dir(runpod_mcp) == runpod_mcp.__all__ == sorted(runpod_mcp.__all__)
    assert sorted({*runpod_mcp._ROOMS, "__version__"}) == runpod_mcp.__all__
    with pytest.raises(AttributeError, match="no attribute 'rent'"):
        _ = runpod_mcp.rent


TYPED = """
from collections.abc import AsyncIterator
from runpod_mcp import Policy, Server, Simulator, build_server

async def served(policy: Policy) -> AsyncIterator[Server]:
    async with build_server(policy, simulator=Simulator()) as server:
        yield server
"""
MISSPELT = """
import runpod_mcp
from runpod_mcp import bulid_server
runpod_mcp.Polcy
"""


def test_a_type_checker_knows_each_name_of_the_package_and_sees_a_misspelt_one(tmp_path):
    (tmp_path / "typed.py").write_text(TYPED)
    (tmp_path / "misspelt.py").write_text(MISSPELT)
    line = ["mypy", "--strict", "--follow-imports", "silent", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", *line, *map(str, tmp_path.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    wrong = done.stdout.splitlines()
    assert ["bulid_server" in wrong[0], "Polcy" in wrong[1], "Found 2 errors in 1 file" in wrong[2]] == [
        True
    ] * 3


def test_the_package_itself_loads_nothing():
    code = "import sys, runpod_mcp; assert not {'mcp', 'pydantic', 'httpx2', 'anyio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


async def test_a_judgement_rents_nothing():
    world = simulator()
    assert isinstance(await decide(POLICY, AN_L4, simulator=world), Allow)
    assert world.books.snapshot()["create_calls"] == 0


async def test_a_denial_names_the_code_and_what_would_pass():
    asked = {**AN_L4, "gpuTypeIds": [RTX_4090], "gpuCount": 2}
    denied = await decide(POLICY, asked)
    assert isinstance(denied, Deny)
    assert (denied.code, denied.limit) == (Code.OVER_HOURLY_BUDGET, 1.0)
    offered = {name: value for name, value in denied.alternatives[0].items() if name != "usdPerHour"}
    assert isinstance(await decide(POLICY, {**asked, **offered}), Allow)


async def test_a_price_above_the_persons_is_a_question():
    asks = Policy.from_toml("version = 1\n[approval]\nabove_usd_per_hour = 0.10\n")
    asked = await decide(asks, AN_L4)
    assert isinstance(asked, AskHuman)
    assert "$0.10" in asked.reason


async def test_a_judgement_is_made_on_the_prices_of_the_simulator_it_is_given():
    world = simulator()
    world.stock.set(L4, cloud="SECURE", secure_price=3)
    denied = await decide(POLICY, AN_L4, simulator=world)
    assert isinstance(denied, Deny)
    assert denied.code is Code.OVER_HOURLY_BUDGET


@pytest.mark.parametrize("wrong", [{"gpuCounts": 2}, {"gpuTypeIds": ["NVIDIA L5"]}, {"gpuCount": "many"}])
async def test_a_slip_of_the_pen_is_no_judgement(wrong):
    with pytest.raises(Failure) as failed:
        await decide(POLICY, {**AN_L4, **wrong})
    assert failed.value.code is Code.INVALID_ARGUMENTS


def test_a_policy_that_cannot_be_read_names_line_and_key():
    with pytest.raises(Failure, match=r"line 3.*usd_per_our") as failed:
        Policy.from_toml("version = 1\n[budget]\nusd_per_our = 1\n")
    assert failed.value.code is Code.POLICY_BROKEN


async def test_a_policy_that_a_program_gives_is_called_so():
    with pytest.raises(Failure, match=r"Policy given by the program: line 1: version"):
        Policy.from_toml("version = 2\n")
    async with build_server(POLICY, simulator=simulator()) as server, Client(server) as client:
        said = (await client.call_tool("get_budget", {})).content[0]
    assert said.text.startswith("Under policy given by the program.")


async def test_a_server_rents_on_the_simulator_it_is_given_and_keeps_its_leases():
    world = simulator()
    async with build_server(POLICY, simulator=world) as server, Client(server) as client:
        assert await rent(client) is None
        assert world.books.snapshot()["running_pods"] == 1
        world.step(hours=2)
        await server.keep()
        assert world.books.snapshot()["running_pods"] == 0


async def test_two_servers_on_one_ledger_share_a_budget(tmp_path):
    world, ledger = simulator(), tmp_path / "ledger.db"
    async with (
        build_server(POLICY, simulator=world, ledger=ledger) as one,
        build_server(POLICY, simulator=world, ledger=str(ledger)) as other,
        Client(one) as first,
        Client(other) as second,
    ):
        assert [await rent(first), await rent(second), await rent(first)] == [
            None,
            None,
            "over_hourly_budget",
        ]
    assert world.books.snapshot()["created"] == 2


async def test_a_ledger_that_is_not_named_ends_with_the_block():
    world = simulator()
    for _ in range(2):
        async with build_server(POLICY, simulator=world) as server, Client(server) as client:
            budget = (await client.call_tool("get_budget", {})).structured_content
            assert budget is not None
            assert budget["podsRunning"] == 0


async def test_a_server_whose_block_has_ended_rents_nothing():
    world = simulator()
    async with build_server(POLICY, simulator=world) as server:
        pass
    async with Client(server) as client:
        assert await rent(client) == "conflict"
        looked = await client.call_tool("list_pods", {})
    assert looked.is_error
    assert "has ended" in looked.content[0].text
    assert world.books.snapshot()["create_calls"] == 0
    with pytest.raises(Failure, match="has ended"):
        await server.keep()


async def test_a_policy_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(toml_with(gpus={"allow": [L4]}), "utf-8")
    async with build_server(path, simulator=simulator()) as server, Client(server) as client:
        assert await rent(client) is None
        path.write_text(toml_with(gpus={"allow": [RTX_4090], "max_per_pod": 1}), "utf-8")
        assert await rent(client) == "gpu_not_allowed"


async def test_a_server_without_a_readable_policy_is_not_opened(tmp_path):
    for path in (tmp_path / "none.toml", str(tmp_path), ""):
        with pytest.raises(Failure) as failed:
            async with build_server(path, simulator=simulator()):
                raise AssertionError("it was opened")
        assert failed.value.code is Code.POLICY_BROKEN


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"toolsets": ["storrage"]}, "toolsets has no 'storrage'"),
        ({"ledger": "postgresql://there/ledger"}, "ledger must be a file"),
        ({"api_url": "https://api.runpod.io/v3"}, "api_url must end in /v2"),
        ({"api_key": "two words"}, "api_key holds characters"),
        ({"policy": "https://there/policy.toml"}, "policy must be a file"),
        ({"policy": "version = 1\n[gpus]\nallow = []\n"}, r"Policy\.from_toml"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_an_argument_that_is_wrong_goes_by_its_own_name(given, said, tmp_path):
    asked = {"policy": POLICY, "api_key": "never_sent", "ledger": tmp_path / "ledger.db", **given}
    with pytest.raises(Failure, match=said) as failed:
        async with build_server(**asked):
            raise AssertionError("it was opened")
    assert failed.value.code is Code.SETTINGS_BROKEN
    assert "RUNPOD_" not in failed.value.message


async def test_one_toolset_may_be_named_by_itself():
    async with build_server(POLICY, simulator=simulator(), toolsets="storage") as server:
        assert "create_network_volume" in {tool.name for tool in await server.list_tools()}


async def test_a_policy_file_may_be_in_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "policy.toml").write_text(toml_with(gpus={"allow": [RTX_4090]}), "utf-8")
    async with (
        build_server("~/policy.toml", simulator=simulator()) as server,
        Client(server) as client,
    ):
        assert await rent(client) == "gpu_not_allowed"


@pytest.mark.parametrize(
    "given",
    [{}, {"api_key": " "}, {"simulator": Simulator(), "api_key": "k"}],
    ids=["neither", "an empty key", "both"],
)
async def test_a_server_stands_before_a_simulator_or_before_runpod(given, monkeypatch):
    monkeypatch.setenv("RUNPOD_API_KEY", "of another program")
    with pytest.raises(Failure, match="either simulator") as failed:
        async with build_server(POLICY, **given):
            raise AssertionError("it was opened")
    assert failed.value.code is Code.SETTINGS_BROKEN


async def test_toolsets_and_read_only_are_offered_as_asked():
    async with build_server(POLICY, simulator=simulator(), toolsets=("core", "storage")) as server:
        assert "create_network_volume" in {tool.name for tool in await server.list_tools()}
    async with (
        build_server(POLICY, simulator=simulator(), read_only=True) as server,
        Client(server) as client,
    ):
        assert await rent(client) == "read_only"
    with pytest.raises(Failure, match="storag"):
        async with build_server(POLICY, simulator=simulator(), toolsets=["storag"]):
            raise AssertionError("it was opened")


@pytest.mark.parametrize("behind", ["simulator", "Runpod"])
async def test_an_error_of_the_program_comes_out_of_the_block_as_it_is(behind, tmp_path):
    given = {"simulator": simulator()} if behind == "simulator" else {"api_key": "never_sent"}
    with pytest.raises(ZeroDivisionError):
        async with build_server(POLICY, ledger=tmp_path / "ledger.db", **given):
            _ = 1 / 0
