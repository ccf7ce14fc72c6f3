"""Every budget as it stands, worked out from a policy and the sums of a ledger, and the same as facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runpod_mcp.money import Usd, as_dollars, show
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import TOTAL, Holding, Spending, Window, day_of, month_of

CLOCK_MAY_BE_BEHIND = 60
"""Seconds by which the clocks of one machine's servers differ without meaning anything."""

WINDOW_NAMES = {
    "hour": "All pods per hour",
    "day": "Today (UTC)",
    "month": "This month (UTC)",
    "total": "In total",
}


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

    @property
    def is_clock_behind(self) -> bool:
        """Whether the clock is so far behind that a person should set it right."""
        return self.behind > CLOCK_MAY_BE_BEHIND


def windows_of(now: int) -> tuple[Window, ...]:
    """The windows whose sums a view needs."""
    return day_of(now), month_of(now), TOTAL


def view_of(
    policy: Policy, spending: Spending, others: Iterable[Holding] = (), behind: int = 0
) -> BudgetView:
    """The budgets from the sums for `windows_of(spending.now)`; `others` is what counts besides, made elsewhere."""
    everything = Spending(spending.now, (*spending.holdings, *others), spending.closed)
    return BudgetView(
        policy,
        _lines(policy, everything),
        everything.usd_per_hour,
        everything.pods_running,
        everything.gpus_running,
        _too_dear(policy, spending),
        behind,
    )


def budget_facts(view: BudgetView) -> dict[str, Any]:
    """Every budget, count and limit as it stands; what does not apply is left out."""
    policy = view.policy
    facts: dict[str, Any] = {
        "policy": policy.origin,
        "isDefault": policy.is_default,
        "budgets": [_facts(line) for line in view.lines],
        "usdPerHourPerPod": _maybe(policy.budget.usd_per_hour_per_pod),
        "podsRunning": view.pods,
        "podsAllowed": policy.pods.max_running,
        "gpusRunning": view.gpus,
        "gpusAllowed": policy.gpus.max_running,
        "leaseHours": {"default": policy.lease.default_hours, "max": policy.lease.max_hours},
        "overLimit": list(over_limit(view)) or None,
        "clockBehindSeconds": view.behind if view.is_clock_behind else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def over_limit(view: BudgetView) -> dict[str, str]:
    """What is above its limit, and by how much in words: the policy was made stricter, or Runpod dearer."""
    policy = view.policy
    over = {line.name: f"{WINDOW_NAMES[line.name]} by {show(line.over)}" for line in view.lines if line.over}
    if view.too_dear:
        over["pod"] = f"the price of {view.too_dear} {'pod' if view.too_dear == 1 else 'pods'}"
    for name, used, limit in (
        ("podsRunning", view.pods, policy.pods.max_running),
        ("gpusRunning", view.gpus, policy.gpus.max_running),
    ):
        if limit is not None and used > limit:
            over[name] = f"{'pods' if name == 'podsRunning' else 'GPUs'} running by {used - limit}"
    return over


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


def _facts(line: Line) -> dict[str, Any]:
    row = {
        "per": line.name,
        "limit": _maybe(line.limit),
        "spent": as_dollars(line.spent),
        "promised": as_dollars(line.promised),
        "left": _maybe(line.left),
        "over": _maybe(line.over),
    }
    return {name: value for name, value in row.items() if value is not None}


def _maybe(amount: Usd | None) -> float | None:
    return None if amount is None else as_dollars(amount)
