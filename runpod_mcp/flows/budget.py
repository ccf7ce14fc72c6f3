"""What may still be spent, for the person and the agent to see."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.flows.context import House
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.money import Usd
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import TOTAL, Spending, Window, day_of, month_of


@dataclass(frozen=True, slots=True)
class Line:
    """One budget: its limit (None: there is none), what is spent, what is promised on top; micro-dollars."""

    name: str
    limit: Usd | None
    spent: Usd
    promised: Usd

    @property
    def left(self) -> Usd | None:
        """What is free; None without a limit."""
        return None if self.limit is None else Usd(max(0, self.limit - self.spent - self.promised))

    @property
    def over(self) -> Usd | None:
        """How far above the limit it is, as after the policy was made stricter; None when it is not."""
        used = self.spent + self.promised
        return None if self.limit is None or used <= self.limit else Usd(used - self.limit)


@dataclass(frozen=True, slots=True)
class BudgetView:
    """Every budget and count as it stands; counts without a limit have None.

    `too_dear` counts what costs more per hour than one pod may now. `behind` is by how many seconds this machine's
    clock is behind the latest moment the ledger has seen, which is what the budgets take for now.
    """

    policy: Policy
    lines: tuple[Line, ...]
    usd_per_hour: Usd
    pods: int
    gpus: int
    too_dear: int
    behind: int


async def get_budget(house: House) -> BudgetView:
    """What is spent, promised and left, now.

    Raises:
        Failure: the policy is broken, or the ledger cannot be read.
    """
    policy = house.policies.current()
    clock = house.now()
    now = (await house.ledger.spending(clock, ())).now
    spending = await house.ledger.spending(now, (day_of(now), month_of(now), TOTAL))
    others = await unmanaged_holdings(house, policy)
    everything = Spending(spending.now, (*spending.holdings, *others), spending.closed)
    return BudgetView(
        policy,
        _lines(policy, everything),
        everything.usd_per_hour,
        everything.pods_running,
        everything.gpus_running,
        _too_dear(policy, spending),
        now - clock,
    )


def _too_dear(policy: Policy, spending: Spending) -> int:
    most = policy.budget.usd_per_hour_per_pod
    rates = (holding.usd_per_hour_from(spending.now) for holding in spending.holdings)
    return 0 if most is None else sum(rate > most for rate in rates)


def _lines(policy: Policy, spending: Spending) -> tuple[Line, ...]:
    budget, now = policy.budget, spending.now
    return (
        Line("hour", budget.usd_per_hour, spending.usd_per_hour, Usd(0)),
        _line("day", budget.usd_per_day, day_of(now), spending),
        _line("month", budget.usd_per_month, month_of(now), spending),
        _line("total", budget.usd_total, TOTAL, spending),
    )


def _line(name: str, limit: Usd | None, window: Window, spending: Spending) -> Line:
    spent = spending.spent_within(window)
    return Line(name, limit, spent, Usd(max(0, spending.within(window) - spent)))
