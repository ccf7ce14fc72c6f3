"""What may still be spent: from the ledger and the policy, without a key."""

from __future__ import annotations

import json
from dataclasses import replace

import anyio
import click

from runpod_mcp.cli.opened import from_ledger, nothing_yet, now
from runpod_mcp.cli.options import Options
from runpod_mcp.cli.tables import (
    FREE,
    NOTHING,
    PROMISED,
    USED,
    Column,
    alarm,
    bar,
    bar_length,
    cents,
    say,
    table,
    width,
    wrapped,
)
from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.config import Settings
from runpod_mcp.flows.budget_view import BudgetView, Line, budget_facts, over_limit, view_of, windows_of
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.logs import log_to_stderr
from runpod_mcp.money import ZERO, show
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Spending
from runpod_mcp.wiring import has_ledger, open_house

_NAMES = {"hour": "per hour", "day": "today", "month": "month", "total": "in total"}


def run_budget(options: Options, as_json: bool) -> None:
    """Show every budget as it stands.

    Raises:
        Failure: the policy is broken, the ledger cannot be read, or Runpod where the policy counts what is made elsewhere.
    """
    settings = options.settings()
    policy = PolicyFile(settings.policy, settings.policy_named).current()
    moment = now()
    if policy.budget.include_unmanaged:
        view: BudgetView | None = _with_others(settings)
    else:
        view = from_ledger(settings, lambda ledger: _view(ledger, policy, moment))
    missing = "" if has_ledger(settings) else nothing_yet(settings)
    view = view or view_of(policy, Spending(moment))
    at = from_epoch(moment + view.behind)
    if as_json:
        click.echo(json.dumps({"at": iso(at), **budget_facts(view)}, indent=2))
        return
    say(*wrapped(f"Budgets at {at:%Y-%m-%d %H:%M} UTC, {_origin(policy)}", width()))
    say(*(alarm(line) for words in _alarms(view) for line in wrapped(words, width())))
    say(*([*wrapped(missing, width())] if missing else []))
    say("", *budget_table(view, width()), "", *wrapped(_counts(view), width()))


async def _view(ledger: Ledger, policy: Policy, clock: int) -> BudgetView:
    latest = (await ledger.spending(clock, ())).now
    spending = await ledger.spending(latest, windows_of(latest))
    return view_of(policy, spending, behind=latest - clock)


def _with_others(settings: Settings) -> BudgetView:
    """The budgets where pods made elsewhere count: only Runpod knows them."""
    from runpod_mcp.flows.budget import get_budget

    log_to_stderr()

    async def run() -> BudgetView:
        async with open_house(without_making(settings)) as house:
            return await get_budget(house)

    return anyio.run(run)


def without_making(settings: Settings) -> Settings:
    """The same settings, with a ledger that passes where there is none yet, so that none is made."""
    return settings if has_ledger(settings) else replace(settings, ledger=None)


def _origin(policy: Policy) -> str:
    return "the built-in default policy; nobody wrote one" if policy.is_default else f"policy {policy.origin}"


def _alarms(view: BudgetView) -> list[str]:
    alarms = []
    if over := over_limit(view):
        alarms.append(
            f"Over the limit: {'; '.join(over.values())}. Nothing more is rented there; what runs goes on until its "
            "lease ends."
        )
    if view.is_clock_behind:
        alarms.append(
            f"This machine's clock is {view.behind / 3600:.1f} h behind what the ledger has seen: until it has caught up, "
            "budgets stand still and leases end late. Set it right."
        )
    return alarms


def budget_table(view: BudgetView, most: int | None) -> list[str]:
    """The budgets as a table with bars."""
    columns = [
        Column("", least=8),
        Column("used", 2, right=True),
        Column("promised", 4, right=True),
        Column("free", right=True),
        Column("limit", 3, right=True),
        Column("", 1),
    ]
    return [
        *table(columns, [_budget_row(line, bar_length(most)) for line in view.lines], most),
        *wrapped(f"{USED} used  {PROMISED} promised to running leases  {FREE} free", most),
    ]


def _budget_row(line: Line, length: int) -> list[str]:
    whole = line.limit or ZERO
    drawn = "" if line.limit is None else bar([(USED, line.spent), (PROMISED, line.promised)], whole, length)
    if line.limit == 0 and line.over:
        drawn = USED * length
    return [
        _NAMES[line.name],
        cents(line.spent),
        NOTHING if line.name == "hour" else cents(line.promised),
        "any" if line.left is None else cents(line.left),
        "none" if line.limit is None else cents(line.limit),
        drawn,
    ]


def _counts(view: BudgetView) -> str:
    policy = view.policy
    most = policy.budget.usd_per_hour_per_pod
    one = "" if most is None else f" One pod may cost {show(most)} per hour."
    pods, gpus = _of(view.pods, policy.pods.max_running), _of(view.gpus, policy.gpus.max_running)
    return f"Running: pods {pods}, GPUs {gpus}.{one}"


def _of(used: int, limit: int | None) -> str:
    return f"{used}" if limit is None else f"{used} of {limit}"
