from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from front_door import FrontDoor, front_door


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
