"""The container settings that v2 templates and endpoints share: their schemas, and how they become template fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.templates import Template
from runpod_mcp.simulator.v2_create import words

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "min_length": 1}
TEXTS: Schema = {"type": "array", "items": TEXT}
FLAG: Schema = {"type": "boolean"}
CUDA: Schema = {"type": "string", "pattern": r"^\d+\.\d+$"}
CONTAINER: dict[str, Schema] = {
    "args": TEXT,
    "disk": {"type": "integer", "least": 1},
    "env": {"type": "object", "additional": TEXT},
    "image": TEXT,
    "ports": TEXTS,
    "registry": {"type": ["string", "null"]},
}
_PLAIN = ("args", "disk", "image", "registry")


def obj(*required: str, **properties: Schema) -> Schema:
    """The schema of an object without any other property."""
    return {"type": "object", "required": required, "properties": properties}


def container_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Template` that a body sets."""
    fields: dict[str, Any] = {name: body[name] for name in _PLAIN if name in body}
    if "args" in body:
        fields["cmd"] = words(body["args"])
    if "ports" in body:
        fields["ports"] = tuple(body["ports"])
    if "env" in body:
        fields["env"] = dict(body["env"])
    return fields


def show_container(template: Template) -> dict[str, Any]:
    """A template's container settings as v2 answers them."""
    return {
        "image": template.image,
        "args": template.args,
        "disk": template.disk,
        "ports": list(template.ports),
        "env": dict(template.env),
        "registry": template.registry if template.own else None,
    }
