"""The story of `create_pod`: resolve, judge, reserve, call, read the outcome."""

from __future__ import annotations

from runpod_mcp.flows.approval import need_yes
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.judge import judge
from runpod_mcp.flows.place_pod import place_pod
from runpod_mcp.flows.rented import Rented, WouldRent
from runpod_mcp.flows.repeats import made_before, same_pod
from runpod_mcp.flows.reserve import reserve
from runpod_mcp.flows.resolve import resolve
from runpod_mcp.ledger.entries import Lease
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.decide import Case
from runpod_mcp.policy.decision import AskHuman
from runpod_mcp.policy.offer import Offer


async def create_pod(house: House, request: CreateRequest) -> Rented | WouldRent:
    """Rent a pod inside the limits of the policy, or say why not.

    Raises:
        Failure: the policy or Runpod said no and nothing is rented; or `outcome_unknown`, when a pod may exist.
    """
    policy = house.policies.current()
    if earlier := await made_before(house, request):
        return await same_pod(house, request, earlier)
    wanted = await resolve(house, request)
    decision, case = await judge(house, policy, wanted)
    if request.dry_run:
        return WouldRent(decision.offer, decision.reason if isinstance(decision, AskHuman) else None)
    if isinstance(decision, AskHuman):
        quote = decision.offer.quote
        await need_yes(house, policy, decision.reason, quote.dearest_usd_per_hour, quote.usd_per_lease)
    return await to_the_end(_rent(house, request, case, decision.offer))


async def _rent(house: House, request: CreateRequest, case: Case, offer: Offer) -> Rented:
    held = await reserve(house, request, case, offer)
    if isinstance(held, Lease):
        return await same_pod(house, request, held)
    return await place_pod(house, held)
