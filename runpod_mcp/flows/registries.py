"""Credentials for private container registries: listed by name, made, deleted; a login goes out once and never comes back."""

from __future__ import annotations

from runpod_mcp.flows import kept
from runpod_mcp.flows.approval import need_yes_to
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.kept import Kind
from runpod_mcp.flows.standing import refuse_taken_name
from runpod_mcp.runpod.registries import Registry, RegistryOrder


async def list_registries(house: House) -> list[Registry]:
    """Every credential of the account, by name.

    Raises:
        Failure: Runpod cannot be read.
    """
    found = await house.api.resources.registries.list_all()
    return sorted(found, key=lambda one: (one.name or "", one.id))


async def create_registry(house: House, order: RegistryOrder) -> Registry:
    """Store a login under a name.

    Raises:
        Failure: a person must allow it first; `conflict`: the name is taken; Runpod said no, and none of its words are
            in the message; `outcome_unknown`.
    """
    registries = house.api.resources.registries
    policy = house.policies.current()
    for gap in registries.gaps(order):
        raise gap
    refuse_taken_name(order.name, await registries.list_all())
    await need_yes_to(house, policy, "create_registry")
    return await to_the_end(kept.make(house, _kind(house), order.name, lambda: registries.create(order)))


async def delete_registry(house: House, registry_id: str) -> None:
    """Delete a credential that was made here; templates that name it lose it.

    Raises:
        Failure: a person must allow it first; `not_found`; `not_managed`; `conflict` while a pod uses it.
    """
    registries, policy = house.api.resources.registries, house.policies.current()
    if all(one.id != registry_id for one in await registries.list_all()):
        raise kept.not_found(_kind(house), registry_id)
    await kept.refuse_what_others_made(house, policy, _kind(house), registry_id)
    await need_yes_to(house, policy, "delete_registry")
    await to_the_end(kept.delete(house, _kind(house), registry_id, registries.delete))


def _kind(house: House) -> Kind[Registry]:
    return Kind(
        "registry credential", "create_registry", "list_registries", house.api.resources.registries.list_all
    )
