"""Runpod's REST v2: strict bodies, loose queries, problem documents."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.calls import Call, Facts, Reply, Route, bearer_key, block_urllib, edge_answer
from runpod_mcp.simulator.limits import Limits
from runpod_mcp.simulator.pods import ACTIONS, Pod
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v2_billing import Billing
from runpod_mcp.simulator.v2_body import read_body
from runpod_mcp.simulator.v2_catalog import Catalog
from runpod_mcp.simulator.v2_create import read_order
from runpod_mcp.simulator.v2_endpoints import Endpoints
from runpod_mcp.simulator.v2_logs import Life, log_events
from runpod_mcp.simulator.v2_registries import Registries
from runpod_mcp.simulator.v2_schemas import CREATE_POD, POD_ACTION, UPDATE_POD
from runpod_mcp.simulator.v2_templates import Templates
from runpod_mcp.simulator.v2_update import read_changes
from runpod_mcp.simulator.v2_views import show_pod
from runpod_mcp.simulator.v2_volumes import Volumes
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
        """Pods, catalog, network volumes, templates, registries, serverless endpoints, billing."""
        return [
            Route("GET", "/pods", "list", self._list),
            Route("POST", "/pods", "create", self._create),
            Route("GET", "/pods/{id}", "get", self._get),
            Route("PATCH", "/pods/{id}", "update", self._update),
            Route("DELETE", "/pods/{id}", "delete", self._delete),
            Route("POST", "/pods/{id}/action", _action_operation, self._act),
            Route("GET", "/pods/{id}/logs", "logs", self._logs),
            *Catalog(self._world).routes(),
            *Volumes(self._world).routes(),
            *Templates(self._world).routes(),
            *Registries(self._world).routes(),
            *Endpoints(self._world).routes(),
            *Billing(self._world).routes(),
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
        ids = list(call.ids.values())
        return {**_facts(body if isinstance(body, dict) else {}), "podId": ids, "id": ids}

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
        order = read_order(read_body(call, CREATE_POD), self._world)
        return Reply(201, show_pod(self._world.create(order), self._world))

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_pod(self._world.pod(call.ids["id"]), self._world))

    def _update(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        body = read_body(call, UPDATE_POD)
        self._world.change(pod, **read_changes(body, pod.order, self._world))
        return Reply(200, show_pod(pod, self._world))

    def _delete(self, call: Call) -> Reply:
        self._world.end(self._world.pod(call.ids["id"]))
        return Reply(204)

    def _act(self, call: Call) -> Reply:
        pod = self._world.pod(call.ids["id"])
        action = read_body(call, POD_ACTION)["action"]
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
        life = Life(pod.order.image, pod.started_at, pod.ready_at, pod.stopped_at)
        events = log_events(life, self._world.now(), call)
        return Reply(200, raw=events, headers=headers, media_type="text/event-stream")


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
    centers = body.get("dataCenterIds", [body.get("dataCenter")])
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
