"""Network volumes in v2: 10 to 4,096 GB, with a tier."""

from __future__ import annotations

from functools import partial
from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.collection import Collection, Words, filled
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.shelf import Shelf
from runpod_mcp.runpod.volumes import (
    NetworkVolumes,
    VolumeChange,
    VolumeOrder,
    change_body,
    order_gaps,
    read_network_volume,
)


def network_volumes(wire: Wire) -> NetworkVolumes:
    """The volumes behind a base URL ending in `/v2`."""
    shelf = Shelf(
        wire,
        "/network-volumes",
        "network volume",
        partial(read_network_volume, place="dataCenter"),
        "networkVolumes",
    )
    return Collection(shelf, Words(gaps, create_body, change_body))


def gaps(order: VolumeOrder | VolumeChange) -> list[Failure]:
    """What v2 cannot make of an order."""
    return order_gaps(order, 10, 4096)


def create_body(order: VolumeOrder) -> dict[str, Any]:
    """The body of the create call; size in GB."""
    return filled(name=order.name, size=order.size_gb, dataCenter=order.data_center_id, type=order.tier)
