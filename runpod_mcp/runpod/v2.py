"""Dialect v2: Runpod's REST API under `/v2`, which places exactly one GPU type or CPU flavor per create."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.pod import Pod
from runpod_mcp.runpod import pod_outcomes, v2_body, v2_catalog
from runpod_mcp.runpod.api import (
    ChangeOutcome,
    Created,
    CreateOutcome,
    Done,
    Gone,
    NetworkVolume,
    PodChange,
    PodOrder,
    Refused,
    Template,
)
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.listing import list_whole
from runpod_mcp.runpod.logs import Logs, LogSource, read_logs
from runpod_mcp.runpod.questions import find
from runpod_mcp.runpod.reading import identifier, segment
from runpod_mcp.runpod.v2_pod import read_pod

if TYPE_CHECKING:
    from runpod_mcp.runpod.resources import Resources

log = logging.getLogger(__name__)


class V2Api:
    """`RunpodApi` in v2; see there for what each method promises."""

    dialect = "v2"
    places_one = True

    def __init__(self, wire: Wire, jobs: Wire) -> None:
        """`wire` leads to a base URL ending in `/v2`, `jobs` to the host of serverless jobs."""
        self._wire = wire
        self._jobs = jobs

    @cached_property
    def resources(self) -> Resources:
        """Everything that is not a pod; read in only where it is asked for, since most servers never do."""
        from runpod_mcp.runpod.v2_resources import v2_resources

        return v2_resources(self._wire, self._jobs)

    def gaps(self, request: PodCreateInput) -> Sequence[Failure]:
        """What v2 cannot express of a request."""
        return v2_body.gaps(request)

    async def create_pod(self, order: PodOrder) -> CreateOutcome:
        """Send one create, once; a lock that was asked for follows in a PATCH of its own."""
        try:
            body = v2_body.create_body(order)
        except ValueError as error:
            return Refused(Code.INVALID_REQUEST, f"Nothing was sent: {error}.")
        sent = await self._wire.send("POST", "/pods", body=body, deadline=self._wire.timeouts.create)
        outcome = pod_outcomes.of_create(sent, read_pod, self._wire.clock.now(), bool(order.request.env))
        if isinstance(outcome, Created) and order.request.locked:
            return Created(await self._locked(outcome.pod))
        return outcome

    async def list_pods(self) -> list[Pod]:
        """Every pod of the account; one that cannot be read spoils the list."""
        return await list_whole(self._wire, "/pods", "pods", read_pod, key="pods")

    async def get_pod(self, pod_id: str) -> Pod | None:
        """One pod, or None."""
        if identifier(pod_id) is None:
            return None
        body = await find(self._wire, f"/pods/{segment(pod_id)}", "the pod")
        if body is None:
            return None
        if (pod := read_pod(body)) is None:
            raise unreadable("the pod")
        return pod

    async def stop_pod(self, pod_id: str) -> ChangeOutcome:
        """Release the GPUs and keep the volume."""
        return await self._act(pod_id, "stop")

    async def start_pod(self, pod_id: str) -> ChangeOutcome:
        """Boot a stopped pod on the same host."""
        return await self._act(pod_id, "start")

    async def restart_pod(self, pod_id: str) -> ChangeOutcome:
        """Restart the container in place."""
        return await self._act(pod_id, "restart")

    async def reset_pod(self, pod_id: str) -> ChangeOutcome:  # noqa: ARG002  whichever pod it is
        """v2 has no such call."""
        return Refused(Code.INVALID_ARGUMENTS, "Runpod's v2 API cannot reset a pod; restart it instead.")

    async def update_pod(self, change: PodChange) -> ChangeOutcome:
        """Send one change of settings, once."""
        return await self._change("PATCH", change.pod.id, "", v2_body.change_body(change))

    def change_gaps(self, change: PodChange) -> Sequence[Failure]:  # noqa: ARG002  whatever it is
        """Nothing: v2 has words for every setting of a change."""
        return ()

    async def unlock_pod(self, pod_id: str) -> ChangeOutcome:
        """Take away the guard against being stopped."""
        return await self._change("PATCH", pod_id, "", {"locked": False})

    async def delete_pod(self, pod_id: str) -> ChangeOutcome:
        """End the pod for good."""
        return await self._change("DELETE", pod_id)

    async def read_logs(
        self,
        pod_id: str,
        *,
        tail: int = 100,
        since: datetime | None = None,
        source: LogSource | None = None,
    ) -> Logs | None:
        """The newest lines of a pod, or those from `since` on; some keys are refused here that may do all else."""
        if identifier(pod_id) is None:
            return None
        path = f"/pods/{segment(pod_id)}/logs"
        return await read_logs(self._wire, path, "the pod's logs", tail=tail, since=since, source=source)

    async def read_catalog(self, *, cloud: str, gpu_count: int) -> Catalog:
        """The catalog with stock for pods of this cloud and GPU count."""
        return await v2_catalog.read_catalog(self._wire, cloud=cloud, gpu_count=gpu_count)

    async def get_template(self, template_id: str) -> Template | None:
        """One template, own or public."""
        return await self.resources.templates.get(template_id)

    async def get_network_volume(self, volume_id: str) -> NetworkVolume | None:
        """One network volume, or None."""
        return await self.resources.volumes.get(volume_id)

    async def close(self) -> None:
        """Close connections."""
        await self._wire.close()
        await self._jobs.close()

    async def _act(self, pod_id: str, action: str) -> ChangeOutcome:
        return await self._change("POST", pod_id, "/action", {"action": action})

    async def _change(
        self, method: str, pod_id: str, verb: str = "", body: Mapping[str, Any] | None = None
    ) -> ChangeOutcome:
        if identifier(pod_id) is None:
            return Gone()
        sent = await self._wire.send_when_let(method, f"/pods/{segment(pod_id)}{verb}", body=body)
        return pod_outcomes.of_change(sent, read_pod, self._wire.clock.now(), bool(body and body.get("env")))

    async def _locked(self, pod: Pod) -> Pod:
        """The pod as it is after the lock was asked for; a lock that failed leaves a pod that is not locked."""
        outcome = await self._change("PATCH", pod.id, "", {"locked": True})
        if not isinstance(outcome, Done):
            log.warning("pod %s was made but could not be locked: %s", pod.id, type(outcome).__name__)
        return replace(pod, locked=isinstance(outcome, Done))
