"""The simulator on a port of this machine, where a dropped line is a closed socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.refusals import LineDropped, NeverAnswers


class _Line(H11Protocol):
    """A connection the app can break."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.app = self._breakable(self.app)
        self.hangs = False

    def _breakable(self, app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except LineDropped:
                self.transport.abort()
                await _until_gone(receive)
            except NeverAnswers:
                self.hangs = True
                await _until_gone(receive)

        return answer


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, started: Callable[[], None], release: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._tell = started
        self._release = release

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._release()
        for line in list(self.server_state.connections):
            if isinstance(line, _Line) and line.hangs:
                line.transport.abort()
        await super().shutdown(sockets)


async def serve(
    simulator: Simulator,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve until cancelled or interrupted; `ready` is told the port once calls are answered. Port 0 is any free one.

    Nothing is written to stdout; warnings go to stderr.

    Raises:
        OSError: the address is taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        real_port = listener.getsockname()[1]
        started = (lambda: ready(real_port)) if ready else (lambda: None)
        await _run(_Server(_config(simulator), started, simulator.holds.release), listener)


def _config(simulator: Simulator) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Config(
        simulator.app,
        http=_Line,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


async def _run(server: _Server, listener: socket.socket) -> None:
    task = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(task)
    finally:
        server.should_exit = True
        with anyio.CancelScope(shield=True):
            await task
