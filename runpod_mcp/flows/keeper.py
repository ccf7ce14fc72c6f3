"""What a running server does by itself: reconcile at start and every minute, and end leases when they are due."""

from __future__ import annotations

import logging

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.leases import LEAD_SECONDS, next_due, reap, reap_not_ready
from runpod_mcp.flows.reconcile import reconcile

log = logging.getLogger(__name__)

FIRST_AFTER = 1.0
"""Seconds before the first round, so that an agent's first question is not kept waiting."""
EVERY = 60


async def keep(house: House) -> None:
    """Look after the house until cancelled; a round that fails is logged and the next one tries again.

    A round that is cut short leaves nothing to repair: each step of it is found undone or done by the next one.
    """
    await house.clock.sleep(FIRST_AFTER)
    while True:
        await keep_once(house)
        await house.clock.sleep(await _until_next(house))


async def keep_once(house: House) -> None:
    """One round: reconcile, unless another process just did, then end what is due."""
    try:
        if await house.ledger.claim("reconcile", house.holder, house.now(), EVERY - 5):
            report = await reconcile(house)
            for line in (*report.adopted, *report.ended, *report.not_ended, *report.given_up):
                log.warning("reconciled: %s", line)
        done = await reap(house)
        await reap_not_ready(house, done)
    except Failure as failure:
        quiet = failure.code is Code.UNAUTHORIZED
        log.log(logging.INFO if quiet else logging.WARNING, "looking after leases failed: %s", failure)


async def _until_next(house: House) -> float:
    try:
        due = await next_due(house)
    except Failure:
        return EVERY
    return EVERY if due is None else min(EVERY, max(1, due - LEAD_SECONDS - house.now()))
