"""The budgets: whether a plan fits beside everything already spent and promised. Pure."""

from __future__ import annotations

from runpod_mcp.errors import Code
from runpod_mcp.money import Usd, as_dollars, show
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Budget, Policy
from runpod_mcp.policy.spending import TOTAL, Plan, Spending, Window


def judge_budgets(policy: Policy, spending: Spending, plan: Plan) -> Deny | None:
    """The first budget or count a plan does not fit into, the nearest first; None when all have room.

    `spending` must hold the closed sums of every window of the plan.
    """
    return (
        judge_pod_price(policy.budget, plan.usd_per_hour)
        or _counts(policy, spending, plan)
        or _hourly(policy.budget, spending, plan)
        or _windows(policy.budget, spending, plan)
    )


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


def _counts(policy: Policy, spending: Spending, plan: Plan) -> Deny | None:
    if not plan.running:
        return None
    pods, gpus = policy.pods.max_running, policy.gpus.max_running
    if pods is not None and spending.pods_running + 1 > pods:
        return _too_many(Code.TOO_MANY_PODS, "pods", pods, spending.pods_running, 1)
    if gpus is not None and plan.gpus and spending.gpus_running + plan.gpus > gpus:
        return _too_many(Code.TOO_MANY_GPUS, "GPUs", gpus, spending.gpus_running, plan.gpus)
    return None


def _too_many(code: Code, what: str, limit: int, used: int, requested: int) -> Deny:
    return Deny(
        code=code,
        message=f"{used} of {limit} {what} are already running or promised; {requested} more would be too many.",
        limit=limit,
        used=used,
        requested=requested,
    )


def _hourly(budget: Budget, spending: Spending, plan: Plan) -> Deny | None:
    limit = budget.usd_per_hour
    if limit is None or spending.usd_per_hour + plan.usd_per_hour <= limit:
        return None
    return _over(
        Code.OVER_HOURLY_BUDGET, "all pods per hour", limit, spending.usd_per_hour, plan.usd_per_hour, "/h"
    )


def _windows(budget: Budget, spending: Spending, plan: Plan) -> Deny | None:
    for window in plan.windows():
        limit, code, name = _limit_of(budget, window)
        if limit is None:
            continue
        used, needed = spending.within(window), window.cost_of(plan.stretches)
        if used + needed > limit:
            return _over(code, name, limit, used, needed)
    return None


def _limit_of(budget: Budget, window: Window) -> tuple[Usd | None, Code, str]:
    if window is TOTAL:
        return budget.usd_total, Code.OVER_TOTAL_BUDGET, "in total"
    kind, _, when = window.key.partition(":")
    if kind == "day":
        return budget.usd_per_day, Code.OVER_DAILY_BUDGET, f"on {when} (UTC)"
    return budget.usd_per_month, Code.OVER_MONTHLY_BUDGET, f"in {when} (UTC)"


def _over(code: Code, name: str, limit: Usd, used: Usd, needed: Usd, per: str = "") -> Deny:
    left = Usd(max(0, limit - used))
    return Deny(
        code=code,
        message=f"It needs up to {show(needed)}{per}; {show(left)}{per} of {show(limit)}{per} {name} is left.",
        limit=as_dollars(limit),
        used=as_dollars(used),
        requested=as_dollars(needed),
    )
