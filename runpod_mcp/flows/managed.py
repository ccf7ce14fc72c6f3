"""A pod that was rented here, as the ledger and Runpod see it."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.read_pods import lease_of_pod, not_found
from runpod_mcp.ledger.entries import Lease
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.words import clean


async def managed(house: House, pod_id: str) -> tuple[Lease, Pod]:
    """A pod that lives, with its lease.

    Raises:
        Failure: `not_found`; `not_managed`: it has no lease that counts; `conflict`: it belongs to a cluster.
    """
    lease = await lease_of_pod(house, pod_id)
    pod = await house.api.get_pod(pod_id)
    if pod is None:
        raise not_found(pod_id, lease)
    if lease is None or not lease.still_counts:
        raise Failure(
            Code.NOT_MANAGED,
            f"Pod {clean(pod_id, 40)} was not rented through this server, so it is left alone.",
            Retry.NEVER,
        )
    if pod.cluster_id:
        message = (
            f"Pod {pod_id} belongs to cluster {clean(pod.cluster_id, 40)}, which Runpod changes as a whole."
        )
        raise Failure(Code.CONFLICT, message, Retry.NEVER)
    return lease, pod
