"""Serving an agent."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import click

from runpod_mcp.cli.options import Options
from runpod_mcp.config import Settings
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.logs import log_to_stderr
from runpod_mcp.server.app import Server, build_server
from runpod_mcp.wiring import looked_after, open_house

log = logging.getLogger(__name__)


def serve_stdio(options: Options) -> None:
    """Serve until stdin ends; only the protocol is written to stdout."""
    settings = options.settings()
    _log(settings)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a thread waits for stdin, so nothing gentler would end it

    async def run() -> None:
        async with _kept_house(settings) as house:
            await _server(house, settings).run_stdio_async()

    anyio.run(run)


def serve_http(options: Options, address: str) -> None:
    """Serve Streamable HTTP on a loopback address until interrupted.

    Raises:
        click.UsageError: the address is not HOST:PORT, or other machines could reach it.
    """
    from runpod_mcp.server.port import Port

    host, port = _loopback(address)
    _refuse_taken(host, port)
    settings = options.settings()
    _log(settings)

    async def run() -> None:
        async with _kept_house(settings) as house:
            await Port(_server(house, settings), host, port).serve()

    with suppress(KeyboardInterrupt):
        anyio.run(run)


def _server(house: House, settings: Settings) -> Server:
    return build_server(house, read_only=settings.read_only, toolsets=settings.toolsets)


@asynccontextmanager
async def _kept_house(settings: Settings) -> AsyncIterator[House]:
    """A house whose leases are looked after while it is open."""
    async with open_house(settings) as house, looked_after(house, settings):
        yield house


def _log(settings: Settings) -> None:
    """Logs on stderr from here on, beginning with what a person should know at once."""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    log_to_stderr(secrets=(key,))
    if settings.api_key is None and not settings.simulator:
        log.warning("there is no API key, so nothing can be rented; set RUNPOD_API_KEY")
    try:
        PolicyFile(settings.policy, settings.policy_named).current()
    except Failure as failure:
        log.warning("nothing new is rented: %s", failure.message)


def _refuse_taken(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, f"{host}:{port} cannot be served ({error.strerror}).", field="--http"
        ) from error


def _loopback(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    bare = host.strip("[]")
    if not port.isdigit() or not bare or int(port) > 65_535:
        raise click.UsageError("--http takes HOST:PORT, such as 127.0.0.1:8000")
    if bare != "localhost" and not _is_loopback(bare):
        raise click.UsageError(
            "--http serves whoever can reach it, so it only takes 127.0.0.1, ::1 or localhost"
        )
    return bare, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
