"""The judgement of one request: rules, candidates, prices, budgets. Pure: the same inputs give the same answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.catalog.placement import Candidate, LeftOut, Placement, place
from runpod_mcp.catalog.quote import Quote, Terms
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.money import as_dollars, limit, show
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.budgets import judge_budgets
from runpod_mcp.policy.decision import Allow, AskHuman, Decision, Deny
from runpod_mcp.policy.document import LeaseTerms, Policy
from runpod_mcp.policy.offer import Offer, Wanted, plan_of
from runpod_mcp.policy.rules import asks_human, judge_request, permits_of
from runpod_mcp.policy.spending import Holding, Spending

MOST_CANDIDATES = 8
"""More than this is not tried in one request; the rest could only raise the ceiling that must be set aside."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a request is judged on: what is sold, and what is spent and promised already.

    `spending` must hold the closed sums of every window the lease can touch; `unmanaged` what pods made elsewhere
    add to it. `one_place_each` is whether an order of data centers has to be tried one by one.
    """

    policy: Policy
    catalog: Catalog
    spending: Spending
    unmanaged: tuple[Holding, ...] = ()
    one_place_each: bool = True
    readings: tuple[Catalog, ...] = ()
    """The catalog as it was read for other clouds and numbers of GPUs."""
    can_be_asked: Callable[[CreateRequest], bool] = lambda _: True
    """Whether the API in use has words for a request; pure."""

    def reading(self, request: CreateRequest) -> Case:
        """The same case with the catalog that was read for such a request, or as it is where none was."""
        fit = (one for one in (self.catalog, *self.readings) if _read_for(one) == read_as(request))
        return replace(self, catalog=next(fit, self.catalog))

    def knows_stock(self, request: CreateRequest) -> bool:
        """Whether the catalog was read for this cloud and number of GPUs, which is what its stock is for."""
        return _read_for(self.catalog) == read_as(request)

    @property
    def everything(self) -> Spending:
        """The sums with pods made elsewhere in them."""
        return replace(self.spending, holdings=(*self.spending.holdings, *self.unmanaged))


def read_as(request: CreateRequest) -> tuple[str, int]:
    """The cloud and the number of GPUs that stock is asked for on behalf of a request."""
    return request.cloud_type, request.gpu_count if request.compute_type == "GPU" else 1


def _read_for(catalog: Catalog) -> tuple[str, int]:
    return catalog.cloud, catalog.gpu_count


def decide(case: Case, wanted: Wanted) -> Decision:
    """Judge a create.

    Raises:
        Failure: `invalid_arguments`, when the request names something that does not exist.
    """
    if denied := judge_request(case.policy, wanted.request):
        return denied
    found = placed(case, wanted)
    if isinstance(found, Deny):
        return found
    if not found.candidates:
        return _nothing_left(wanted.request, found)
    offer = _affordable(case, Offer(wanted, found, terms_of(case.policy.lease, wanted)))
    if isinstance(offer, Deny):
        return offer
    reason = asks_human(
        case.policy, "create_pod", offer.quote.dearest_usd_per_hour, offer.quote.usd_per_lease
    )
    return AskHuman(offer, reason) if reason else Allow(offer)


def terms_of(lease: LeaseTerms, wanted: Wanted) -> Terms:
    """The lease asked for, and the stopped time where there is a pod volume to keep."""
    keeps = lease.on_expiry == "stop" and wanted.disks.volume_gb > 0
    return Terms(
        lease.seconds(wanted.request.lease_hours), int(lease.keep_stopped_hours * 3600) if keeps else 0
    )


def placed(case: Case, wanted: Wanted) -> Placement | Deny:
    """What there is to choose from, whatever it costs; a denial where it may be nowhere.

    Raises:
        Failure: `invalid_arguments`.
    """
    try:
        return place(
            wanted.request, case.catalog, permits_of(case.policy), wanted.pinned, case.one_place_each
        )
    except Failure as failure:
        if failure.code is not Code.DATA_CENTER_NOT_ALLOWED:
            raise
        return Deny(
            code=failure.code, message=failure.message, field=failure.field, requested=failure.requested
        )


def _affordable(case: Case, offer: Offer) -> Offer | Deny:
    """Drop the candidates that the agent's own ceiling or some budget has no room for, while one is left."""
    denied = {c: deny for c in offer.candidates if (deny := too_dear(case, offer, c))}
    if len(denied) == len(offer.candidates):
        return denied[min(denied, key=lambda candidate: candidate.usd_per_hour)]
    left = offer.without(LeftOut(c.type_id, deny.code, deny.message) for c, deny in denied.items())
    return left.without(
        LeftOut(c.type_id, Code.NO_CAPACITY, f"only the first {MOST_CANDIDATES} choices are tried")
        for c in left.candidates[MOST_CANDIDATES:]
        if c.type_id not in {first.type_id for first in left.candidates[:MOST_CANDIDATES]}
    )


def too_dear(case: Case, offer: Offer, candidate: Candidate) -> Deny | None:
    """Why the agent's own ceiling or some budget has no room for this candidate."""
    quote = offer.quote_for(candidate)
    plan = plan_of(quote, offer.wanted.gpus, case.spending.now)
    return own_ceiling(offer.request, quote) or judge_budgets(case.policy, case.everything, plan)


def own_ceiling(request: CreateRequest, quote: Quote) -> Deny | None:
    """Whether it costs more than the agent itself wants to pay."""
    if request.max_usd_per_hour is None:
        return None
    most, needed = limit(request.max_usd_per_hour), quote.dearest_usd_per_hour
    if needed <= most:
        return None
    return Deny(
        code=Code.PRICE_ABOVE_MAXIMUM,
        message=f"It needs {show(needed)}/h, disks included; maxUsdPerHour is {show(most)}.",
        field="maxUsdPerHour",
        limit=as_dollars(most),
        requested=as_dollars(needed),
    )


def _nothing_left(request: CreateRequest, placement: Placement) -> Deny:
    gpu = request.compute_type == "GPU"
    if not placement.left_out:
        return Deny(
            code=Code.GPU_NOT_ALLOWED if gpu else Code.CPU_NOT_ALLOWED,
            message=f"Nothing that the policy allows is sold in {request.cloud_type}.",
            retry=Retry.NEVER,
        )
    listed = "; ".join(f"{item.type_id}: {item.reason}" for item in placement.left_out[:5])
    field = "gpuTypeIds" if gpu else "cpuFlavorIds"
    return Deny(code=placement.left_out[0].code, message=f"No choice is left. {listed}.", field=field)
