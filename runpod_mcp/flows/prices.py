"""The catalog, read no more often than prices need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import anyio

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.clock import Clock
from runpod_mcp.runpod.api import RunpodApi

FRESH_FOR = timedelta(seconds=30)
"""A price older than this is read again before money is promised on it."""


@dataclass(slots=True)
class Prices:
    """Readings of the catalog by cloud and GPU count; calls that come together share one reading."""

    api: RunpodApi
    clock: Clock
    _held: dict[tuple[str, int], Catalog] = field(default_factory=dict)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def read(self, cloud: str, gpu_count: int = 1) -> Catalog:
        """A fresh catalog for pods of this cloud and GPU count.

        Raises:
            Failure: the catalog cannot be read; there is no price then, and nothing is rented.
        """
        async with self._lock:
            held = self._held.get((cloud, gpu_count))
            if held is None or not held.is_fresh(self.clock.now(), FRESH_FOR):
                held = await self.api.read_catalog(cloud=cloud, gpu_count=gpu_count)
                self._held[cloud, gpu_count] = held
            return held
