"""pydantic-ai: an agent whose model is a function, so that the toolset is used as an agent uses it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from story import tell, words_of


async def main() -> None:
    command = sys.argv[2:]
    toolset = MCPToolset(StdioTransport(command=command[0], args=command[1:]), max_retries=0)
    async with toolset:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
            """One run of an agent whose model asks for this tool and then repeats what it was told."""

            def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
                if len(messages) == 1:
                    return ModelResponse([ToolCallPart(name, arguments)])
                return ModelResponse([TextPart(words_of(messages[-1].parts[0]))])

            try:
                return False, (await Agent(FunctionModel(model), toolsets=[toolset]).run("go")).output
            except Exception as error:
                return True, words_of([str(error), str(error.__cause__)])

        await tell([tool.name for tool in await toolset.list_tools()], call)


asyncio.run(main())
