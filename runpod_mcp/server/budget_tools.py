"""The tool that shows what may still be spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult

from runpod_mcp.errors import Failure
from runpod_mcp.flows.budget import get_budget
from runpod_mcp.flows.budget_view import WINDOW_NAMES, BudgetView, Line, budget_facts, over_limit
from runpod_mcp.flows.context import House
from runpod_mcp.money import ZERO, as_dollars, show, show_dollars
from runpod_mcp.server.arguments import NoArguments
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec


class BudgetReply(Reply):
    """Budgets in US dollars, counts, and where the policy came from."""

    policy: str
    isDefault: bool
    budgets: list[dict[str, Any]]
    usdPerHourPerPod: float | None = None
    podsRunning: int
    podsAllowed: int | None = None
    gpusRunning: int
    gpusAllowed: int | None = None
    leaseHours: dict[str, Any]
    overLimit: list[str] | None = None
    clockBehindSeconds: int | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What is left per window in US dollars, and the same in words."""

    facts: dict[str, float]
    words: str


async def left_of(house: House) -> Left:
    """What is left after a change; that it cannot be read now is no reason for the change to fail."""
    try:
        view = await get_budget(house)
    except Failure as failure:
        return Left({}, f"What is left of the budget cannot be read now ({failure.code.value}).")
    facts = {line.name: as_dollars(line.left) for line in view.lines if line.left is not None}
    words = ", ".join(f"{show_dollars(amount)} {_PER[name]}" for name, amount in facts.items())
    return Left(facts, f"Budget left: {words}" if words else "The policy sets no budget.")


_PER = {"hour": "per hour", "day": "today", "month": "this month", "total": "in total"}


async def _get_budget(house: House, _: NoArguments) -> CallToolResult:
    view = await get_budget(house)
    return said(_words(view), budget_facts(view))


def _words(view: BudgetView) -> str:
    policy = view.policy
    origin = (
        "the built-in default policy; nobody wrote one" if policy.is_default else f"policy {policy.origin}"
    )
    lines = [f"Under {origin}.", *_alarms(view)]
    lines += [_line_words(line) for line in view.lines]
    if policy.budget.usd_per_hour_per_pod is not None:
        lines.append(f"One pod may cost {show(policy.budget.usd_per_hour_per_pod)}/h.")
    lines.append(
        f"Pods running: {_of(view.pods, policy.pods.max_running)}; GPUs: {_of(view.gpus, policy.gpus.max_running)}."
    )
    lines.append(
        f"A lease is {policy.lease.default_hours:g} h by default, {policy.lease.max_hours:g} h at most."
    )
    return "\n".join(lines)


def _alarms(view: BudgetView) -> list[str]:
    alarms = []
    if over := over_limit(view):
        alarms.append(
            f"Over the limit: {'; '.join(over.values())}. Nothing more is allowed there. What runs goes on until its "
            "lease ends; stop_pod or delete_pod ends it sooner."
        )
    if view.is_clock_behind:
        alarms.append(
            f"This machine's clock is {view.behind / 3600:.1f} h behind what it was before. Until it has caught up "
            "budgets stand still and leases end late: tell the person to set it right."
        )
    return alarms


def _line_words(line: Line) -> str:
    used = (
        f"{show(line.spent)} in use"
        if line.name == "hour"
        else f"{show(line.spent)} spent, {show(line.promised)} promised"
    )
    if line.over:
        return f"{WINDOW_NAMES[line.name]}: over the limit of {show(line.limit or ZERO)} by {show(line.over)}; {used}."
    if line.limit is None or line.left is None:
        return f"{WINDOW_NAMES[line.name]}: no limit; {used}."
    return f"{WINDOW_NAMES[line.name]}: {show(line.left)} of {show(line.limit)} left; {used}."


def _of(used: int, limit: int | None) -> str:
    return f"{used}" if limit is None else f"{used} of {limit}"


BUDGET_TOOLS = [
    ToolSpec(
        name="get_budget",
        title="Show the budget",
        description="What is spent, promised to running leases, and left per hour, day (UTC), month and in total.",
        arguments=NoArguments,
        reply=BudgetReply,
        handler=_get_budget,
        reads_only=True,
        repeatable=True,
    )
]
