"""What a tool is here: its words, its arguments, its reply, and the function behind it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve, build_resolver_plans, find_resolved_parameters
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata, func_metadata
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runpod_mcp.flows.approval import YesNeeded
from runpod_mcp.flows.context import Call, House
from runpod_mcp.flows.wait_for_pod import Progress
from runpod_mcp.server.approval import Asked, Attempt, Dialog, Yes
from runpod_mcp.server.failures import invalid_arguments, refuse_odd_values
from runpod_mcp.server.input_schema import Schema, input_schema_of, output_schema_of
from runpod_mcp.server.replies import Reply

Handler = Callable[[House, Any], Awaitable[CallToolResult]]
WaitingHandler = Callable[[House, Any, Progress], Awaitable[CallToolResult]]


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    """One tool and what it does to the world."""

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    reply: type[Reply]
    handler: Handler | None = None
    waits: WaitingHandler | None = None
    """Instead of `handler`, for a tool that tells of its progress."""
    reads_only: bool = False
    destroys: bool = False
    repeatable: bool = False


class _AskingTool(Tool):
    """A tool that goes on without the dialog where a client answers it with an error, or with what is no answer."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    dialog: Dialog = Field(exclude=True)

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        try:
            return await super().run(arguments, context, convert_result)
        except (ToolError, MCPError):
            if not self.dialog.unanswered(context):
                raise
        return await super().run(arguments, context, convert_result)


def tool_of(spec: ToolSpec, house: House) -> Tool:
    """The SDK's view of a tool of this house.

    The SDK drops unknown arguments in silence, so it is given all of them as one, and they are read strictly here;
    the schema that clients see stays flat.
    """

    schema, dialog = input_schema_of(spec.arguments), Dialog(house)

    def attempt(request: dict[str, Any], context: Context[None, Any]) -> Attempt:
        return lambda at: _handle(spec, replace(at, call=Call(spec.name, request)), schema, request, context)

    async def question(request: dict[str, Any], context: Context[None, Any]) -> Elicit[Yes] | Asked:
        return await dialog.question(context, attempt(request, context))

    async def run(
        request: dict[str, Any],
        context: Context[None, Any],
        said: Annotated[ElicitationResult[Yes], Resolve(question)],
    ) -> CallToolResult:
        await dialog.write_answer(context, said)
        try:
            return await attempt(request, context)(house)
        except YesNeeded as needed:
            raise dialog.told(needed) from needed

    async def look(request: dict[str, Any], context: Context[None, Any]) -> CallToolResult:
        return await attempt(request, context)(house)

    run.__annotations__ |= {"said": Annotated[ElicitationResult[Yes], Resolve(question)]}
    asked = {} if spec.reads_only else find_resolved_parameters(run)

    return _AskingTool(
        dialog=dialog,
        fn=look if spec.reads_only else run,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        parameters=schema,
        fn_metadata=FuncMetadata(
            arg_model=_ONE_REQUEST.arg_model, output_schema=output_schema_of(spec.reply)
        ),
        is_async=True,
        context_kwarg="context",
        resolved_params=asked,
        resolver_plans=build_resolver_plans(asked, {"request"}),
        annotations=_hints(spec),
    )


async def _handle(
    spec: ToolSpec, house: House, schema: Schema, request: dict[str, Any], context: Context[None, Any]
) -> CallToolResult:
    arguments = _read(spec, schema["properties"], request)
    if spec.waits:
        return await spec.waits(house, arguments, context.report_progress)
    assert spec.handler
    return await spec.handler(house, arguments)


def _read(spec: ToolSpec, properties: Schema, given: dict[str, Any]) -> BaseModel:
    """The arguments of a call.

    Raises:
        Failure: `invalid_arguments`, naming the first thing that is wrong.
    """
    unpacked = {name: _unpacked(value, properties.get(name, {})) for name, value in given.items()}
    refuse_odd_values(unpacked)
    try:
        return spec.arguments.model_validate(unpacked)
    except ValidationError as error:
        raise invalid_arguments(error, list(properties)) from error


def _unpacked(value: Any, schema: Schema) -> Any:
    """Some clients pack lists and objects into JSON text; where one of those is expected, it is taken out again."""
    if not isinstance(value, str) or schema.get("type") not in ("array", "object"):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, list | dict) else value


def _one_request(request: dict[str, Any]) -> None:
    """The shape of every call as the SDK sees it."""


_ONE_REQUEST = func_metadata(_one_request, structured_output=False)


def _hints(spec: ToolSpec) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=spec.reads_only,
        destructive_hint=spec.destroys,
        idempotent_hint=spec.repeatable,
        open_world_hint=True,
    )
