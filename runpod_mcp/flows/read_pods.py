"""Reading pods together with their leases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runpod_mcp.clock import from_epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.adopt import by_tag
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Lease, LeaseKind
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.summary import LeaseView, brief, summarize
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.spending import TOTAL, Stretch


@dataclass(frozen=True, slots=True)
class Seen:
    """A pod, and its lease when it is managed."""

    pod: Pod
    lease: Lease | None


async def list_pods(house: House) -> tuple[list[Seen], list[Lease]]:
    """Every pod with its lease, oldest first, and the leases whose pod Runpod does not list.

    Raises:
        Failure: Runpod or the ledger cannot be read.
    """
    pods = await house.api.list_pods()
    leases = [lease for lease in await house.ledger.leases() if lease.kind is LeaseKind.POD]
    by_id = {lease.pod_id or lease.reservation.id: lease for lease in leases}
    seen = [
        Seen(pod, by_id.get(pod.id) or by_id.get(pod.reservation_id or "")) for pod in sorted(pods, key=_age)
    ]
    shown = {one.lease.reservation.id for one in seen if one.lease}
    return seen, [lease for lease in leases if lease.reservation.id not in shown]


def _age(pod: Pod) -> tuple[str, str]:
    """v1 does not tell when a pod was made, only when it last started."""
    since = pod.created_at or pod.started_at
    return (since.isoformat() if since else "", pod.id)


async def get_pod(house: House, pod_id: str) -> Seen:
    """One pod with its lease.

    Raises:
        Failure: `not_found`, saying whether it was ours and has ended.
    """
    pod = await house.api.get_pod(pod_id)
    lease = await lease_of_pod(house, pod_id)
    if pod is None:
        raise not_found(pod_id, lease)
    lease = lease or await by_tag(house, pod)
    return Seen(pod, lease if lease and lease.still_counts else None)


async def lease_of_pod(house: House, pod_id: str) -> Lease | None:
    """The lease of a pod, whatever its state; None for what is no pod, or is not managed."""
    lease = await house.ledger.lease_of_pod(pod_id)
    return lease if lease and lease.kind is LeaseKind.POD else None


def not_found(pod_id: str, lease: Lease | None) -> Failure:
    """What to say of a pod that Runpod does not have."""
    past = "; it was rented here and is gone" if lease else ""
    return Failure(
        Code.NOT_FOUND, f"There is no pod {clean(pod_id, 40)!r}{past}. list_pods shows what there is."
    )


def view(house: House, lease: Lease | None) -> LeaseView | None:
    """A lease as a summary shows it."""
    if lease is None:
        return None
    now = house.now()
    ahead = [Stretch(max(s.start, now), s.end, s.usd_per_hour) for s in lease.stretches(now) if s.end > now]
    return LeaseView(from_epoch(lease.due_at), lease.usd_per_hour, TOTAL.cost_of(ahead))


def shown(house: House, pod: Pod, lease: Lease | None) -> dict[str, Any]:
    """A pod as an agent reads it."""
    return summarize(pod, view(house, lease), house.clock.now())


def shown_briefly(house: House, seen: Seen) -> dict[str, Any]:
    """A pod as one row of a list."""
    return brief(seen.pod, view(house, seen.lease))
