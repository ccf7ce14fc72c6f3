"""Dialect v1: Runpod's first REST API, which takes whole lists and chooses by itself.

Runpod announced to retire it on 2026-11-15, from when it answers 410. Prices come from `graphql.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.pod import Pod
from runpod_mcp.runpod import graphql, outcomes, v1_body
from runpod_mcp.runpod.api import (
    ChangeOutcome,
    CreateOutcome,
    Gone,
    NetworkVolume,
    PodOrder,
    Refused,
    Template,
)
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import ask, find
from runpod_mcp.runpod.reading import fields, identifier, segment, text, truth, whole
from runpod_mcp.runpod.v1_pod import read_pod

WHOLE_PODS = {"includeMachine": "true", "includeNetworkVolume": "true", "includeSavingsPlans": "true"}
"""Without these `machine` is `{}` and the others are missing (v1 document, observed live in August 2026)."""

ANY_TEMPLATE = {"includePublicTemplates": "true", "includeRunpodTemplates": "true"}


class V1Api:
    """`RunpodApi` in v1; see there for what each method promises."""

    dialect = "v1"
    places_one = False

    def __init__(self, wire: Wire, catalog: Wire) -> None:
        """`wire` leads to a base URL ending in `/v1`, `catalog` to GraphQL, without a key."""
        self._wire = wire
        self._catalog = catalog

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
        return outcomes.of_create(
            sent, read_pod, self._wire.clock.now(), bool(order.request.env), says_500_to_all=True
        )

    async def list_pods(self) -> list[Pod]:
        """Every pod of the account; v1 sends a bare list, in one page."""
        listed = await ask(self._wire, "/pods", "pods", WHOLE_PODS)
        if not isinstance(listed, list):
            raise unreadable("pods")
        pods = [pod for one in listed if (pod := read_pod(one))]
        if len(pods) != len(listed):
            # The one that cannot be read may be the pod that somebody looks for.
            raise unreadable("pods")
        return pods

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

    async def unlock_pod(self, pod_id: str) -> ChangeOutcome:
        """Take away the guard against being stopped."""
        return await self._change("PATCH", pod_id, "", {"locked": False})

    async def delete_pod(self, pod_id: str) -> ChangeOutcome:
        """End the pod for good."""
        return await self._change("DELETE", pod_id)

    async def read_catalog(self, *, cloud: str, gpu_count: int) -> Catalog:
        """The catalog with stock for pods of this cloud and GPU count."""
        return await graphql.read_catalog(self._catalog, cloud=cloud, gpu_count=gpu_count)

    async def get_template(self, template_id: str) -> Template | None:
        """One template, own or public."""
        if identifier(template_id) is None:
            return None
        body = await find(self._wire, f"/templates/{segment(template_id)}", "the template", ANY_TEMPLATE)
        return None if body is None else _template(fields(body))

    async def get_network_volume(self, volume_id: str) -> NetworkVolume | None:
        """One network volume, or None."""
        if identifier(volume_id) is None:
            return None
        body = await find(self._wire, f"/networkvolumes/{segment(volume_id)}", "the network volume")
        return None if body is None else _network_volume(fields(body))

    async def close(self) -> None:
        """Close connections."""
        await self._wire.close()
        await self._catalog.close()

    async def _change(
        self, method: str, pod_id: str, verb: str = "", body: Mapping[str, Any] | None = None
    ) -> ChangeOutcome:
        if identifier(pod_id) is None:
            return Gone()
        sent = await self._wire.send(method, f"/pods/{segment(pod_id)}{verb}", body=body)
        return outcomes.of_change(sent, read_pod, self._wire.clock.now(), says_500_to_all=True)


def _template(body: Mapping[str, Any]) -> Template:
    template_id = text(body.get("id"))
    if template_id is None:
        raise unreadable("the template")
    return Template(
        id=template_id,
        name=text(body.get("name")),
        image=text(body.get("imageName")),
        container_disk_gb=whole(body.get("containerDiskInGb")),
        volume_gb=whole(body.get("volumeInGb")),
        volume_mount_path=text(body.get("volumeMountPath")),
        ports=tuple(filter(None, map(text, body["ports"]))) if isinstance(body.get("ports"), list) else None,
        serverless=truth(body.get("isServerless")) or False,
    )


def _network_volume(body: Mapping[str, Any]) -> NetworkVolume:
    volume_id = text(body.get("id"))
    if volume_id is None:
        raise unreadable("the network volume")
    return NetworkVolume(
        id=volume_id,
        name=text(body.get("name")),
        size_gb=whole(body.get("size")),
        data_center_id=text(body.get("dataCenterId")),
    )
