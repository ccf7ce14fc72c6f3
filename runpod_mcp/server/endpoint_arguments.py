"""The arguments of the tools for serverless endpoints, in Runpod's spelling."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from runpod_mcp.pods.create_input import MAX_NAME, NOT_A_BOOLEAN, SENSIBLE, AboveZero
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointKind, EndpointOrder, FlashBoot, Scaler
from runpod_mcp.server.arguments import Arguments, ThingId
from runpod_mcp.server.template_arguments import Env, Image, Ports, RegistryId

MOST_WORKERS = 1000
USUAL_SCALER_VALUE = 4
"""Runpod's own: seconds in the queue, or requests a worker."""


def _an_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ValueError("expected an endpoint id; list_endpoints shows them")
    return value


def _a_name(name: str) -> str:
    """A name by which an endpoint is found again, to the letter."""
    if clean(name, MAX_NAME) != name or not name:
        raise ValueError("a name needs letters that can be seen, without spaces at its ends")
    if name.endswith(" -fb"):
        raise ValueError('must not end with " -fb", which Runpod adds to names by itself')
    return name


def _a_version(value: str) -> str:
    if not re.fullmatch(r"[0-9]+\.[0-9]+", value):
        raise ValueError("expected a CUDA version such as 12.8")
    return value


EndpointId = Annotated[str, AfterValidator(_an_id)]
Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_a_name)]
Some = Annotated[int, Field(ge=1), SENSIBLE]
Workers = Annotated[int, Field(ge=0, le=MOST_WORKERS), SENSIBLE]
Seconds = Annotated[int, Field(ge=1, le=3600), SENSIBLE]
LeaseHours = Annotated[float, Field(gt=0, le=8760), NOT_A_BOOLEAN]
Types = Annotated[list[str], Field(min_length=1)]
Version = Annotated[str, AfterValidator(_a_version)]


class OneEndpoint(Arguments):
    """An endpoint by its id."""

    endpoint_id: EndpointId = Field(alias="endpointId")


class EndpointSettings(Arguments):
    """What can be chosen when an endpoint is made and later; what is left out is Runpod's default, or stays as it is."""

    image_name: Image | None = Field(None, alias="imageName")
    template_id: ThingId | None = Field(None, alias="templateId", description="A serverless template.")
    gpu_type_ids: Types | None = Field(
        None, alias="gpuTypeIds", description="Any of these; the dearest counts."
    )
    gpu_count: Some | None = Field(None, alias="gpuCount", description="Per worker.")
    cpu_flavor_ids: Types | None = Field(None, alias="cpuFlavorIds")
    vcpu_count: Some | None = Field(None, alias="vcpuCount")
    workers_min: Workers | None = Field(None, alias="workersMin", description="Always on.")
    workers_max: Workers | None = Field(None, alias="workersMax")
    idle_timeout: Seconds | None = Field(None, alias="idleTimeout", description="Seconds.")
    scaler_type: Scaler | None = Field(None, alias="scalerType")
    scaler_value: AboveZero | None = Field(None, alias="scalerValue")
    execution_timeout_ms: Some | None = Field(None, alias="executionTimeoutMs")
    data_center_ids: list[str] | None = Field(None, alias="dataCenterIds")
    network_volume_ids: list[ThingId] | None = Field(None, alias="networkVolumeIds")
    container_disk_in_gb: Some | None = Field(None, alias="containerDiskInGb")
    container_registry_auth_id: RegistryId | None = Field(None, alias="containerRegistryAuthId")
    docker_entrypoint: list[str] | None = Field(None, alias="dockerEntrypoint")
    docker_start_cmd: list[str] | None = Field(None, alias="dockerStartCmd")
    ports: Ports | None = None
    env: Env | None = None
    flashboot: FlashBoot | None = None
    allowed_cuda_versions: list[Version] | None = Field(None, alias="allowedCudaVersions")
    min_cuda_version: Version | None = Field(None, alias="minCudaVersion")
    lease_hours: LeaseHours | None = Field(None, alias="leaseHours")


class CreateEndpoint(EndpointSettings):
    """A call of `create_endpoint`."""

    name: Name = Field(description="Must be unused.")
    workers_max: Annotated[int, Field(ge=1, le=MOST_WORKERS), SENSIBLE] = Field(alias="workersMax")
    type: EndpointKind = "QUEUE"
    lease_hours: LeaseHours | None = Field(
        None, alias="leaseHours", description="Until its workers are taken away."
    )
    max_usd_per_hour: AboveZero | None = Field(
        None, alias="maxUsdPerHour", description="Your own ceiling for all workers."
    )
    dry_run: bool = Field(False, alias="dryRun", description="Only quote and judge.")

    def order(self) -> EndpointOrder:
        """What Runpod is asked for."""
        scaler: Scaler = "REQUEST_COUNT" if self.type == "LOAD_BALANCER" else "QUEUE_DELAY"
        return EndpointOrder(
            name=self.name,
            kind=self.type,
            workers_max=self.workers_max,
            workers_min=self.workers_min or 0,
            template_id=self.template_id,
            gpu_type_ids=tuple(dict.fromkeys(self.gpu_type_ids or ())),
            gpu_count=self.gpu_count or 1,
            cpu_flavor_ids=tuple(dict.fromkeys(self.cpu_flavor_ids or ())),
            vcpu_count=self.vcpu_count or 2,
            idle_timeout_seconds=self.idle_timeout,
            scaler=self.scaler_type or scaler,
            scaler_value=USUAL_SCALER_VALUE if self.scaler_value is None else self.scaler_value,
            data_center_ids=tuple(self.data_center_ids or ()),
            network_volume_ids=tuple(self.network_volume_ids or ()),
            flashboot=self.flashboot,
            execution_timeout_ms=self.execution_timeout_ms,
            image=self.image_name,
            container_disk_gb=self.container_disk_in_gb,
            ports=_tuple(self.ports),
            env=self.env or {},
            registry_id=self.container_registry_auth_id or None,
            entrypoint=tuple(self.docker_entrypoint or ()),
            start_command=tuple(self.docker_start_cmd or ()),
            allowed_cuda_versions=tuple(self.allowed_cuda_versions or ()),
            min_cuda_version=self.min_cuda_version,
        )


class UpdateEndpoint(EndpointSettings):
    """An endpoint and what of it is to change."""

    endpoint_id: EndpointId = Field(alias="endpointId")
    name: Name | None = None
    lease_hours: LeaseHours | None = Field(None, alias="leaseHours", description="From now on.")

    @model_validator(mode="after")
    def _something_is_named(self) -> Self:
        if self.change() == EndpointChange() and self.lease_hours is None:
            raise ValueError("name at least one setting to change, such as workersMax or leaseHours")
        return self

    def change(self) -> EndpointChange:
        """What Runpod is asked to change."""
        return EndpointChange(
            name=self.name,
            workers_max=self.workers_max,
            workers_min=self.workers_min,
            template_id=self.template_id,
            gpu_type_ids=_tuple(self.gpu_type_ids),
            gpu_count=self.gpu_count,
            cpu_flavor_ids=_tuple(self.cpu_flavor_ids),
            vcpu_count=self.vcpu_count,
            idle_timeout_seconds=self.idle_timeout,
            scaler=self.scaler_type,
            scaler_value=self.scaler_value,
            data_center_ids=_tuple(self.data_center_ids),
            network_volume_ids=_tuple(self.network_volume_ids),
            flashboot=self.flashboot,
            execution_timeout_ms=self.execution_timeout_ms,
            image=self.image_name,
            container_disk_gb=self.container_disk_in_gb,
            ports=_tuple(self.ports),
            env=self.env,
            registry_id=self.container_registry_auth_id,
            entrypoint=_tuple(self.docker_entrypoint),
            start_command=_tuple(self.docker_start_cmd),
            allowed_cuda_versions=_tuple(self.allowed_cuda_versions),
            min_cuda_version=self.min_cuda_version,
        )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
