"""Network volumes of v2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.shelf import NetworkVolume
from runpod_mcp.simulator.v2_body import read_body
from runpod_mcp.simulator.world import World

_NAME: Schema = {"type": "string", "min_length": 1}
_SIZE: Schema = {"type": "integer", "least": 10, "most": 4096}
_TIER: Schema = {"type": "string", "enum": ["STANDARD", "HIGH_PERFORMANCE"]}
_CREATE: Schema = {
    "type": "object",
    "required": ["name", "size", "dataCenter"],
    "properties": {"dataCenter": _NAME, "name": _NAME, "size": _SIZE, "type": _TIER},
}
_UPDATE: Schema = {"type": "object", "min_properties": 1, "properties": {"name": _NAME, "size": _SIZE}}


class Volumes:
    """The operations under `/v2/network-volumes`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, update, delete."""
        one = "/network-volumes/{id}"
        return [
            Route("GET", "/network-volumes", "volume_list", self._list),
            Route("POST", "/network-volumes", "volume_create", self._create),
            Route("GET", one, "volume_get", self._get),
            Route("PATCH", one, "volume_update", self._update),
            Route("DELETE", one, "volume_delete", self._delete),
        ]

    def _list(self, _: Call) -> Reply:
        return Reply(200, {"networkVolumes": [show(each) for each in self._world.shelf.listed_volumes()]})

    def _create(self, call: Call) -> Reply:
        body = read_body(call, _CREATE)
        volume = self._world.shelf.add_volume(
            body["name"], body["size"], body["dataCenter"], body.get("type")
        )
        return Reply(201, show(volume))

    def _get(self, call: Call) -> Reply:
        return Reply(200, show(self._world.shelf.volume(call.ids["id"])))

    def _update(self, call: Call) -> Reply:
        volume = self._world.shelf.volume(call.ids["id"])
        body = read_body(call, _UPDATE)
        self._world.shelf.change_volume(volume, body.get("name"), body.get("size"))
        return Reply(200, show(volume))

    def _delete(self, call: Call) -> Reply:
        self._world.shelf.remove_volume(self._world.shelf.volume(call.ids["id"]))
        return Reply(204)


def show(volume: NetworkVolume) -> dict[str, Any]:
    """A network volume of the v2 document."""
    return {
        "id": volume.id,
        "name": volume.name,
        "size": volume.size,
        "dataCenter": volume.data_center_id,
        "type": volume.tier,
    }
