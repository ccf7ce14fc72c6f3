"""A simulator inside a server, built at the first call, so that the server's start does not wait for it."""

from __future__ import annotations

import httpx2


class SimulatorLater(httpx2.AsyncBaseTransport):
    """A line to a simulator of its own, which is not there before it is needed."""

    def __init__(self, boot_seconds: float) -> None:
        self._boot_seconds = boot_seconds
        self._line: httpx2.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as Runpod would."""
        if self._line is None:
            from runpod_mcp.simulator.app import Simulator
            from runpod_mcp.simulator.in_process import SimulatorTransport

            self._line = SimulatorTransport(Simulator(boot_seconds=self._boot_seconds))
        return await self._line.handle_async_request(request)
