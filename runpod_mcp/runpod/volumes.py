"""Network volumes: storage that outlives pods, costs money until it is deleted, and stays in its data center."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.collection import filled
from runpod_mcp.runpod.gaps import gap, nothing_to_change
from runpod_mcp.runpod.reading import fields, identifier, text, whole
from runpod_mcp.runpod.results import EditOutcome, MakeOutcome

VolumeTier = Literal["STANDARD", "HIGH_PERFORMANCE"]

_TIERS: dict[str | None, VolumeTier] = {"STANDARD": "STANDARD", "HIGH_PERFORMANCE": "HIGH_PERFORMANCE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkVolume:
    """A network volume; size in GB. `tier` is None where the dialect does not say (v1), or says a new word."""

    id: str
    name: str | None = None
    size_gb: int | None = None
    data_center_id: str | None = None
    tier: VolumeTier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeOrder:
    """A volume to make; size in GB. No tier means the data center's own, which can be the dearer one."""

    name: str
    size_gb: int
    data_center_id: str
    tier: VolumeTier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeChange:
    """What a volume is to become; None leaves it as it is. A volume can only grow."""

    name: str | None = None
    size_gb: int | None = None


class NetworkVolumes(Protocol):
    """Network volumes, as the flows see them.

    Reads raise `Failure`; changes are sent once and answer with an outcome. Names are not unique at Runpod: whoever
    wants to find a volume after an `Unknown` gives it a name of its own.
    """

    def gaps(self, order: VolumeOrder | VolumeChange) -> Sequence[Failure]:
        """What this dialect cannot make of an order; `create` and `update` refuse it without sending anything."""
        ...

    async def list_all(self) -> list[NetworkVolume]:
        """Every volume of the account."""
        ...

    async def get(self, identity: str) -> NetworkVolume | None:
        """One volume, or None."""
        ...

    async def create(self, order: VolumeOrder) -> MakeOutcome[NetworkVolume]:
        """Send one create, once; it costs money until it is deleted."""
        ...

    async def update(self, identity: str, change: VolumeChange) -> EditOutcome[NetworkVolume]:
        """Rename or grow."""
        ...

    async def delete(self, identity: str) -> EditOutcome[NetworkVolume]:
        """Delete the volume and all it holds; Runpod refuses while pods use it."""
        ...


def order_gaps(order: VolumeOrder | VolumeChange, smallest: int, largest: int) -> list[Failure]:
    """What neither dialect takes, and a size outside this one's bounds in GB."""
    found: list[Failure] = []
    if order == VolumeChange():
        found.append(nothing_to_change())
    if order.name is not None and not order.name.strip():
        found.append(gap("name", "A network volume needs a name."))
    if order.size_gb is not None and not smallest <= order.size_gb <= largest:
        message = f"Runpod makes network volumes of {smallest} to {largest} GB; ask for a size in between."
        found.append(gap("size", message))
    if isinstance(order, VolumeOrder) and order.data_center_id != order.data_center_id.strip().upper():
        # Runpod takes an id in lower case and makes a volume that no pod can mount (public clients report it).
        found.append(
            gap("dataCenterId", "Write the data center's id in capitals, as list_data_centers does.")
        )
    if isinstance(order, VolumeOrder) and not order.data_center_id.strip():
        found.append(gap("dataCenterId", "A network volume needs a data center."))
    return found


def change_body(change: VolumeChange) -> dict[str, Any]:
    """A change, which both dialects write the same way."""
    return filled(name=change.name, size=change.size_gb)


def read_network_volume(value: object, place: str) -> NetworkVolume | None:
    """The volume in a JSON value, or None when it is no object with an id; any other field may be missing or odd.

    `place` is the dialect's name for the data center.
    """
    body = fields(value)
    volume_id = identifier(body.get("id"))
    if volume_id is None:
        return None
    return NetworkVolume(
        id=volume_id,
        name=text(body.get("name")),
        size_gb=whole(body.get("size")),
        data_center_id=text(body.get(place)),
        tier=_TIERS.get(text(body.get("type"))),
    )
