"""This server beside Runpod's own: the table in the README, measured through one client on one simulated Runpod."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from clients_measured import OFFICIAL as OFFICIAL_WORDS
from clients_measured import OURS, Measured, measure, our_server, table
from clients_pinned import OFFICIAL, installed
from clients_servers import simulated_runpod
from mcp.client.stdio import StdioServerParameters

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- measured: official -->\n", "<!-- end: official -->"


def in_the_readme() -> str:
    return README.read_text("utf-8").split(BEGIN)[1].split(END)[0].strip()


async def measured_here(folder: Path) -> Measured:
    with simulated_runpod(folder) as runpod:
        return await measure(our_server(folder, runpod, sys.executable), OURS, runpod)


async def measured_official(folder: Path) -> Measured:
    program = installed(OFFICIAL) / "node_modules" / "@runpod" / "mcp-server" / "dist" / "stdio.mjs"
    node = shutil.which("node") or pytest.skip("there is no node")
    with simulated_runpod(folder) as runpod:
        env = {"RUNPOD_API_KEY": "sim_key", "RUNPOD_API_BASE_URL": runpod.url}
        server = StdioServerParameters(command=node, args=[str(program)], env=env)
        return await measure(server, OFFICIAL_WORDS, runpod)


async def test_our_column_is_what_is_measured_today(tmp_path: Path) -> None:
    told = [line.split(" | ")[1] for line in in_the_readme().splitlines()[2:]]
    assert told == (await measured_here(tmp_path)).cells(), (
        "UPDATE_MEASURED=1 uv run pytest -m clients -n 0 -k official"
    )


@pytest.mark.clients
async def test_the_table_is_what_is_measured(tmp_path: Path) -> None:
    for name in ("ours", "official"):
        (tmp_path / name).mkdir()
    now = table(
        OFFICIAL.version,
        await measured_here(tmp_path / "ours"),
        await measured_official(tmp_path / "official"),
    )
    if os.environ.get("UPDATE_MEASURED"):
        text = README.read_text("utf-8")
        README.write_text(text.replace(f"{BEGIN}{in_the_readme()}", f"{BEGIN}{now}"), "utf-8")
    assert in_the_readme() == now
