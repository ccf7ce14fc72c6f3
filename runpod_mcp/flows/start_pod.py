"""Starting a stopped pod: quoted, judged and set aside like a create, then called, then seen to run."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.catalog.countries import country_of
from runpod_mcp.catalog.quote import Disks
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.adopt import billed_rate, stopped_rate
from runpod_mcp.flows.approval import need_yes
from runpod_mcp.flows.claims import changing
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.gate import let_cost_more
from runpod_mcp.flows.managed import managed
from runpod_mcp.flows.offers import leases_between, with_shorter_lease
from runpod_mcp.flows.outcomes import see_running, see_stopped
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import Usd, as_dollars, cost, show
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.pod import Pod, PodStatus
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.alternatives import BY_TIME
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import asks_human, judge_request
from runpod_mcp.runpod.api import NoCapacity, Refused, Unknown


@dataclass(frozen=True, slots=True)
class Started:
    """A pod that runs again, with its new lease."""

    pod: Pod
    lease: Lease
    notes: tuple[str, ...] = ()


async def start_pod(house: House, pod_id: str, hours: float | None = None) -> Started:
    """Start a stopped pod that was rented here, for a new lease of so many hours (the policy's default without).

    Raises:
        Failure: the policy or the budgets say no; `price_unknown`; `no_capacity` when the host has no free GPU;
            `outcome_unknown` when Runpod's answer was lost and the pod is not seen to run.
    """
    policy = house.policies.current()
    lease, pod = await _stopped(house, pod_id)
    try:
        _refuse_by_rule(policy, lease, pod, hours)
        entry = await _new_lease(house, policy, lease, pod, hours)
        async with changing(house, lease):
            held = await let_cost_more(house, policy, lease, entry)
            return await to_the_end(_call(house, held, pod))
    except Failure as refused:
        raise await _with_offer(house, policy, lease, pod, hours, refused) from refused.__cause__


async def _stopped(house: House, pod_id: str) -> tuple[Lease, Pod]:
    lease, pod = await managed(house, pod_id)
    if lease.state is LeaseState.RUNNING and pod.status is PodStatus.STOPPED:
        message = f"Pod {pod_id} was stopped by somebody else just now; it can be started in a minute."
        raise Failure(Code.CONFLICT, message, Retry.LATER)
    if lease.state is not LeaseState.STOPPED or pod.bills_compute:
        raise Failure(
            Code.CONFLICT, f"Pod {pod_id} is {pod.status.value}; only a stopped pod can be started."
        )
    return lease, pod


def _refuse_by_rule(policy: Policy, lease: Lease, pod: Pod, hours: float | None) -> None:
    """A start is judged like a create of the same pod now: the policy may be stricter than when it was rented.

    Raises:
        Failure: the rule that the pod breaks.
    """
    asked = json.loads(lease.reservation.request)
    gpu = bool(lease.reservation.gpus)
    request = CreateRequest.model_construct(
        compute_type="GPU" if gpu else "CPU",
        gpu_type_ids=[pod.gpu_type_id] if pod.gpu_type_id else asked.get("gpuTypeIds"),
        gpu_count=max(1, lease.reservation.gpus),
        cpu_flavor_ids=[pod.cpu_flavor_id] if pod.cpu_flavor_id else asked.get("cpuFlavorIds"),
        vcpu_count=int(pod.vcpu_count or asked.get("vcpuCount") or 2),
        cloud_type="COMMUNITY" if "COMMUNITY" in (pod.cloud or asked.get("cloudType", "")) else "SECURE",
        interruptible=bool(pod.interruptible),
        image_name=pod.image,
        template_id=asked.get("templateId"),
        ports=list(pod.ports),
        container_disk_in_gb=pod.container_disk_gb or 0,
        volume_in_gb=pod.volume_gb or 0,
        network_volume_id=None,
        lease_hours=hours,
    )
    if denied := judge_request(policy, request):
        raise replace(denied, alternatives=()).as_failure()
    place = pod.data_center_id or ""
    if policy.pods.limits_place and not policy.pods.permits_place(place, country_of(place)):
        where = clean(place, 30) or "which Runpod does not tell"
        message = f"The policy does not allow the data center of pod {pod.id}, {where}."
        raise Failure(Code.DATA_CENTER_NOT_ALLOWED, message, Retry.NEVER, requested=where)


async def _with_offer(
    house: House, policy: Policy, lease: Lease, pod: Pod, hours: float | None, refused: Failure
) -> Failure:
    """The refusal with the longest lease that the pod could be started for."""
    if refused.code not in BY_TIME:
        return refused
    try:
        _refuse_by_rule(policy, lease, pod, None)
        ceiling = await _price(house, lease, pod)
    except Failure:
        return refused

    def entry_of(seconds: int) -> Entry:
        return _entry(house, policy, lease, pod, ceiling, seconds)

    def asks(seconds: int) -> str | None:
        return asks_human(policy, "start_pod", ceiling, cost(ceiling, seconds))

    asked = policy.lease.seconds(hours)
    shorter = leases_between(0, min(asked - 1, int(policy.lease.max_hours * 3600)))
    return await with_shorter_lease(house, policy, lease, refused, shorter, entry_of, asks)


async def _new_lease(house: House, policy: Policy, lease: Lease, pod: Pod, hours: float | None) -> Entry:
    """The ceiling and the times of the lease to come, as an entry; nothing is written yet."""
    seconds = policy.lease.seconds(hours)
    ceiling = await _price(house, lease, pod)
    at_most = cost(ceiling, seconds)
    if reason := asks_human(policy, "start_pod", ceiling, at_most):
        await need_yes(house, policy, reason, ceiling, at_most)
    return _entry(house, policy, lease, pod, ceiling, seconds)


def _entry(house: House, policy: Policy, lease: Lease, pod: Pod, ceiling: Usd, seconds: int) -> Entry:
    now = house.now()
    ends = now + seconds
    keeps = policy.lease.on_expiry == "stop" and bool(pod.volume_gb)
    return Entry(
        kind=EntryKind.STARTED,
        at=now,
        usd_per_hour=ceiling,
        ceiling_usd_per_hour=ceiling,
        gpus=lease.reservation.gpus,
        lease_ends_at=ends,
        stopped_until=ends + (int(policy.lease.keep_stopped_hours * 3600) if keeps else 0),
    )


async def _price(house: House, lease: Lease, pod: Pod) -> Usd:
    """What the pod may cost running: the list price of its GPUs or vCPUs now, and its disks.

    v1 does not always say which GPU a stopped pod has; then it may cost what it was allowed to cost before.

    Raises:
        Failure: `price_unknown`.
    """
    if not (pod.gpu_type_id if lease.reservation.gpus else pod.cpu_flavor_id):
        return lease.ceiling_usd_per_hour
    compute = _compute(
        await house.prices.read(pod.cloud or "SECURE", max(1, lease.reservation.gpus)), lease, pod
    )
    if compute is None:
        raise Failure(
            Code.PRICE_UNKNOWN, f"The price of pod {pod.id} cannot be known now, so it is not started."
        )
    return Usd(compute + Disks(pod.container_disk_gb or 0, pod.volume_gb or 0).running_usd_per_hour)


def _compute(catalog: Catalog, lease: Lease, pod: Pod) -> int | None:
    if lease.reservation.gpus:
        gpu = catalog.gpus.get(pod.gpu_type_id or "")
        price = gpu.price(catalog.cloud) if gpu else None
        return None if price is None else price * lease.reservation.gpus
    cpu = catalog.cpus.get(pod.cpu_flavor_id or "")
    price = cpu.usd_per_hour_per_vcpu if cpu else None
    return None if price is None or pod.vcpu_count is None else math.ceil(price * pod.vcpu_count)


async def _call(house: House, held: Lease, pod: Pod) -> Started:
    """Start it and look; what does not run goes back to being counted as stopped."""
    outcome = await house.api.start_pod(pod.id)
    running = await see_running(house, pod.id, patiently=not isinstance(outcome, Refused | NoCapacity))
    if running is None:
        raise await _not_started(house, held, pod, outcome)
    billed = billed_rate(running, held.reservation)
    if billed > held.ceiling_usd_per_hour:
        raise await _too_dear(house, held, running, billed)
    entry = Entry(kind=EntryKind.REPRICED, at=house.now(), usd_per_hour=billed)
    notes = ("Runpod gave it no GPU: its host is full. Save the data and delete it.",)
    lease = await house.ledger.write(held.reservation.id, entry)
    return Started(running, lease, notes if held.reservation.gpus and running.gpu_count == 0 else ())


async def _not_started(house: House, held: Lease, pod: Pod, outcome: object) -> Failure:
    seen = await see_stopped(house, pod.id, patiently=False)
    if seen and isinstance(outcome, Unknown):
        outcome = outcome.looks_like or outcome  # v1 says 500 to a full host, in words that are known
    if seen is None or not isinstance(outcome, Refused | NoCapacity):
        return Failure(
            Code.OUTCOME_UNKNOWN,
            f"Pod {pod.id} was told to start but is not seen to run yet. It counts as running until Runpod says "
            "otherwise; look with get_pod, do not repeat the call.",
            Retry.NEVER,
        )
    await house.ledger.write(held.reservation.id, _stopped_again(house, seen))
    if isinstance(outcome, Refused):
        return Failure(outcome.code, f"Pod {pod.id} was not started: {outcome.message}", Retry.LATER)
    return Failure(
        Code.NO_CAPACITY,
        f"Pod {pod.id} was not started: the GPUs of its host are taken. Try later, or rent a new pod.",
        Retry.LATER,
    )


async def _too_dear(house: House, held: Lease, pod: Pod, billed: Usd) -> Failure:
    ceiling = held.ceiling_usd_per_hour
    now, note = house.now(), "billed above its ceiling"
    dearer = Entry(kind=EntryKind.REPRICED, at=now, usd_per_hour=billed, note=note)
    due = Entry(kind=EntryKind.EXTENDED, at=now, lease_ends_at=now)
    for entry in (dearer, due):
        await house.ledger.write(held.reservation.id, entry)
    await house.api.stop_pod(pod.id)
    seen = await see_stopped(house, pod.id)
    if seen:
        await house.ledger.write(held.reservation.id, _stopped_again(house, seen))
    ending = "It was stopped again." if seen else "Stopping it is not confirmed yet and goes on being tried."
    return Failure(
        Code.PRICE_ABOVE_QUOTE,
        f"Runpod bills pod {pod.id} at {show(billed)}/h; the quote was {show(ceiling)}/h at most. {ending}",
        Retry.CHANGED,
        limit=as_dollars(ceiling),
        requested=as_dollars(billed),
    )


def _stopped_again(house: House, pod: Pod) -> Entry:
    return Entry(
        kind=EntryKind.STOPPED, at=house.now(), usd_per_hour=stopped_rate(pod), note="it was not started"
    )
