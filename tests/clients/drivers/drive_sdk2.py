"""The official Python SDK of both eras (mcp 2.x), over stdio or HTTP."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from story import tell, words_of


async def main() -> None:
    kind, *target = sys.argv[1:]
    server: Any = (
        target[0]
        if kind == "http"
        else stdio_client(StdioServerParameters(command=target[0], args=target[1:]))
    )
    async with Client(server) as client:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
            result = await client.call_tool(name, arguments)
            return result.is_error, words_of([result.structured_content, result.content])

        await tell([tool.name for tool in (await client.list_tools()).tools], call)


asyncio.run(main())
