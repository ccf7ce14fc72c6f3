"""The arguments of the tools for templates, in Runpod's spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from runpod_mcp.pods.create_input import MAX_NAME, SENSIBLE, PodSettings
from runpod_mcp.pods.values import DEFAULT_PORTS
from runpod_mcp.runpod.templates import (
    README_LENGTH,
    Template,
    TemplateCategory,
    TemplateChange,
    TemplateOrder,
)
from runpod_mcp.server.arguments import Arguments, Page, ThingId


def _as_in_a_pod(name: str) -> Callable[[Any], Any]:
    """A check by the rules of the same argument of `create_pod`."""

    def check(value: Any) -> Any:
        try:
            pod = PodSettings.model_validate({name: value})
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return pod.model_dump(by_alias=True)[name]

    return check


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _an_id_or_nothing(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,64}", value):
        raise ValueError("expected an id; list_registries shows them")
    return value


class OneTemplate(Arguments):
    """A template by its id."""

    template_id: ThingId = Field(alias="templateId")


class ListTemplates(Page):
    """Which templates to list."""

    public: bool = Field(False, description="Those that others published, instead of your own.")
    name: str | None = Field(None, description="Part of it.")

    @property
    def kind(self) -> str:
        """What its cursors are good for: pages of these templates and no others."""
        filters = f"{self.public} {self.name or ''}"
        return f"templates-{sha256(filters.encode()).hexdigest()[:8]}"

    def wants(self, template: Template) -> bool:
        """Whether a template passes the filter; Runpod has none of its own."""
        return (self.name or "").casefold() in (template.name or "").casefold()


Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_as_in_a_pod("name"))]
Image = Annotated[str, AfterValidator(_not_blank)]
Disk = Annotated[int, Field(ge=1), SENSIBLE]
Volume = Annotated[int, Field(ge=0), SENSIBLE]
Path = Annotated[str, AfterValidator(_as_in_a_pod("volumeMountPath"))]
Ports = Annotated[list[str], BeforeValidator(_as_in_a_pod("ports"))]
Env = Annotated[dict[str, str], AfterValidator(_as_in_a_pod("env"))]
RegistryId = Annotated[str, AfterValidator(_an_id_or_nothing)]
Readme = Annotated[str, Field(max_length=README_LENGTH)]


class CreateTemplate(Arguments):
    """A template to make; disks in GB."""

    name: Name
    image_name: Image = Field(alias="imageName")
    container_disk_in_gb: Disk = Field(50, alias="containerDiskInGb")
    volume_in_gb: Volume = Field(0, alias="volumeInGb", description="Pod volume in GB; 0 for none.")
    volume_mount_path: Path = Field("/workspace", alias="volumeMountPath")
    ports: Ports | None = Field(
        None, description='As "8888/http" or "22/tcp"; these two when left out, none if isServerless.'
    )
    env: Env = Field({}, description="A value may name a Runpod secret: {{ RUNPOD_SECRET_name }}.")
    docker_entrypoint: list[str] = Field([], alias="dockerEntrypoint")
    docker_start_cmd: list[str] = Field([], alias="dockerStartCmd")
    container_registry_auth_id: RegistryId | None = Field(None, alias="containerRegistryAuthId")
    is_public: bool = Field(False, alias="isPublic", description="Show it, env included, to everybody.")
    is_serverless: bool = Field(False, alias="isServerless")
    category: TemplateCategory = "NVIDIA"
    readme: Readme | None = Field(None, description="API v1 only.")

    def order(self) -> TemplateOrder:
        """What Runpod is asked for."""
        ports = list(() if self.is_serverless else DEFAULT_PORTS) if self.ports is None else self.ports
        return TemplateOrder(
            name=self.name,
            image=self.image_name,
            serverless=self.is_serverless,
            public=self.is_public,
            category=self.category,
            container_disk_gb=self.container_disk_in_gb,
            volume_gb=self.volume_in_gb,
            volume_mount_path=self.volume_mount_path,
            ports=tuple(ports),
            env=self.env,
            registry_id=self.container_registry_auth_id or None,
            entrypoint=tuple(self.docker_entrypoint),
            start_command=tuple(self.docker_start_cmd),
            readme=self.readme,
        )


class UpdateTemplate(OneTemplate):
    """A template and what of it is to change; disks in GB."""

    name: Name | None = None
    image_name: Image | None = Field(None, alias="imageName")
    container_disk_in_gb: Disk | None = Field(None, alias="containerDiskInGb")
    volume_in_gb: Volume | None = Field(None, alias="volumeInGb", description="GB; 0 for none (API v1).")
    volume_mount_path: Path | None = Field(None, alias="volumeMountPath")
    ports: Ports | None = None
    env: Env | None = Field(None, description="Replaces all variables.")
    docker_entrypoint: list[str] | None = Field(None, alias="dockerEntrypoint")
    docker_start_cmd: list[str] | None = Field(None, alias="dockerStartCmd")
    container_registry_auth_id: RegistryId | None = Field(
        None, alias="containerRegistryAuthId", description='"" for none (API v2).'
    )
    is_public: bool | None = Field(None, alias="isPublic", description="Show it, env included, to everybody.")
    is_serverless: bool | None = Field(None, alias="isServerless", description="API v2 only.")
    category: TemplateCategory | None = Field(None, description="API v2 only.")
    readme: Readme | None = Field(None, description="API v1 only.")

    @model_validator(mode="after")
    def _something_is_named(self) -> Self:
        if self.change() == TemplateChange():
            raise ValueError("name at least one setting to change, such as imageName, ports or env")
        return self

    def change(self) -> TemplateChange:
        """What Runpod is asked to change."""
        return TemplateChange(
            name=self.name,
            image=self.image_name,
            serverless=self.is_serverless,
            public=self.is_public,
            category=self.category,
            container_disk_gb=self.container_disk_in_gb,
            volume_gb=self.volume_in_gb,
            volume_mount_path=self.volume_mount_path,
            ports=_tuple(self.ports),
            env=self.env,
            registry_id=self.container_registry_auth_id,
            entrypoint=_tuple(self.docker_entrypoint),
            start_command=_tuple(self.docker_start_cmd),
            readme=self.readme,
        )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
