"""What pods and network volumes cost, as rows of the books."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from runpod_mcp.simulator.books import Row
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.shelf import NetworkVolume


def pod_row(pod: Pod, at: datetime, what: str, *, ended: bool) -> Row:
    """What a pod costs from this moment on."""
    disk = pod.order.disk if pod.running else 0
    return Row(
        at,
        pod.id,
        what,
        compute=pod.compute_rate(),
        disks=pod.disk_rate(),
        gpus=pod.gpus if pod.running else 0,
        running=pod.running,
        ended=ended,
        by_hand=pod.by_hand,
        resource=pod.resource_id,
        gigabytes=0 if ended else pod.order.volume + disk,
        place=pod.data_center_id,
    )


def volume_row(volume: NetworkVolume, at: datetime, what: str, *, ended: bool) -> Row:
    """What a network volume costs from this moment on: storage only."""
    return Row(
        at,
        volume.id,
        what,
        compute=Fraction(0),
        disks=Fraction(0) if ended else volume.rate(),
        ended=ended,
        kind="network_volume",
        resource=volume.tier,
        gigabytes=0 if ended else volume.size,
        place=volume.data_center_id,
    )
