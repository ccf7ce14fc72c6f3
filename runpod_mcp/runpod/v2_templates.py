"""Templates in v2.

`cmd` and `entrypoint` are newer than the August document and are sent only when the order has them.
"""

from __future__ import annotations

from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.runpod import parts
from runpod_mcp.runpod.collection import Collection, Words, filled
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.gaps import gap, not_in_v2
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import ask
from runpod_mcp.runpod.reading import fields, identifier, read_all, strings, text, truth, whole
from runpod_mcp.runpod.shelf import Shelf
from runpod_mcp.runpod.templates import (
    Template,
    TemplateChange,
    TemplateOrder,
    TemplateSource,
    holds_secrets,
    names_others,
    template_gaps,
)

SOURCES: tuple[TemplateSource, ...] = ("official", "verified", "community")
SMALLEST_VOLUME_GB = 10


class V2Templates(Collection[Template, TemplateOrder, TemplateChange]):
    """`Templates` in v2; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v2`."""
        shelf = Shelf(wire, "/templates", "template", read_template, "templates")
        super().__init__(shelf, Words(gaps, create_body, change_body, holds_secrets, names_others))
        self._wire = wire

    async def get(self, identity: str) -> Template | None:
        """One template; one that is not ours is looked for in the public catalog as well."""
        found = await super().get(identity)
        if found is not None or identifier(identity) is None:
            return found
        for source in SOURCES:
            for template in await self.list_public(source):
                if template.id == identity:
                    return template
        return None

    async def list_public(self, source: TemplateSource) -> list[Template]:
        """Templates that others made, 100 at most."""
        page = await ask(self._wire, "/catalog/templates", "public templates", {"source": source})
        listed = fields(page).get("templates")
        if not isinstance(listed, list):
            raise unreadable("public templates")
        return list(read_all(listed, read_template))


def gaps(order: TemplateOrder | TemplateChange) -> list[Failure]:
    """What v2 cannot make of an order."""
    found = template_gaps(order)
    if order.readme is not None:
        found.append(not_in_v2("readme", "leave it out"))
    if order.volume_gb and order.volume_gb < SMALLEST_VOLUME_GB:
        message = f"Runpod's v2 API makes pod volumes of {SMALLEST_VOLUME_GB} GB or more; ask for 0 or at least {SMALLEST_VOLUME_GB}."
        found.append(gap("volumeInGb", message))
    if isinstance(order, TemplateChange):
        if order.volume_gb == 0:
            message = "Runpod's v2 API cannot take a volume out of a template; make a new template."
            found.append(gap("volumeInGb", message))
        elif (order.volume_gb is None) != (order.volume_mount_path is None):
            message = "Runpod's v2 API changes a template's volume and its path together; say volumeInGb and volumeMountPath."
            found.append(gap("volumeMountPath", message))
    return found


def create_body(order: TemplateOrder) -> dict[str, Any]:
    """The body of the create call; disks in GB."""
    return filled(
        name=order.name,
        image=order.image,
        serverless=order.serverless,
        public=order.public,
        category=order.category,
        disk=order.container_disk_gb,
        mounts=_mounts(order.volume_gb, order.volume_mount_path),
        ports=order.ports,
        env=dict(order.env),
        registry=order.registry_id or None,
        entrypoint=order.entrypoint or None,
        cmd=order.start_command or None,
        startSsh=order.start_ssh,
        startJupyter=order.start_jupyter,
        allowedCudaVersions=order.allowed_cuda_versions or None,
    )


def change_body(change: TemplateChange) -> dict[str, Any]:
    """The body of a PATCH: only what is to change."""
    body = filled(
        name=change.name,
        image=change.image,
        serverless=change.serverless,
        public=change.public,
        category=change.category,
        disk=change.container_disk_gb,
        mounts=_mounts(change.volume_gb, change.volume_mount_path),
        ports=change.ports,
        env=None if change.env is None else dict(change.env),
        registry=change.registry_id,
        entrypoint=change.entrypoint,
        cmd=change.start_command,
        startSsh=change.start_ssh,
        startJupyter=change.start_jupyter,
        allowedCudaVersions=change.allowed_cuda_versions,
    )
    return {**body, "registry": None} if change.registry_id == "" else body


def _mounts(volume_gb: int | None, path: str | None) -> dict[str, Any] | None:
    return {"persistent": {"size": volume_gb, "path": path}} if volume_gb else None


def read_template(value: object) -> Template | None:
    """The template in a JSON value, or None when it is no object with an id; any other field may be missing or odd."""
    body = fields(value)
    template_id = identifier(body.get("id"))
    if template_id is None:
        return None
    persistent = fields(fields(body.get("mounts")).get("persistent"))
    return Template(
        id=template_id,
        name=text(body.get("name")),
        image=text(body.get("image")),
        container_disk_gb=whole(body.get("disk")),
        volume_gb=whole(persistent.get("size")),
        volume_mount_path=text(persistent.get("path")),
        ports=strings(body["ports"]) if isinstance(body.get("ports"), list) else None,
        serverless=truth(body.get("serverless")) or False,
        public=truth(body.get("public")),
        category=text(body.get("category")),
        env_names=parts.env_names(body.get("env")),
        registry_id=text(body.get("registry")),
        args=text(body.get("args")),
        entrypoint=strings(body.get("entrypoint")),
        start_command=strings(body.get("cmd")),
        start_ssh=truth(body.get("startSsh")),
        start_jupyter=truth(body.get("startJupyter")),
        allowed_cuda_versions=strings(body.get("allowedCudaVersions")),
    )
