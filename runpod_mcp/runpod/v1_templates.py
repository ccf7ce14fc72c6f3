"""Templates in v1, where a serverless endpoint is always made from one."""

from __future__ import annotations

from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.runpod import parts
from runpod_mcp.runpod.collection import Collection, Words, filled
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.gaps import gap, not_in_v1, only_in_v2
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import ask
from runpod_mcp.runpod.reading import fields, identifier, read_all, strings, text, truth, whole
from runpod_mcp.runpod.shelf import Shelf
from runpod_mcp.runpod.templates import (
    README_LENGTH,
    Template,
    TemplateChange,
    TemplateOrder,
    TemplateSource,
    holds_secrets,
    names_others,
    template_gaps,
)

ANY = {
    "includeEndpointBoundTemplates": "true",
    "includePublicTemplates": "true",
    "includeRunpodTemplates": "true",
}
"""Without these only own templates that belong to no endpoint are found (v1 document)."""


class V1Templates(Collection[Template, TemplateOrder, TemplateChange]):
    """`Templates` in v1; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v1`."""
        shelf = Shelf(wire, "/templates", "template", read_template, query=ANY)
        super().__init__(shelf, Words(gaps, create_body, change_body, holds_secrets, names_others))
        self._wire = wire

    async def list_public(self, source: TemplateSource) -> list[Template]:
        """Templates that others made, told apart by what v1 says of each; `verified` is a word of v2's."""
        if source == "verified":
            raise only_in_v2("list of verified templates")
        official = source == "official"
        asked = "includeRunpodTemplates" if official else "includePublicTemplates"
        listed = await ask(self._wire, "/templates", "public templates", {asked: "true"})
        if not isinstance(listed, list):
            raise unreadable("public templates")
        found = read_all(listed, read_template)
        return [one for one in found if (one.official or False) is official and (official or one.public)]


def gaps(order: TemplateOrder | TemplateChange) -> list[Failure]:
    """What v1 cannot make of an order."""
    found = template_gaps(order)
    if order.start_ssh is not None:
        found.append(not_in_v1("startSsh", "leave it out"))
    if order.start_jupyter is not None:
        found.append(not_in_v1("startJupyter", "leave it out"))
    if order.allowed_cuda_versions or (
        isinstance(order, TemplateChange) and order.allowed_cuda_versions == ()
    ):
        message = "Runpod's v1 API has no CUDA versions on templates; leave them out, or use v2."
        found.append(gap("allowedCudaVersions", message))
    if isinstance(order, TemplateChange):
        if order.category is not None:
            found.append(gap("category", _FIXED.format("category")))
        if order.serverless is not None:
            found.append(gap("isServerless", _FIXED.format("kind")))
        if order.registry_id == "":
            message = "Runpod's v1 API cannot take a registry credential out of a template; name another, or use v2."
            found.append(gap("containerRegistryAuthId", message))
    return found


_FIXED = "Runpod's v1 API cannot change a template's {}; make a new template, or use v2."


def create_body(order: TemplateOrder) -> dict[str, Any]:
    """The body of the create call; a volume of 0 GB is said, since v1 would take 20."""
    return filled(
        name=order.name,
        imageName=order.image,
        isServerless=order.serverless,
        isPublic=order.public,
        category=order.category,
        containerDiskInGb=order.container_disk_gb,
        volumeInGb=order.volume_gb,
        volumeMountPath=order.volume_mount_path,
        ports=order.ports,
        env=dict(order.env),
        containerRegistryAuthId=order.registry_id or None,
        dockerEntrypoint=order.entrypoint or None,
        dockerStartCmd=order.start_command or None,
        readme=order.readme,
    )


def change_body(change: TemplateChange) -> dict[str, Any]:
    """The body of a PATCH: only what is to change."""
    return filled(
        name=change.name,
        imageName=change.image,
        isPublic=change.public,
        containerDiskInGb=change.container_disk_gb,
        volumeInGb=change.volume_gb,
        volumeMountPath=change.volume_mount_path,
        ports=change.ports,
        env=None if change.env is None else dict(change.env),
        containerRegistryAuthId=change.registry_id,
        dockerEntrypoint=change.entrypoint,
        dockerStartCmd=change.start_command,
        readme=change.readme,
    )


def read_template(value: object) -> Template | None:
    """The template in a JSON value, or None when it is no object with an id; any other field may be missing or odd."""
    body = fields(value)
    template_id = identifier(body.get("id"))
    if template_id is None:
        return None
    readme = text(body.get("readme"))
    return Template(
        id=template_id,
        name=text(body.get("name")),
        image=text(body.get("imageName")),
        container_disk_gb=whole(body.get("containerDiskInGb")),
        volume_gb=whole(body.get("volumeInGb")),
        volume_mount_path=text(body.get("volumeMountPath")),
        ports=strings(body["ports"]) if isinstance(body.get("ports"), list) else None,
        serverless=truth(body.get("isServerless")) or False,
        public=truth(body.get("isPublic")),
        official=truth(body.get("isRunpod")),
        category=text(body.get("category")),
        env_names=parts.env_names(body.get("env")),
        registry_id=text(body.get("containerRegistryAuthId")),
        entrypoint=strings(body.get("dockerEntrypoint")),
        start_command=strings(body.get("dockerStartCmd")),
        readme=readme[:README_LENGTH] if readme else None,
    )
