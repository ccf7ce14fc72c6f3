"""Pods made elsewhere: what they cost, when the policy wants them counted."""

from __future__ import annotations

from runpod_mcp.catalog.quote import Disks
from runpod_mcp.clock import epoch
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.money import Usd
from runpod_mcp.pods.pod import Pod, PodStatus
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Holding, Stretch
from runpod_mcp.policy.written import MAX_LEASE_HOURS


async def unmanaged_holdings(house: House, policy: Policy) -> tuple[Holding, ...]:
    """What pods without a lease count, where `include_unmanaged` asks for it; nobody ends them, so they go on.

    Raises:
        Failure: Runpod's list cannot be read, or a pod's price cannot; then nobody knows what is left.
    """
    if not policy.budget.include_unmanaged:
        return ()
    pods = await house.api.list_pods()
    leases = await house.ledger.leases()  # after the pods: one rented in between must not be counted twice
    ours = {lease.pod_id for lease in leases} | {lease.reservation.id for lease in leases}
    return tuple(
        _holding(pod, house.now()) for pod in pods if pod.id not in ours and pod.reservation_id not in ours
    )


def rate_of(pod: Pod) -> Usd | None:
    """What a pod costs per hour now, disks included; None when Runpod does not say."""
    disks = Disks(pod.container_disk_gb or 0, pod.volume_gb or 0)
    if pod.status is PodStatus.TERMINATED:
        return Usd(0)
    if not pod.bills_compute:
        return disks.stopped_usd_per_hour
    return None if pod.usd_per_hour is None else Usd(pod.usd_per_hour + disks.running_usd_per_hour)


def _holding(pod: Pod, now: int) -> Holding:
    rate = rate_of(pod)
    if rate is None:
        raise Failure(
            Code.PRICE_UNKNOWN,
            f"The price of pod {pod.id}, which was made elsewhere, cannot be read.",
            Retry.LATER,
        )
    since = pod.created_at or pod.started_at
    start = min(epoch(since), now) if since else now
    stretch = Stretch(start, now + MAX_LEASE_HOURS * 3600, rate)
    return Holding(f"pod {pod.id}", (stretch,), pod.gpu_count or 0, pod.bills_compute)
