"""One pod, whichever API it was read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from runpod_mcp.money import Usd


class PodStatus(StrEnum):
    """What a pod is doing; a state we cannot read is UNKNOWN, never stopped."""

    PROVISIONING = "provisioning"
    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    ERROR = "error"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port of the container and where it can be reached; `public` and `ip` are None until Runpod assigns them."""

    private: int
    kind: str
    public: int | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class SshEndpoint:
    """A way in over SSH."""

    host: str
    port: int
    username: str


@dataclass(frozen=True, slots=True)
class GpuPrices:
    """A GPU type's list prices as v1 prints them beside a pod, in micro-dollars per hour for one GPU."""

    secure: Usd | None = None
    community: Usd | None = None
    secure_spot: Usd | None = None
    community_spot: Usd | None = None
    one_week: Usd | None = None
    one_month: Usd | None = None
    three_month: Usd | None = None
    six_month: Usd | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """The host a pod runs on, as far as v1 tells."""

    gpu_type_id: str | None = None
    gpu_display_name: str | None = None
    gpus_available: int | None = None
    min_gpus_per_pod: int | None = None
    cpu_count: int | None = None
    cpu_type: str | None = None
    location: str | None = None
    data_center_id: str | None = None
    secure_cloud: bool | None = None
    public_ip: bool | None = None
    disk_mbps: int | None = None
    download_mbps: int | None = None
    upload_mbps: int | None = None
    maintenance_start: str | None = None
    maintenance_end: str | None = None
    maintenance_note: str | None = None
    note: str | None = None
    usd_per_hour: Usd | None = None
    usd_per_hour_per_gpu: Usd | None = None


@dataclass(frozen=True, slots=True)
class NetworkVolumeRef:
    """The network volume attached to a pod; size in GB."""

    id: str
    name: str | None = None
    size_gb: int | None = None
    data_center_id: str | None = None


@dataclass(frozen=True, slots=True)
class SavingsPlan:
    """A prepaid plan that lowers a pod's price; times as Runpod prints them."""

    id: str | None = None
    gpu_type_id: str | None = None
    usd_per_hour: Usd | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod in one vocabulary.

    Prices are micro-dollars per hour, disks GB, times UTC. None means the API did not say. Values of env variables
    are not kept: only their names, and the value of our own tag.
    """

    id: str
    status: PodStatus
    raw_status: str | None = None
    name: str | None = None
    image: str | None = None
    usd_per_hour: Usd | None = None
    """What Runpod bills for the compute; observed to leave out disks."""
    adjusted_usd_per_hour: Usd | None = None
    gpu_type_id: str | None = None
    gpu_display_name: str | None = None
    gpu_count: int | None = None
    gpu_prices: GpuPrices | None = None
    cpu_flavor_id: str | None = None
    vcpu_count: float | None = None
    memory_gb: float | None = None
    cloud: str | None = None
    data_center_id: str | None = None
    cuda_version: str | None = None
    machine_id: str | None = None
    machine: Machine | None = None
    container_disk_gb: int | None = None
    volume_gb: int | None = None
    volume_mount_path: str | None = None
    volume_encrypted: bool | None = None
    network_volume: NetworkVolumeRef | None = None
    ports: tuple[str, ...] = ()
    mappings: tuple[PortMapping, ...] = ()
    public_ip: str | None = None
    ssh_direct: SshEndpoint | None = None
    ssh_proxy: SshEndpoint | None = None
    env_names: tuple[str, ...] = ()
    reservation_id: str | None = None
    """The value of our tag, when the pod carries one."""
    entrypoint: tuple[str, ...] = ()
    start_command: tuple[str, ...] = ()
    args: str | None = None
    registry_id: str | None = None
    template_id: str | None = None
    endpoint_id: str | None = None
    cluster_id: str | None = None
    serverless_version: int | None = None
    consumer_user_id: str | None = None
    locked: bool | None = None
    interruptible: bool | None = None
    global_networking: bool | None = None
    internal_dns: str | None = None
    actions: tuple[str, ...] = ()
    created_at: datetime | None = None
    started_at: datetime | None = None
    last_change: str | None = None
    uptime_seconds: int | None = None
    savings_plans: tuple[SavingsPlan, ...] = field(default=())

    @property
    def bills_compute(self) -> bool:
        """Whether GPUs or vCPUs are being paid for; a state we cannot read counts as yes."""
        return self.status not in (PodStatus.STOPPED, PodStatus.TERMINATED)

    @property
    def is_ready(self) -> bool:
        """Whether it runs and the API shows a way to reach every port it asked for."""
        if self.status is not PodStatus.RUNNING:
            return False
        reachable = {str(mapping.private) for mapping in self.mappings}
        return all(port.partition("/")[0] in reachable for port in self.ports)
