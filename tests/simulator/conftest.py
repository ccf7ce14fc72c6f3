from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from sim_helpers import KEY

from runpod_mcp.clock import SteppedClock
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.in_process import SimulatorTransport


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def sim(clock: SteppedClock) -> Simulator:
    return Simulator(clock)


@pytest.fixture
async def http(sim: Simulator) -> AsyncIterator[httpx2.AsyncClient]:
    transport = SimulatorTransport(sim)
    async with httpx2.AsyncClient(transport=transport, base_url="http://simulator", headers=KEY) as client:
        yield client
