"""The tools as a client sees them under the default policy, kept as files so that a change of them is reviewed.

To accept a change: `UPDATE_TOOLSNAPS=1 pytest tests/server/test_server_toolsnaps.py`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from front_door import front_door

from runpod_mcp.config import TOOLSETS
from runpod_mcp.server.toolsets import tools_of

SNAPS = Path(__file__).parents[1] / "toolsnaps"
NAMES = [spec.name for spec in tools_of(TOOLSETS)]


def written(tool):
    shown = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_looks_as_it_was_reviewed(tmp_path, name):
    async with front_door(tmp_path, None, toolsets=TOOLSETS) as door:
        now = written((await door.tools())[name])
    snap = SNAPS / f"{name}.json"
    if os.environ.get("UPDATE_TOOLSNAPS") == "1":
        snap.write_text(now, "utf-8")
    assert snap.is_file(), f"{name} has no snapshot; look at the tool, then run with UPDATE_TOOLSNAPS=1"
    assert snap.read_text("utf-8") == now, f"{name} changed; if that is wanted, run with UPDATE_TOOLSNAPS=1"


def test_there_is_no_snapshot_of_a_tool_that_is_gone():
    assert sorted(path.stem for path in SNAPS.glob("*.json")) == sorted(NAMES)
