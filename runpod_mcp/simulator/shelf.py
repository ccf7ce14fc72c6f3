"""Network volumes, templates and registries of an account, and who may not be deleted because somebody uses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from runpod_mcp.simulator.faults import Fault, Faults, Kind
from runpod_mcp.simulator.pods import MONTH_HOURS
from runpod_mcp.simulator.price_list import PriceList
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.registries import Registries
from runpod_mcp.simulator.templates import Template, first_templates

__all__ = ["NetworkVolume", "Shelf", "Template", "Ties"]

_FIRST_TERABYTE = 1000
_STANDARD_MONTH = (Fraction("0.07"), Fraction("0.05"))
_FAST_MONTH = (Fraction("0.14"), Fraction("0.14"))


@dataclass
class NetworkVolume:
    """A network volume: GB, its data center, and STANDARD or HIGH_PERFORMANCE. `factor` is a scripted overcharge."""

    id: str
    name: str
    size: int
    data_center_id: str
    tier: str = "STANDARD"
    created_at: datetime | None = None
    ended_at: datetime | None = None
    factor: Fraction = Fraction(1)

    def rate(self) -> Fraction:
        """Dollars per hour: $0.07 per GB and month up to 1 TB and $0.05 beyond.

        The facts call the fast tier dearer, by data center, without a number: here it is $0.14 everywhere.
        """
        near, far = _FAST_MONTH if self.tier == "HIGH_PERFORMANCE" else _STANDARD_MONTH
        first = min(self.size, _FIRST_TERABYTE)
        return (first * near + (self.size - first) * far) / MONTH_HOURS * self.factor


@dataclass(frozen=True)
class Ties:
    """What the shelf needs to know of the world around it.

    `bent` tells whether a fault of a kind changes the work being done. `volume_in_use`, `template_in_use` and
    `registry_in_use` name what uses an id, or None. `record` writes what a volume costs from now on (and whether
    it ended) into the books.
    """

    make_id: Callable[[int], str]
    now: Callable[[], datetime]
    faults: Faults
    bent: Callable[[Kind], Fault | None]
    volume_in_use: Callable[[str], str | None]
    template_in_use: Callable[[str], str | None]
    registry_in_use: Callable[[str], bool]
    record: Callable[[NetworkVolume, str, bool], None]


@dataclass
class Shelf:
    """The network volumes, templates and registries of an account."""

    price_list: PriceList
    ties: Ties
    volumes: dict[str, NetworkVolume] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=first_templates)

    def __post_init__(self) -> None:
        self._gone: list[NetworkVolume] = []
        self._unbound: dict[str, Template] = {}
        self.registries = Registries(
            lambda: self.ties.make_id(25), self.ties.registry_in_use, self._forget_registry
        )

    # network volumes

    def volume(self, volume_id: str) -> NetworkVolume:
        """A network volume; refused as not found otherwise."""
        if volume_id not in self.volumes:
            raise Refusal(Reason.NOT_FOUND, f"network volume {volume_id} not found")
        return self.volumes[volume_id]

    def listed_volumes(self) -> list[NetworkVolume]:
        """The volumes a list shows, oldest first; a lagging list misses new ones and shows lost ones."""
        now = self.ties.now()
        lag, linger = self.ties.faults.list_lag("volume_list")
        known = [each for each in self.volumes.values() if (each.created_at or now) + lag <= now]
        return known + [each for each in self._gone if each.ended_at and now < each.ended_at + linger]

    def add_volume(self, name: str, size: int, data_center_id: str, tier: str | None) -> NetworkVolume:
        """Create a network volume of `size` GB; refused where the data center has no such storage."""
        center = self.price_list.data_centers.get(data_center_id)
        if tier is None and center is not None and center.volume_types:
            tier = center.volume_types[0]
        if center is None or tier not in center.volume_types:
            kind = tier or "any"
            raise Refusal(
                Reason.RULE, f"data center {data_center_id} does not support {kind} network volumes"
            )
        dearer = self.ties.bent(Kind.DEARER)
        volume = NetworkVolume(
            self.ties.make_id(10), name, size, data_center_id, tier, created_at=self.ties.now()
        )
        volume.factor = dearer.factor if dearer else Fraction(1)
        self.volumes[volume.id] = volume
        self.ties.record(volume, "created", False)
        return volume

    def change_volume(self, volume: NetworkVolume, name: str | None, size: int | None) -> None:
        """Rename or grow a network volume; refused when it would shrink."""
        if size is not None and size < volume.size:
            raise Refusal(Reason.RULE, "network volume size can only be increased")
        if self.ties.bent(Kind.IGNORED):
            return
        volume.name, volume.size = name or volume.name, size or volume.size
        self.ties.record(volume, "changed", False)

    def remove_volume(self, volume: NetworkVolume) -> None:
        """Delete a network volume; refused while a pod or an endpoint uses it."""
        if user := self.ties.volume_in_use(volume.id):
            raise Refusal(Reason.RULE, f"network volume is attached to {user}")
        if self.ties.bent(Kind.IGNORED):
            return
        volume.ended_at = self.ties.now()
        self._gone.append(self.volumes.pop(volume.id))
        self.ties.record(volume, "deleted", True)

    # templates

    def template(self, template_id: str) -> Template:
        """A template, own or public; refused as not found otherwise."""
        if template_id not in self.templates:
            raise Refusal(Reason.NOT_FOUND, f"template {template_id} not found")
        return self.templates[template_id]

    def template_of_endpoint(self, template_id: str) -> Template:
        """The template an endpoint runs, also when both are gone and a lagging list still shows the endpoint."""
        return self.templates.get(template_id) or self._unbound[template_id]

    def unbind_template(self, template: Template) -> None:
        """Delete the template that was made for an endpoint, with the endpoint."""
        self._unbound[template.id] = self.templates.pop(template.id)

    def own_template(self, template_id: str) -> Template:
        """A template the account may change; a public one of others is refused as not found."""
        template = self.template(template_id)
        if not template.own:
            raise Refusal(Reason.NOT_FOUND, f"template {template_id} not found")
        return template

    def add_template(self, name: str, image: str, **more: Any) -> Template:
        """Keep a template (fields of `Template`); refused when the name is taken."""
        template = Template(self.ties.make_id(10), name, image, **more)
        self._check_name(template)
        self.registries.check(template.registry)
        self.templates[template.id] = template
        return template

    def change_template(self, template: Template, **wanted: Any) -> Template:
        """Give it other fields; pods made from it keep what they were made with."""
        changed = replace(template, **wanted)
        self._check_name(changed)
        self.registries.check(wanted.get("registry"))
        if self.ties.bent(Kind.IGNORED):
            return template
        self.templates[template.id] = changed
        return changed

    def remove_template(self, template: Template) -> None:
        """Delete a template; refused while a pod or an endpoint refers to it."""
        if user := self.ties.template_in_use(template.id):
            raise Refusal(Reason.RULE, f"template is in use by {user}")
        if not self.ties.bent(Kind.IGNORED):
            del self.templates[template.id]

    def _check_name(self, template: Template) -> None:
        others = [each for each in self.templates.values() if each.own and each.id != template.id]
        if template.name in {each.name for each in others}:
            raise Refusal(Reason.RULE, f"template name {template.name!r} must be unique")

    def _forget_registry(self, registry_id: str) -> None:
        for template in [each for each in self.templates.values() if each.registry == registry_id]:
            self.templates[template.id] = replace(template, registry=None)

    def remove_registry(self, registry_id: str) -> None:
        """Delete a registry credential; refused while a pod pulls with it."""
        registry = self.registries.get(registry_id)
        self.registries.check_unused(registry)
        if not self.ties.bent(Kind.IGNORED):
            self.registries.remove(registry)
