"""Templates: container settings kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Template:
    """A template: container settings that a create may start from. Sizes are GB.

    `source` is who made it: "own", or of the public catalogue "official", "verified", "community". `bound_to` is
    the serverless endpoint it was made for and is deleted with.
    """

    id: str
    name: str
    image: str
    disk: int = 20
    volume: int = 0
    mount_path: str = "/workspace"
    ports: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    args: str = ""
    cmd: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    registry: str | None = None
    serverless: bool = False
    public: bool = True
    category: str = "NVIDIA"
    cuda_versions: tuple[str, ...] = ()
    start_ssh: bool = True
    start_jupyter: bool = True
    readme: str = ""
    source: str = "own"
    bound_to: str | None = None

    @property
    def official(self) -> bool:
        """Whether Runpod itself keeps it."""
        return self.source == "official"

    @property
    def own(self) -> bool:
        """Whether the account may change it; what is bound to an endpoint is not listed."""
        return self.source == "own"


def first_templates() -> dict[str, Template]:
    """What a new account finds: a few templates of the public catalogue, and two of its own."""
    both = ("8888/http", "22/tcp")
    torch = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
    base = "runpod/base:1.0.2-ubuntu2404"
    comfy, vllm = "runpod/comfyui:latest", "runpod/worker-v1-vllm:stable"
    rows = [
        Template("simtorch01", "Runpod Pytorch 2.8", torch, 50, 20, ports=both, source="official"),
        Template(
            "simubuntu1",
            "Runpod Ubuntu 24.04",
            base,
            20,
            ports=("22/tcp",),
            source="official",
            category="CPU",
        ),
        Template("simverif01", "ComfyUI", comfy, 40, 40, ports=("8188/http",), source="verified"),
        Template("simcommun1", "somebody's notebook", torch, 30, ports=both, source="community"),
        Template("simmine001", "my template", "ubuntu:24.04", 10, env={"FROM_TEMPLATE": "yes"}, public=False),
        Template("simserve01", "vLLM worker", vllm, 30, serverless=True),
    ]
    return {row.id: row for row in rows}
