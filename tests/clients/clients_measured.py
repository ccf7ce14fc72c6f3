"""What a server costs an agent and its person, measured on the simulated Runpod through the same client."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients_servers import Runpod
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, Tool

IMAGE = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
SECRET = "hunter2-of-the-environment"
MANY = 50


@dataclass(frozen=True)
class Words:
    """How a server wants to be asked: its tools' names, and the arguments of a create."""

    create: str
    list: str
    arguments: Mapping[str, Any]
    dear: Mapping[str, Any]


OURS = Words(
    "create_pod",
    "list_pods",
    {"gpuTypeIds": ["NVIDIA L4"], "imageName": IMAGE, "env": {"TOKEN": SECRET}},
    {"gpuTypeIds": ["NVIDIA A100 80GB PCIe"], "gpuCount": 4, "imageName": IMAGE},
)
OFFICIAL = Words(
    "create-pod",
    "list-pods",
    {
        "body": {
            "name": "one",
            "gpu": {"id": "NVIDIA L4", "count": 1},
            "image": IMAGE,
            "disk": 50,
            "env": {"TOKEN": SECRET},
        }
    },
    {
        "body": {
            "name": "dear",
            "gpu": {"id": "NVIDIA A100 80GB PCIe", "count": 4},
            "image": IMAGE,
            "disk": 50,
        }
    },
)


@dataclass(frozen=True)
class Measured:
    """One server's column of the table."""

    tools: int
    list_bytes: int
    create_bytes: int
    annotated: int
    structured: int
    fifty_bytes: int
    shows_env: bool
    rents_anything: bool
    lost_answer: str

    def cells(self) -> list[str]:
        """The column, top to bottom."""
        return [
            str(self.tools),
            _kilobytes(self.list_bytes),
            _kilobytes(self.create_bytes),
            f"{self.annotated} of {self.tools}",
            f"{self.structured} of {self.tools}",
            _kilobytes(self.fifty_bytes),
            "shown" if self.shows_env else "never shown",
            "rented" if self.rents_anything else "refused, with what would pass",
            self.lost_answer,
        ]


def _kilobytes(size: int) -> str:
    return f"{round(size / 1000)} kB"


ROWS = (
    "tools listed",
    "what the list costs the context",
    "of that, the tool that creates a pod",
    "tools with annotations",
    "tools with an output schema",
    f"reply that lists {MANY} pods",
    "env values of pods in replies",
    "4 x A100 asked for, nothing configured",
    "the pod is made, the answer is lost",
)


def size(value: Any) -> int:
    """Bytes as compact JSON."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


async def measure(server: StdioServerParameters, words: Words, runpod: Runpod) -> Measured:
    """Ask a server for everything in the table; the Runpod behind it must be fresh."""
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        dear = await client.call_tool(words.create, dict(words.dear))
        rented = runpod.books()["created"] == 1
        lost = await _lost_answer(client, words, runpod)
        _fill(runpod)
        listed = await client.call_tool(words.list, {})
    assert rented or dear.is_error
    return Measured(
        tools=len(tools),
        list_bytes=sum(map(_tool_size, tools)),
        create_bytes=next(_tool_size(tool) for tool in tools if tool.name == words.create),
        annotated=sum(tool.annotations is not None for tool in tools),
        structured=sum(tool.output_schema is not None for tool in tools),
        fifty_bytes=max(_halves(listed)),
        shows_env=SECRET in str(listed),
        rents_anything=rented,
        lost_answer=lost,
    )


async def _lost_answer(client: Client, words: Words, runpod: Runpod) -> str:
    """A create whose answer is lost after the pod was made, and what the agent was told."""
    before = runpod.books()["created"]
    runpod.control("faults", {"on": "create", "kind": "error_after", "times": 1})
    told = await client.call_tool(words.create, dict(words.arguments))
    assert runpod.books()["created"] == before + 1, told
    if not told.is_error:
        return "found again by its tag: one pod, known"
    text = str(told.content)
    return (
        'an error, "retry": the pod bills unseen'
        if "retry" in text.lower()
        else "an error: the pod bills unseen"
    )


def _fill(runpod: Runpod) -> None:
    """Bring the account to so many pods, all with a secret in their environment."""
    live = len(runpod.books()["live"])
    for number in range(MANY - live):
        runpod.control(
            "pods",
            {"create": {"gpuTypeId": "NVIDIA RTX A5000", "name": f"pod {number}", "env": {"TOKEN": SECRET}}},
        )


def _tool_size(tool: Tool) -> int:
    return size(tool.model_dump(mode="json", by_alias=True, exclude_none=True))


def _halves(result: CallToolResult) -> Sequence[int]:
    """Bytes of the text and of the structure; a client shows its model one of them."""
    texts = "".join(getattr(block, "text", "") for block in result.content)
    return len(texts.encode()), size(result.structured_content) if result.structured_content else 0


def table(version: str, ours: Measured, official: Measured) -> str:
    """The table of the README."""
    lines = [f"|  | this server | `@runpod/mcp-server` {version} |", "|---|---|---|"]
    pairs = zip(ROWS, ours.cells(), official.cells(), strict=True)
    return "\n".join([*lines, *(f"| {name} | {one} | {other} |" for name, one, other in pairs)])


def our_server(folder: Path, runpod: Runpod, python: str) -> StdioServerParameters:
    """This server, as it is without any setting but the key."""
    line = ["-P", "-m", "runpod_mcp", "--ledger", str(folder / "ledger.db"), "--api-url", f"{runpod.url}/v2"]
    return StdioServerParameters(
        command=python, args=line, env={"RUNPOD_API_KEY": "sim_key", "HOME": str(folder)}
    )
