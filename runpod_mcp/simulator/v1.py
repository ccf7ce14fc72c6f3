"""Runpod's REST v1: bare arrays, its own names, and 500 for lack of capacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.calls import Call, Facts, Reply, Route, bearer_key, edge_answer
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v1_create import read_changes, read_order
from runpod_mcp.simulator.v1_views import show_pod, show_template, show_volume
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
_INCLUDES = ("Machine", "NetworkVolume", "SavingsPlans", "Template", "Workers")


class V1:
    """The v1 dialect under `/v1`."""

    name = "v1"
    prefix = "/v1"

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Pods with their verbs, templates, network volumes."""
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
            Route("GET", "/templates", "templates", self._templates),
            Route("GET", "/templates/{id}", "templates", self._template),
            Route("GET", "/networkvolumes", "volumes", self._volumes),
            Route("POST", "/networkvolumes", "volumes", self._create_volume),
            Route("GET", "/networkvolumes/{id}", "volumes", self._volume),
            Route("DELETE", "/networkvolumes/{id}", "volumes", self._delete_volume),
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
        return {**_facts(body if isinstance(body, dict) else {}), "podId": list(call.ids.values())}

    def refuse(self, refusal: Refusal, operation: str) -> Reply:
        """`{"error": "create pod: …", "status": 500}`, as the live bodies were."""
        if refusal.reason is Reason.EDGE_BLOCKED:
            return edge_answer()
        status, text = _ANSWERS[refusal.reason]
        text = "; ".join(refusal.errors) or refusal.detail or text
        if refusal.reason in _PREFIXED and operation in ("create", "start", "stop", "restart", "update"):
            text = f"{operation} pod: {text}"
        return Reply(status, {"error": text, "status": status}, headers=dict(refusal.headers))

    def finish(self, call: Call, reply: Reply) -> None:
        """v1 sends no quota headers."""

    def _body(self, call: Call) -> Any:
        try:
            return call.json()
        except ValueError:
            raise Refusal(Reason.RULE, "request body is not valid JSON") from None

    # pods

    def _list(self, call: Call) -> Reply:
        include = _include(call)
        pods = self._world.listed()
        shown = [(pod, show_pod(pod, self._world, include, status)) for pod, status in pods]
        return Reply(200, [view for pod, view in shown if _wanted(call, pod, view)])

    def _create(self, call: Call) -> Reply:
        order = read_order(self._body(call), self._world)
        return Reply(201, show_pod(self._world.create(order), self._world))

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_pod(self._world.pod(call.ids["id"]), self._world, _include(call)))

    def _update(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        self._world.change(pod, **read_changes(self._body(call), pod.order))
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

    # templates and network volumes

    def _templates(self, call: Call) -> Reply:
        everything = call.asked("includeRunpodTemplates") == "true"
        templates = self._world.shelf.templates.values()
        return Reply(200, [show_template(each) for each in templates if everything or not each.official])

    def _template(self, call: Call) -> Reply:
        return Reply(200, show_template(self._world.shelf.template(call.ids["id"])))

    def _volumes(self, _: Call) -> Reply:
        return Reply(200, [show_volume(volume) for volume in self._world.shelf.volumes.values()])

    def _volume(self, call: Call) -> Reply:
        return Reply(200, show_volume(self._world.shelf.volume(call.ids["id"])))

    def _create_volume(self, call: Call) -> Reply:
        body = self._body(call)
        if (
            not isinstance(body, dict)
            or not isinstance(body.get("size"), int)
            or not 0 < body["size"] <= 4000
        ):
            raise Refusal(Reason.RULE, "create network volume: size must be between 1 and 4000")
        name, center = str(body.get("name", "")), str(body.get("dataCenterId", ""))
        return Reply(200, show_volume(self._world.shelf.add_volume(name, body["size"], center, None)))

    def _delete_volume(self, call: Call) -> Reply:
        self._world.shelf.remove_volume(self._world.shelf.volume(call.ids["id"]))
        return Reply(204)


def _include(call: Call) -> frozenset[str]:
    asked = [name for name in _INCLUDES if call.asked(f"include{name}") == "true"]
    return frozenset(name[0].lower() + name[1:] for name in asked)


def _facts(body: Mapping[str, Any]) -> dict[str, list[str]]:
    lists = {
        "gpuTypeId": body.get("gpuTypeIds", body.get("cpuFlavorIds")),
        "dataCenterId": body.get("dataCenterIds"),
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
    }
    return all(have[name] in call.listed(name) for name in have if name in call.query)
