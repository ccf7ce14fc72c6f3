"""Clients that run on Node: the TypeScript SDK, and the Inspector's command line of two generations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from clients_pinned import INSPECTOR_0, INSPECTOR_2, TYPESCRIPT, Pinned, installed
from clients_servers import Runpod, simulated_runpod
from clients_stage import CORE, HERE, KEY, WHOLE_STORY, Stage, check_story, facts_of

pytestmark = pytest.mark.clients

IMAGE = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"


@pytest.mark.parametrize(("mode", "era"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_the_typescript_client_looks_rents_is_refused_and_ends(mode: str, era: str, stage: Stage) -> None:
    package = installed(TYPESCRIPT) / "node_modules" / "@modelcontextprotocol" / "client"
    line = ["node", str(HERE / "drivers" / "drive_typescript.mjs"), str(package), mode, *stage.tapped()]
    check_story(TYPESCRIPT, facts_of(TYPESCRIPT, stage.run(TYPESCRIPT, line)))
    heard = stage.note(TYPESCRIPT, WHOLE_STORY)
    assert {one.era for one in heard} == {era}, f"{TYPESCRIPT}"
    assert len(heard) == STARTS[mode], f"{TYPESCRIPT}"


STARTS = {"legacy": 1, "auto": 2}
"""It asks one server which era it speaks, ends it, and starts another for the work, which it asks at once for its tools."""


@pytest.fixture
def runpod(stage: Stage) -> Iterator[Runpod]:
    with simulated_runpod(stage.folder) as running:
        yield running


class Inspector:
    """An Inspector that starts the server anew for every question, all with one ledger and one Runpod."""

    def __init__(self, client: Pinned, stage: Stage, runpod: Runpod, *flags: str) -> None:
        self.client, self.stage, self.flags = client, stage, flags
        ledger = str(stage.folder / "ledger.db")
        ours = [sys.executable, "-P", "-m", "runpod_mcp", "--policy", stage.policy, "--ledger", ledger]
        script = stage.folder / "bin" / "server"
        words = " ".join(f"'{word}'" for word in stage.tapped([*ours, "--api-url", f"{runpod.url}/v2"]))
        script.write_text(f"#!/bin/sh\nexec {words}\n", "utf-8")
        script.chmod(0o755)

    def ask(self, method: str, *more: str) -> subprocess.CompletedProcess[str]:
        line = ["mcp-inspector", "--cli", "-e", f"RUNPOD_API_KEY={KEY}", "server", *self.flags]
        return self.stage.run(self.client, [*line, "--method", method, *more])

    def call(self, tool: str, **arguments: Any) -> tuple[dict[str, Any], int]:
        """A tool's reply, and the exit code."""
        pairs = [
            f"{name}={json.dumps(value) if isinstance(value, list) else value}"
            for name, value in arguments.items()
        ]
        done = self.ask("tools/call", "--tool-name", tool, "--tool-arg", *pairs)
        assert done.stdout.startswith("{"), f"{self.client}: {done.stdout[-500:]}{done.stderr[-2000:]}"
        return json.loads(done.stdout), done.returncode


WAYS = [
    pytest.param(INSPECTOR_0, (), "2025-11-25", id="inspector 0.15.0"),
    pytest.param(INSPECTOR_2, ("--protocol-era", "legacy"), "2025-11-25", id="inspector 2.12.0 legacy"),
    pytest.param(INSPECTOR_2, ("--protocol-era", "modern"), "2026-07-28", id="inspector 2.12.0 modern"),
]


@pytest.mark.parametrize(("client", "flags", "era"), WAYS)
def test_the_inspector_looks_rents_is_refused_and_ends(
    client: Pinned, flags: tuple[str, ...], era: str, stage: Stage, runpod: Runpod
) -> None:
    inspector = Inspector(client, stage, runpod, *flags)
    listed = inspector.ask("tools/list")
    assert sorted(tool["name"] for tool in json.loads(listed.stdout)["tools"]) == CORE, (
        f"{client}: {listed.stderr}"
    )
    rented, code = inspector.call("create_pod", gpuTypeIds=["NVIDIA L4"], imageName=IMAGE, gpuCount=1)
    assert (code, rented.get("isError", False)) == (0, False), f"{client}: {rented}"
    (live,) = runpod.books()["live"]
    assert live["id"] == rented["structuredContent"]["pod"]["podId"], f"{client}"
    refused, _ = inspector.call("create_pod", gpuTypeIds=["NVIDIA H100 80GB HBM3"], imageName=IMAGE)
    assert refused["isError"], f"{client}: {refused}"
    assert refused["structuredContent"]["code"] == "gpu_not_allowed", f"{client}"
    ended, _ = inspector.call("delete_pod", podId=live["id"])
    assert ended["structuredContent"]["status"] == "deleted", f"{client}: {ended}"
    assert (runpod.books()["live"], runpod.books()["created"]) == ([], 1), f"{client}"
    assert {heard.era for heard in stage.note(client, WHOLE_STORY)} == {era}, f"{client}"


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_strict_inspector_finds_no_error_in_the_tools_of_every_toolset(era: str, stage: Stage) -> None:
    """It ends with 6 for an error in a schema, and only warns of types that some hosts cannot carry over."""
    line = ["mcp-inspector", "--cli", *stage.tapped(), "--toolsets", "all"]
    done = stage.run(INSPECTOR_2, [*line, "--protocol-era", era, "--strict", "--method", "tools/list"])
    assert done.returncode == 0, f"{INSPECTOR_2}: {done.stderr}"
    assert len(json.loads(done.stdout)["tools"]) > len(CORE)
    named = {line.strip() for line in done.stderr.splitlines() if line.strip().startswith("Path:")}
    assert named <= NULLABLE, f"{INSPECTOR_2} warns of more than it did: {done.stderr}"
    stage.note(INSPECTOR_2, "list --strict, all toolsets")


NULLABLE = {"Path: inputSchema.properties.containerDiskInGb", "Path: inputSchema.properties.volumeInGb"}
"""Integer or null, as Runpod's own document for creating a pod has them; null means none there."""
