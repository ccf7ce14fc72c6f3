"""The streams of news that clients of the newer era hold open."""

from __future__ import annotations

from typing import Any

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import SubscriptionsListenResult


class Streams:
    """Knows the streams that are open, as a middleware, and ends them as the protocol wants it: with a result."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "subscriptions/listen":
            return await call_next(ctx)
        with anyio.CancelScope() as scope:
            self._open.add(scope)
            try:
                return await call_next(ctx)
            finally:
                self._open.discard(scope)
        return SubscriptionsListenResult(_meta={SUBSCRIPTION_ID_META_KEY: ctx.request_id})

    def end(self) -> None:
        """End those that are open."""
        for scope in self._open:
            scope.cancel()
