"""Telling a person, once each, that a budget is half, nearly, or wholly used up."""

from __future__ import annotations

import secrets

from runpod_mcp.flows.budget import Line, get_budget
from runpod_mcp.flows.context import House
from runpod_mcp.money import Usd, as_dollars
from runpod_mcp.policy.spending import day_of, month_of

STEPS = (100, 80, 50)
"""Percent of a budget, spent and promised, the highest first."""
REMEMBERED_FOR = {"hour": 86_400, "day": 2 * 86_400, "month": 32 * 86_400, "total": 3650 * 86_400}
"""Seconds for which nobody is told the same again."""


async def tell_of_budgets(house: House) -> None:
    """Leave news of every budget that has reached a step nobody was told of yet.

    Raises:
        Failure: the policy is broken, or the sums cannot be read.
    """
    if house.policies.current().notify.webhook is None:
        return
    for line in (await get_budget(house)).lines:
        step = reached(line)
        if step is not None and line.limit is not None and await _is_news(house, line.name, step):
            used = Usd(line.spent + line.promised)
            house.notices.tell(
                "budget_used",
                house.now(),
                budget=line.name,
                percent=step,
                usdLimit=as_dollars(line.limit),
                usdUsed=as_dollars(used),
            )


def reached(line: Line) -> int | None:
    """The highest step a budget has reached; None below the first, or without a limit."""
    if not line.limit:
        return None
    percent = (line.spent + line.promised) * 100 // line.limit
    return next((step for step in STEPS if percent >= step), None)


async def _is_news(house: House, name: str, step: int) -> bool:
    """Whether no server said so yet; a step below one that was said is none."""
    now = house.now()
    when = {"day": day_of(now).key, "month": month_of(now).key}.get(name, name)
    news = False
    for lower in [one for one in STEPS if one <= step]:
        work = f"told {when} {lower}"
        mine = await house.ledger.claim(work, secrets.token_hex(8), now, REMEMBERED_FOR[name])
        news = news or (mine and lower == step)
    return news
