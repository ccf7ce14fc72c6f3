"""Templates: what a container is made with, kept under a name for pods and serverless workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.gaps import gap, nothing_to_change
from runpod_mcp.runpod.results import EditOutcome, MakeOutcome

TemplateCategory = Literal["NVIDIA", "AMD", "CPU"]
TemplateSource = Literal["official", "verified", "community"]

README_LENGTH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a template would put into a pod or worker; disks in GB, None where it does not say.

    Of its env only the names are kept. `readme` is at most 20,000 characters of text that somebody else wrote;
    `official` is told by v1 only, `start_ssh`, `start_jupyter` and `allowed_cuda_versions` by v2 only.
    """

    id: str
    name: str | None = None
    image: str | None = None
    container_disk_gb: int | None = None
    volume_gb: int | None = None
    volume_mount_path: str | None = None
    ports: tuple[str, ...] | None = None
    serverless: bool = False
    public: bool | None = None
    official: bool | None = None
    category: str | None = None
    env_names: tuple[str, ...] = ()
    registry_id: str | None = None
    args: str | None = None
    entrypoint: tuple[str, ...] = ()
    start_command: tuple[str, ...] = ()
    readme: str | None = field(default=None, repr=False)
    start_ssh: bool | None = None
    start_jupyter: bool | None = None
    allowed_cuda_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOrder:
    """A template to make; disks in GB. Names are unique at Runpod.

    A `volume_gb` of 0 is none. `start_ssh` and `start_jupyter` left at None are Runpod's own default, which is on.
    """

    name: str
    image: str
    serverless: bool = False
    public: bool = False
    category: TemplateCategory = "NVIDIA"
    container_disk_gb: int | None = None
    volume_gb: int = 0
    volume_mount_path: str = "/workspace"
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    registry_id: str | None = None
    entrypoint: tuple[str, ...] = ()
    start_command: tuple[str, ...] = ()
    readme: str | None = field(default=None, repr=False)
    start_ssh: bool | None = None
    start_jupyter: bool | None = None
    allowed_cuda_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChange:
    """What a template is to become; None leaves it as it is. `env` replaces all variables; `registry_id` "" is none.

    Pods that were made from it stay as they are; serverless endpoints that it belongs to roll over to the change (v1).
    """

    name: str | None = None
    image: str | None = None
    serverless: bool | None = None
    public: bool | None = None
    category: TemplateCategory | None = None
    container_disk_gb: int | None = None
    volume_gb: int | None = None
    volume_mount_path: str | None = None
    ports: tuple[str, ...] | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)
    registry_id: str | None = None
    entrypoint: tuple[str, ...] | None = None
    start_command: tuple[str, ...] | None = None
    readme: str | None = field(default=None, repr=False)
    start_ssh: bool | None = None
    start_jupyter: bool | None = None
    allowed_cuda_versions: tuple[str, ...] | None = None


class Templates(Protocol):
    """Templates, as the flows see them. Reads raise `Failure`; changes are sent once and answer with an outcome."""

    def gaps(self, order: TemplateOrder | TemplateChange) -> Sequence[Failure]:
        """What this dialect cannot make of an order; `create` and `update` refuse it without sending anything."""
        ...

    async def list_all(self) -> list[Template]:
        """Every template of the account; a template that belongs to an endpoint may be missing."""
        ...

    async def list_public(self, source: TemplateSource) -> list[Template]:
        """Templates that others made, as far as Runpod lists them (v2: at most 100); unreadable ones are left out."""
        ...

    async def get(self, identity: str) -> Template | None:
        """One template, own or public; None when there is none we may read."""
        ...

    async def create(self, order: TemplateOrder) -> MakeOutcome[Template]:
        """Send one create, once."""
        ...

    async def update(self, identity: str, change: TemplateChange) -> EditOutcome[Template]:
        """Change an own template; a public one is Gone."""
        ...

    async def delete(self, identity: str) -> EditOutcome[Template]:
        """Delete an own template; Runpod refuses while a pod or an endpoint uses it, and a public one is Gone."""
        ...


def template_gaps(order: TemplateOrder | TemplateChange) -> list[Failure]:
    """What neither dialect takes."""
    found: list[Failure] = []
    if order == TemplateChange():
        found.append(nothing_to_change())
    if order.name is not None and not order.name.strip():
        found.append(gap("name", "A template needs a name."))
    if order.image is not None and not order.image.strip():
        found.append(gap("imageName", "A template needs an image."))
    return found


def holds_secrets(order: TemplateOrder | TemplateChange) -> bool:
    """Whether env values go out with the order."""
    return bool(order.env)


def names_others(change: TemplateChange) -> bool:
    """Whether the change names a registry, which Runpod may not find."""
    return bool(change.registry_id)
