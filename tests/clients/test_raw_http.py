"""A server on a port that is told to stop while clients are still connected."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from clients_raw import NOW
from clients_servers import free_port, served_over_http
from clients_stage import POLICY
from front_door import front_door

from runpod_mcp.server.port import Port

SECONDS = 20
LISTEN = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "subscriptions/listen",
    "params": {
        "notifications": {"toolsListChanged": True},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": NOW,
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": NOW,
    "Mcp-Method": "subscriptions/listen",
}


@pytest.fixture
def server(tmp_path: Path) -> list[str]:
    """The command of a server on a simulator of its own."""
    (tmp_path / "policy.toml").write_text(POLICY, "utf-8")
    policy = str(tmp_path / "policy.toml")
    return [sys.executable, "-P", "-m", "runpod_mcp", "--simulator", "--policy", policy]


def test_a_server_that_is_told_to_stop_ends_the_streams_that_clients_hold_open(server, tmp_path) -> None:
    """A client keeps such a stream for as long as it lives, and a port closes when every answer is given."""
    with httpx2.Client(timeout=SECONDS) as client, ExitStack() as until_answered:
        with served_over_http(server, tmp_path) as (url, _):
            answer = until_answered.enter_context(client.stream("POST", url, json=LISTEN, headers=HEADERS))
            told = frames(answer.iter_lines())
            assert next(told)["method"] == "notifications/subscriptions/acknowledged"
        assert next(told)["result"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": 7}


def frames(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """What a stream of events says."""
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


async def test_a_request_that_never_comes_whole_holds_up_the_end_for_a_while_only(tmp_path) -> None:
    async with front_door(tmp_path) as door, anyio.create_task_group() as tasks:
        port = Port(door.server, "127.0.0.1", free_port(), patience=0)
        tasks.start_soon(port.serve)
        with anyio.fail_after(SECONDS):
            while not port.started:
                await anyio.lowlevel.checkpoint()
            async with await anyio.connect_tcp("127.0.0.1", port.config.port) as half:
                await half.send(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 9\r\n\r\n{")
                port.should_exit = True
