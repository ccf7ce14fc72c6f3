"""The worst-case price of a request: compute and disks per hour, and what a lease can cost in all.

Disk prices are Runpod's list prices; a month is 720 hours, as its bills show. All rates are micro-dollars per hour.
"""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.money import HOURS_PER_MONTH, Usd, cost, dollars

CONTAINER_DISK_GB_MONTH = dollars("0.10")
VOLUME_GB_MONTH = dollars("0.10")
STOPPED_VOLUME_GB_MONTH = dollars("0.20")
NETWORK_VOLUME_GB_MONTH = dollars("0.07")
LARGE_NETWORK_VOLUME_GB_MONTH = dollars("0.05")
LARGE_FROM_GB = 1024
"""What a network volume has beyond 1 TB is cheaper (Runpod's pricing page)."""


@dataclass(frozen=True, slots=True)
class Disks:
    """The disks of a pod in GB; a network volume is billed on its own and is not among them."""

    container_gb: int
    volume_gb: int

    @property
    def running_usd_per_hour(self) -> Usd:
        """What they cost while the pod runs."""
        return _per_hour(self.container_gb * CONTAINER_DISK_GB_MONTH + self.volume_gb * VOLUME_GB_MONTH)

    @property
    def stopped_usd_per_hour(self) -> Usd:
        """What the volume costs while the pod is stopped; the container disk is gone then."""
        return _per_hour(self.volume_gb * STOPPED_VOLUME_GB_MONTH)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long money is promised for: the lease, then the time a stopped pod is kept; whole seconds."""

    lease_seconds: int
    keep_stopped_seconds: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A ceiling for one pod: nothing dearer is accepted."""

    compute_usd_per_hour: Usd
    disks: Disks
    terms: Terms

    @property
    def usd_per_hour(self) -> Usd:
        """Compute and disks of the running pod."""
        return Usd(self.compute_usd_per_hour + self.disks.running_usd_per_hour)

    @property
    def dearest_usd_per_hour(self) -> Usd:
        """The same, or the stopped pod where its volume costs more than that."""
        return max(self.usd_per_hour, self.disks.stopped_usd_per_hour)

    @property
    def usd_per_lease(self) -> Usd:
        """The most the lease can cost, with the time the pod may be kept stopped after it."""
        lease = cost(self.dearest_usd_per_hour, self.terms.lease_seconds)
        return Usd(lease + cost(self.disks.stopped_usd_per_hour, self.terms.keep_stopped_seconds))


def network_volume_usd_per_hour(size_gb: int) -> Usd:
    """What a network volume of the standard tier costs; the other tier's price depends on the data center and is unknown."""
    return _per_hour(network_volume_usd_per_month(size_gb))


def network_volume_usd_per_month(size_gb: int) -> Usd:
    """The same for a month of 720 hours."""
    first, rest = min(size_gb, LARGE_FROM_GB), max(0, size_gb - LARGE_FROM_GB)
    return Usd(first * NETWORK_VOLUME_GB_MONTH + rest * LARGE_NETWORK_VOLUME_GB_MONTH)


def _per_hour(usd_per_month: int) -> Usd:
    return Usd(-(-usd_per_month // HOURS_PER_MONTH))
