"""Each budget: exactly at the limit passes, one micro-dollar more does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_helpers import HOUR, NOW, holding, policy, usd

from runpod_mcp.clock import epoch
from runpod_mcp.money import MICRO, Usd
from runpod_mcp.policy.budgets import judge_budgets, judge_pod_price
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Plan, Spending, Stretch, lease_plan

NEW_YEARS_EVE = epoch(datetime(2026, 12, 31, 23, tzinfo=UTC))


def plan(rate: int = MICRO, hours: int = 1, gpus: int = 1, start: int = NOW, running: bool = True) -> Plan:
    return Plan((Stretch(start, start + hours * HOUR, Usd(rate)),), gpus, running)


def judge(rules: Policy, wish: Plan, spending: Spending | None = None) -> Deny | None:
    return judge_budgets(rules, spending or Spending(NOW), wish)


def code_of(denied: Deny | None) -> str | None:
    return denied and denied.code.value


BUDGETS = {
    "usd_per_hour_per_pod": "over_pod_hourly_budget",
    "usd_per_hour": "over_hourly_budget",
    "usd_per_day": "over_daily_budget",
    "usd_per_month": "over_monthly_budget",
    "usd_total": "over_total_budget",
}


@pytest.mark.parametrize("key", BUDGETS)
@pytest.mark.parametrize("used", [0, 1, 2])
def test_exactly_at_a_budget_passes_and_one_micro_dollar_more_does_not(key, used):
    """One hour at a dollar, beside what is held for an hour already; per pod, others do not count."""
    others = 0 if key == "usd_per_hour_per_pod" else used
    rules = policy(budget={key: 1 + others})
    spending = Spending(NOW, (holding(used),) if used else ())
    assert judge(rules, plan(MICRO), spending) is None
    denied = judge(rules, plan(MICRO + 1), spending)
    assert denied is not None
    assert code_of(denied) == BUDGETS[key]
    assert denied.limit == 1 + others
    assert denied.requested == 1.000001
    assert denied.used == (None if key == "usd_per_hour_per_pod" else used)


@pytest.mark.parametrize("key", BUDGETS)
def test_a_budget_of_zero_lets_only_what_costs_nothing_through(key):
    assert judge(policy(budget={key: 0}), plan(0)) is None
    assert code_of(judge(policy(budget={key: 0}), plan(1))) == BUDGETS[key]


def test_what_ended_earlier_still_counts_in_its_windows():
    closed = {"day:2026-11-23": usd(9), "month:2026-11": usd(20), "total": usd(50)}
    spending = Spending(NOW, (), closed)
    assert judge(policy(budget={"usd_per_day": 10}), plan(), spending) is None
    for key, most in (("usd_per_day", 9.99), ("usd_per_month", 20.99), ("usd_total", 50.99)):
        denied = judge(policy(budget={key: most}), plan(), spending)
        assert denied is not None
        assert code_of(denied) == BUDGETS[key]
        assert "$0.99 of" in denied.message
    assert judge(policy(budget={"usd_per_hour": 1}), plan(), spending) is None


def test_a_lease_over_midnight_is_charged_to_both_days_and_months():
    two_hours = plan(hours=2, start=NEW_YEARS_EVE)
    eve = Spending(NEW_YEARS_EVE)
    assert judge(policy(budget={"usd_per_day": 1, "usd_per_month": 1}), two_hours, eve) is None
    tomorrow = Spending(NEW_YEARS_EVE, (), {"day:2027-01-01": Usd(1)})
    denied = judge(policy(budget={"usd_per_day": 1}), two_hours, tomorrow)
    assert denied is not None
    assert "2027-01-01 (UTC)" in denied.message
    denied = judge(policy(budget={"usd_per_month": 0.9}), two_hours, eve)
    assert denied is not None
    assert "2026-12 (UTC)" in denied.message


def test_the_nearest_limit_is_the_one_that_is_named():
    everything = policy(budget=dict.fromkeys(BUDGETS, 0.5), pods={"max_running": 0}, gpus={"max_running": 0})
    order = []
    rules = everything
    while denied := judge(rules, plan()):
        order.append(denied.code.value)
        rules = without(rules, denied.code.value)
    assert order == [
        "over_pod_hourly_budget",
        "too_many_pods",
        "too_many_gpus",
        "over_hourly_budget",
        "over_daily_budget",
        "over_monthly_budget",
        "over_total_budget",
    ]


def without(rules: Policy, code: str) -> Policy:
    key = next((key for key, found in BUDGETS.items() if found == code), None)
    if key:
        return rules.model_copy(update={"budget": rules.budget.model_copy(update={key: None})})
    table = code.removeprefix("too_many_")
    lighter = getattr(rules, table).model_copy(update={"max_running": None})
    return rules.model_copy(update={table: lighter})


def test_pods_and_gpus_that_run_are_counted_and_stopped_ones_are_not():
    spending = Spending(NOW, (holding(1, gpus=2), holding(0.1, gpus=4, running=False)))
    assert judge(policy(pods={"max_running": 2}), plan(), spending) is None
    assert code_of(judge(policy(pods={"max_running": 1}), plan(), spending)) == "too_many_pods"
    assert judge(policy(gpus={"max_running": 3}), plan(), spending) is None
    denied = judge(policy(gpus={"max_running": 3}), plan(gpus=2), spending)
    assert denied is not None
    assert (code_of(denied), denied.limit, denied.used, denied.requested) == ("too_many_gpus", 3, 2, 2)


def test_a_cpu_pod_is_a_pod_but_takes_no_gpu():
    full = Spending(NOW, (holding(1, gpus=2),))
    assert judge(policy(gpus={"max_running": 2}), plan(gpus=0), full) is None
    assert judge(policy(gpus={"max_running": 0}), plan(gpus=0)) is None
    assert code_of(judge(policy(pods={"max_running": 0}), plan(gpus=0))) == "too_many_pods"


def test_what_does_not_run_is_not_counted_but_costs():
    nothing_more = policy(pods={"max_running": 0}, gpus={"max_running": 0})
    assert judge(nothing_more, plan(running=False)) is None
    assert judge(policy(budget={"usd_per_hour": 0.5}), plan(running=False))


def test_the_price_of_one_pod_is_judged_at_its_dearest():
    budget = policy(budget={"usd_per_hour_per_pod": 1}).budget
    assert judge_pod_price(budget, usd(1)) is None
    assert judge_pod_price(budget, Usd(MICRO + 1))
    assert judge_pod_price(policy().budget, usd(10**6)) is None
    dearer_stopped = lease_plan(NOW, NOW + HOUR, NOW + 2 * HOUR, usd(0.5), usd(1.5), 1)
    denied = judge_budgets(policy(budget={"usd_per_hour_per_pod": 1}), Spending(NOW), dearer_stopped)
    assert code_of(denied) == "over_pod_hourly_budget"


def test_a_budget_that_is_overspent_already_has_nothing_left_and_not_less():
    denied = judge(policy(budget={"usd_per_day": 1}), plan(), Spending(NOW, (holding(5),)))
    assert denied is not None
    assert "$0.00 of $1.00" in denied.message
    assert denied.used == 5


@given(
    st.lists(st.tuples(st.integers(0, 3 * MICRO), st.integers(1, 60)), max_size=4),
    st.integers(0, 5 * MICRO),
    st.integers(1, 72),
    st.integers(0, 20),
)
def test_what_passes_never_takes_the_sums_above_a_budget(held, rate, hours, most):
    keys = [key for key in BUDGETS if key != "usd_per_hour_per_pod"]
    rules = policy(budget=dict.fromkeys(keys, most))
    holdings = tuple(holding(each / MICRO, length) for each, length in held)
    wish = plan(rate, hours)
    if judge(rules, wish, Spending(NOW, holdings)) is not None:
        return
    after = Spending(NOW, (*holdings, type(holding(0))("r-new", wish.stretches, 1, True)))
    assert after.usd_per_hour <= most * MICRO
    assert all(after.within(window) <= most * MICRO for window in wish.windows())
