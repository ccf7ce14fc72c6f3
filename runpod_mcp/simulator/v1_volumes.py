"""Network volumes of v1."""

from __future__ import annotations

from collections.abc import Sequence

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.v1_body import TEXT, read_body
from runpod_mcp.simulator.v1_views import show_volume
from runpod_mcp.simulator.world import World

_SIZE: Schema = {"type": "integer", "least": 0, "most": 4000}
_UPDATE = {"name": TEXT, "size": _SIZE}
_CREATE = {**_UPDATE, "dataCenterId": TEXT}


class Volumes:
    """The operations under `/v1/networkvolumes`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, update (by two ways), delete."""
        one = "/networkvolumes/{id}"
        return [
            Route("GET", "/networkvolumes", "volume_list", self._list),
            Route("POST", "/networkvolumes", "volume_create", self._create),
            Route("GET", one, "volume_get", self._get),
            Route("PATCH", one, "volume_update", self._update),
            Route("POST", f"{one}/update", "volume_update", self._update),
            Route("DELETE", one, "volume_delete", self._delete),
        ]

    def _list(self, _: Call) -> Reply:
        return Reply(200, [show_volume(volume) for volume in self._world.shelf.listed_volumes()])

    def _get(self, call: Call) -> Reply:
        return Reply(200, show_volume(self._world.shelf.volume(call.ids["id"])))

    def _create(self, call: Call) -> Reply:
        body = read_body(call, _CREATE, ("name", "size", "dataCenterId"))
        if body["size"] == 0:
            raise Refusal(Reason.RULE, "create network volume: size must be between 1 and 4000")
        volume = self._world.shelf.add_volume(body["name"], body["size"], body["dataCenterId"], None)
        return Reply(200, show_volume(volume))

    def _update(self, call: Call) -> Reply:
        volume = self._world.shelf.volume(call.ids["id"])
        body = read_body(call, _UPDATE)
        if body.get("size", volume.size + 1) <= volume.size:
            raise Refusal(Reason.RULE, "update network volume: size must be greater than the current size")
        self._world.shelf.change_volume(volume, body.get("name"), body.get("size"))
        return Reply(200, show_volume(volume))

    def _delete(self, call: Call) -> Reply:
        self._world.shelf.remove_volume(self._world.shelf.volume(call.ids["id"]))
        return Reply(204)
