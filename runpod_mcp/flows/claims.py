"""Changing a pod without somebody else correcting the ledger in between."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Lease

CHANGE_TAKES = 120
"""Seconds a change of a pod may take; a server that died in it is waited for no longer."""


@asynccontextmanager
async def changing(house: House, lease: Lease) -> AsyncIterator[None]:
    """Keep a lease to oneself while its pod is raised: until it is done, what Runpod lists is not yet true.

    Raises:
        Failure: `conflict`, somebody else is changing this pod.
    """
    holder = f"{house.holder}-{secrets.token_hex(4)}"
    if not await house.ledger.claim(_work(lease), holder, house.now(), CHANGE_TAKES):
        raise Failure(
            Code.CONFLICT, f"Pod {lease.pod_id} is being changed by another call; wait for it.", Retry.LATER
        )
    try:
        yield
    finally:
        await house.ledger.claim(_work(lease), holder, house.now(), 0)


async def being_changed(house: House, lease: Lease) -> bool:
    """Whether a change of this pod is under way somewhere."""
    holder = f"{house.holder}-{secrets.token_hex(4)}"
    free = await house.ledger.claim(_work(lease), holder, house.now(), CHANGE_TAKES)
    return not (free and await house.ledger.claim(_work(lease), holder, house.now(), 0))


def _work(lease: Lease) -> str:
    return f"change {lease.reservation.id}"
