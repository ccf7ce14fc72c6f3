"""Registry credentials: the name and id of a login at a container registry; the login itself can never be read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from pydantic import SecretStr

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.collection import Collection, Words
from runpod_mcp.runpod.gaps import gap
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.reading import fields, identifier, text
from runpod_mcp.runpod.results import EditOutcome, MakeOutcome
from runpod_mcp.runpod.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry credential."""

    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOrder:
    """A credential to store; names are unique at Runpod."""

    name: str
    username: SecretStr
    password: SecretStr


class Registries(Protocol):
    """Registry credentials, as the flows see them; Runpod has no way to change one.

    Reads raise `Failure`; changes are sent once and answer with an outcome, which holds none of Runpod's words where
    a login was sent.
    """

    def gaps(self, order: RegistryOrder) -> Sequence[Failure]:
        """What cannot be made of an order; `create` refuses it without sending anything."""
        ...

    async def list_all(self) -> list[Registry]:
        """Every credential of the account."""
        ...

    async def get(self, identity: str) -> Registry | None:
        """One credential, or None."""
        ...

    async def create(self, order: RegistryOrder) -> MakeOutcome[Registry]:
        """Send one create, once."""
        ...

    async def delete(self, identity: str) -> EditOutcome[Registry]:
        """Delete a credential; v2 refuses while a pod uses it, and templates that name it lose it silently."""
        ...


def v2_registries(wire: Wire) -> Registries:
    """The credentials behind a base URL ending in `/v2`."""
    return _registries(Shelf(wire, "/registries", WHAT, read_registry, "registries"))


def v1_registries(wire: Wire) -> Registries:
    """The credentials behind a base URL ending in `/v1`."""
    return _registries(Shelf(wire, "/containerregistryauth", WHAT, read_registry))


WHAT = "container registry auth"
"""As Runpod calls it where it says that there is none."""


def _registries(shelf: Shelf[Registry]) -> Registries:
    words: Words[RegistryOrder, NoReturn] = Words(gaps, create_body, dict, secret=lambda _: True)
    return Collection(shelf, words)


def gaps(order: RegistryOrder) -> list[Failure]:
    """What neither dialect takes."""
    asked = {
        "name": order.name.strip(),
        "username": order.username.get_secret_value(),
        "password": order.password.get_secret_value(),
    }
    return [gap(name, f"A registry credential needs a {name}.") for name, value in asked.items() if not value]


def create_body(order: RegistryOrder) -> dict[str, Any]:
    """The body of the create call, the only place where the login leaves its wrapping."""
    return {
        "name": order.name,
        "username": order.username.get_secret_value(),
        "password": order.password.get_secret_value(),
    }


def read_registry(value: object) -> Registry | None:
    """The credential in a JSON value, or None when it is no object with an id."""
    body = fields(value)
    registry_id = identifier(body.get("id"))
    return None if registry_id is None else Registry(id=registry_id, name=text(body.get("name")))
