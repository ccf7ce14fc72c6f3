"""Network volumes in v1: up to 4,000 GB, without a word about tiers."""

from __future__ import annotations

from functools import partial
from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.collection import Collection, Words, filled
from runpod_mcp.runpod.gaps import not_in_v1
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
    """The volumes behind a base URL ending in `/v1`."""
    shelf = Shelf(
        wire, "/networkvolumes", "network volume", partial(read_network_volume, place="dataCenterId")
    )
    return Collection(shelf, Words(gaps, create_body, change_body))


def gaps(order: VolumeOrder | VolumeChange) -> list[Failure]:
    """What v1 cannot make of an order."""
    found = order_gaps(order, 1, 4000)
    if isinstance(order, VolumeOrder) and order.tier is not None:
        found.append(not_in_v1("tier", "leave it out and take the data center's own"))
    return found


def create_body(order: VolumeOrder) -> dict[str, Any]:
    """The body of the create call; size in GB."""
    return filled(name=order.name, size=order.size_gb, dataCenterId=order.data_center_id)
