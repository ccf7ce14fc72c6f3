"""mcp-use: a client made from the usual `mcpServers` settings."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from mcp_use import MCPClient
from story import tell, words_of


async def main() -> None:
    command = sys.argv[2:]
    client = MCPClient.from_dict({"mcpServers": {"runpod": {"command": command[0], "args": command[1:]}}})
    session = await client.create_session("runpod")

    async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        result = await session.call_tool(name, arguments)
        return bool(result.isError), words_of([result.structuredContent, result.content])

    try:
        await tell([tool.name for tool in await session.list_tools()], call)
    finally:
        await client.close_all_sessions()


asyncio.run(main())
