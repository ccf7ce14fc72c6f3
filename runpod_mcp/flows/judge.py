"""Gathering what a request is judged on, and judging it."""

from __future__ import annotations

from runpod_mcp.catalog.placement import Permits, place
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import clock_behind
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.policy.alternatives import with_alternatives
from runpod_mcp.policy.decide import Case, decide, terms_of
from runpod_mcp.policy.decision import Allow, AskHuman, Deny
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
    case = await gather(house, policy, wanted)
    decision = decide(case, wanted)
    if isinstance(decision, Deny):
        _refuse_unknown_ids(case, wanted)
        raise with_alternatives(case, wanted, decision).as_failure()
    return decision, case


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
    return Case(policy, catalog, spending, others, house.api.places_one)


def refuse_at_once(policy: Policy, wanted: Wanted) -> None:
    """Say no to what needs no price to be refused, before anything is asked of Runpod; one exception is made.

    A GPU type or CPU flavor that is not allowed is refused later: with the prices of those that are, or as a slip of
    the pen where nobody sells it.

    Raises:
        Failure: the rule that was broken.
    """
    denied = judge_request(policy, wanted.request)
    if denied and denied.field not in ("gpuTypeIds", "cpuFlavorIds"):
        raise denied.as_failure()


def approval_needed(reason: str) -> Failure:
    """The refusal for a request that a person must allow first."""
    return Failure(
        Code.APPROVAL_REQUIRED,
        f"A person must allow this first: {reason}. Ask them; they can change [approval] in the policy.",
        Retry.NEVER,
    )
