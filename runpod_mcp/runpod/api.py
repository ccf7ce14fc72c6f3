"""What the rest of the program asks of Runpod: one interface, its values, and its outcomes.

Two dialects speak it: `v2.py` and `v1.py`. Nothing here knows of budgets or policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from runpod_mcp.catalog.catalog import Catalog
from runpod_mcp.errors import Failure
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.runpod.logs import Logs, LogSource
from runpod_mcp.runpod.results import Gone, NoCapacity, Refused, Unknown
from runpod_mcp.runpod.templates import Template
from runpod_mcp.runpod.volumes import NetworkVolume

if TYPE_CHECKING:
    from runpod_mcp.runpod.resources import Resources

__all__ = [
    "ChangeOutcome",
    "CreateOutcome",
    "Created",
    "Done",
    "Gone",
    "NetworkVolume",
    "NoCapacity",
    "PodChange",
    "PodOrder",
    "Refused",
    "RunpodApi",
    "Template",
    "Unknown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOrder:
    """One create call, ready to be written in a dialect.

    `request` is what the agent asked for after a template was read into it. `gpu_type_ids`, `cpu_flavor_ids` and
    `data_center_ids` are what the policy and the catalog left of it, in order; no data centers means any.
    `env` is the request's with our tag added.
    """

    request: PodCreateInput = field(repr=False)
    env: Mapping[str, str] = field(repr=False)
    gpu_type_ids: tuple[str, ...] = ()
    cpu_flavor_ids: tuple[str, ...] = ()
    data_center_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodChange:
    """One update call, ready to be written in a dialect.

    `update` is what was asked for after a template was read into it; `pod` is the pod as it is. `env` replaces all
    variables and holds our tag; None leaves them alone.
    """

    update: PodUpdate = field(repr=False)
    pod: Pod
    env: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Created:
    """Runpod made the pod."""

    pod: Pod


CreateOutcome = Created | NoCapacity | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Done:
    """The change was accepted; `pod` is the answer's view of it, where there was one."""

    pod: Pod | None = None


ChangeOutcome = Done | Gone | Refused | NoCapacity | Unknown


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

    @property
    def resources(self) -> Resources:
        """Network volumes, templates, registry credentials, charges, serverless endpoints and their jobs."""
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

    async def reset_pod(self, pod_id: str) -> ChangeOutcome:
        """Make the container anew on the same host; a dialect without that call refuses."""
        ...

    async def update_pod(self, change: PodChange) -> ChangeOutcome:
        """Send one change of settings, once; anything but name and lock resets the container."""
        ...

    def change_gaps(self, change: PodChange) -> Sequence[Failure]:
        """What this dialect cannot express of a change, each with what to do instead."""
        ...

    async def unlock_pod(self, pod_id: str) -> ChangeOutcome:
        """Take away the guard against being stopped."""
        ...

    async def delete_pod(self, pod_id: str) -> ChangeOutcome:
        """End the pod for good; its pod volume is lost."""
        ...

    async def read_logs(
        self,
        pod_id: str,
        *,
        tail: int = 100,
        since: datetime | None = None,
        source: LogSource | None = None,
    ) -> Logs | None:
        """The newest lines of a pod (at most `tail`), or those from `since` on; None without such a pod.

        Raises:
            Failure: invalid_request in v1, which has no logs.
        """
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
