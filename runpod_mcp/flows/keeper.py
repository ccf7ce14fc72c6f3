"""What a running server does by itself: reconcile at start and every minute, and end leases when they are due."""

from __future__ import annotations

import logging
import secrets

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.alarms import tell_of_budgets
from runpod_mcp.flows.context import House
from runpod_mcp.flows.leases import Ended, reap, reap_not_ready
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.trail import note_policy

log = logging.getLogger(__name__)

TICK = 5
"""Seconds between looks at the ledger for leases that are due; other servers may have made them."""
EVERY = 60
"""Seconds between looks at Runpod."""
TOLD_AGAIN_AFTER = 3600
"""Seconds until a person is told again of what goes on."""


async def keep(house: House) -> None:
    """Look after the house until cancelled; a round that fails is logged and the next one tries again.

    A round that is cut short leaves nothing to repair: each step of it is found undone or done by the next one.
    """
    looked = 0
    while True:
        looks = house.now() - looked >= EVERY
        looked = house.now() if looks else looked
        try:
            await keep_once(house, looks=looks)
        except (
            Exception
        ) as error:  # a mistake of ours must not take the server, and the means to end pods, with it
            log.error("looking after leases failed unexpectedly", exc_info=error)
        await house.clock.sleep(TICK)


async def keep_once(house: House, *, looks: bool = True) -> None:
    """One round: end what is due, and if it `looks` at Runpod, reconcile unless another process just did."""
    try:
        if looks:
            await house.ledger.spending(house.now(), ())  # so that a clock set back is noticed
        if looks and await house.ledger.claim("reconcile", house.holder, house.now(), EVERY - 5):
            report = await reconcile(house)
            for line in (*report.adopted, *report.ended, *report.not_ended, *report.given_up):
                log.warning("reconciled: %s", line)
        done = await reap(house)
        await tell_of_ends(house, done)
        if looks:
            await _look_closer(house)
    except Failure as failure:
        quiet = failure.code is Code.UNAUTHORIZED or not looks
        log.log(logging.INFO if quiet else logging.WARNING, "looking after leases failed: %s", failure)


async def _look_closer(house: House) -> None:
    """What may fail under a broken policy comes last: leases end all the same."""
    await note_policy(house)
    late = Ended()
    await reap_not_ready(house, late)
    await tell_of_ends(house, late)
    await tell_of_budgets(house)


async def tell_of_ends(house: House, done: Ended) -> None:
    """Leave news of what a round ended, could not end, or found to bill without ports.

    What goes on is found in every round; of that there is news once an hour, whoever finds it.
    """
    for line in (*done.stopped, *done.deleted):
        house.notices.tell("lease_ended", house.now(), what=line)
    for event, lines in (("not_ended", done.failed), ("not_ready", done.not_ready)):
        for line in lines:
            if await _is_news(house, f"told {event} {line}"):
                house.notices.tell(event, house.now(), what=line)


async def _is_news(house: House, work: str) -> bool:
    """Whether nobody said so in the last hour; where the ledger cannot tell, rather once too often."""
    try:
        return await house.ledger.claim(work, secrets.token_hex(8), house.now(), TOLD_AGAIN_AFTER)
    except Failure:
        return True
