"""fastmcp's client, over stdio or HTTP."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from story import tell, words_of


async def main() -> None:
    kind, *target = sys.argv[1:]
    server = target[0] if kind == "http" else StdioTransport(command=target[0], args=target[1:])
    async with Client(server) as client:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
            result = await client.call_tool(name, arguments, raise_on_error=False)
            return result.is_error, words_of([result.structured_content, result.content])

        await tell([tool.name for tool in await client.list_tools()], call)


asyncio.run(main())
