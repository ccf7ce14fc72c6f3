"""Network volumes and templates, and how a template lends its settings to a pod."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from runpod_mcp.simulator.pods import MONTH_HOURS
from runpod_mcp.simulator.price_list import PriceList
from runpod_mcp.simulator.refusals import Reason, Refusal

_FIRST_TERABYTE = 1000
_STANDARD_MONTH = (Fraction("0.07"), Fraction("0.05"))
_FAST_MONTH = (Fraction("0.14"), Fraction("0.14"))


@dataclass
class NetworkVolume:
    """A network volume: GB, its data center, and STANDARD or HIGH_PERFORMANCE."""

    id: str
    name: str
    size: int
    data_center_id: str
    tier: str = "STANDARD"

    def rate(self) -> Fraction:
        """Dollars per hour: $0.07 per GB and month up to 1 TB and $0.05 beyond, the fast tier at $0.14."""
        near, far = _FAST_MONTH if self.tier == "HIGH_PERFORMANCE" else _STANDARD_MONTH
        first = min(self.size, _FIRST_TERABYTE)
        return (first * near + (self.size - first) * far) / MONTH_HOURS


@dataclass(frozen=True)
class Template:
    """A template: container settings that a create may start from. Sizes are GB."""

    id: str
    name: str
    image: str
    disk: int = 20
    volume: int = 0
    mount_path: str = "/workspace"
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    args: str = ""
    serverless: bool = False
    public: bool = True
    official: bool = False
    category: str = "NVIDIA"
    cuda_versions: tuple[str, ...] = ()


class Shelf:
    """The network volumes and templates of an account.

    `in_use` tells whether a pod holds a volume, `record` writes what a volume costs from now on (and whether it
    ended) into the books.
    """

    def __init__(
        self,
        price_list: PriceList,
        make_id: Callable[[int], str],
        in_use: Callable[[str], bool],
        record: Callable[[NetworkVolume, str, bool], None],
    ) -> None:
        self._list = price_list
        self._make_id = make_id
        self._in_use = in_use
        self._record = record
        self.volumes: dict[str, NetworkVolume] = {}
        self.templates: dict[str, Template] = _first_templates()

    def volume(self, volume_id: str) -> NetworkVolume:
        """A network volume; refused as not found otherwise."""
        if volume_id not in self.volumes:
            raise Refusal(Reason.NOT_FOUND, f"network volume {volume_id} not found")
        return self.volumes[volume_id]

    def template(self, template_id: str) -> Template:
        """A template; refused as not found otherwise."""
        if template_id not in self.templates:
            raise Refusal(Reason.NOT_FOUND, f"template {template_id} not found")
        return self.templates[template_id]

    def add_volume(self, name: str, size: int, data_center_id: str, tier: str | None) -> NetworkVolume:
        """Create a network volume of `size` GB; refused where the data center has no such storage."""
        center = self._list.data_centers.get(data_center_id)
        tier = tier or "STANDARD"
        if center is None or tier not in center.volume_types:
            raise Refusal(
                Reason.RULE, f"data center {data_center_id} does not support {tier} network volumes"
            )
        volume = NetworkVolume(self._make_id(10), name, size, data_center_id, tier)
        self.volumes[volume.id] = volume
        self._record(volume, "created", False)
        return volume

    def change_volume(self, volume: NetworkVolume, name: str | None, size: int | None) -> None:
        """Rename or grow a network volume; refused when it would shrink."""
        if size is not None and size < volume.size:
            raise Refusal(Reason.RULE, "network volume size can only be increased")
        volume.name, volume.size = name or volume.name, size or volume.size
        self._record(volume, "changed", False)

    def remove_volume(self, volume: NetworkVolume) -> None:
        """Delete a network volume; refused while a pod uses it."""
        if self._in_use(volume.id):
            raise Refusal(Reason.RULE, "network volume is attached to a pod")
        del self.volumes[volume.id]
        self._record(volume, "deleted", True)


def _first_templates() -> dict[str, Template]:
    both = ("8888/http", "22/tcp")
    torch = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
    rows = [
        Template("simtorch01", "Runpod Pytorch 2.8", torch, 50, 20, ports=both, official=True),
        Template(
            "simubuntu1",
            "Runpod Ubuntu 24.04",
            "runpod/base:1.0.2-ubuntu2404",
            20,
            ports=("22/tcp",),
            official=True,
            category="CPU",
        ),
        Template("simmine001", "my template", "ubuntu:24.04", 10, env={"FROM_TEMPLATE": "yes"}, public=False),
        Template("simserve01", "vLLM worker", "runpod/worker-v1-vllm:stable", 30, serverless=True),
    ]
    return {row.id: row for row in rows}
