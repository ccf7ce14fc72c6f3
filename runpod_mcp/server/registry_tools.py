"""Tools for the logins of private container registries; a login goes in and never comes out."""

from __future__ import annotations

from typing import Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field, SecretStr, model_validator

from runpod_mcp.flows import registries
from runpod_mcp.flows.context import House
from runpod_mcp.pods.create_input import MAX_NAME
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.registries import Registry, RegistryOrder
from runpod_mcp.server.arguments import Arguments, Page, ThingId, page_of
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec


class OneRegistry(Arguments):
    """A credential by its id."""

    registry_id: ThingId = Field(alias="containerRegistryAuthId")


class CreateRegistry(Arguments):
    """A login and the name to keep it under."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    username: SecretStr
    password: SecretStr

    @model_validator(mode="before")
    @classmethod
    def _wrap_secrets(cls, data: object) -> object:
        """A wrong value is quoted in the refusal unless it is wrapped before it is looked at."""
        if not isinstance(data, dict):
            return data
        return {name: _wrapped(value) if name in _SECRET else value for name, value in data.items()}


_SECRET = ("username", "password")


def _wrapped(value: object) -> object:
    if value is None:
        return None
    return SecretStr(value) if isinstance(value, str) else _NOT_TEXT


_NOT_TEXT: list[object] = []


class RegistriesReply(Reply):
    """A page of credentials, without their logins."""

    registries: list[dict[str, Any]]
    total: int
    nextCursor: str | None = None


class RegistryReply(Reply):
    """A credential, without its login."""

    registry: dict[str, Any]


class DeletedRegistry(Reply):
    """What is gone."""

    containerRegistryAuthId: str


async def _list(house: House, page: Page) -> CallToolResult:
    rows = [_facts(one) for one in await registries.list_registries(house)]
    shown, cursor = page_of(rows, "registries", page)
    facts: dict[str, Any] = {"registries": shown, "total": len(rows)}
    facts |= {"nextCursor": cursor} if cursor else {}
    head = "1 registry credential" if len(rows) == 1 else f"{len(rows)} registry credentials"
    more = [f"More: cursor {cursor}"] if cursor else []
    return said("\n".join([head, *map(_words, shown), *more]), facts)


async def _create(house: House, asked: CreateRegistry) -> CallToolResult:
    order = RegistryOrder(name=asked.name, username=asked.username, password=asked.password)
    facts = _facts(await registries.create_registry(house, order))
    text = f"Stored; the login cannot be read back. Name its id as containerRegistryAuthId: {_words(facts)}"
    return said(text, {"registry": facts})


async def _delete(house: House, asked: OneRegistry) -> CallToolResult:
    await registries.delete_registry(house, asked.registry_id)
    text = f"Registry credential {asked.registry_id} is deleted. Templates that named it do so no longer."
    return said(text, {"containerRegistryAuthId": asked.registry_id})


def _facts(one: Registry) -> dict[str, Any]:
    name = {"name": clean(one.name, 60)} if one.name else {}
    return {"containerRegistryAuthId": clean(one.id, 64), **name}


def _words(facts: dict[str, Any]) -> str:
    name = f' "{facts["name"]}"' if "name" in facts else ""
    return f"{facts['containerRegistryAuthId']}{name}"


REGISTRY_TOOLS = [
    ToolSpec(
        name="list_registries",
        title="List registry credentials",
        description="Stored logins of private container registries: ids and names, never the logins.",
        arguments=Page,
        reply=RegistriesReply,
        handler=_list,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="create_registry",
        title="Store a registry credential",
        description=(
            "Store the login of a private container registry under an unused name, for pods and templates to pull with. "
            "It can never be read back."
        ),
        arguments=CreateRegistry,
        reply=RegistryReply,
        handler=_create,
    ),
    ToolSpec(
        name="delete_registry",
        title="Delete a registry credential",
        description="Delete a login this server stored, for good; not while a pod uses it. Templates that name it lose it.",
        arguments=OneRegistry,
        reply=DeletedRegistry,
        handler=_delete,
        destroys=True,
        repeatable=True,
    ),
]
