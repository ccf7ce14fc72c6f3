"""Serverless endpoints of v2, their workers, releases and worker logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.endpoint_care import (
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    find_endpoint,
    listed_endpoints,
)
from runpod_mcp.simulator.endpoints import Config, Endpoint
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.templates import Template
from runpod_mcp.simulator.v2_body import read_body
from runpod_mcp.simulator.v2_container import container_fields
from runpod_mcp.simulator.v2_endpoint_schemas import CREATE, UPDATE, check_create, check_update, read_config
from runpod_mcp.simulator.v2_endpoint_views import show_endpoint, show_releases, show_workers
from runpod_mcp.simulator.v2_logs import Life, log_events
from runpod_mcp.simulator.world import World

_IDLE_TIMEOUT = 10
_DEFAULT_DISK = 20


class Endpoints:
    """The operations under `/v2/serverless`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, update, delete; workers, releases, worker logs."""
        every, one = "/serverless", "/serverless/{id}"
        return [
            Route("GET", every, "endpoint_list", self._list),
            Route("POST", every, "endpoint_create", self._create),
            Route("GET", one, "endpoint_get", self._get),
            Route("PATCH", one, "endpoint_update", self._update),
            Route("DELETE", one, "endpoint_delete", self._delete),
            Route("GET", f"{one}/workers", "endpoint_workers", self._workers),
            Route("GET", f"{one}/releases", "endpoint_releases", self._releases),
            Route("GET", f"{one}/workers/{{workerId}}/logs", "endpoint_logs", self._logs),
        ]

    def _find(self, call: Call) -> Endpoint:
        return find_endpoint(self._world, call.ids["id"])

    def _show(self, call: Call, status: int, endpoint: Endpoint) -> Reply:
        return Reply(status, show_endpoint(endpoint, self._world, call.headers.get("host", "simulator")))

    def _list(self, call: Call) -> Reply:
        host = call.headers.get("host", "simulator")
        shown = [show_endpoint(each, self._world, host) for each in listed_endpoints(self._world)]
        return Reply(200, {"endpoints": shown})

    def _create(self, call: Call) -> Reply:
        body = read_body(call, CREATE)
        check_create(body)
        template = self._template(body)
        start = Config(body["name"], body["type"], idle_timeout=_IDLE_TIMEOUT)
        config = read_config(_seeded(body, template), start, self._world.price_list)
        lent = _lent(template) if template else {"disk": _DEFAULT_DISK}
        container = {**lent, **container_fields(body)}
        container["env"] = {**(template.env if template else {}), **body.get("env", {})}
        return self._show(call, 201, create_endpoint(self._world, config, container))

    def _template(self, body: Mapping[str, Any]) -> Template | None:
        if not body.get("templateId"):
            return None
        template = self._world.shelf.template(body["templateId"])
        if not template.serverless:
            raise Refusal(Reason.INVALID, errors=["$.templateId: template is not a serverless template"])
        return template

    def _get(self, call: Call) -> Reply:
        return self._show(call, 200, self._find(call))

    def _update(self, call: Call) -> Reply:
        endpoint = self._find(call)
        body = read_body(call, UPDATE)
        check_update(body, endpoint.config)
        template = self._template(body)
        config = read_config(body, endpoint.config, self._world.price_list)
        container = {**(_lent(template) if template else {}), **container_fields(body)}
        if template:
            container["env"] = {**template.env, **body.get("env", {})}
        change_endpoint(self._world, endpoint, config, container)
        return self._show(call, 200, endpoint)

    def _delete(self, call: Call) -> Reply:
        delete_endpoint(self._world, self._find(call))
        return Reply(204)

    def _workers(self, call: Call) -> Reply:
        return Reply(200, show_workers(self._find(call), self._world))

    def _releases(self, call: Call) -> Reply:
        return Reply(200, show_releases(self._find(call)))

    def _logs(self, call: Call) -> Reply:
        worker = self._find(call).workers.get(call.ids["workerId"])
        if worker is None:
            raise Refusal(Reason.NOT_FOUND, "worker not found")
        life = Life(worker.image, worker.started_at, worker.ready_at, numbered=False)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        events = log_events(life, self._world.now(), call)
        return Reply(200, raw=events, headers=headers, media_type="text/event-stream")


def _lent(template: Template) -> dict[str, Any]:
    names = ("image", "args", "cmd", "disk", "ports", "registry")
    return {name: getattr(template, name) for name in names}


def _seeded(body: Mapping[str, Any], template: Template | None) -> Mapping[str, Any]:
    """The body with the template's CUDA versions, where it asks for none of its own."""
    gpu = body.get("gpu")
    if template is None or gpu is None or {"allowedCudaVersions", "minCudaVersion"} & set(gpu):
        return body
    return {**body, "gpu": {**gpu, "allowedCudaVersions": list(template.cuda_versions)}}
