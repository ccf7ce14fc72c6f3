"""The budgets: whether a plan fits beside everything already spent and promised. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runpod_mcp.errors import Code
from runpod_mcp.money import Usd, as_dollars, show
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Budget, Policy
from runpod_mcp.policy.spending import TOTAL, Plan, Spending, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One budget or count as a plan meets it: its limit (None: there is none), what is used, what the plan needs.

    `key` is the policy's. Money is micro-dollars, per hour where `per` says so; a count has what it counts in `counts`.
    A `window` is the day, the month or the total the numbers are for, and `name` its name in a sentence.
    """

    key: str
    code: Code
    limit: int | None
    used: int
    needed: int
    name: str = ""
    per: str = ""
    counts: str = ""
    window: Window | None = None

    @property
    def left(self) -> int | None:
        """What is free before the plan; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def denied(self) -> Deny | None:
        """Why the plan does not fit; None where it does."""
        if self.limit is None or self.used + self.needed <= self.limit:
            return None
        if self.counts:
            return self._too_many(self.limit)
        return self._over(Usd(self.limit))

    def _too_many(self, limit: int) -> Deny:
        return Deny(
            code=self.code,
            message=f"{self.used} of {limit} {self.counts} are already running or promised; "
            f"{self.needed} more would be too many.",
            limit=limit,
            used=self.used,
            requested=self.needed,
        )

    def _over(self, limit: Usd) -> Deny:
        needed = f"{show(Usd(self.needed))}{self.per}"
        left = f"{show(Usd(self.left or 0))}{self.per}"
        return Deny(
            code=self.code,
            message=f"It needs up to {needed}; {left} of {show(limit)}{self.per} {self.name} is left.",
            limit=as_dollars(limit),
            used=as_dollars(Usd(self.used)),
            requested=as_dollars(Usd(self.needed)),
        )


def judge_budgets(policy: Policy, spending: Spending, plan: Plan) -> Deny | None:
    """The first budget or count a plan does not fit into, the nearest first; None when all have room.

    `spending` must hold the closed sums of every window of the plan.
    """
    too_dear = judge_pod_price(policy.budget, plan.usd_per_hour)
    return too_dear or next((no for room in rooms(policy, spending, plan) if (no := room.denied)), None)


def judge_pod_price(budget: Budget, usd_per_hour: Usd) -> Deny | None:
    """Whether one pod at this price, micro-dollars per hour with disks, is too dear by itself."""
    limit = budget.usd_per_hour_per_pod
    if limit is None or usd_per_hour <= limit:
        return None
    return Deny(
        code=Code.OVER_POD_HOURLY_BUDGET,
        message=f"It needs up to {show(usd_per_hour)}/h, disks included; one pod may cost {show(limit)}/h.",
        limit=as_dollars(limit),
        requested=as_dollars(usd_per_hour),
    )


def rooms(policy: Policy, spending: Spending, plan: Plan, *, every: bool = False) -> Iterator[Room]:
    """What a plan must fit into, the nearest first: counts, all pods per hour, days, months, the total.

    Where `every`, those without a limit too.
    """
    if plan.running:
        yield from _counts(policy, spending, plan)
    hourly = policy.budget.usd_per_hour
    if every or hourly is not None:
        yield Room(
            key="budget.usd_per_hour",
            code=Code.OVER_HOURLY_BUDGET,
            limit=hourly,
            used=spending.usd_per_hour,
            needed=plan.usd_per_hour,
            name="all pods per hour",
            per="/h",
        )
    for window in plan.windows():
        key, limit, code, name = _limit_of(policy.budget, window)
        if every or limit is not None:
            used, needed = spending.within(window), window.cost_of(plan.stretches)
            yield Room(key=key, code=code, limit=limit, used=used, needed=needed, name=name, window=window)


def _counts(policy: Policy, spending: Spending, plan: Plan) -> Iterator[Room]:
    pods, gpus = policy.pods.max_running, policy.gpus.max_running
    yield Room(
        key="pods.max_running",
        code=Code.TOO_MANY_PODS,
        limit=pods,
        used=spending.pods_running,
        needed=1,
        counts="pods",
    )
    if plan.gpus:
        yield Room(
            key="gpus.max_running",
            code=Code.TOO_MANY_GPUS,
            limit=gpus,
            used=spending.gpus_running,
            needed=plan.gpus,
            counts="GPUs",
        )


def _limit_of(budget: Budget, window: Window) -> tuple[str, Usd | None, Code, str]:
    if window is TOTAL:
        return "budget.usd_total", budget.usd_total, Code.OVER_TOTAL_BUDGET, "in total"
    kind, _, when = window.key.partition(":")
    if kind == "day":
        return "budget.usd_per_day", budget.usd_per_day, Code.OVER_DAILY_BUDGET, f"on {when} (UTC)"
    return "budget.usd_per_month", budget.usd_per_month, Code.OVER_MONTHLY_BUDGET, f"in {when} (UTC)"
