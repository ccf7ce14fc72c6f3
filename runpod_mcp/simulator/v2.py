"""Runpod's REST v2: strict bodies, loose queries, problem documents."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema, violations
from runpod_mcp.simulator.calls import Call, Facts, Reply, Route, bearer_key, block_urllib, edge_answer
from runpod_mcp.simulator.limits import Limits
from runpod_mcp.simulator.pods import ACTIONS, Pod
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v2_catalog import Catalog
from runpod_mcp.simulator.v2_create import read_order
from runpod_mcp.simulator.v2_logs import log_events
from runpod_mcp.simulator.v2_schemas import CREATE_POD, CREATE_VOLUME, POD_ACTION, UPDATE_POD, UPDATE_VOLUME
from runpod_mcp.simulator.v2_update import read_changes
from runpod_mcp.simulator.v2_views import show_pod, show_template, show_volume
from runpod_mcp.simulator.world import World

_NO_CAPACITY = "There are no longer any instances available with the requested specifications. Please refresh and try again."
_ANSWERS: Mapping[Reason, tuple[int, str, str]] = {
    Reason.NO_CAPACITY: (400, "Bad Request", _NO_CAPACITY),
    Reason.LOST_RACE: (
        400,
        "Bad Request",
        "This machine does not have the resources to deploy your pod. Please try a different machine",
    ),
    Reason.NO_GPUS_ON_HOST: (400, "Bad Request", "Failed to resume pod."),
    Reason.RULE: (400, "Bad Request", "request could not be processed"),
    Reason.INVALID: (422, "Unprocessable Entity", "Request validation failed."),
    Reason.UNAUTHORIZED: (401, "Unauthorized", "missing bearer token"),
    Reason.FORBIDDEN: (403, "Forbidden", "access denied"),
    Reason.BALANCE: (402, "Payment Required", "insufficient balance"),
    Reason.NOT_FOUND: (404, "Not Found", "resource not found"),
    Reason.NO_PATH: (404, "Not Found", "The requested path was not found."),
    Reason.NO_METHOD: (405, "Method Not Allowed", "The requested method is not allowed for this path."),
    Reason.CONFLICT: (409, "Conflict", "action is not valid for the current pod status"),
    Reason.GONE: (410, "Gone", "this version of the API has been retired"),
    Reason.TOO_LARGE: (413, "Content Too Large", "request body is too large"),
    Reason.RATE_LIMITED: (429, "Too Many Requests", "rate limit exceeded for the minute window"),
    Reason.BROKEN: (
        500,
        "Internal Server Error",
        "Something went wrong. Please try again later or contact support.",
    ),
    Reason.UNAVAILABLE: (503, "Service Unavailable", "service unavailable"),
}
_MOST_BODY = 102_400


class V2:
    """The v2 dialect under `/v2`."""

    name = "v2"
    prefix = "/v2"

    def __init__(self, world: World) -> None:
        self._world = world
        self._limits = Limits(world)

    def routes(self) -> Sequence[Route]:
        """Pods, catalog, templates, network volumes."""
        return [
            Route("GET", "/pods", "list", self._list),
            Route("POST", "/pods", "create", self._create),
            Route("GET", "/pods/{id}", "get", self._get),
            Route("PATCH", "/pods/{id}", "update", self._update),
            Route("DELETE", "/pods/{id}", "delete", self._delete),
            Route("POST", "/pods/{id}/action", _action_operation, self._act),
            Route("GET", "/pods/{id}/logs", "logs", self._logs),
            Route("GET", "/templates", "templates", self._templates),
            Route("GET", "/templates/{id}", "templates", self._template),
            Route("GET", "/catalog/templates", "templates", self._public_templates),
            Route("GET", "/network-volumes", "volumes", self._volumes),
            Route("POST", "/network-volumes", "volumes", self._create_volume),
            Route("GET", "/network-volumes/{id}", "volumes", self._volume),
            Route("PATCH", "/network-volumes/{id}", "volumes", self._update_volume),
            Route("DELETE", "/network-volumes/{id}", "volumes", self._delete_volume),
            *Catalog(self._world).routes(),
        ]

    # at the door

    def admit(self, call: Call) -> None:
        """Cloudflare's rule, the size of the body (before the key, as documented), the key, the quota."""
        block_urllib(call)
        if len(call.body) > _MOST_BODY:
            raise Refusal(Reason.TOO_LARGE)
        key = bearer_key(call)
        if key is None:
            raise Refusal(Reason.UNAUTHORIZED)
        if key == "sim_wrong":
            raise Refusal(Reason.UNAUTHORIZED, "invalid bearer token")
        if key == "sim_forbidden":
            raise Refusal(Reason.FORBIDDEN)
        self._limits.count()

    def facts(self, call: Call) -> Facts:
        """The GPU type (or CPU flavor), cloud, data centers, name and image of a create; the pod of the rest."""
        try:
            body = call.json()
        except ValueError:
            body = {}
        return {**_facts(body if isinstance(body, dict) else {}), "podId": list(call.ids.values())}

    def refuse(self, refusal: Refusal, _: str) -> Reply:
        """An `application/problem+json` answer, or Cloudflare's bare text."""
        if refusal.reason is Reason.EDGE_BLOCKED:
            return edge_answer()
        status, title, detail = _ANSWERS[refusal.reason]
        detail = detail if refusal.reason is Reason.INVALID else refusal.detail or detail
        body: dict[str, Any] = {"title": title, "status": status, "detail": detail}
        if refusal.errors or (refusal.reason is Reason.INVALID and refusal.detail):
            body["errors"] = list(refusal.errors) or [refusal.detail]
        return Reply(status, body, headers=dict(refusal.headers), media_type="application/problem+json")

    def finish(self, call: Call, reply: Reply) -> None:
        """The quota headers, on answers to callers with a key."""
        if bearer_key(call) and reply.media_type != "text/plain; charset=UTF-8":
            reply.headers.update(self._limits.headers())

    def _body(self, call: Call, schema: Schema) -> dict[str, Any]:
        try:
            body = call.json()
        except ValueError:
            raise Refusal(Reason.RULE, "request body is not valid JSON") from None
        errors = violations(body, schema)
        if errors:
            raise Refusal(Reason.INVALID, errors=errors)
        return dict(body)

    # pods

    def _list(self, call: Call) -> Reply:
        pods = self._world.listed()
        start, limit = _page(call)
        page = pods[start : start + limit]
        more = start + limit < len(pods)
        pagination = {"nextCursor": _cursor(start + limit) if more else None, "hasNextPage": more}
        shown = [show_pod(pod, self._world, status) for pod, status in page]
        return Reply(200, {"pods": shown, "pagination": pagination})

    def _create(self, call: Call) -> Reply:
        order = read_order(self._body(call, CREATE_POD), self._world)
        return Reply(201, show_pod(self._world.create(order), self._world))

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_pod(self._world.pod(call.ids["id"]), self._world))

    def _update(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        body = self._body(call, UPDATE_POD)
        self._world.change(pod, **read_changes(body, pod.order, self._world))
        return Reply(200, show_pod(pod, self._world))

    def _delete(self, call: Call) -> Reply:
        self._world.end(self._world.pod(call.ids["id"]))
        return Reply(204)

    def _act(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        action = self._body(call, POD_ACTION)["action"]
        status = pod.status(self._world.now())
        if action not in ACTIONS[status]:
            raise Refusal(Reason.CONFLICT, f"action {action} is not valid for a pod in status {status}")
        if action == "terminate":
            self._world.end(pod)
            return Reply(204)
        self._apply(pod, action)
        return Reply(200, show_pod(pod, self._world))

    def _apply(self, pod: Pod, action: str) -> None:
        if action == "start":
            self._world.start(pod)
        elif action == "stop":
            self._world.stop(pod)
        else:
            self._world.restart(pod)

    def _logs(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        events = log_events(pod, self._world.now(), call)
        return Reply(200, raw=events, headers=headers, media_type="text/event-stream")

    # templates and network volumes

    def _templates(self, _: Call) -> Reply:
        own = [template for template in self._world.shelf.templates.values() if not template.official]
        return Reply(200, {"templates": [show_template(template) for template in own]})

    def _public_templates(self, _: Call) -> Reply:
        public = [template for template in self._world.shelf.templates.values() if template.official]
        return Reply(200, {"templates": [show_template(template) for template in public]})

    def _template(self, call: Call) -> Reply:
        return Reply(200, show_template(self._world.shelf.template(call.ids["id"])))

    def _volumes(self, _: Call) -> Reply:
        return Reply(
            200, {"networkVolumes": [show_volume(volume) for volume in self._world.shelf.volumes.values()]}
        )

    def _volume(self, call: Call) -> Reply:
        return Reply(200, show_volume(self._world.shelf.volume(call.ids["id"])))

    def _create_volume(self, call: Call) -> Reply:
        body = self._body(call, CREATE_VOLUME)
        volume = self._world.shelf.add_volume(
            body["name"], body["size"], body["dataCenter"], body.get("type")
        )
        return Reply(201, show_volume(volume))

    def _update_volume(self, call: Call) -> Reply:
        volume = self._world.shelf.volume(call.ids["id"])
        body = self._body(call, UPDATE_VOLUME)
        self._world.shelf.change_volume(volume, body.get("name"), body.get("size"))
        return Reply(200, show_volume(volume))

    def _delete_volume(self, call: Call) -> Reply:
        self._world.shelf.remove_volume(self._world.shelf.volume(call.ids["id"]))
        return Reply(204)


def _action_operation(call: Call) -> str:
    try:
        action = call.json()["action"]
    except (ValueError, KeyError, TypeError):
        return "update"
    return (
        {"terminate": "delete"}.get(action, action)
        if action in ("start", "stop", "restart", "terminate")
        else "update"
    )


def _facts(body: Mapping[str, Any]) -> dict[str, list[str]]:
    compute = body.get("gpu", body.get("cpu"))
    centers = body.get("dataCenterIds")
    texts = {
        "gpuTypeId": compute.get("id") if isinstance(compute, dict) else None,
        "cloudType": body.get("cloud", "SECURE"),
        "name": body.get("name"),
        "imageName": body.get("image"),
    }
    facts = {name: [text] for name, text in texts.items() if isinstance(text, str)}
    return {**facts, "dataCenterId": centers if isinstance(centers, list) else []}


def _page(call: Call) -> tuple[int, int]:
    limit, cursor = call.asked("limit") or "1000", call.asked("cursor")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise Refusal(Reason.INVALID, errors=["query.limit: must be an integer from 1 to 1000"])
    try:
        start = int(urlsafe_b64decode(cursor).removeprefix(b"from:")) if cursor else 0
    except ValueError:
        raise Refusal(Reason.INVALID, errors=["query.cursor: is not a cursor of this list"]) from None
    return start, int(limit)


def _cursor(start: int) -> str:
    return urlsafe_b64encode(b"from:%d" % start).decode()
