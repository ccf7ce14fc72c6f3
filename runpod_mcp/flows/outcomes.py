"""Finding out what became of a call whose answer was lost, and making sure that a pod is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.pods.pod import Pod, PodStatus
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.api import ChangeOutcome, Refused


async def find_by_tag(house: House, reservation_id: str) -> Pod | None:
    """The pod that carries a reservation's tag, looked for patiently; None when it did not show up in time.

    Not finding it proves nothing: a new pod may be missing from the list for a while.
    """
    for wait in (0.0, *house.look_again_after):
        if wait:
            await house.clock.sleep(wait)
        try:
            found = tagged(await house.api.list_pods(), reservation_id)
        except Failure:
            continue
        if found:
            return found
    return None


def tagged(pods: Sequence[Pod], reservation_id: str) -> Pod | None:
    """The pod among these that carries this tag and has not ended."""
    alive = (pod for pod in pods if pod.status is not PodStatus.TERMINATED)
    return next((pod for pod in alive if pod.reservation_id == reservation_id), None)


async def end_pod(house: House, pod_id: str) -> bool:
    """Delete a pod and read until it is gone; False when that could not be confirmed."""
    return await trouble_ending(house, pod_id) is None


async def trouble_ending(house: House, pod_id: str) -> Failure | None:
    """Delete a pod and read until it is gone; what is in the way, where that could not be confirmed.

    A delete that was accepted is no proof, and neither is a 404 on it: only reading the pod and the list is.
    """
    outcome: ChangeOutcome | None = None
    for wait in (0.0, *house.confirm_after):
        if wait:
            await house.clock.sleep(wait)
        outcome = await house.api.delete_pod(pod_id)
        if await is_gone(house, pod_id):
            return None
        if isinstance(outcome, Refused) and outcome.code is Code.UNAUTHORIZED:
            break
    return unconfirmed(f"The end of pod {clean(pod_id, 40)}", outcome)


def unconfirmed(what: str, outcome: ChangeOutcome | None) -> Failure:
    """A change that cannot be seen to have happened, and Runpod's reason where it gave one."""
    if isinstance(outcome, Refused):
        retry = Retry.NEVER if outcome.code is Code.UNAUTHORIZED else Retry.LATER
        return Failure(outcome.code, f"{outcome.message} The pod still counts as before.", retry)
    return Failure(
        Code.RUNPOD_UNAVAILABLE,
        f"{what} could not be confirmed, so it still counts as before. Calling again in a moment is safe.",
        Retry.LATER,
    )


async def is_gone(house: House, pod_id: str) -> bool:
    """Whether both reading the pod and the list of pods say that it is not there; False when they cannot be read."""
    try:
        pod = await house.api.get_pod(pod_id)
        if pod is not None and pod.status is not PodStatus.TERMINATED:
            return False
        listed = await house.api.list_pods()
    except Failure:
        return False
    return all(other.id != pod_id or other.status is PodStatus.TERMINATED for other in listed)


async def see_stopped(house: House, pod_id: str, *, patiently: bool = True) -> Pod | None:
    """The stopped pod, or None when that could not be seen: at once, or in time where one waits for it."""
    return await see(house, pod_id, lambda pod: pod.status is PodStatus.STOPPED, patiently)


async def see_running(house: House, pod_id: str, *, patiently: bool = True) -> Pod | None:
    """The pod once it bills its GPUs, or None when that could not be seen: at once, or in time."""
    return await see(
        house, pod_id, lambda pod: pod.bills_compute and pod.status is not PodStatus.UNKNOWN, patiently
    )


async def see(house: House, pod_id: str, wanted: Callable[[Pod], bool], patiently: bool = True) -> Pod | None:
    """The pod once it is as wanted, or None when that could not be seen: at once, or in time."""
    for wait in (0.0, *house.confirm_after) if patiently else (0.0,):
        if wait:
            await house.clock.sleep(wait)
        try:
            pod = await house.api.get_pod(pod_id)
        except Failure:
            continue
        if pod is not None and wanted(pod):
            return pod
    return None
