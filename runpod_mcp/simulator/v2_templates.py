"""Templates of v2: the account's own, and the public catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.endpoint_care import template_changed
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.templates import Template
from runpod_mcp.simulator.v2_body import read_body
from runpod_mcp.simulator.v2_container import (
    CONTAINER,
    CUDA,
    FLAG,
    NAME,
    TEXT,
    container_fields,
    obj,
    show_container,
)
from runpod_mcp.simulator.world import World

_SOURCES = ("official", "verified", "community")
_SIZE: Schema = {"type": "integer", "least": 10}
_FIELDS: dict[str, Schema] = {
    **CONTAINER,
    "name": NAME,
    "allowedCudaVersions": {"type": "array", "items": CUDA},
    "category": {"type": "string", "enum": ["CPU", "NVIDIA", "AMD"]},
    "mounts": obj(persistent=obj("size", "path", size=_SIZE, path=TEXT)),
    "public": FLAG,
    "serverless": FLAG,
    "startJupyter": FLAG,
    "startSsh": FLAG,
}
_CREATE = obj("name", "image", **_FIELDS)
_UPDATE = obj(**_FIELDS)
_DEFAULTS = {"disk": 20, "public": False, "serverless": False}
_OTHERS = {
    "name": "name",
    "category": "category",
    "public": "public",
    "serverless": "serverless",
    "startSsh": "start_ssh",
    "startJupyter": "start_jupyter",
}
_MOST = 100


class Templates:
    """The operations under `/v2/templates`, and `/v2/catalog/templates`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, update, delete, and the public list."""
        one = "/templates/{id}"
        return [
            Route("GET", "/templates", "template_list", self._list),
            Route("POST", "/templates", "template_create", self._create),
            Route("GET", "/catalog/templates", "template_public", self._public),
            Route("GET", one, "template_get", self._get),
            Route("PATCH", one, "template_update", self._update),
            Route("DELETE", one, "template_delete", self._delete),
        ]

    def _list(self, _: Call) -> Reply:
        own = [each for each in self._world.shelf.templates.values() if each.own and not each.bound_to]
        return Reply(200, {"templates": [show(template) for template in own]})

    def _public(self, call: Call) -> Reply:
        source = call.asked("source") or "official"
        if source not in _SOURCES:
            choices = ", ".join(repr(each) for each in _SOURCES)
            raise Refusal(Reason.INVALID, errors=[f"query.source: value must be one of {choices}"])
        public = [each for each in self._world.shelf.templates.values() if each.source == source]
        return Reply(200, {"templates": [show(template) for template in public[:_MOST]]})

    def _get(self, call: Call) -> Reply:
        return Reply(200, show(self._world.shelf.template(call.ids["id"])))

    def _create(self, call: Call) -> Reply:
        body = {**_DEFAULTS, **read_body(call, _CREATE)}
        return Reply(201, show(self._world.shelf.add_template(**_fields(body))))

    def _update(self, call: Call) -> Reply:
        template = self._world.shelf.own_template(call.ids["id"])
        wanted = _fields(read_body(call, _UPDATE))
        changed = self._world.shelf.change_template(template, **wanted)
        if changed != template:
            template_changed(self._world, template, changed)
        return Reply(200, show(changed))

    def _delete(self, call: Call) -> Reply:
        self._world.shelf.remove_template(self._world.shelf.own_template(call.ids["id"]))
        return Reply(204)


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = {**container_fields(body), **{_OTHERS[name]: body[name] for name in _OTHERS if name in body}}
    if "allowedCudaVersions" in body:
        fields["cuda_versions"] = tuple(body["allowedCudaVersions"])
    if mount := body.get("mounts", {}).get("persistent"):
        fields["volume"], fields["mount_path"] = mount["size"], mount["path"]
    return fields


def show(template: Template) -> dict[str, Any]:
    """A template of the v2 document."""
    persistent = {"persistent": {"size": template.volume, "path": template.mount_path}}
    return {
        "id": template.id,
        "name": template.name,
        **show_container(template),
        "mounts": persistent if template.volume else {},
        "serverless": template.serverless,
        "public": template.public,
        "category": template.category,
        "startSsh": template.start_ssh,
        "startJupyter": template.start_jupyter,
        "allowedCudaVersions": list(template.cuda_versions),
    }
