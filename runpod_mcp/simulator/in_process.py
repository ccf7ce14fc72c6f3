"""The simulator without a port: an HTTP transport that calls it directly."""

from __future__ import annotations

import httpx2

from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.refusals import LineDropped, NeverAnswers

_PATIENCE = 600.0


class SimulatorTransport(httpx2.AsyncBaseTransport):
    """Carries a client's calls to a simulator in this process.

    A dropped line is a `ReadError` before the work and a `RemoteProtocolError` after it. A call that never
    answers sleeps for the client's read timeout (600 s where it has none) on the clock the simulator was given,
    and is a `ReadTimeout`: a stepped clock does not make anybody wait. A held call waits for its release.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._inner = httpx2.ASGITransport(app=simulator.app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request, or break its line.

        Raises:
            httpx2.ReadError: the line was dropped before the work.
            httpx2.RemoteProtocolError: the line was dropped after the work.
            httpx2.ReadTimeout: no answer came in time.
        """
        try:
            return await self._inner.handle_async_request(request)
        except LineDropped as drop:
            if drop.after:
                text = "Server disconnected without sending a response."
                raise httpx2.RemoteProtocolError(text, request=request) from None
            raise httpx2.ReadError("connection reset", request=request) from None
        except NeverAnswers:
            await self._simulator.base_clock.sleep(_read_timeout(request))
            raise httpx2.ReadTimeout("no answer in time", request=request) from None


def _read_timeout(request: httpx2.Request) -> float:
    timeout = request.extensions.get("timeout", {}).get("read")
    return _PATIENCE if timeout is None else float(timeout)
