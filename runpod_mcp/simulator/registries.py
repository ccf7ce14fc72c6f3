"""Credentials of private container registries, and delegations of AWS ECR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from runpod_mcp.simulator.refusals import Reason, Refusal

_ARN_PARTS = 6


@dataclass(frozen=True)
class Registry:
    """A credential. Its user name and password are kept to be checked by tests, and never answered."""

    id: str
    name: str
    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Delegation:
    """The right to pull one ECR repository, named by its ARN."""

    id: str
    name: str | None
    resource: str
    created_at: datetime


class Registries:
    """The credentials and delegations of an account, by id.

    `in_use` tells whether a pod pulls its image with a credential; `forget` takes a deleted one out of the
    templates that name it.
    """

    def __init__(
        self,
        make_id: Callable[[], str],
        in_use: Callable[[str], bool],
        forget: Callable[[str], None],
    ) -> None:
        self._make_id = make_id
        self._in_use = in_use
        self._forget = forget
        self.all: dict[str, Registry] = {}
        self.delegations: dict[str, Delegation] = {}

    def get(self, registry_id: str) -> Registry:
        """A credential; refused as not found otherwise."""
        if registry_id not in self.all:
            raise Refusal(Reason.NOT_FOUND, "registry not found")
        return self.all[registry_id]

    def check(self, registry_id: str | None) -> None:
        """Refuse an id that is no credential of this account."""
        if registry_id and registry_id not in self.all:
            raise Refusal(Reason.RULE, f"container registry auth {registry_id} not found")

    def add(self, name: str, username: str, password: str) -> Registry:
        """Keep a credential; refused when the name is taken."""
        if any(name == registry.name for registry in self.all.values()):
            raise Refusal(Reason.RULE, f"container registry auth name {name!r} must be unique")
        registry = Registry(self._make_id(), name, username, password)
        self.all[registry.id] = registry
        return registry

    def check_unused(self, registry: Registry) -> None:
        """Refuse to lose a credential that a pod uses."""
        if self._in_use(registry.id):
            raise Refusal(Reason.RULE, "container registry auth is in use by a pod")

    def remove(self, registry: Registry) -> None:
        """Forget a credential; templates that named it lose the reference."""
        del self.all[registry.id]
        self._forget(registry.id)

    def delegate(self, resource: str, name: str | None, now: datetime) -> Delegation:
        """Register an ECR delegation; refused when `resource` is no ARN of an ECR repository."""
        parts = resource.split(":", _ARN_PARTS - 1)
        if len(parts) != _ARN_PARTS or parts[2] != "ecr" or not parts[5].startswith("repository/"):
            raise Refusal(Reason.RULE, "resource is not the ARN of an ECR repository")
        delegation = Delegation(self._make_id(), name, resource, now)
        self.delegations[delegation.id] = delegation
        return delegation

    def revoke(self, delegation_id: str) -> None:
        """Forget a delegation; refused as not found otherwise."""
        if self.delegations.pop(delegation_id, None) is None:
            raise Refusal(Reason.NOT_FOUND, "delegation not found")
