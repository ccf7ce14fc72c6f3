"""Container registry credentials of v1."""

from __future__ import annotations

from collections.abc import Sequence

from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.registries import Registry
from runpod_mcp.simulator.v1_body import TEXT, read_body
from runpod_mcp.simulator.world import World

_FIELDS = {"name": TEXT, "username": TEXT, "password": TEXT}


class Registries:
    """The operations under `/v1/containerregistryauth`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, delete."""
        every, one = "/containerregistryauth", "/containerregistryauth/{id}"
        return [
            Route("GET", every, "registry_list", self._list),
            Route("POST", every, "registry_create", self._create),
            Route("GET", one, "registry_get", self._get),
            Route("DELETE", one, "registry_delete", self._delete),
        ]

    def _list(self, _: Call) -> Reply:
        return Reply(200, [_show(each) for each in self._world.shelf.registries.all.values()])

    def _create(self, call: Call) -> Reply:
        body = read_body(call, _FIELDS, tuple(_FIELDS))
        return Reply(200, _show(self._world.shelf.registries.add(**body)))

    def _get(self, call: Call) -> Reply:
        return Reply(200, _show(self._world.shelf.registries.get(call.ids["id"])))

    def _delete(self, call: Call) -> Reply:
        self._world.shelf.remove_registry(call.ids["id"])
        return Reply(204)


def _show(registry: Registry) -> dict[str, str]:
    return {"id": registry.id, "name": registry.name}
