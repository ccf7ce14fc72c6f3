"""Runpod's `PodCreateInput`: the 33 properties of the create-pod document, read strictly.

Names, types, defaults, limits and allowed values are the document's; descriptions are ours. GPU types, data centers,
CPU flavors and CUDA versions outside the document's lists are let through here: the live catalog decides on those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from runpod_mcp.pods.values import (
    CPU_FLAVOR_IDS,
    CUDA_VERSIONS,
    DATA_CENTER_IDS,
    DEFAULT_PORTS,
    GPU_TYPE_IDS,
    RESERVATION_TAG,
)
from runpod_mcp.pods.words import clean

MAX_NAME = 191
MAX_ENV = 50
MAX_HTTP_PORTS = 10
MAX_PORTS = 50
"""Ours: Runpod names a limit for http ports only (expose-ports page), and no pod is meant to open hundreds."""
LARGEST_NUMBER = 1_000_000_000
SYMMETRICAL_PORTS = range(70_000, 80_000)
"""Asking for a tcp port above 70000 gives one whose inner and outer numbers agree (Runpod's expose-ports page)."""


def _not_a_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


def _sensible(value: object) -> object:
    _not_a_boolean(value)
    if isinstance(value, int | float | str) and _is_beyond_reason(value):
        raise ValueError(f"expected a number of at most {LARGEST_NUMBER:,}")
    return value


def _is_beyond_reason(value: float | str) -> bool:
    try:
        return abs(float(value)) > LARGEST_NUMBER
    except ValueError:  # no number at all, which is said elsewhere
        return False
    except OverflowError:
        return True


def _split_ports(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


NOT_A_BOOLEAN = BeforeValidator(_not_a_boolean)
"""Comes last in an annotation: a limit behind it would be lost to the published schema."""
SENSIBLE = BeforeValidator(_sensible)
"""For whole numbers, and last as well: no boolean, and nothing with which sums would overflow."""

WholeNumber = Annotated[int, SENSIBLE]
Number = Annotated[float, NOT_A_BOOLEAN]
AboveZero = Annotated[float, Field(gt=0), NOT_A_BOOLEAN]


def _choices(values: tuple[str, ...]) -> dict[str, Any]:
    return {"items": {"type": "string", "enum": list(values)}}


class PodSettings(BaseModel):
    """What a pod is made with and can be given another of later. A field that was left out is not in `model_fields_set`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    container_disk_in_gb: Annotated[int, Field(ge=1), SENSIBLE] | None = Field(
        50,
        alias="containerDiskInGb",
        description="GB; wiped when the pod stops or restarts.",
    )
    container_registry_auth_id: str | None = Field(
        None, alias="containerRegistryAuthId", description="For a private image."
    )
    docker_entrypoint: list[str] = Field(
        [], alias="dockerEntrypoint", description="Replaces the image's ENTRYPOINT; [] keeps it."
    )
    docker_start_cmd: list[str] = Field(
        [], alias="dockerStartCmd", description="Replaces the image's CMD; [] keeps it."
    )
    env: dict[str, str] = Field(
        {}, repr=False, description="A value may name a Runpod secret: {{ RUNPOD_SECRET_name }}."
    )
    global_networking: bool = Field(
        False,
        alias="globalNetworking",
        description="Private network between pods (some data centers).",
    )
    image_name: str | None = Field(None, alias="imageName", description="Container image.")
    locked: bool = Field(False, description="Guard against being stopped or reset.")
    name: Annotated[str, Field(max_length=MAX_NAME)] = Field("my pod", description="Need not be unique.")
    ports: Annotated[list[str], BeforeValidator(_split_ports)] = Field(
        list(DEFAULT_PORTS), description='As "8888/http" or "22/tcp".'
    )
    template_id: str | None = Field(
        None, alias="templateId", description="Template that supplies what is left out here."
    )
    volume_in_gb: Annotated[int, Field(ge=0), SENSIBLE] | None = Field(
        20, alias="volumeInGb", description="Pod volume; survives a stop, not a delete. 0 for none."
    )
    volume_mount_path: str = Field(
        "/workspace", alias="volumeMountPath", description="Where the volume is mounted."
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, data: object) -> object:
        """Clients send null for what they leave out; only the two disks give null a meaning of its own."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key in _NULLABLE}

    @field_validator("ports")
    @classmethod
    def _ports_are_ports(cls, ports: list[str]) -> list[str]:
        if len(ports) > MAX_PORTS:
            raise ValueError(
                f"at most {MAX_PORTS} ports, not {len(ports)}; leave out what the pod does not serve"
            )
        for port in ports:
            check_port(port)
        if sum(port.endswith("/http") for port in ports) > MAX_HTTP_PORTS:
            raise ValueError(f"at most {MAX_HTTP_PORTS} http ports")
        return ports

    @field_validator("env")
    @classmethod
    def _env_can_be_set(cls, env: dict[str, str]) -> dict[str, str]:
        if any(name.strip().upper() == RESERVATION_TAG for name in env):
            raise ValueError(f"the variable {RESERVATION_TAG} is set by this server; leave it out")
        if bad := [name for name in env if not re.fullmatch(r"[!-<>-~]+", name)]:
            raise ValueError(f"{bad[0].partition('=')[0]!r} cannot be the name of a variable")
        if bad := [name for name, value in env.items() if "\0" in value]:
            raise ValueError(f"the value of {bad[0]} holds a zero character")
        if len(env) >= MAX_ENV:
            raise ValueError(
                f"at most {MAX_ENV - 1} variables; Runpod takes {MAX_ENV} and one is this server's"
            )
        return env

    @field_validator("name")
    @classmethod
    def _name_is_not_blank(cls, name: str) -> str:
        if not clean(name):
            raise ValueError("a pod needs a name that can be seen; leave it out for the default")
        return name

    @field_validator("volume_mount_path")
    @classmethod
    def _mount_path_is_absolute(cls, path: str) -> str:
        if not path.startswith("/"):
            raise ValueError("must be an absolute path such as /workspace")
        return path

    def asked(self, *names: str) -> list[str]:
        """Those of these fields that the request itself set, under the document's names."""
        return [
            type(self).model_fields[name].alias or name for name in names if name in self.model_fields_set
        ]


class PodCreateInput(PodSettings):
    """What to create. A template may supply what was left out."""

    allowed_cuda_versions: list[str] | None = Field(
        None,
        alias="allowedCudaVersions",
        description="Of the host's driver; any when left out.",
        json_schema_extra=_choices(CUDA_VERSIONS),
    )
    cloud_type: Literal["SECURE", "COMMUNITY"] = Field(
        "SECURE",
        alias="cloudType",
        description="COMMUNITY: cheaper hosts of third parties.",
    )
    compute_type: Literal["GPU", "CPU"] = Field(
        "GPU",
        alias="computeType",
        description="Fields of the other kind are ignored.",
    )
    country_codes: list[str] | None = Field(
        None, alias="countryCodes", description="Two letters each; any when left out."
    )
    cpu_flavor_ids: list[str] | None = Field(
        None,
        alias="cpuFlavorIds",
        description="To try, in order.",
        json_schema_extra=_choices(CPU_FLAVOR_IDS),
    )
    cpu_flavor_priority: Literal["availability", "custom"] = Field(
        "availability", alias="cpuFlavorPriority", description="As gpuTypePriority."
    )
    data_center_ids: list[str] = Field(
        list(DATA_CENTER_IDS),
        alias="dataCenterIds",
        description="Any when left out.",
        json_schema_extra=_choices(DATA_CENTER_IDS),
    )
    data_center_priority: Literal["availability", "custom"] = Field(
        "availability", alias="dataCenterPriority", description="As gpuTypePriority."
    )
    gpu_count: Annotated[int, Field(ge=1), SENSIBLE] = Field(1, alias="gpuCount", description="In one pod.")
    gpu_type_ids: list[str] | None = Field(
        None,
        alias="gpuTypeIds",
        description="To try, in order; any allowed one when left out.",
        json_schema_extra=_choices(GPU_TYPE_IDS),
    )
    gpu_type_priority: Literal["availability", "custom"] = Field(
        "availability",
        alias="gpuTypePriority",
        description="availability: best stock first. custom: your order.",
    )
    image_name: str | None = Field(None, alias="imageName", description="Needed without a templateId.")
    interruptible: bool = Field(False, description="Spot: cheaper, may be stopped at any time.")
    min_disk_bandwidth_mbps: Number | None = Field(
        None, alias="minDiskBandwidthMBps", description="At least."
    )
    min_download_mbps: Number | None = Field(None, alias="minDownloadMbps", description="At least.")
    min_ram_per_gpu: WholeNumber = Field(8, alias="minRAMPerGPU", description="GB.")
    min_upload_mbps: Number | None = Field(None, alias="minUploadMbps", description="At least.")
    min_vcpu_per_gpu: WholeNumber = Field(2, alias="minVCPUPerGPU", description="At least.")
    network_volume_id: str | None = Field(
        None, alias="networkVolumeId", description="Mounted instead of a pod volume."
    )
    support_public_ip: bool | None = Field(
        None, alias="supportPublicIp", description="On COMMUNITY; SECURE pods have one."
    )
    vcpu_count: WholeNumber = Field(2, alias="vcpuCount", description="On CPU pods.")

    @field_validator("country_codes")
    @classmethod
    def _countries_are_codes(cls, codes: list[str] | None) -> list[str] | None:
        for code in codes or ():
            if not re.fullmatch(r"[A-Za-z]{2}", code):
                raise ValueError(f"{code!r} is not a two-letter country code such as US or CZ")
        return [code.upper() for code in codes] if codes else None

    @field_validator("allowed_cuda_versions")
    @classmethod
    def _cuda_versions_are_versions(cls, versions: list[str] | None) -> list[str] | None:
        for version in versions or ():
            if not re.fullmatch(r"[0-9]+\.[0-9]+", version):
                raise ValueError(f"{version!r} is not a CUDA version such as 12.8")
        return versions or None

    @field_validator(
        "min_disk_bandwidth_mbps",
        "min_download_mbps",
        "min_upload_mbps",
        "min_ram_per_gpu",
        "min_vcpu_per_gpu",
    )
    @classmethod
    def _floors_are_not_negative(cls, floor: float | None) -> float | None:
        if floor is not None and floor < 0:
            raise ValueError("must not be negative")
        return floor

    @model_validator(mode="after")
    def _vcpus_come_in_powers_of_two(self) -> PodCreateInput:
        if self.compute_type == "CPU" and (self.vcpu_count < 2 or self.vcpu_count & (self.vcpu_count - 1)):
            raise ValueError("vcpuCount must be a power of two, at least 2")
        return self

    @model_validator(mode="after")
    def _image_or_template(self) -> PodCreateInput:
        if not (self.image_name or "").strip() and not (self.template_id or "").strip():
            raise ValueError("set imageName (or templateId, which brings an image)")
        return self

    @property
    def has_pod_volume(self) -> bool:
        """Whether a pod volume is made: not on CPU pods, not beside a network volume, not at 0 GB."""
        return self.compute_type == "GPU" and not self.network_volume_id and bool(self.volume_in_gb)

    def ignored(self) -> list[str]:
        """Fields that were set and that the document says have no effect here, under the document's names."""
        ignored: list[str] = []
        if self.compute_type == "CPU":
            ignored += self.asked(
                "gpu_type_ids",
                "gpu_count",
                "gpu_type_priority",
                "allowed_cuda_versions",
                "min_ram_per_gpu",
                "min_vcpu_per_gpu",
            )
        else:
            ignored += self.asked("cpu_flavor_ids", "cpu_flavor_priority", "vcpu_count")
        if self.network_volume_id and self.volume_in_gb:
            ignored += self.asked("volume_in_gb")
        if self.cloud_type == "SECURE":
            ignored += self.asked("support_public_ip")
        return ignored


_NULLABLE = frozenset({"containerDiskInGb", "volumeInGb"})


def check_port(port: str) -> None:
    """A port as Runpod writes it: `8888/http` or `22/tcp`.

    Raises:
        ValueError: it is none; the message says what to write.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,4})/(http|tcp)", port)
    if not match:
        raise ValueError(f'{port!r} is not a port; write "8888/http" or "22/tcp"')
    number, kind = int(match[1]), match[2]
    if not (number <= 65_535 or (kind == "tcp" and number in SYMMETRICAL_PORTS)):
        raise ValueError(f"{port!r}: the number must be 1 to 65535")


class CreateRequest(PodCreateInput):
    """A call of `create_pod`: `PodCreateInput` and the four arguments that are ours."""

    request_id: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None, alias="requestId", description="Same id, same pod: makes a repeat safe."
    )
    dry_run: bool = Field(False, alias="dryRun", description="Only quote and judge; rent nothing.")
    lease_hours: Annotated[float, Field(gt=0, le=8760), NOT_A_BOOLEAN] | None = Field(
        None,
        alias="leaseHours",
        description="Hours until the pod is ended; the policy's default when left out.",
    )
    max_usd_per_hour: AboveZero | None = Field(
        None, alias="maxUsdPerHour", description="Your own ceiling with disks."
    )

    def with_arguments(self, arguments: Mapping[str, Any]) -> Self:
        """The same request with other values, given under the names of the arguments; they are not checked again."""
        names = {field.alias or name: name for name, field in type(self).model_fields.items()}
        return self.model_copy(update={names[alias]: value for alias, value in arguments.items()})
