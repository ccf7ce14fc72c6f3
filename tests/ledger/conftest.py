"""Every engine that keeps a ledger, behind one fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.store import Ledger

ENGINES: dict[str, Callable[[Path], Ledger]] = {"sqlite": lambda folder: SqliteLedger(folder / "ledger.db")}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=list(ENGINES))
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger that must be sound when the test is over."""
    store = ENGINES[request.param](tmp_path)
    yield store
    assert await store.verify() == ()
    await store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite ledger may be made."""
    return tmp_path / "ledger.db"
