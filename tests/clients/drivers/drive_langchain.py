"""LangChain's adapters: tools as LangChain tools, called as an agent calls them."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from langchain_core.tools import BaseTool, ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from story import tell, words_of


async def main() -> None:
    command = sys.argv[2:]
    server: Any = {"transport": "stdio", "command": command[0], "args": command[1:]}
    async with MultiServerMCPClient({"runpod": server}).session("runpod") as session:
        tools: dict[str, BaseTool] = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
            asked = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            try:
                message = await tools[name].ainvoke(asked)
            except ToolException as error:
                return True, str(error)
            return message.status == "error", words_of([message.artifact, message.content])

        await tell(list(tools), call)


asyncio.run(main())
