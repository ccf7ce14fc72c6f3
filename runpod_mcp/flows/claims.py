"""Changing a pod without somebody else correcting the ledger in between."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Lease, LeaseKind

CHANGE_TAKES = 600
"""Seconds for which a change is left alone whose server does not end it: one that died is waited for no longer.

A change seldom takes two minutes; nobody whose clock is minutes ahead or behind may think that it is over.
"""


@asynccontextmanager
async def changing(house: House, lease: Lease) -> AsyncIterator[None]:
    """Keep a lease to oneself while its pod is raised: until it is done, what Runpod lists is not yet true.

    Raises:
        Failure: `conflict`, somebody else is changing this pod, or has since the lease was read.
    """
    holder = _holder(house)
    if not await house.ledger.claim(_work(lease), holder, house.now(), CHANGE_TAKES):
        raise _conflict(lease, "is being changed by another call; wait for it")
    try:
        if await moved_on(house, lease):
            raise _conflict(lease, "was changed by another call just now; look at it again")
        yield
    finally:
        await house.ledger.claim(_work(lease), holder, house.now(), 0)


@asynccontextmanager
async def alone(house: House, lease: Lease | None) -> AsyncIterator[bool]:
    """Keep a lease to oneself, where it is free: whether what is seen of its pod may be written down.

    While somebody else raises the pod, what is seen of it may be over before it is written. A ledger that cannot be
    reached keeps nobody from a pod; writing to it says what is wrong.
    """
    holder = _holder(house)
    mine = lease is None or await _take(house, lease, holder)
    try:
        yield mine
    finally:
        if lease and mine:
            with contextlib.suppress(Failure):
                await house.ledger.claim(_work(lease), holder, house.now(), 0)


async def _take(house: House, lease: Lease, holder: str) -> bool:
    try:
        return await house.ledger.claim(_work(lease), holder, house.now(), CHANGE_TAKES)
    except Failure:
        return True


async def moved_on(house: House, lease: Lease) -> bool:
    """Whether something that counts was written about a lease since it was read."""
    now = await house.ledger.lease(lease.reservation.id)
    return now is None or replace(now, notes=()) != replace(lease, notes=())


def _conflict(lease: Lease, what: str) -> Failure:
    name = "Pod" if lease.kind is LeaseKind.POD else lease.kind.value.replace("_", " ").capitalize()
    return Failure(Code.CONFLICT, f"{name} {lease.pod_id} {what}.", Retry.LATER)


def _holder(house: House) -> str:
    """A name of this call's own: calls of one server keep out of each other's way too."""
    return f"{house.holder}-{secrets.token_hex(4)}"


def _work(lease: Lease) -> str:
    return f"change {lease.reservation.id}"
