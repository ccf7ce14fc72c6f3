"""A v2 create body, read into an order: handler rules first, then the template's settings beneath the body's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.pods import Order
from runpod_mcp.simulator.price_list import cpu_disk_limit
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.shelf import Template
from runpod_mcp.simulator.world import World

Body = Mapping[str, Any]


def read_order(body: Body, world: World) -> Order:
    """The order a valid body means.

    Raises:
        Refusal: a rule between fields is broken (400), or the template is unknown (404) or serverless (422).
    """
    _check_compute(body)
    check_mounts(body.get("mounts", {}))
    template = read_template(body, world)
    check_command(body)
    if template is None:
        _check_container(body)
    settings = {**(_lent(template, is_cpu="cpu" in body) if template else {}), **body}
    settings["env"] = {**(template.env if template else {}), **body.get("env", {})}
    compute = _cpu(body["cpu"], settings, world) if "cpu" in body else _gpu(body["gpu"], template, world)
    return Order(**_container(settings), **compute, cloud=body.get("cloud", "SECURE"))


def _rule(detail: str) -> Refusal:
    return Refusal(Reason.RULE, detail)


def _check_compute(body: Body) -> None:
    if ("gpu" in body) == ("cpu" in body):
        raise _rule("exactly one of gpu or cpu must be set")
    if "cpu" in body and "persistent" in body.get("mounts", {}):
        raise _rule("mounts.persistent is not supported on CPU pods")
    if "cpu" in body and body.get("globalNetworking"):
        raise _rule("globalNetworking requires an NVIDIA GPU")


def check_mounts(mounts: Body) -> None:
    """Refuse both kinds of mount together, and an empty list of network mounts."""
    if mounts.get("network") == []:
        raise _rule("mounts.network must not be empty")
    if "persistent" in mounts and "network" in mounts:
        raise _rule("mounts.persistent and mounts.network are mutually exclusive")


def check_command(body: Body) -> None:
    """Refuse `args` beside a `cmd` that means another command."""
    if body.get("args") and "cmd" in body and words(body["args"]) != tuple(body["cmd"]):
        raise _rule("args cannot be combined with a different cmd or entrypoint")


def read_template(body: Body, world: World) -> Template | None:
    """The template a body names, refused when it is for serverless workers."""
    if not body.get("templateId"):
        return None
    template = world.shelf.template(body["templateId"])
    if template.serverless:
        raise Refusal(Reason.INVALID, errors=["$.templateId: template is a serverless template"])
    return template


def _check_container(body: Body) -> None:
    if not body.get("image"):
        raise _rule("image is required unless templateId is set")
    if "disk" not in body:
        raise _rule("You must either provide a template id or pod configuration parameters")


def _lent(template: Template, *, is_cpu: bool) -> dict[str, Any]:
    lent = template_settings(template)
    if template.volume and not is_cpu:
        lent["mounts"] = {"persistent": {"size": template.volume, "path": template.mount_path}}
    return lent


def template_settings(template: Template) -> dict[str, Any]:
    """A template's container settings under the names of a v2 body."""
    return {
        "image": template.image,
        "disk": template.disk,
        "ports": list(template.ports),
        "args": template.args,
        "registry": template.registry,
    }


def _container(settings: Body) -> dict[str, Any]:
    return {
        "name": settings["name"],
        "image": settings["image"],
        "disk": settings["disk"],
        "env": settings["env"],
        "ports": tuple(settings.get("ports", ())),
        "registry": settings.get("registry"),
        "data_center_ids": tuple(settings.get("dataCenterIds", ())),
        "global_networking": settings.get("globalNetworking", False),
        **command(settings),
        **_storage(settings.get("mounts", {})),
    }


def command(settings: Body) -> dict[str, Any]:
    """The three ways to say a start command, each worked out from the others."""
    cmd = tuple(settings.get("cmd", ())) or words(settings.get("args", ""))
    args = settings.get("args") or shlex.join(cmd)
    return {"args": args, "cmd": cmd, "entrypoint": tuple(settings.get("entrypoint", ()))}


def words(args: str) -> tuple[str, ...]:
    """A command line as a shell splits it; whole where it cannot be split."""
    try:
        return tuple(shlex.split(args))
    except ValueError:
        return (args,)


def _storage(mounts: Body) -> dict[str, Any]:
    if network := mounts.get("network"):
        return {"network_volume_id": network[0]["volumeId"], "mount_path": network[0]["path"]}
    if persistent := mounts.get("persistent"):
        return {"volume": persistent["size"], "mount_path": persistent["path"]}
    return {}


def _gpu(gpu: Body, template: Template | None, world: World) -> dict[str, Any]:
    known = world.price_list.gpus.get(gpu["id"])
    if known is None:
        raise _rule(f"Unknown GPU type: {gpu['id']}")
    exact: Sequence[str] = gpu.get("allowedCudaVersions", ())
    if exact and "minCudaVersion" in gpu:
        raise _rule("allowedCudaVersions and minCudaVersion are mutually exclusive")
    if not {"allowedCudaVersions", "minCudaVersion"} & set(gpu) and template:
        exact = template.cuda_versions
    if "count" not in gpu and world.settings.gpu_count_required:
        raise Refusal(Reason.NO_CAPACITY)
    return {
        "gpu_type_ids": (known.id,),
        "gpu_count": int(gpu.get("count", 1)),
        "cuda_versions": tuple(exact),
        "min_cuda_version": gpu.get("minCudaVersion"),
        "min_ram_per_gpu": gpu.get("minRamPerGpu", 0),
        "min_vcpus_per_gpu": gpu.get("minVcpuCountPerGpu", 0),
    }


def _cpu(cpu: Body, settings: Body, world: World) -> dict[str, Any]:
    flavor, count = world.price_list.cpus.get(cpu["id"]), int(cpu["vcpuCount"])
    if flavor is None:
        raise _rule(f"Unknown CPU flavor: {cpu['id']}")
    if not flavor.fits(count):
        raise _rule(f"vcpuCount must be a power of two between {flavor.least} and {flavor.most}")
    if settings["disk"] > cpu_disk_limit(count):
        raise _rule(
            f"Container Disk must be less than or equal to {cpu_disk_limit(count)} GB for this instance"
        )
    return {"cpu_flavor_ids": (flavor.id,), "vcpu_count": count}
