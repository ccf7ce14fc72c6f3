"""The demo: the real server as a subprocess, the real MCP client, and the simulator's books as the judge."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import click
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, TextContent

from runpod_mcp.logs import log_to_stderr
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve

POLICY = """\
version = 1

[budget]
usd_per_hour_per_pod = 1.00
usd_per_hour = 1.00
usd_per_day = 5.00

[gpus]
allow = ["NVIDIA L4", "NVIDIA GeForce RTX 4090"]
max_per_pod = 1

[lease]
default_hours = 2
max_hours = 4
"""

IMAGE = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
BOOT_SECONDS = 60

Check = Callable[[CallToolResult], bool]


@dataclass(slots=True)
class Stage:
    """A client connected to the server, and what went wrong so far."""

    client: Client
    control: httpx2.AsyncClient
    wrong: list[str] = field(default_factory=list)

    async def call(self, why: str, tool: str, arguments: dict[str, Any], expected: Check) -> CallToolResult:
        """Say what is about to happen, call a tool, show the answer, and check that it came out as it should."""
        click.secho(f"\n# {why}", bold=True)
        click.secho(f"-> {tool} {json.dumps(arguments)}", fg="cyan")
        result = await self.client.call_tool(tool, arguments)
        click.secho(_indented(_text(result)), fg="red" if result.is_error else "green")
        self.check(why, expected(result))
        return result

    def check(self, what: str, holds: bool) -> None:
        """Remember what did not come out as it should."""
        if not holds:
            self.wrong.append(what)
            click.secho("   ^ this is not what should have happened", fg="red", bold=True)

    async def wait(self, seconds: int) -> None:
        """Let the simulated world go on."""
        await self.control.post("/_sim/clock", json={"step_seconds": seconds})

    async def next_create(self, fault: str) -> None:
        """Script a fault for the next create."""
        await self.control.post("/_sim/faults", json={"on": "create", "kind": fault, "times": 1})

    async def books(self) -> dict[str, Any]:
        """What the simulated Runpod itself wrote down."""
        answer = await self.control.get("/_sim/books")
        books: dict[str, Any] = answer.json()
        return books


def run_demo() -> int:
    """Play the demo; 0 only if every step came out as it should."""
    log_to_stderr()
    wrong = anyio.run(_demo)
    if wrong:
        click.secho(f"\n{len(wrong)} steps went wrong: {'; '.join(wrong)}", fg="red", bold=True)
        return 1
    click.secho("\nEvery step came out as it should.", fg="green", bold=True)
    return 0


async def _demo() -> list[str]:
    with TemporaryDirectory(prefix="runpod-mcp-demo-", ignore_cleanup_errors=True) as folder:
        async with _simulated_runpod() as base, httpx2.AsyncClient(base_url=base) as control:
            server = _server(Path(folder), base)
            click.echo(
                "A simulated Runpod, the real server as a subprocess, a real MCP client. The policy:\n"
            )
            click.echo(_indented(POLICY.strip()))
            async with Client(server) as client:
                stage = Stage(client, control)
                await _play(stage)
                return stage.wrong


@asynccontextmanager
async def _simulated_runpod() -> AsyncIterator[str]:
    simulator = Simulator(boot_seconds=BOOT_SECONDS)
    async with anyio.create_task_group() as tasks:
        port: list[int] = []
        ready = anyio.Event()

        def told(real_port: int) -> None:
            port.append(real_port)
            ready.set()

        tasks.start_soon(serve, simulator, "127.0.0.1", 0, told)
        await ready.wait()
        yield f"http://127.0.0.1:{port[0]}"
        tasks.cancel_scope.cancel()


def _server(folder: Path, base: str) -> StdioServerParameters:
    policy = folder / "policy.toml"
    policy.write_text(POLICY, "utf-8")
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "runpod_mcp", "--policy", str(policy), "--ledger", str(folder / "ledger.db")],
        env={"RUNPOD_API_KEY": "sim_demo_key", "RUNPOD_API_URL": f"{base}/v2"},
    )


async def _play(stage: Stage) -> None:
    await stage.call("What can be rented?", "list_gpu_types", {}, _names("NVIDIA L4"))
    await stage.call("What would it cost?", "create_pod", {**_pod("NVIDIA L4"), "dryRun": True}, _dry_run)
    rented = await stage.call("Rent it.", "create_pod", _pod("NVIDIA L4", requestId="train-1"), _rented)
    pod_id = _pod_id(rented)
    await stage.call(
        "The same request again gives the same pod, not a second one.",
        "create_pod",
        _pod("NVIDIA L4", requestId="train-1"),
        lambda result: _pod_id(result) == pod_id,
    )
    await stage.call(
        "A GPU that the policy forbids.",
        "create_pod",
        _pod("NVIDIA H100 80GB HBM3"),
        _refused("gpu_not_allowed"),
    )
    await stage.call(
        "An allowed GPU, but together with the first it is over the hourly budget.",
        "create_pod",
        _pod("NVIDIA GeForce RTX 4090"),
        _refused("over_hourly_budget"),
    )
    await stage.wait(BOOT_SECONDS + 5)
    await stage.call("A minute later: how to connect.", "get_pod", {"podId": pod_id}, _has_ssh)
    await stage.next_create("error_after")
    lost = await stage.call(
        "Runpod makes a pod but answers with an error: it is found by its tag, and there is only one.",
        "create_pod",
        _pod("NVIDIA L4"),
        _rented,
    )
    await stage.call("What is there?", "list_pods", {}, lambda result: _facts(result).get("total") == 2)
    await stage.call("What is left?", "get_budget", {}, lambda result: not result.is_error)
    for one in (pod_id, _pod_id(lost)):
        await stage.call("Done with it.", "delete_pod", {"podId": one}, lambda result: not result.is_error)
    await _audit(stage)


async def _audit(stage: Stage) -> None:
    books = await stage.books()
    click.secho("\n# The simulated Runpod's own books", bold=True)
    shown = ("create_calls", "created", "live", "peak_usd_per_hour", "charged_usd")
    click.echo(_indented(json.dumps({name: books[name] for name in shown}, indent=2)))
    stage.check("the books show two creates", books["create_calls"] == 2 and books["created"] == 2)
    stage.check("the books show nothing alive", books["live"] == [])
    stage.check("the books stay under the hourly budget", 0 < books["peak_usd_per_hour"] <= 1.0)


def _pod(gpu: str, **more: Any) -> dict[str, Any]:
    return {"gpuTypeIds": [gpu], "imageName": IMAGE, **more}


def _facts(result: CallToolResult) -> dict[str, Any]:
    return result.structured_content or {}


def _pod_id(result: CallToolResult) -> str:
    return str(_facts(result).get("pod", {}).get("podId", ""))


def _rented(result: CallToolResult) -> bool:
    return not result.is_error and bool(_pod_id(result))


def _dry_run(result: CallToolResult) -> bool:
    return _facts(result).get("dryRun") is True


def _has_ssh(result: CallToolResult) -> bool:
    return str(_facts(result).get("pod", {}).get("ssh", "")).startswith("ssh ")


def _refused(code: str) -> Check:
    return lambda result: bool(result.is_error) and _facts(result).get("code") == code


def _names(gpu: str) -> Check:
    return lambda result: any(row["gpuTypeId"] == gpu for row in _facts(result).get("gpuTypes", ()))


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())
