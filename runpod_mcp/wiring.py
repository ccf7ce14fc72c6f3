"""The one place where settings become objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio
from pydantic import SecretStr

from runpod_mcp.clock import Clock, SystemClock
from runpod_mcp.config import Settings
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.sqlite_look import SqliteLook
from runpod_mcp.ledger.store import Ledger

if TYPE_CHECKING:  # what only the ledger is needed for starts without a network
    import httpx2

    from runpod_mcp.flows.context import House

SIMULATOR_KEY = SecretStr("sim_in_process")
SIMULATOR_BOOT_SECONDS = 5
FIRST_AFTER = 1.0
"""Seconds before leases are looked after."""


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


@asynccontextmanager
async def open_ledger(settings: Settings, *, writes: bool) -> AsyncIterator[Ledger | None]:
    """The ledger alone, closed again at the end; None where there is none yet, and none is made.

    Without `writes` it is only looked at: that waits for nobody, and works where nothing may be written.
    """
    if settings.ledger is None or not has_ledger(settings):
        yield None
        return
    ledger = SqliteLedger(settings.ledger) if writes else SqliteLook(settings.ledger)
    try:
        yield ledger
    finally:
        await ledger.close()


def has_ledger(settings: Settings) -> bool:
    """Whether there is a ledger file; what cannot be looked at counts as one, and the ledger will say why."""
    if settings.ledger is None:
        return False
    try:
        settings.ledger.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def make_house(
    settings: Settings, ledger: Path, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> House:
    """A house for these settings and this ledger file; `transport` replaces the network."""
    from runpod_mcp.flows.context import House
    from runpod_mcp.flows.prices import Prices
    from runpod_mcp.runpod.connect import connect, dialect_of

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


@asynccontextmanager
async def looked_after(house: House, settings: Settings) -> AsyncIterator[House]:
    """A house whose leases are ended and whose news is sent in the background, for as long as the block lasts.

    An error of the block leaves it as it is, not in a group.
    """
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_look_after, house, settings)
            yield house
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as several:
        if len(several.exceptions) > 1:
            raise
        raise several.exceptions[0] from None


async def _look_after(house: House, settings: Settings) -> None:
    """Begun a little later: an agent's first question does not wait for its imports."""
    await house.clock.sleep(FIRST_AFTER)
    from runpod_mcp.flows.keeper import keep
    from runpod_mcp.flows.webhook import deliver

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep, house)
        tasks.start_soon(deliver, house, settings.webhook_secret)


def simulator_transport() -> httpx2.AsyncBaseTransport:
    """A fresh simulator in this process, whose pods are ready in a few seconds; made when it is first called."""
    from runpod_mcp.simulator.later import SimulatorLater

    return SimulatorLater(SIMULATOR_BOOT_SECONDS)
