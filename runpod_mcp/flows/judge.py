"""Gathering what a request is judged on, and judging it."""

from __future__ import annotations

from dataclasses import replace

from runpod_mcp.catalog.placement import Permits, place
from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.denials import helpful
from runpod_mcp.flows.gate import clock_behind
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.policy.decide import Case, decide, terms_of
from runpod_mcp.policy.decision import Allow, AskHuman, Decision, Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.offer import Wanted
from runpod_mcp.policy.rules import judge_request
from runpod_mcp.policy.spending import windows_between

EVERYTHING = Permits(lambda _: True, lambda _: True, lambda _, __: True, limits_place=False)


async def judge(house: House, policy: Policy, wanted: Wanted) -> tuple[Allow | AskHuman, Case]:
    """Judge a create as things stand now; nothing is set aside yet.

    Raises:
        Failure: the policy says no, with the nearest requests that would pass; or prices or sums cannot be read.
    """
    try:
        case = await gather(house, policy, wanted)
    except Failure:
        if broken := _broken_rule(policy, wanted):
            raise broken.as_failure() from None
        raise
    decision = await decided(house, case, wanted)
    if isinstance(decision, Deny):
        raise decision.as_failure()
    return decision, case


async def decided(house: House, case: Case, wanted: Wanted) -> Decision:
    """The judgement of a case; a denial with the nearest requests that would pass.

    Raises:
        Failure: `invalid_arguments`, when the request names something that nobody sells.
    """
    decision = decide(case, wanted)
    if not isinstance(decision, Deny):
        return decision
    if not _broken_rule(case.policy, wanted):
        _refuse_unknown_ids(case, wanted)
    return await helpful(house, case, wanted, decision)


def _broken_rule(policy: Policy, wanted: Wanted) -> Deny | None:
    """The rule that a request breaks whatever is sold; no price has to be known to say so, only to say what would pass.

    A GPU type or CPU flavor that is not allowed may also be a slip of the pen, where nobody sells it.
    """
    denied = judge_request(policy, wanted.request)
    if denied is None or denied.field in ("gpuTypeIds", "cpuFlavorIds"):
        return None
    return replace(denied, alternatives=())


def _refuse_unknown_ids(case: Case, wanted: Wanted) -> None:
    """An id that nobody sells is a slip of the pen, not a wish that the policy denies.

    Raises:
        Failure: `invalid_arguments`, naming the nearest id.
    """
    place(wanted.request, case.catalog, EVERYTHING, wanted.pinned)


async def gather(house: House, policy: Policy, wanted: Wanted) -> Case:
    """What is sold now, and what is spent and promised in every window the lease can touch.

    Raises:
        Failure: prices, sums or a count that the policy asks for cannot be read.
    """
    request = wanted.request
    catalog = await house.prices.read(request.cloud_type, request.gpu_count if wanted.gpus else 1)
    terms = terms_of(policy.lease, wanted)
    clock = house.now()
    now = (await house.ledger.spending(clock, ())).now
    if behind := clock_behind(now, clock):
        raise behind.as_failure()
    windows = windows_between(now, now + terms.lease_seconds + terms.keep_stopped_seconds)
    spending = await house.ledger.spending(now, windows)
    others = await unmanaged_holdings(house, policy)
    return Case(
        policy,
        catalog,
        spending,
        others,
        house.api.places_one,
        can_be_asked=lambda asked: not house.api.gaps(asked),
    )
