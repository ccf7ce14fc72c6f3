"""Dialect v1: Runpod's first REST API, which takes whole lists and chooses by itself.

Runpod announced to retire it on 2026-11-15, from when it answers 410. Prices come from `graphql.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.pod import Pod
from runpod_mcp.runpod import graphql, pod_outcomes, v1_body
from runpod_mcp.runpod.api import (
    ChangeOutcome,
    CreateOutcome,
    Gone,
    NetworkVolume,
    PodChange,
    PodOrder,
    Refused,
    Template,
)
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.gaps import only_in_v2
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.listing import list_whole
from runpod_mcp.runpod.logs import Logs, LogSource
from runpod_mcp.runpod.questions import find
from runpod_mcp.runpod.reading import identifier, segment
from runpod_mcp.runpod.v1_pod import read_pod

if TYPE_CHECKING:
    from runpod_mcp.runpod.resources import Resources

WHOLE_PODS = {"includeMachine": "true", "includeNetworkVolume": "true", "includeSavingsPlans": "true"}
"""Without these `machine` is `{}` and the others are missing (v1 document, observed live in August 2026)."""


class V1Api:
    """`RunpodApi` in v1; see there for what each method promises."""

    dialect = "v1"
    places_one = False

    def __init__(self, wire: Wire, catalog: Wire, jobs: Wire) -> None:
        """`wire` leads to a base URL ending in `/v1`, `catalog` to GraphQL, without a key, `jobs` to serverless jobs."""
        self._wire = wire
        self._jobs = jobs
        self._catalog = catalog

    @cached_property
    def resources(self) -> Resources:
        """Everything that is not a pod; read in only where it is asked for, since most servers never do."""
        from runpod_mcp.runpod.v1_resources import v1_resources

        return v1_resources(self._wire, self._jobs)

    def gaps(self, request: PodCreateInput) -> Sequence[Failure]:
        """What v1 cannot express of a request."""
        return v1_body.gaps(request)

    async def create_pod(self, order: PodOrder) -> CreateOutcome:
        """Send one create, once, with everything the order has left to choose from."""
        try:
            body = v1_body.create_body(order)
        except ValueError as error:
            return Refused(Code.INVALID_REQUEST, f"Nothing was sent: {error}.")
        sent = await self._wire.send("POST", "/pods", body=body, deadline=self._wire.timeouts.create)
        return pod_outcomes.of_create(
            sent, read_pod, self._wire.clock.now(), bool(order.request.env), says_500_to_all=True
        )

    async def list_pods(self) -> list[Pod]:
        """Every pod of the account; v1 sends a bare list, in one page."""
        return await list_whole(self._wire, "/pods", "pods", read_pod, key=None, query=WHOLE_PODS)

    async def get_pod(self, pod_id: str) -> Pod | None:
        """One pod, or None."""
        if identifier(pod_id) is None:
            return None
        body = await find(self._wire, f"/pods/{segment(pod_id)}", "the pod", WHOLE_PODS)
        if body is None:
            return None
        if (pod := read_pod(body)) is None:
            raise unreadable("the pod")
        return pod

    async def stop_pod(self, pod_id: str) -> ChangeOutcome:
        """Release the GPUs and keep the volume."""
        return await self._change("POST", pod_id, "/stop")

    async def start_pod(self, pod_id: str) -> ChangeOutcome:
        """Boot a stopped pod on the same host."""
        return await self._change("POST", pod_id, "/start")

    async def restart_pod(self, pod_id: str) -> ChangeOutcome:
        """Restart the container in place."""
        return await self._change("POST", pod_id, "/restart")

    async def reset_pod(self, pod_id: str) -> ChangeOutcome:
        """Make the container anew on the same host."""
        return await self._change("POST", pod_id, "/reset")

    async def update_pod(self, change: PodChange) -> ChangeOutcome:
        """Send one change of settings, once."""
        return await self._change("PATCH", change.pod.id, "", v1_body.change_body(change))

    def change_gaps(self, change: PodChange) -> Sequence[Failure]:
        """What v1 cannot express of a change."""
        return v1_body.change_gaps(change)

    async def unlock_pod(self, pod_id: str) -> ChangeOutcome:
        """Take away the guard against being stopped."""
        return await self._change("PATCH", pod_id, "", {"locked": False})

    async def delete_pod(self, pod_id: str) -> ChangeOutcome:
        """End the pod for good."""
        return await self._change("DELETE", pod_id)

    async def read_logs(
        self,
        pod_id: str,  # noqa: ARG002
        *,
        tail: int = 100,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
        source: LogSource | None = None,  # noqa: ARG002
    ) -> Logs | None:
        """Always a failure: v1 has no logs."""
        raise only_in_v2("logs")

    async def read_catalog(self, *, cloud: str, gpu_count: int) -> Catalog:
        """The catalog with stock for pods of this cloud and GPU count."""
        return await graphql.read_catalog(self._catalog, cloud=cloud, gpu_count=gpu_count)

    async def get_template(self, template_id: str) -> Template | None:
        """One template, own or public."""
        return await self.resources.templates.get(template_id)

    async def get_network_volume(self, volume_id: str) -> NetworkVolume | None:
        """One network volume, or None."""
        return await self.resources.volumes.get(volume_id)

    async def close(self) -> None:
        """Close connections."""
        await self._wire.close()
        await self._catalog.close()
        await self._jobs.close()

    async def _change(
        self, method: str, pod_id: str, verb: str = "", body: Mapping[str, Any] | None = None
    ) -> ChangeOutcome:
        if identifier(pod_id) is None:
            return Gone()
        sent = await self._wire.send_when_let(method, f"/pods/{segment(pod_id)}{verb}", body=body)
        secrets_sent = bool(body and body.get("env"))
        return pod_outcomes.of_change(
            sent, read_pod, self._wire.clock.now(), secrets_sent, says_500_to_all=True
        )
