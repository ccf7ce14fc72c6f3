"""What the rest of the program asks of Runpod: one interface, its values, and its outcomes.

Two dialects speak it: `v2.py` and `v1.py`. Nothing here knows of budgets or policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.pod import Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOrder:
    """One create call, ready to be written in a dialect.

    `request` is what the agent asked for after a template was read into it. `gpu_type_ids`, `cpu_flavor_ids` and
    `data_center_ids` are what the policy and the catalog left of it, in order; no data centers means any.
    `env` is the request's with our tag added.
    """

    request: PodCreateInput
    env: Mapping[str, str]
    gpu_type_ids: tuple[str, ...] = ()
    cpu_flavor_ids: tuple[str, ...] = ()
    data_center_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """Runpod made the pod."""

    pod: Pod


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """Runpod has no machine for this order right now; nothing was made."""

    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Runpod said no for a reason that another machine does not change; nothing was made."""

    code: Code
    message: str
    detail: str = ""
    retry_after: int | None = None
    retry: Retry | None = None
    """Whether the same call can pass later, where the answer told."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost or unreadable: a pod may or may not exist.

    `looks_like` is set when the words are those of a refusal but the status is one that also follows a pod that
    was made (v1 answers 500 to both): it may be believed once no pod carries the tag.
    """

    reason: str
    looks_like: NoCapacity | Refused | None = None


CreateOutcome = Created | NoCapacity | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Done:
    """The change was accepted; `pod` is the answer's view of it, where there was one."""

    pod: Pod | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such pod (any more)."""


ChangeOutcome = Done | Gone | Refused | NoCapacity | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a template would put into a pod; disks in GB, None where it does not say."""

    id: str
    name: str | None = None
    image: str | None = None
    container_disk_gb: int | None = None
    volume_gb: int | None = None
    volume_mount_path: str | None = None
    ports: tuple[str, ...] | None = None
    serverless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkVolume:
    """A network volume; size in GB."""

    id: str
    name: str | None = None
    size_gb: int | None = None
    data_center_id: str | None = None


class RunpodApi(Protocol):
    """Runpod, as the flows see it.

    Reads are retried with backoff and raise `Failure` (unauthorized, rate_limited, runpod_unavailable …) when they
    cannot be had. Changes are sent once and answer with an outcome; they never raise for what Runpod says.
    """

    @property
    def dialect(self) -> str:
        """`v2` or `v1`."""
        ...

    @property
    def places_one(self) -> bool:
        """Whether a create places exactly one GPU type or CPU flavor, so that candidates are tried in turn."""
        ...

    def gaps(self, request: PodCreateInput) -> Sequence[Failure]:
        """What this dialect cannot express of a request, each with what to change; empty when all of it fits."""
        ...

    async def create_pod(self, order: PodOrder) -> CreateOutcome:
        """Send one create, once."""
        ...

    async def list_pods(self) -> list[Pod]:
        """Every pod of the account, all pages, in the order Runpod lists them."""
        ...

    async def get_pod(self, pod_id: str) -> Pod | None:
        """One pod, or None when Runpod has no such pod."""
        ...

    async def stop_pod(self, pod_id: str) -> ChangeOutcome:
        """Release the GPUs and keep the volume."""
        ...

    async def start_pod(self, pod_id: str) -> ChangeOutcome:
        """Boot a stopped pod on the same host."""
        ...

    async def restart_pod(self, pod_id: str) -> ChangeOutcome:
        """Restart the container in place."""
        ...

    async def unlock_pod(self, pod_id: str) -> ChangeOutcome:
        """Take away the guard against being stopped."""
        ...

    async def delete_pod(self, pod_id: str) -> ChangeOutcome:
        """End the pod for good; its pod volume is lost."""
        ...

    async def read_catalog(self, *, cloud: str, gpu_count: int) -> Catalog:
        """GPU types, CPU flavors and data centers with prices, and stock for pods of this cloud and GPU count."""
        ...

    async def get_template(self, template_id: str) -> Template | None:
        """One template, own or public; None when there is none we may read."""
        ...

    async def get_network_volume(self, volume_id: str) -> NetworkVolume | None:
        """One network volume, or None."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
