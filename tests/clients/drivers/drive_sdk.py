"""The official Python SDK of the handshake era (mcp 1.x), over stdio or HTTP."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from story import tell, words_of


def streams() -> AbstractAsyncContextManager[Any]:
    kind, *target = sys.argv[1:]
    if kind == "http":
        return streamablehttp_client(target[0])
    return stdio_client(StdioServerParameters(command=target[0], args=target[1:]))


async def main() -> None:
    async with streams() as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()

        async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
            result = await session.call_tool(name, arguments)
            return result.isError, words_of([result.structuredContent, result.content])

        await tell([tool.name for tool in (await session.list_tools()).tools], call)


asyncio.run(main())
