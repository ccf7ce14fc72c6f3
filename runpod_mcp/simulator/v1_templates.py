"""Templates of v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.endpoint_care import template_changed
from runpod_mcp.simulator.templates import Template
from runpod_mcp.simulator.v1_body import ENV, FLAG, TEXT, TEXTS, read_body
from runpod_mcp.simulator.v1_views import show_template
from runpod_mcp.simulator.world import World

_SIZE: Schema = {"type": "integer", "least": 0}
_UPDATE: dict[str, Schema] = {
    "containerDiskInGb": _SIZE,
    "containerRegistryAuthId": TEXT,
    "dockerEntrypoint": TEXTS,
    "dockerStartCmd": TEXTS,
    "env": ENV,
    "imageName": TEXT,
    "isPublic": FLAG,
    "name": TEXT,
    "ports": TEXTS,
    "readme": TEXT,
    "volumeInGb": _SIZE,
    "volumeMountPath": TEXT,
}
_CREATE = {**_UPDATE, "category": {"type": "string", "enum": ["NVIDIA", "AMD", "CPU"]}, "isServerless": FLAG}
_NAMES = {
    "category": "category",
    "containerDiskInGb": "disk",
    "containerRegistryAuthId": "registry",
    "dockerEntrypoint": "entrypoint",
    "dockerStartCmd": "cmd",
    "env": "env",
    "imageName": "image",
    "isPublic": "public",
    "isServerless": "serverless",
    "name": "name",
    "ports": "ports",
    "readme": "readme",
    "volumeInGb": "volume",
    "volumeMountPath": "mount_path",
}
_DEFAULTS = {
    "containerDiskInGb": 50,
    "volumeInGb": 20,
    "ports": ["8888/http", "22/tcp"],
    "isPublic": False,
    "isServerless": False,
}


class Templates:
    """The operations under `/v1/templates`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, update (by two ways), delete."""
        one = "/templates/{id}"
        return [
            Route("GET", "/templates", "template_list", self._list),
            Route("POST", "/templates", "template_create", self._create),
            Route("GET", one, "template_get", self._get),
            Route("PATCH", one, "template_update", self._update),
            Route("POST", f"{one}/update", "template_update", self._update),
            Route("DELETE", one, "template_delete", self._delete),
        ]

    def _list(self, call: Call) -> Reply:
        shown = [each for each in self._world.shelf.templates.values() if _wanted(each, call)]
        return Reply(200, [show_template(template) for template in shown])

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_template(self._world.shelf.template(call.ids["id"])))

    def _create(self, call: Call) -> Reply:
        body = {**_DEFAULTS, **read_body(call, _CREATE, ("name", "imageName"))}
        return Reply(200, show_template(self._world.shelf.add_template(**_fields(body))))

    def _update(self, call: Call) -> Reply:
        template = self._world.shelf.own_template(call.ids["id"])
        wanted = _fields(read_body(call, _UPDATE))
        changed = self._world.shelf.change_template(template, **wanted)
        if changed != template:
            template_changed(self._world, template, changed)
        return Reply(200, show_template(changed))

    def _delete(self, call: Call) -> Reply:
        self._world.shelf.remove_template(self._world.shelf.own_template(call.ids["id"]))
        return Reply(204)


def _wanted(template: Template, call: Call) -> bool:
    flags = {
        "own": not template.bound_to or call.asked("includeEndpointBoundTemplates") == "true",
        "official": call.asked("includeRunpodTemplates") == "true",
        "verified": call.asked("includePublicTemplates") == "true",
        "community": call.asked("includePublicTemplates") == "true",
    }
    return flags[template.source]


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = {
        _NAMES[name]: tuple(value) if isinstance(value, list) else value for name, value in body.items()
    }
    if "cmd" in fields:
        fields["args"] = " ".join(fields["cmd"])
    return fields
