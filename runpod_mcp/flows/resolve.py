"""Reading a template and a network volume into the request, so that nothing is judged or priced blind."""

from __future__ import annotations

import re
from typing import Any

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.offer import Wanted
from runpod_mcp.runpod.api import Template

DEFAULT_CONTAINER_DISK_GB = 50
CPU_CONTAINER_DISK_GB = 20
"""Small CPU pods are refused a larger container disk (seen live), so the document's default would never start one."""


async def resolve(house: House, request: CreateRequest) -> Wanted:
    """Read what the request refers to.

    Raises:
        Failure: `invalid_arguments` when the template or the volume does not exist or does not fit, or when the
            dialect cannot express the request.
    """
    if request.network_volume_id:
        _refuse_no_id("networkVolumeId", request.network_volume_id)
    if request.template_id:
        request = await _with_template(house, request, request.template_id)
    else:
        request = with_container_disk(request)
    for gap in house.api.gaps(request):
        raise gap
    return Wanted(request, await _pinned(house, request))


def with_container_disk(request: CreateRequest) -> CreateRequest:
    """A container disk where the request has no wish of its own: left out or null."""
    if request.container_disk_in_gb is not None and "container_disk_in_gb" in request.model_fields_set:
        return request
    size = CPU_CONTAINER_DISK_GB if request.compute_type == "CPU" else DEFAULT_CONTAINER_DISK_GB
    return request.model_copy(update={"container_disk_in_gb": size})


async def _with_template(house: House, request: CreateRequest, template_id: str) -> CreateRequest:
    """What the template would supply is written into the request, so a later edit of it changes nothing."""
    template = await read_template(house, template_id)
    return request.model_copy(update=_supplied(template, request))


async def read_template(house: House, template_id: str) -> Template:
    """A template for pods.

    Raises:
        Failure: `invalid_arguments`: there is none of this id, or it is for serverless endpoints.
    """
    _refuse_no_id("templateId", template_id)
    template = await house.api.get_template(template_id)
    if template is None:
        raise _unfit("templateId", f"there is no template {clean(template_id, 60)!r} that this key may read")
    if template.serverless:
        raise _unfit(
            "templateId", f"template {clean(template_id, 60)!r} is for serverless endpoints, not for pods"
        )
    return template


def _refuse_no_id(field: str, value: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise _unfit(field, f"{clean(value, 60)!r} is not an id")


def _supplied(template: Template, request: CreateRequest) -> dict[str, Any]:
    supplied: dict[str, Any] = {
        "image_name": template.image,
        "container_disk_in_gb": template.container_disk_gb or DEFAULT_CONTAINER_DISK_GB,
        "volume_in_gb": template.volume_gb or 0,
        "volume_mount_path": template.volume_mount_path,
        "ports": list(template.ports) if template.ports is not None else None,
    }
    if request.compute_type == "CPU":
        del supplied["volume_in_gb"]  # Runpod skips a template's volume on CPU pods
    said = {name for name in request.model_fields_set if getattr(request, name) is not None}
    return {name: value for name, value in supplied.items() if name not in said and value is not None}


async def _pinned(house: House, request: CreateRequest) -> str | None:
    if not request.network_volume_id:
        return None
    if request.cloud_type != "SECURE":
        raise _unfit("networkVolumeId", "network volumes exist in SECURE only; set cloudType to SECURE")
    volume = await house.api.get_network_volume(request.network_volume_id)
    if volume is None or volume.data_center_id is None:
        raise _unfit(
            "networkVolumeId", f"there is no network volume {clean(request.network_volume_id, 60)!r}"
        )
    return volume.data_center_id


def _unfit(field: str, problem: str) -> Failure:
    return Failure(Code.INVALID_ARGUMENTS, f"{field}: {problem}.", field=field)
