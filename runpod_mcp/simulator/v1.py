"""Runpod's REST v1: bare arrays, its own names, and 500 for lack of capacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.calls import Call, Facts, Reply, Route, bearer_key, edge_answer
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v1_billing import Billing
from runpod_mcp.simulator.v1_body import read_json
from runpod_mcp.simulator.v1_create import read_changes, read_order
from runpod_mcp.simulator.v1_endpoint_views import show_worker
from runpod_mcp.simulator.v1_endpoints import Endpoints
from runpod_mcp.simulator.v1_registries import Registries
from runpod_mcp.simulator.v1_templates import Templates
from runpod_mcp.simulator.v1_views import show_pod
from runpod_mcp.simulator.v1_volumes import Volumes
from runpod_mcp.simulator.world import World

_BROKEN = "Something went wrong. Please try again later or contact support."
_ANSWERS: Mapping[Reason, tuple[int, str]] = {
    Reason.NO_CAPACITY: (500, "There are no instances currently available"),
    Reason.LOST_RACE: (
        500,
        "This machine does not have the resources to deploy your pod. Please try a different machine",
    ),
    Reason.NO_GPUS_ON_HOST: (500, "There are not enough free GPUs on the host machine to start this pod."),
    Reason.RULE: (400, "invalid input"),
    Reason.INVALID: (400, "invalid input"),
    Reason.UNAUTHORIZED: (401, "unauthorized"),
    Reason.FORBIDDEN: (403, "forbidden"),
    Reason.BALANCE: (402, "insufficient balance"),
    Reason.NOT_FOUND: (404, "pod not found"),
    Reason.NO_PATH: (404, "not found"),
    Reason.NO_METHOD: (405, "method not allowed"),
    Reason.CONFLICT: (400, "pod is locked"),
    Reason.GONE: (410, "REST API v1 has been retired"),
    Reason.TOO_LARGE: (413, "request body is too large"),
    Reason.RATE_LIMITED: (429, "too many requests"),
    Reason.BROKEN: (500, _BROKEN),
    Reason.UNAVAILABLE: (503, "service unavailable"),
}
_PREFIXED = (Reason.NO_CAPACITY, Reason.LOST_RACE, Reason.NO_GPUS_ON_HOST, Reason.BROKEN, Reason.CONFLICT)
_THINGS = {"": "pod", "volume": "network volume", "registry": "container registry auth"}
_INCLUDES = ("Machine", "NetworkVolume", "SavingsPlans", "Template", "Workers")


class V1:
    """The v1 dialect under `/v1`."""

    name = "v1"
    prefix = "/v1"

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Pods with their verbs, network volumes, templates, registries, endpoints, billing."""
        return [
            Route("GET", "/pods", "list", self._list),
            Route("POST", "/pods", "create", self._create),
            Route("GET", "/pods/{id}", "get", self._get),
            Route("PATCH", "/pods/{id}", "update", self._update),
            Route("DELETE", "/pods/{id}", "delete", self._delete),
            Route("POST", "/pods/{id}/update", "update", self._update),
            Route("POST", "/pods/{id}/start", "start", self._verb(self._world.start)),
            Route("POST", "/pods/{id}/stop", "stop", self._verb(self._world.stop)),
            Route("POST", "/pods/{id}/restart", "restart", self._verb(self._world.restart)),
            Route("POST", "/pods/{id}/reset", "restart", self._verb(self._reset)),
            *Volumes(self._world).routes(),
            *Templates(self._world).routes(),
            *Registries(self._world).routes(),
            *Endpoints(self._world).routes(),
            *Billing(self._world).routes(),
        ]

    def admit(self, call: Call) -> None:
        """410 once v1 is retired; then the key."""
        if self._world.settings.v1_retired:
            raise Refusal(Reason.GONE)
        key = bearer_key(call)
        if key is None or key == "sim_wrong":
            raise Refusal(Reason.UNAUTHORIZED)
        if key == "sim_forbidden":
            raise Refusal(Reason.FORBIDDEN)

    def facts(self, call: Call) -> Facts:
        """The GPU types (or CPU flavors), cloud, data centers, name and image of a create; the pod of the rest."""
        try:
            body = call.json()
        except ValueError:
            body = {}
        ids = list(call.ids.values())
        return {**_facts(body if isinstance(body, dict) else {}), "podId": ids, "id": ids}

    def refuse(self, refusal: Refusal, operation: str) -> Reply:
        """`{"error": "create pod: …", "status": 500}`, as the live bodies were."""
        if refusal.reason is Reason.EDGE_BLOCKED:
            return edge_answer()
        status, text = _ANSWERS[refusal.reason]
        thing, _, verb = operation.rpartition("_")
        if thing and refusal.reason is Reason.NOT_FOUND:
            text = "not found"
        text = "; ".join(refusal.errors) or refusal.detail or text
        if refusal.reason in _PREFIXED and verb in ("create", "start", "stop", "restart", "update", "delete"):
            text = f"{verb} {_THINGS.get(thing, thing)}: {text}"
        return Reply(status, {"error": text, "status": status}, headers=dict(refusal.headers))

    def finish(self, call: Call, reply: Reply) -> None:
        """v1 sends no quota headers."""

    # pods

    def _list(self, call: Call) -> Reply:
        include = _include(call)
        pods = self._world.listed()
        shown = [(pod, show_pod(pod, self._world, include, status)) for pod, status in pods]
        workers = self._workers(call) if "workers" in include else []
        return Reply(200, [view for pod, view in shown if _wanted(call, pod, view)] + workers)

    def _workers(self, call: Call) -> list[dict[str, Any]]:
        every = [
            one for one in self._world.fleet.endpoints.values() if call.asked("endpointId") in (None, one.id)
        ]
        return [show_worker(each, one, self._world) for one in every for each in one.workers.values()]

    def _create(self, call: Call) -> Reply:
        order = read_order(read_json(call), self._world)
        return Reply(201, show_pod(self._world.create(order), self._world))

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_pod(self._world.pod(call.ids["id"]), self._world, _include(call)))

    def _update(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        self._world.change(pod, **read_changes(read_json(call), pod.order))
        return Reply(200, show_pod(pod, self._world))

    def _delete(self, call: Call) -> Reply:
        self._world.end(self._world.pod(call.ids["id"]))
        return Reply(204)

    def _verb(self, act: Callable[[Pod], None]) -> Callable[[Call], Reply]:
        def work(call: Call) -> Reply:
            pod = self._world.pod(call.ids["id"])
            act(pod)
            return Reply(200, show_pod(pod, self._world))

        return work

    def _reset(self, pod: Pod) -> None:
        if pod.order.locked:
            raise Refusal(Reason.CONFLICT)
        self._world.restart(pod)


def _include(call: Call) -> frozenset[str]:
    asked = [name for name in _INCLUDES if call.asked(f"include{name}") == "true"]
    return frozenset(name[0].lower() + name[1:] for name in asked)


def _facts(body: Mapping[str, Any]) -> dict[str, list[str]]:
    center = body.get("dataCenterId")
    lists = {
        "gpuTypeId": body.get("gpuTypeIds", body.get("cpuFlavorIds")),
        "dataCenterId": body.get("dataCenterIds", [center] if isinstance(center, str) else None),
    }
    texts = {
        "cloudType": body.get("cloudType", "SECURE"),
        "name": body.get("name", "my pod"),
        "imageName": body.get("imageName"),
    }
    facts = {name: list(values) for name, values in lists.items() if isinstance(values, list)}
    return {**facts, **{name: [text] for name, text in texts.items() if isinstance(text, str)}}


def _wanted(call: Call, pod: Pod, view: Mapping[str, Any]) -> bool:
    order = pod.order
    have = {
        "id": pod.id,
        "name": order.name,
        "imageName": order.image,
        "desiredStatus": view["desiredStatus"],
        "computeType": "CPU" if order.is_cpu else "GPU",
        "gpuTypeId": pod.resource_id,
        "cpuFlavorId": pod.resource_id,
        "dataCenterId": pod.data_center_id,
        "networkVolumeId": order.network_volume_id,
        "templateId": order.template_id,
        "endpointId": None,
    }
    return all(have[name] in call.listed(name) for name in have if name in call.query)
