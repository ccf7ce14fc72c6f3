"""Registries of v2: credentials that are written and never read back, and ECR delegations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.registries import Delegation, Registry
from runpod_mcp.simulator.v2_body import read_body
from runpod_mcp.simulator.v2_container import NAME, TEXT, obj
from runpod_mcp.simulator.world import World

_CREATE = obj("name", "username", "password", name=NAME, username=NAME, password=NAME)
_MAYBE: Schema = {"type": ["string", "null"]}
_DELEGATE = obj("resource", resource=TEXT, name=_MAYBE)


class Registries:
    """The operations under `/v2/registries`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """List, create, get, delete; the same of delegations, without a get."""
        one, delegations = "/registries/{id}", "/registries/delegations"
        return [
            Route("GET", "/registries", "registry_list", self._list),
            Route("POST", "/registries", "registry_create", self._create),
            Route("GET", one, "registry_get", self._get),
            Route("DELETE", one, "registry_delete", self._delete),
            Route("GET", delegations, "delegation_list", self._delegations),
            Route("POST", delegations, "delegation_create", self._delegate),
            Route("DELETE", f"{delegations}/{{id}}", "delegation_delete", self._revoke),
        ]

    def _list(self, _: Call) -> Reply:
        return Reply(200, {"registries": [show(each) for each in self._world.shelf.registries.all.values()]})

    def _create(self, call: Call) -> Reply:
        return Reply(201, show(self._world.shelf.registries.add(**read_body(call, _CREATE))))

    def _get(self, call: Call) -> Reply:
        return Reply(200, show(self._world.shelf.registries.get(call.ids["id"])))

    def _delete(self, call: Call) -> Reply:
        self._world.shelf.remove_registry(call.ids["id"])
        return Reply(204)

    def _delegations(self, _: Call) -> Reply:
        known = self._world.shelf.registries.delegations.values()
        return Reply(200, {"delegations": [_show_delegation(each) for each in known]})

    def _delegate(self, call: Call) -> Reply:
        body = read_body(call, _DELEGATE)
        made = self._world.shelf.registries.delegate(body["resource"], body.get("name"), self._world.now())
        return Reply(201, _show_delegation(made))

    def _revoke(self, call: Call) -> Reply:
        self._world.shelf.registries.revoke(call.ids["id"])
        return Reply(204)


def show(registry: Registry) -> dict[str, Any]:
    """A registry as both APIs show it: id and name, nothing secret."""
    return {"id": registry.id, "name": registry.name}


def _show_delegation(delegation: Delegation) -> dict[str, Any]:
    _, _, _, region, account, path = delegation.resource.split(":", 5)
    repository = path.removeprefix("repository/")
    return {
        "id": delegation.id,
        "name": delegation.name,
        "delegatorUserId": "user_simulated",
        "awsUser": account,
        "repository": repository,
        "tag": "latest",
        "awsRegion": region,
        "dockerRegistryUri": f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}",
        "createdAt": delegation.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
