"""Why a request is allowed or not: every rule with its verdict and its numbers, every choice with its price, every budget.

The rules, prices and budgets are those that `decide` uses; nothing is judged a second way here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from runpod_mcp.catalog.placement import Candidate, Placement
from runpod_mcp.catalog.quote import Quote
from runpod_mcp.money import Usd, as_dollars
from runpod_mcp.money import limit as floor
from runpod_mcp.policy.alternatives import with_alternatives
from runpod_mcp.policy.budgets import Room, judge_pod_price, rooms
from runpod_mcp.policy.decide import Case, decide, own_ceiling, placed, terms_of, too_dear
from runpod_mcp.policy.decision import Allow, AskHuman, Decision, Deny
from runpod_mcp.policy.offer import Offer, Wanted, plan_of
from runpod_mcp.policy.rules import RULES, Number, questions


class Verdict(StrEnum):
    """What one rule says of a request."""

    OK = "ok"
    DENIED = "denied"
    ASKS = "asks a person"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSays:
    """One rule: the key of the policy (or the argument) it stands under, its verdict, and the numbers; dollars.

    `when` is the window of a budget, as `day:2026-11-23`: a lease across midnight meets two of a kind.
    """

    rule: str
    when: str | None = None
    verdict: Verdict
    limit: Number = None
    used: Number = None
    requested: Number = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One candidate, or a type that dropped out; prices in dollars with disks, None where there is none."""

    type_id: str
    verdict: Verdict
    usd_per_hour: float | None = None
    usd_per_lease: float | None = None
    stock: str | None = None
    data_center_ids: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSays:
    """One budget as the request meets it, in dollars; `when` is the window, as `day:2026-11-23`."""

    rule: str
    when: str
    verdict: Verdict
    limit: float | None
    spent: float
    promised: float
    needed: float
    left: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about one request under one policy at one moment.

    The budgets are for the dearest candidate that is left, or for the cheapest of all where none is.
    """

    rules: tuple[RuleSays, ...]
    choices: tuple[Choice, ...]
    budgets: tuple[BudgetSays, ...]
    decision: Decision


def explain(case: Case, wanted: Wanted) -> Explanation:
    """Judge a create as `decide` does, and say how each rule came to its verdict.

    Raises:
        Failure: `invalid_arguments`, when the request names something that does not exist.
    """
    decision = decide(case, wanted)
    if isinstance(decision, Deny):
        decision = with_alternatives(case, wanted, decision)
    found = placed(case, wanted)
    offer = _offer(case, wanted, found)
    quote = _quote(decision, offer)
    rules = [*_rules(case, wanted), _place(case, wanted, found)]
    budgets: list[BudgetSays] = []
    if quote:
        spaces = list(_rooms(case, wanted, quote))
        rules += [*_prices(case, wanted, quote), *(_room(one) for one in spaces), *_asks(case, quote)]
        budgets = [_budget(case, one) for one in spaces if not one.counts]
    return Explanation(tuple(rules), tuple(_choices(case, offer)), tuple(budgets), decision)


def _offer(case: Case, wanted: Wanted, found: Placement | Deny) -> Offer | None:
    if isinstance(found, Deny):
        return None
    return Offer(wanted, found, terms_of(case.policy.lease, wanted))


def _quote(decision: Decision, offer: Offer | None) -> Quote | None:
    """The price that the budgets are looked at with."""
    if isinstance(decision, Allow | AskHuman):
        return decision.offer.quote
    if offer is None or not offer.candidates:
        return None
    return offer.quote_for(min(offer.candidates, key=lambda candidate: candidate.usd_per_hour))


def _rules(case: Case, wanted: Wanted) -> Iterator[RuleSays]:
    for rule in RULES:
        denied = rule(case.policy, wanted.request)
        limit, asked = rule.limit(case.policy), rule.asked(wanted.request)
        applies = limit is not None and asked is not None
        verdict = Verdict.DENIED if denied else Verdict.OK if applies else Verdict.NOT_APPLICABLE
        message = denied.message if denied else ""
        yield RuleSays(rule=rule.key, verdict=verdict, limit=limit, requested=asked, message=message)


def _place(case: Case, wanted: Wanted, found: Placement | Deny) -> RuleSays:
    pods, request = case.policy.pods, wanted.request
    limits = [*pods.data_centers, *pods.countries]
    asked = [
        *(request.data_center_ids if request.asked("data_center_ids") else ()),
        *(request.country_codes or ()),
    ]
    denied = found if isinstance(found, Deny) else None
    return RuleSays(
        rule="pods.data_centers",
        verdict=Verdict.DENIED if denied else Verdict.OK if limits else Verdict.NOT_APPLICABLE,
        limit=", ".join(limits) or None,
        requested=", ".join(asked[:5]) or None,
        message=denied.message if denied else "",
    )


def _prices(case: Case, wanted: Wanted, quote: Quote) -> Iterator[RuleSays]:
    """The two rules that look at one price alone."""
    own, budget = wanted.request.max_usd_per_hour, case.policy.budget
    most = None if own is None else floor(own)
    dearest = plan_of(quote, wanted.gpus, case.spending.now).usd_per_hour
    for key, limit, needed, denied in (
        ("maxUsdPerHour", most, quote.dearest_usd_per_hour, own_ceiling(wanted.request, quote)),
        (
            "budget.usd_per_hour_per_pod",
            budget.usd_per_hour_per_pod,
            dearest,
            judge_pod_price(budget, dearest),
        ),
    ):
        yield RuleSays(
            rule=key,
            verdict=_verdict(denied, limit),
            limit=_dollars(limit),
            requested=as_dollars(needed),
            message=denied.message if denied else "",
        )


def _rooms(case: Case, wanted: Wanted, quote: Quote) -> Iterator[Room]:
    yield from rooms(case.policy, case.everything, plan_of(quote, wanted.gpus, case.spending.now), every=True)


def _room(room: Room) -> RuleSays:
    shown = (lambda count: count) if room.counts else (lambda usd: as_dollars(Usd(usd)))
    return RuleSays(
        rule=room.key,
        when=room.window.key if room.window else None,
        verdict=_verdict(room.denied, room.limit),
        limit=None if room.limit is None else shown(room.limit),
        used=shown(room.used),
        requested=shown(room.needed),
        message=room.denied.message if room.denied else "",
    )


def _budget(case: Case, room: Room) -> BudgetSays:
    used = Usd(room.used)
    spent = case.everything.spent_within(room.window) if room.window else used
    return BudgetSays(
        rule=room.key,
        when=room.window.key if room.window else "hour",
        verdict=_verdict(room.denied, room.limit),
        limit=_dollars(room.limit),
        spent=as_dollars(spent),
        promised=as_dollars(Usd(max(0, used - spent))),
        needed=as_dollars(Usd(room.needed)),
        left=_dollars(room.left),
    )


def _asks(case: Case, quote: Quote) -> Iterator[RuleSays]:
    for one in questions(case.policy, "create_pod", quote.dearest_usd_per_hour, quote.usd_per_lease):
        verdict = Verdict.ASKS if one.reason else Verdict.OK
        yield RuleSays(
            rule=one.key,
            verdict=Verdict.NOT_APPLICABLE if one.limit is None else verdict,
            limit=one.limit,
            requested=one.asked,
            message=one.reason or "",
        )


def _choices(case: Case, offer: Offer | None) -> Iterator[Choice]:
    """The candidates in the order to try them, then what dropped out before any price was looked at."""
    if offer is None:
        return
    for candidate in offer.candidates:
        yield _choice(case, offer, candidate)
    for item in offer.placement.left_out:
        yield Choice(type_id=item.type_id, verdict=Verdict.DENIED, message=f"{item.code}: {item.reason}")


def _choice(case: Case, offer: Offer, candidate: Candidate) -> Choice:
    quote, denied = offer.quote_for(candidate), too_dear(case, offer, candidate)
    return Choice(
        type_id=candidate.type_id,
        verdict=Verdict.DENIED if denied else Verdict.OK,
        usd_per_hour=as_dollars(quote.usd_per_hour),
        usd_per_lease=as_dollars(quote.usd_per_lease),
        stock=candidate.stock.name.lower(),
        data_center_ids=candidate.data_center_ids,
        message=f"{denied.code}: {denied.message}" if denied else "",
    )


def _verdict(denied: Deny | None, limit: int | None) -> Verdict:
    if denied:
        return Verdict.DENIED
    return Verdict.NOT_APPLICABLE if limit is None else Verdict.OK


def _dollars(amount: int | None) -> float | None:
    return None if amount is None else as_dollars(Usd(amount))
