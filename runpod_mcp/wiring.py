"""The one place where settings become objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from pydantic import SecretStr

from runpod_mcp.clock import Clock, SystemClock
from runpod_mcp.config import Settings
from runpod_mcp.flows.context import House
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.flows.prices import Prices
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.runpod.connect import connect, dialect_of

SIMULATOR_KEY = SecretStr("sim_in_process")
SIMULATOR_BOOT_SECONDS = 5


@asynccontextmanager
async def open_house(settings: Settings, clock: Clock | None = None) -> AsyncIterator[House]:
    """A house for these settings, closed again at the end; neither Runpod nor the ledger is touched yet.

    Raises:
        Failure: `settings_broken`.
    """
    with TemporaryDirectory(prefix="runpod-mcp-", ignore_cleanup_errors=True) as passing:
        ledger = settings.ledger or Path(passing) / "ledger.db"
        transport = simulator_transport() if settings.simulator else None
        house = make_house(settings, ledger, clock or SystemClock(), transport)
        try:
            yield house
        finally:
            await house.api.close()
            await house.ledger.close()


def make_house(
    settings: Settings, ledger: Path, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> House:
    """A house for these settings and this ledger file; `transport` replaces the network."""
    dialect = dialect_of(settings.api_url)
    url = f"http://simulator/{dialect}" if settings.simulator else settings.api_url
    key = SIMULATOR_KEY if settings.simulator else settings.api_key
    api = connect(url, key, clock, transport=transport)
    return House(
        policies=PolicyFile(settings.policy, settings.policy_named),
        ledger=SqliteLedger(ledger),
        api=api,
        prices=Prices(api, clock),
        clock=clock,
    )


def simulator_transport() -> httpx2.AsyncBaseTransport:
    """A fresh simulator in this process, whose pods are ready in a few seconds."""
    from runpod_mcp.simulator.app import Simulator
    from runpod_mcp.simulator.in_process import SimulatorTransport

    return SimulatorTransport(Simulator(boot_seconds=SIMULATOR_BOOT_SECONDS))
