"""The server on a port of this machine."""

from __future__ import annotations

import logging
import socket

import uvicorn

from runpod_mcp.server.app import Server

PATIENCE = 60
"""Seconds that answers still owed are waited for at the end: longer than any tool takes."""


class Port(uvicorn.Server):
    """Streamable HTTP until it is told to stop; then calls end, and who sends nothing more is waited for no longer than `patience`."""

    def __init__(self, server: Server, host: str, port: int, patience: int = PATIENCE) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        super().__init__(
            uvicorn.Config(
                server.streamable_http_app(host=host),
                host=host,
                port=port,
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=patience,
            )
        )
        self._streams = server.streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port; the streams that clients hold open would keep it for as long as they live."""
        self._streams.end()
        await super().shutdown(sockets)
