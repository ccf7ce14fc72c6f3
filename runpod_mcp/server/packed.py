"""Arguments that arrive as one JSON text, as some agent loops pass on what their model wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS


async def unpack_arguments(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Read the arguments of a tool call out of a text, before the SDK refuses the request without a word about them.

    Raises:
        MCPError: the text holds no object.
    """
    params = ctx.params
    if ctx.method != "tools/call" or not params or not isinstance(params.get("arguments"), str):
        return await call_next(ctx)
    return await call_next(replace(ctx, params={**params, "arguments": _read(params["arguments"])}))


def _read(text: str) -> Mapping[str, Any]:
    try:
        read = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise MCPError(
            code=INVALID_PARAMS, message='arguments: expected an object such as {"podId": "…"}, not a text.'
        )
    return read
