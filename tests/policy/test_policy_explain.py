"""Why a request is allowed or not: the verdicts are those of `decide`, with the numbers behind them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from policy_helpers import (
    A40,
    H100,
    L4,
    NO_DISKS,
    RTX_4090,
    case,
    catalog,
    holding,
    policy,
    request,
    usd,
)
from test_policy_alternatives import budgets, types, wishes

from runpod_mcp.errors import Failure
from runpod_mcp.policy.decide import Case, decide
from runpod_mcp.policy.decision import Allow, AskHuman, Deny
from runpod_mcp.policy.explain import Explanation, RuleSays, Verdict, explain
from runpod_mcp.policy.offer import Wanted
from runpod_mcp.policy.rules import RULES


def explained(situation: Case, **arguments: Any) -> Explanation:
    return explain(situation, Wanted(request(**arguments)))


def rule(found: Explanation, key: str) -> RuleSays:
    return next(one for one in found.rules if one.rule == key)


def numbers(one: RuleSays) -> tuple[Any, ...]:
    return one.verdict.value, one.limit, one.used, one.requested


def test_every_rule_is_there_once_in_order():
    found = explained(case(), gpuTypeIds=[L4], **NO_DISKS)
    assert [one.rule for one in found.rules] == [
        *(rule.key for rule in RULES),
        "pods.data_centers",
        "maxUsdPerHour",
        "budget.usd_per_hour_per_pod",
        "pods.max_running",
        "gpus.max_running",
        "budget.usd_per_hour",
        "budget.usd_per_day",
        "budget.usd_per_month",
        "budget.usd_total",
        "approval.tools",
        "approval.above_usd_per_hour",
        "approval.above_usd_per_lease",
    ]


def test_under_no_limits_no_rule_applies_but_those_that_always_have_a_limit():
    found = explained(case(), gpuTypeIds=[L4], leaseHours=1)
    assert {one.rule for one in found.rules if one.verdict is Verdict.OK} == {
        "pods.interruptible",
        "lease.max_hours",
    }
    assert isinstance(found.decision, Allow)


def test_each_rule_shows_its_limit_and_what_is_asked():
    rules = policy(
        gpus={"allow": [L4], "deny": ["*B200*"], "max_per_pod": 2, "max_running": 3},
        pods={
            "max_running": 2,
            "cloud_types": ["SECURE"],
            "images": ["a/*"],
            "templates": ["t1"],
            "ports": ["22/tcp"],
            "data_centers": ["EU-*"],
            "max_volume_gb": 10,
        },
        budget={"usd_per_hour_per_pod": 1, "usd_per_hour": 2, "usd_per_day": 5},
    )
    found = explained(
        case(rules, holding(0.5)),
        gpuTypeIds=[L4],
        ports=["22/tcp"],
        dataCenterIds=["EU-RO-1"],
        leaseHours=2,
        maxUsdPerHour=0.6,
        **NO_DISKS,
    )
    assert numbers(rule(found, "gpus.allow")) == ("ok", L4, None, L4)
    assert numbers(rule(found, "gpus.max_per_pod")) == ("ok", 2, None, 1)
    assert numbers(rule(found, "cpus.allow")) == ("not applicable", None, None, None)
    assert numbers(rule(found, "pods.images")) == ("ok", "a/*", None, "a/b:1")
    assert numbers(rule(found, "pods.templates")) == ("not applicable", "t1", None, None)
    assert numbers(rule(found, "pods.ports")) == ("ok", "22/tcp", None, "22/tcp")
    assert numbers(rule(found, "pods.max_volume_gb")) == ("not applicable", 10, None, None)
    assert numbers(rule(found, "pods.data_centers")) == ("ok", "EU-*", None, "EU-RO-1")
    assert numbers(rule(found, "lease.max_hours")) == ("ok", 24.0, None, 2.0)
    assert numbers(rule(found, "maxUsdPerHour")) == ("ok", 0.6, None, 0.490139)
    assert numbers(rule(found, "budget.usd_per_hour_per_pod")) == ("ok", 1.0, None, 0.490139)
    assert numbers(rule(found, "pods.max_running")) == ("ok", 2, 1, 1)
    assert numbers(rule(found, "gpus.max_running")) == ("ok", 3, 1, 1)
    assert numbers(rule(found, "budget.usd_per_hour")) == ("ok", 2.0, 0.5, 0.490139)
    assert numbers(rule(found, "budget.usd_per_day")) == ("ok", 5.0, 0.5, 0.980278)
    assert numbers(rule(found, "budget.usd_total")) == ("not applicable", None, 0.5, 0.980278)


def test_each_budget_shows_what_is_spent_promised_needed_and_left():
    rules = policy(budget={"usd_per_hour": 2, "usd_per_day": 4}, lease={"max_hours": 24})
    situation = case(rules, holding(0.5, hours=2), closed={"day:2026-11-23": usd(2)})
    found = explained(situation, gpuTypeIds=[L4], leaseHours=4, **NO_DISKS)
    assert isinstance(found.decision, Deny)
    hour, day, month, total = found.budgets
    assert (hour.when, hour.limit, hour.spent, hour.needed, hour.left) == ("hour", 2.0, 0.5, 0.490139, 1.5)
    assert (day.when, day.verdict) == ("day:2026-11-23", Verdict.DENIED)
    assert (day.limit, day.spent, day.promised, day.needed, day.left) == (4.0, 2.0, 1.0, 1.960556, 1.0)
    assert (month.limit, month.left, month.verdict) == (None, None, Verdict.NOT_APPLICABLE)
    assert total.needed == 1.960556


def test_a_lease_across_midnight_shows_both_days():
    found = explained(case(policy(budget={"usd_per_day": 20})), gpuTypeIds=[L4], leaseHours=24)
    assert [one.when for one in found.budgets if one.when.startswith("day:")] == [
        "day:2026-11-23",
        "day:2026-11-24",
        "day:2026-11-25",
    ]


def test_every_candidate_has_its_price_and_why_it_drops_out():
    rules = policy(gpus={"deny": [A40]}, budget={"usd_per_hour_per_pod": 0.6})
    found = explained(case(rules), gpuTypeIds=[L4, RTX_4090, A40], **NO_DISKS)
    assert [(one.type_id, one.verdict.value, one.usd_per_hour) for one in found.choices] == [
        (L4, "ok", 0.490139),
        (RTX_4090, "denied", 0.740139),
        (A40, "denied", None),
    ]
    assert found.choices[0].usd_per_lease == 0.980278
    assert found.choices[1].message.startswith("over_pod_hourly_budget")
    assert found.choices[2].message.startswith("gpu_not_allowed")
    assert found.choices[0].stock == "high"
    assert isinstance(found.decision, Allow)


def test_where_no_candidate_is_left_prices_and_budgets_have_nothing_to_say():
    found = explained(case(policy(gpus={"allow": [L4]})), gpuTypeIds=[H100])
    assert found.budgets == ()
    assert [one.type_id for one in found.choices] == [H100]
    assert rule(found, "gpus.allow").verdict is Verdict.DENIED
    assert isinstance(found.decision, Deny)
    assert found.decision.alternatives


def test_where_a_pod_may_be_nowhere_there_are_no_candidates():
    found = explained(case(policy(pods={"countries": ["RO"]})), gpuTypeIds=[L4], dataCenterIds=["US-KS-2"])
    place = rule(found, "pods.data_centers")
    assert (place.verdict, place.limit, place.requested) == (Verdict.DENIED, "RO", "US-KS-2")
    assert "No data center fits" in place.message
    assert (found.choices, found.budgets) == ((), ())


def test_what_a_person_is_asked_about_is_marked():
    rules = policy(approval={"above_usd_per_hour": 0.4, "above_usd_per_lease": 50, "tools": ["delete_pod"]})
    found = explained(case(rules), gpuTypeIds=[L4], countryCodes=["RO"])
    assert isinstance(found.decision, AskHuman)
    asks = rule(found, "approval.above_usd_per_hour")
    assert (asks.verdict, asks.limit) == (Verdict.ASKS, 0.4)
    assert "more than $0.40" in asks.message
    assert rule(found, "approval.above_usd_per_lease").verdict is Verdict.OK
    assert rule(found, "approval.tools").verdict is Verdict.OK


def test_a_name_that_nobody_sells_is_a_slip():
    with pytest.raises(Failure, match="zzz"):
        explained(case(), gpuTypeIds=["zzz"])


@settings(max_examples=300, deadline=None)
@given(budgets, wishes, types)
def test_the_verdicts_never_contradict_the_decision(budget, wish, allow):
    rules = policy(budget=budget, gpus={"allow": allow, "max_per_pod": 4}, pods={"cloud_types": ["SECURE"]})
    situation = case(rules, known=catalog())
    wanted = Wanted(request(**wish))
    found, decision = explain(situation, wanted), decide(situation, wanted)
    assert type(found.decision) is type(decision)
    denied = [one for one in found.rules if one.verdict is Verdict.DENIED]
    if isinstance(decision, Deny):
        assert denied or all(one.verdict is Verdict.DENIED for one in found.choices)
    else:
        assert not denied
        assert any(one.verdict is Verdict.OK for one in found.choices)
