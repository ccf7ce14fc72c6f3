"""Waiting until a pod can be used, a little at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.read_pods import Seen, get_pod
from runpod_mcp.pods.pod import PodStatus

LOOK_EVERY = 3
"""Seconds between looks: ports take 30 to 90 seconds with a cached image (observed live)."""
WORTH_WAITING = frozenset({PodStatus.PROVISIONING, PodStatus.STARTING, PodStatus.RUNNING, PodStatus.UNKNOWN})

Progress = Callable[[float, float, str], Awaitable[None]]
"""Told after each look: seconds waited, seconds at most, and what the pod is doing."""


@dataclass(frozen=True, slots=True)
class Waited:
    """A pod as it is at the end of the wait; not ready may mean later, or never."""

    seen: Seen
    seconds: int
    ready: bool

    @property
    def hopeless(self) -> bool:
        """Whether waiting longer brings nothing."""
        return not self.ready and self.seen.pod.status not in WORTH_WAITING


async def wait_for_pod(house: House, pod_id: str, seconds: int, progress: Progress) -> Waited:
    """Look until every port of a pod can be reached as the API sees it, or so many seconds are over.

    Raises:
        Failure: `not_found`; or the first look could not be had.
    """
    start = house.now()
    seen = await get_pod(house, pod_id)
    while True:
        waited = Waited(seen, house.now() - start, seen.pod.is_ready)
        await progress(waited.seconds, seconds, f"pod {pod_id} is {seen.pod.status.value}")
        left = seconds - waited.seconds
        if waited.ready or waited.hopeless or left <= 0:
            return waited
        await house.clock.sleep(min(LOOK_EVERY, left))
        seen = await _look_again(house, pod_id, seen)


async def _look_again(house: House, pod_id: str, before: Seen) -> Seen:
    """A look that fails in the middle of a wait is made up for by the next one."""
    try:
        return await get_pod(house, pod_id)
    except Failure as failure:
        if failure.code.value == "not_found":
            raise
        return before
