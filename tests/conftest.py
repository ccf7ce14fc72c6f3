from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from front_door import FrontDoor, front_door
from hypothesis import HealthCheck, settings

# A busy machine says nothing about a test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 500_000_000:
    # A durable commit waits for the disk, and a suite makes a hundred thousand of them.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[FrontDoor]:
    """The way in under a roomy policy, in v2; at the end the promises must hold."""
    async with front_door(tmp_path) as opened:
        yield opened
        await opened.keep_promises()


@pytest.fixture(params=["v2", "v1"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FrontDoor]:
    """The same in each dialect."""
    async with front_door(tmp_path, dialect=request.param) as opened:
        yield opened
        await opened.keep_promises()
