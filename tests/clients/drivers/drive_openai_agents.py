"""OpenAI's agents SDK: its stdio server object, as an agent of it lists and calls."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from agents.mcp import MCPServerStdio
from story import tell, words_of


async def main() -> None:
    command = sys.argv[2:]
    params: Any = {"command": command[0], "args": command[1:]}
    async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
            result = await server.call_tool(name, arguments)
            failed = getattr(result, "isError", None) or getattr(result, "is_error", None)
            return bool(failed), words_of(result)

        await tell([tool.name for tool in await server.list_tools()], call)


asyncio.run(main())
