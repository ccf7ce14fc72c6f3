"""What may still be spent, for the person and the agent to see."""

from __future__ import annotations

from runpod_mcp.flows.budget_view import BudgetView as BudgetView
from runpod_mcp.flows.budget_view import Line as Line
from runpod_mcp.flows.budget_view import view_of, windows_of
from runpod_mcp.flows.context import House
from runpod_mcp.flows.unmanaged import unmanaged_holdings


async def get_budget(house: House) -> BudgetView:
    """What is spent, promised and left, now.

    Raises:
        Failure: the policy is broken, or the ledger cannot be read.
    """
    policy = house.policies.current()
    clock = house.now()
    now = (await house.ledger.spending(clock, ())).now
    spending = await house.ledger.spending(now, windows_of(now))
    return view_of(policy, spending, await unmanaged_holdings(house, policy), now - clock)
