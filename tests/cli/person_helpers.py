"""Commands run as a person runs them, beside a server whose clock shows the real time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
from click.testing import CliRunner, Result
from front_door import FrontDoor

from runpod_mcp.cli import cli

WIDE, NARROW = 200, 40


def in_step(door: FrontDoor) -> FrontDoor:
    """Set the door's clock to the real time: the commands have no other clock."""
    door.clock.step(seconds=(datetime.now(UTC) - door.clock.now()).total_seconds())
    return door


async def run(folder: Path, *arguments: str, columns: int = WIDE, policy: bool = True, **env: str) -> Result:
    """Run a command on the ledger and policy of a folder, in a thread of its own: a command has its own event loop."""
    named = {
        "RUNPOD_MCP_LEDGER": str(folder / "ledger.db"),
        "RUNPOD_MCP_POLICY": str(folder / "policy.toml") if policy else None,
        "RUNPOD_API_KEY": None,
        "RUNPOD_API_KEY_FILE": None,
        "HOME": str(folder),
        "COLUMNS": str(columns),
        "NO_COLOR": None,
        **env,
    }
    return await anyio.to_thread.run_sync(lambda: CliRunner().invoke(cli, arguments, env=named))


async def read(folder: Path, *arguments: str) -> Any:
    """What a command says as JSON; it must have done its work."""
    done = await run(folder, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def fits(text: str, columns: int) -> bool:
    """Whether no line is wider."""
    return all(len(line) <= columns for line in text.splitlines())
