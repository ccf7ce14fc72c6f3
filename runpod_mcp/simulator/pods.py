"""A pod as the cloud keeps it, and its life as a function of the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

MONTH_HOURS = 720
CONTAINER_DISK_MONTH = Fraction("0.10")
VOLUME_RUNNING_MONTH = Fraction("0.10")
VOLUME_STOPPED_MONTH = Fraction("0.20")

ACTIONS = {
    "PROVISIONING": ("stop", "terminate"),
    "STARTING": ("stop", "terminate"),
    "RUNNING": ("stop", "restart", "terminate"),
    "EXITED": ("start", "terminate"),
    "ERROR": ("start", "terminate"),
    "TERMINATED": (),
}


@dataclass(frozen=True)
class Order:
    """What a create call asks for, whatever dialect it was spoken in.

    Sizes are GB. `gpu_type_ids` (or `cpu_flavor_ids`) are tried as `gpu_priority` (`cpu_priority`) says:
    "custom" in their order, "availability" by most stock. No `data_center_ids` and no `countries` mean any.
    """

    name: str
    image: str
    cloud: str = "SECURE"
    gpu_type_ids: tuple[str, ...] = ()
    gpu_count: int = 1
    gpu_priority: str = "custom"
    cpu_flavor_ids: tuple[str, ...] = ()
    cpu_priority: str = "custom"
    vcpu_count: int = 2
    data_center_ids: tuple[str, ...] = ()
    data_center_priority: str = "availability"
    countries: tuple[str, ...] = ()
    cuda_versions: tuple[str, ...] = ()
    min_cuda_version: str | None = None
    min_ram_per_gpu: int = 0
    min_vcpus_per_gpu: int = 0
    min_disk_mbps: float = 0
    min_download_mbps: float = 0
    min_upload_mbps: float = 0
    disk: int = 0
    volume: int = 0
    mount_path: str = ""
    network_volume_id: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[str] = ()
    args: str = ""
    cmd: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    registry: str | None = None
    locked: bool = False
    interruptible: bool = False
    global_networking: bool = False
    public_ip: bool = True
    template_id: str | None = None

    @property
    def is_cpu(self) -> bool:
        """Whether this asks for a CPU pod."""
        return bool(self.cpu_flavor_ids)


@dataclass
class Pod:
    """A pod. `compute` is dollars per hour for its GPUs or vCPUs while it runs; `billed` is false for a phantom.

    `ready_at` is when its ports exist, None for a pod that never becomes usable; `machine_at` when answers can
    name its machine, None for a dead host. `ended_at` set means terminated.
    """

    id: str
    order: Order
    resource_id: str
    data_center_id: str
    machine_id: str
    compute: Fraction
    gpus: int
    vcpus: int
    ram: int
    cuda: str | None
    created_at: datetime
    started_at: datetime
    ready_at: datetime | None
    machine_at: datetime | None = None
    stage: timedelta = timedelta()
    public_ip: str = ""
    public_ports: dict[str, int] = field(default_factory=dict)
    last_change: str = ""
    stopped_at: datetime | None = None
    failed_at: datetime | None = None
    ended_at: datetime | None = None
    vanishes_at: datetime | None = None
    billed: bool = True
    by_hand: bool = False

    @property
    def placed_at(self) -> tuple[str, str, str]:
        """Its place in the stock: resource, cloud, data center."""
        return (self.resource_id, self.order.cloud, self.data_center_id)

    @property
    def running(self) -> bool:
        """Whether it holds its GPUs and bills for them; true while it boots."""
        return self.ended_at is None and self.stopped_at is None

    def status(self, now: datetime) -> str:
        """Its status in the words of the v2 document."""
        if self.ended_at is not None:
            return "TERMINATED"
        return self.last_known_status(now)

    def last_known_status(self, now: datetime) -> str:
        """Its status as a list sees it that has not heard of its end."""
        if self.stopped_at is not None:
            return "EXITED"
        if self.failed_at is not None:
            return "ERROR"
        since = now - self.started_at
        if since < self.stage:
            return "PROVISIONING"
        return "STARTING" if since < 2 * self.stage else "RUNNING"

    def ready(self, now: datetime) -> bool:
        """Whether it runs and its ports exist."""
        usable = self.running and self.failed_at is None
        return usable and self.ready_at is not None and now >= self.ready_at

    def machine_known(self, now: datetime) -> bool:
        """Whether an answer may name its machine; v1 answers were seen not to for the first seconds."""
        return self.machine_at is not None and now >= self.machine_at

    def compute_rate(self) -> Fraction:
        """Dollars per hour for GPUs or vCPUs now."""
        return self.compute if self.running and self.billed else Fraction(0)

    def disk_rate(self) -> Fraction:
        """Dollars per hour for its disks now: the container disk while running, the volume always, stopped at double."""
        if self.ended_at is not None or not self.billed:
            return Fraction(0)
        if self.running:
            gigabytes = self.order.disk * CONTAINER_DISK_MONTH + self.order.volume * VOLUME_RUNNING_MONTH
        else:
            gigabytes = self.order.volume * VOLUME_STOPPED_MONTH
        return gigabytes / MONTH_HOURS
