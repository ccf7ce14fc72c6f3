"""Changing a serverless endpoint: judged and paid for before it is asked for, then seen to be so.

Fewer workers and an earlier end are always allowed, also under a broken policy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.approval import need_yes
from runpod_mcp.flows.began import began_at, lease_too_long, whole_cost
from runpod_mcp.flows.claims import alone, changing, moved_on
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints import managed_lease, not_found, seen_as
from runpod_mcp.flows.endpoints_change import (
    COMPUTE,
    RULED,
    consistent,
    news,
    refuse_other_compute,
)
from runpod_mcp.flows.endpoints_price import (
    billed_workers,
    fleet_of,
    read_sold,
    sold_if_told,
    usd_of,
)
from runpod_mcp.flows.endpoints_send import Case, Updated, send_change
from runpod_mcp.flows.endpoints_settings import (
    judged_as,
    placed,
    read_template,
    refuse_place,
    refuse_unsold,
    written_out,
)
from runpod_mcp.flows.endpoints_update_offers import with_what_passes
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.gate import let_cost_more
from runpod_mcp.flows.offers import leases_between, most_that_fits
from runpod_mcp.flows.standing import naming, raised
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease
from runpod_mcp.money import ZERO, Usd, cost
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.endpoint_rules import judge_workers
from runpod_mcp.policy.rules import asks_human, judge_change
from runpod_mcp.runpod.endpoints import EndpointChange

TOOL = "update_endpoint"


async def update_endpoint(
    house: House, endpoint_id: str, change: EndpointChange, lease_hours: float | None = None
) -> Updated:
    """Give an endpoint that was made here other settings, or another end of its lease, so many hours from now.

    One whose lease is over gets a new lease with its workers.

    Raises:
        Failure: the policy or the budgets say no; `not_managed`; `conflict`; `price_unknown`; `invalid_arguments`;
            `outcome_unknown` when it cannot be seen to have changed.
    """
    lease = await managed_lease(house, endpoint_id)
    case = await _case(house, lease, change, lease_hours)
    if not case.new and case.ends is None:
        return Updated(seen_as(case.endpoint, case.sold, lease), ())
    if case.less and case.ends is None:
        async with alone(house, lease) as mine:
            # While somebody else changes it the money stays set aside; workers are taken away all the same.
            writes = mine and not await moved_on(house, lease)
            return await to_the_end(send_change(house, case, lease, writes=writes))
    async with changing(house, lease):
        case = await _case(house, lease, change, lease_hours)
        return await (to_the_end(send_change(house, case, lease)) if case.less else _raise(house, case))


async def _case(house: House, lease: Lease, change: EndpointChange, hours: float | None) -> Case:
    endpoint = await house.api.resources.endpoints.get(lease.pod_id or "")
    if endpoint is None:
        raise not_found(lease.pod_id or "")
    refuse_other_compute(endpoint, change)
    change = consistent(endpoint, change)
    sold = await sold_if_told(house)
    new = news(endpoint, change, sold)
    ends = None if hours is None else house.now() + max(1, int(hours * 3600))
    case = Case(endpoint=endpoint, lease=lease, change=change, new=new, sold=sold, ends=ends)
    if ends is not None and not case.workers:
        message = "Without workers it has no lease; name workersMax as well, or leave leaseHours out."
        raise Failure(Code.INVALID_ARGUMENTS, message, field="leaseHours")
    return case


async def _raise(house: House, case: Case) -> Updated:
    """What may cost more, last longer or be more than before: judged, paid for, called."""
    policy = house.policies.current()
    sold = await read_sold(house) if case.starts or case.new & COMPUTE else case.sold
    case = replace(case, sold=sold)
    if case.starts and case.ends is None:
        case = replace(case, ends=house.now() + policy.lease.seconds(None))
    try:
        ready = await _ready(house, policy, case)
        if (asked := await _asks(house, policy, ready))[0]:
            await need_yes(house, policy, *asked)
        if ready.case.change.name is not None and "name" in case.new:
            listed = await house.api.resources.endpoints.list_all()
            async with naming(house, "create_endpoint", ready.case.change.name, listed):
                return await _paid(house, policy, ready)
        return await _paid(house, policy, ready)
    except Failure as refused:
        raise await _with_offers(house, policy, case, refused) from None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A change that the rules let through, and what it may cost; `more` than before, or longer."""

    case: Case
    rate: Usd
    gpus: int
    more: bool


async def _ready(house: House, policy: Policy, case: Case) -> _Ready:
    """The change as it can be paid for; a `Failure` where a rule says no, or what it would cost cannot be known."""
    case = await _judged(house, policy, case)
    rate, gpus = await _bound(house, case)
    dearer = case.starts or rate > case.lease.usd_per_hour or gpus > case.lease.gpus
    longer = case.ends is not None and (case.starts or case.ends > case.lease.lease_ends_at)
    await _refuse_lease(house, policy, case, dearer=dearer, longer=longer)
    return _Ready(case, rate, gpus, dearer or longer)


async def _with_offers(house: House, policy: Policy, case: Case, refused: Failure) -> Failure:
    """The refusal with the nearest changes that would pass."""
    now, lease = house.now(), case.lease

    async def tried(change: EndpointChange, seconds: int | None) -> bool:
        ends = None if seconds is None else now + seconds
        change = consistent(case.endpoint, change)
        other = replace(case, change=change, new=news(case.endpoint, change, case.sold), ends=ends)
        try:
            ready = await _ready(house, policy, other)
            if (await _asks(house, policy, ready))[0]:
                return False
            paid = _entry(house, ready)
            fits = await most_that_fits(house, policy, lease, (1,), lambda _: paid) if ready.more else 1
            return fits is not None
        except Failure:
            return False

    asked = None if case.ends is None else case.ends - now
    leases = leases_between(0 if case.starts else lease.lease_ends_at - now, (asked or 1) - 1)
    there = (case.endpoint.workers_max or 0) if case.runs else 0
    return await with_what_passes(refused, case.change, leases, range(there + 1, case.workers), tried, asked)


async def _judged(house: House, policy: Policy, case: Case) -> Case:
    """The case with what it refers to written out, once the rules let it through.

    What does not change is judged again only where there are to be more or other workers.

    Raises:
        Failure: they do not, or the API cannot express it.
    """
    change, template = case.change, await read_template(house, case.change.template_id)
    change = await placed(house, policy, written_out(house, change, template))
    for gap in house.api.resources.endpoints.gaps(change) if case.new else ():
        raise gap
    refuse_unsold(case.sold, change.gpu_type_ids or (), change.cpu_flavor_ids or ())
    whole = case.starts or bool(case.new & COMPUTE)
    request, fleet = judged_as(change, template, case.endpoint), case.after
    if whole and fleet:
        denied = judge_workers(policy, request, fleet)
    else:
        names = set(case.new) | ({"image", "container_disk_gb", "ports"} if template else set())
        denied = judge_change(policy, request, (RULED[name] for name in RULED if name in names))
    if denied:
        raise denied.as_failure()
    if whole or change.data_center_ids is not None:
        places = change.data_center_ids
        refuse_place(policy, case.endpoint.data_center_ids if places is None else places)
    return replace(case, change=change)


async def _bound(house: House, case: Case) -> tuple[Usd, int]:
    """What it may cost from the call on, and the GPUs.

    Workers of before go on until their jobs are done, and new ones start beside them, so the dearest that runs or may
    run counts for all.

    Raises:
        Failure: `price_unknown`.
    """
    lease, after, prices = case.lease, case.after, case.sold.prices
    if not (case.starts or case.new & COMPUTE):
        return lease.usd_per_hour, lease.gpus
    worker = after.usd_per_worker(prices) if after else None
    if after is None or worker is None:
        message = f"What endpoint {case.endpoint.id} would cost cannot be known now, so it is not changed."
        raise Failure(Code.PRICE_UNKNOWN, message)
    if not case.runs:
        return Usd(worker * after.workers_max), after.gpus
    before, there = fleet_of(case.endpoint, case.sold), await billed_workers(house, case.endpoint.id)
    running = [usd_of(one, prices) for one in there or ()]
    sizes = [one.gpus_per_worker for one in (before, after) if one] + [
        one.gpu_count or 0 for one in there or ()
    ]
    gpus = max(lease.gpus, max(sizes) * after.workers_max)
    if there is None or None in running:
        return Usd(lease.usd_per_hour + worker * after.workers_max), lease.gpus + gpus
    earlier = (before.usd_per_worker(prices) if before else None) or ZERO
    dearest = max([worker, earlier, *(one for one in running if one)])
    return max(lease.usd_per_hour, Usd(dearest * after.workers_max)), gpus


async def _refuse_lease(house: House, policy: Policy, case: Case, *, dearer: bool, longer: bool) -> None:
    """`max_hours` bounds the whole time for which it has workers, or its lease could be extended for ever.

    Raises:
        Failure: `lease_too_long`; `conflict`, it is over.
    """
    now = house.now()
    if dearer and case.ends is None and now >= case.lease.lease_ends_at:
        message = "Its lease is over; once its workers are gone, workersMax gives it a new one."
        raise Failure(Code.CONFLICT, message, Retry.LATER)
    if not longer or case.ends is None:
        return
    since = now if case.starts else await began_at(house, case.lease)
    whole = (case.ends - since) / 3600
    if whole > policy.lease.max_hours:
        raise lease_too_long(policy, whole)


async def _asks(house: House, policy: Policy, ready: _Ready) -> tuple[str, Usd, Usd]:
    """Why a person must say yes, to which rate, and to how much for the whole lease."""
    rate, whole = (ready.rate, await _whole(house, ready)) if ready.more else (ZERO, ZERO)
    return asks_human(policy, TOOL, rate, whole) or "", rate, whole


async def _whole(house: House, ready: _Ready) -> Usd:
    """What its lease can cost in all; a new one has cost nothing yet."""
    case = ready.case
    if case.starts:
        ends = case.lease.lease_ends_at if case.ends is None else case.ends
        return cost(ready.rate, ends - house.now())
    return await whole_cost(house, case.lease, _entry(house, ready))


def _entry(house: House, ready: _Ready) -> Entry:
    ends = ready.case.ends
    until = {} if ends is None else {"lease_ends_at": ends, "stopped_until": ends}
    return raised(house, ready.rate, EntryKind.STARTED, gpus=ready.gpus, **until)


async def _paid(house: House, policy: Policy, ready: _Ready) -> Updated:
    """Set the money aside where it needs more, then call."""
    held = ready.case.lease
    if ready.more:
        held = await let_cost_more(house, policy, held, _entry(house, ready))
    return await to_the_end(send_change(house, ready.case, held))
