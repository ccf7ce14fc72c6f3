"""Network volumes and templates, and how a template lends its settings to a pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from runpod_mcp.simulator.pods import MONTH_HOURS

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


def first_templates() -> dict[str, Template]:
    """The templates every simulated account begins with, by id."""
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
