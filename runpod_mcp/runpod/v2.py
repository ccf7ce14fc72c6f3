"""Dialect v2: Runpod's REST API under `/v2`, which places exactly one GPU type or CPU flavor per create."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.pod import Pod
from runpod_mcp.runpod import outcomes, v2_body, v2_catalog
from runpod_mcp.runpod.api import (
    ChangeOutcome,
    Created,
    CreateOutcome,
    Done,
    Gone,
    NetworkVolume,
    PodOrder,
    Refused,
    Template,
)
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import ask, find
from runpod_mcp.runpod.reading import fields, identifier, items, segment, text, truth, whole
from runpod_mcp.runpod.v2_pod import read_pod

log = logging.getLogger(__name__)

MOST_PAGES = 1000
TEMPLATE_SOURCES = ("official", "verified", "community")


class V2Api:
    """`RunpodApi` in v2; see there for what each method promises."""

    dialect = "v2"
    places_one = True

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v2`."""
        self._wire = wire

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
        outcome = outcomes.of_create(sent, read_pod, self._wire.clock.now(), bool(order.request.env))
        if isinstance(outcome, Created) and order.request.locked:
            return Created(await self._locked(outcome.pod))
        return outcome

    async def list_pods(self) -> list[Pod]:
        """Every pod of the account; pages are followed where the server has them (newer than the August document)."""
        pods: dict[str, Pod] = {}
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            page = await ask(self._wire, "/pods", "pods", {"cursor": cursor} if cursor else None)
            for pod in _pods(page):
                pods.setdefault(pod.id, pod)
            cursor = _next_cursor(page)
            if cursor is None:
                return list(pods.values())
            if cursor in seen:
                break
            seen.add(cursor)
        raise _endless()

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

    async def unlock_pod(self, pod_id: str) -> ChangeOutcome:
        """Take away the guard against being stopped."""
        return await self._change("PATCH", pod_id, "", {"locked": False})

    async def delete_pod(self, pod_id: str) -> ChangeOutcome:
        """End the pod for good."""
        return await self._change("DELETE", pod_id)

    async def read_catalog(self, *, cloud: str, gpu_count: int) -> Catalog:
        """The catalog with stock for pods of this cloud and GPU count."""
        return await v2_catalog.read_catalog(self._wire, cloud=cloud, gpu_count=gpu_count)

    async def get_template(self, template_id: str) -> Template | None:
        """One template; one that is not ours is looked for in the public catalog as well."""
        if identifier(template_id) is None:
            return None
        body = await find(self._wire, f"/templates/{segment(template_id)}", "the template")
        if body is None:
            body = await self._public_template(template_id)
        return None if body is None else _template(fields(body))

    async def get_network_volume(self, volume_id: str) -> NetworkVolume | None:
        """One network volume, or None."""
        if identifier(volume_id) is None:
            return None
        body = await find(self._wire, f"/network-volumes/{segment(volume_id)}", "the network volume")
        return None if body is None else _network_volume(fields(body))

    async def close(self) -> None:
        """Close connections."""
        await self._wire.close()

    async def _act(self, pod_id: str, action: str) -> ChangeOutcome:
        return await self._change("POST", pod_id, "/action", {"action": action})

    async def _change(
        self, method: str, pod_id: str, verb: str = "", body: Mapping[str, Any] | None = None
    ) -> ChangeOutcome:
        if identifier(pod_id) is None:
            return Gone()
        sent = await self._wire.send(method, f"/pods/{segment(pod_id)}{verb}", body=body)
        return outcomes.of_change(sent, read_pod, self._wire.clock.now())

    async def _locked(self, pod: Pod) -> Pod:
        """The pod as it is after the lock was asked for; a lock that failed leaves a pod that is not locked."""
        outcome = await self._change("PATCH", pod.id, "", {"locked": True})
        if not isinstance(outcome, Done):
            log.warning("pod %s was made but could not be locked: %s", pod.id, type(outcome).__name__)
        return replace(pod, locked=isinstance(outcome, Done))

    async def _public_template(self, template_id: str) -> Any | None:
        for source in TEMPLATE_SOURCES:
            page = await ask(self._wire, "/catalog/templates", "public templates", {"source": source})
            for template in items(fields(page).get("templates")):
                if fields(template).get("id") == template_id:
                    return template
        return None


def _pods(page: Any) -> list[Pod]:
    """The pods of one page. One that cannot be read spoils the list: it may be the pod that somebody looks for."""
    listed = fields(page).get("pods")
    if not isinstance(listed, list):
        raise unreadable("pods")
    pods = [pod for one in listed if (pod := read_pod(one))]
    if len(pods) != len(listed):
        raise unreadable("pods")
    return pods


def _next_cursor(page: Any) -> str | None:
    pagination = fields(fields(page).get("pagination"))
    cursor = text(pagination.get("nextCursor"))
    if cursor is None and pagination.get("hasNextPage") is True:
        raise unreadable("pods")
    return cursor


def _endless() -> Failure:
    return Failure(Code.RUNPOD_UNAVAILABLE, "Runpod's list of pods has no end; it was not used.", Retry.LATER)


def _template(body: Mapping[str, Any]) -> Template:
    template_id = text(body.get("id"))
    if template_id is None:
        raise unreadable("the template")
    persistent = fields(fields(body.get("mounts")).get("persistent"))
    return Template(
        id=template_id,
        name=text(body.get("name")),
        image=text(body.get("image")),
        container_disk_gb=whole(body.get("disk")),
        volume_gb=whole(persistent.get("size")),
        volume_mount_path=text(persistent.get("path")),
        ports=tuple(filter(None, map(text, body["ports"]))) if isinstance(body.get("ports"), list) else None,
        serverless=truth(body.get("serverless")) or False,
    )


def _network_volume(body: Mapping[str, Any]) -> NetworkVolume:
    volume_id = text(body.get("id"))
    if volume_id is None:
        raise unreadable("the network volume")
    return NetworkVolume(
        id=volume_id,
        name=text(body.get("name")),
        size_gb=whole(body.get("size")),
        data_center_id=text(body.get("dataCenter")),
    )
