"""A v2 PATCH body, read into changes of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.simulator.pods import Order
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v2_create import (
    check_command,
    check_mounts,
    command,
    read_template,
    template_settings,
)
from runpod_mcp.simulator.world import World


def read_changes(body: Mapping[str, Any], order: Order, world: World) -> dict[str, Any]:
    """The fields of an order that a valid body changes, a template's settings beneath the body's.

    Raises:
        Refusal: the kind of storage or the network volume would change, or a volume would shrink (400).
    """
    check_command(body)
    template = read_template(body, world)
    if template is not None:
        body = {**template_settings(template), **body, "env": {**template.env, **body.get("env", {})}}
    return _changes(body, order)


def _changes(body: Mapping[str, Any], order: Order) -> dict[str, Any]:
    plain = {
        name: body[name] for name in ("name", "image", "disk", "env", "registry", "locked") if name in body
    }
    if "ports" in body:
        plain["ports"] = tuple(body["ports"])
    if "globalNetworking" in body:
        plain["global_networking"] = body["globalNetworking"]
    if {"args", "cmd", "entrypoint"} & set(body):
        plain.update(command(body))
    return {**plain, **_mount_changes(body.get("mounts", {}), order)}


def _mount_changes(mounts: Mapping[str, Any], order: Order) -> dict[str, Any]:
    check_mounts(mounts)
    if network := mounts.get("network"):
        if network[0]["volumeId"] != order.network_volume_id:
            raise Refusal(Reason.RULE, "the network volume of a pod cannot be changed")
        return {"mount_path": network[0]["path"]}
    if persistent := mounts.get("persistent"):
        if not order.volume:
            raise Refusal(Reason.RULE, "a persistent mount cannot be added to this pod")
        if persistent["size"] < order.volume:
            raise Refusal(Reason.RULE, "the size of a persistent mount can only be increased")
        return {"volume": persistent["size"], "mount_path": persistent["path"]}
    return {}
