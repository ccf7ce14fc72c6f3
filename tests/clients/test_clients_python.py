"""Python clients and agent frameworks, each in an environment of its own, over stdio."""

from __future__ import annotations

import pytest
from clients_pinned import (
    FASTMCP,
    LANGCHAIN,
    MCP_USE,
    OPENAI_AGENTS,
    PYDANTIC_AI,
    SDK_1,
    SDK_2,
    Pinned,
    programs,
)
from clients_stage import HERE, WHOLE_STORY, Stage, check_story, facts_of

pytestmark = pytest.mark.clients

DRIVERS = {
    FASTMCP: ("drive_fastmcp.py", "2026-07-28"),
    PYDANTIC_AI: ("drive_pydantic_ai.py", "2026-07-28"),
    OPENAI_AGENTS: ("drive_openai_agents.py", "2026-07-28"),
    SDK_2: ("drive_sdk2.py", "2026-07-28"),
    SDK_1: ("drive_sdk.py", "2025-11-25"),
    LANGCHAIN: ("drive_langchain.py", "2025-11-25"),
    MCP_USE: ("drive_mcp_use.py", "2025-11-25"),
}


@pytest.mark.parametrize("client", DRIVERS, ids=str)
def test_a_python_client_looks_rents_is_refused_and_ends(client: Pinned, stage: Stage) -> None:
    driver, era = DRIVERS[client]
    python = str(programs(client) / "python")
    done = stage.run(client, [python, str(HERE / "drivers" / driver), "stdio", *stage.tapped()])
    check_story(client, facts_of(client, done))
    (heard,) = stage.note(client, WHOLE_STORY)
    assert heard.era == era, f"{client} speaks another era than it did"
    assert heard.methods.count("tools/call") == 5, f"{client}"
