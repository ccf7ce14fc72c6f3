"""How long an agent waits for the list of tools, as a ratio to a server of the bare SDK in the same run."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

BARE = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
@server.tool()
def echo(text: str) -> str:
    "Say it again."
    return text
server.run()
"""
ROUNDS = 9


async def seconds_to_tools(*arguments: str) -> float:
    start = time.perf_counter()
    async with Client(StdioServerParameters(command=sys.executable, args=list(arguments))) as client:
        await client.list_tools()
        return time.perf_counter() - start


@pytest.mark.bench
async def test_the_tools_are_there_within_a_quarter_more_than_the_bare_sdk_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare.py"
    bare.write_text(BARE)
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(await seconds_to_tools(str(bare)))
        ours.append(await seconds_to_tools("-m", "runpod_mcp", "--simulator"))
    ratio = statistics.median(ours) / statistics.median(theirs)
    with capsys.disabled():
        print(
            f"\nspawn to tools/list: bare SDK {statistics.median(theirs):.3f} s, ours {statistics.median(ours):.3f} s, {ratio:.2f} times"
        )
    assert ratio < 1.5
