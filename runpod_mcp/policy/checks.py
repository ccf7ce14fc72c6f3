"""What each rule looks at, as a function that may deny a request; prices are looked at later. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runpod_mcp.errors import Code
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.patterns import matches, matches_exactly


def cloud(policy: Policy, request: CreateRequest) -> Deny | None:
    """The cloud the pod may be in."""
    allowed = policy.pods.cloud_types
    if allowed is None or request.cloud_type in allowed:
        return None
    return Deny(
        code=Code.CLOUD_NOT_ALLOWED,
        message=f"cloudType {request.cloud_type} is not allowed; allowed: {', '.join(allowed)}.",
        field="cloudType",
        limit=", ".join(allowed),
        requested=request.cloud_type,
        alternatives=[{"cloudType": cloud} for cloud in allowed],
    )


def interruptible(policy: Policy, request: CreateRequest) -> Deny | None:
    """Whether it may, may not or must be a spot pod."""
    rule = policy.pods.interruptible
    if rule == "allow" or (rule == "require") == request.interruptible:
        return None
    wanted = rule == "require"
    return Deny(
        code=Code.INTERRUPTIBLE_NOT_ALLOWED,
        message=f"Interruptible pods are {'required' if wanted else 'not allowed'} by the policy.",
        field="interruptible",
        limit=rule,
        requested=str(request.interruptible).lower(),
        alternatives=[{"interruptible": wanted}],
    )


def gpu_types(policy: Policy, request: CreateRequest) -> Deny | None:
    """Whether any GPU type it asks for is allowed."""
    if request.compute_type != "GPU" or not request.gpu_type_ids:
        return None
    if any(policy.gpus.permits(one) for one in request.gpu_type_ids):
        return None
    asked = named(request.gpu_type_ids)
    return Deny(
        code=Code.GPU_NOT_ALLOWED,
        message=f"The policy does not allow {asked}.",
        field="gpuTypeIds",
        limit=patterns(policy.gpus.allow),
        requested=asked,
    )


def cpu_flavors(policy: Policy, request: CreateRequest) -> Deny | None:
    """Whether any CPU flavor it asks for is allowed."""
    if request.compute_type != "CPU" or not request.cpu_flavor_ids:
        return None
    if any(policy.cpus.permits(one) for one in request.cpu_flavor_ids):
        return None
    asked = named(request.cpu_flavor_ids)
    return Deny(
        code=Code.CPU_NOT_ALLOWED,
        message=f"The policy does not allow CPU flavor {asked}.",
        field="cpuFlavorIds",
        limit=patterns(policy.cpus.allow),
        requested=asked,
    )


def gpu_count(policy: Policy, request: CreateRequest) -> Deny | None:
    """The GPUs in one pod."""
    most = policy.gpus.max_per_pod
    if request.compute_type != "GPU" or most is None or request.gpu_count <= most:
        return None
    return Deny(
        code=Code.TOO_MANY_GPUS,
        message=f"gpuCount {request.gpu_count} is above the {most} the policy allows in one pod.",
        field="gpuCount",
        limit=most,
        requested=request.gpu_count,
        alternatives=[{"gpuCount": most}] if most else (),
    )


def vcpu_count(policy: Policy, request: CreateRequest) -> Deny | None:
    """The vCPUs in one pod."""
    most = policy.cpus.max_vcpus_per_pod
    if request.compute_type != "CPU" or most is None or request.vcpu_count <= most:
        return None
    return Deny(
        code=Code.CPU_NOT_ALLOWED,
        message=f"vcpuCount {request.vcpu_count} is above the {most} the policy allows in one pod.",
        field="vcpuCount",
        limit=most,
        requested=request.vcpu_count,
        alternatives=[{"vcpuCount": 1 << (most.bit_length() - 1)}] if most >= 2 else (),
    )


def image(policy: Policy, request: CreateRequest) -> Deny | None:
    """The container image, to the letter."""
    allowed = policy.pods.images
    if allowed is None:
        return None
    image = request.image_name or ""
    if _is_image(image) and matches_exactly(image, allowed):
        return None
    named = clean(image, 80) if image else "of the template, which cannot be read,"
    return Deny(
        code=Code.IMAGE_NOT_ALLOWED,
        message=f"Image {named} is not among the allowed ones: {', '.join(allowed)}.",
        field="imageName",
        limit=patterns(allowed),
        requested=clean(image, 80),
        alternatives=[{"imageName": one} for one in _images_like(image, allowed)],
    )


def _images_like(image: str, allowed: Iterable[str]) -> list[str]:
    """The same image under the name that is allowed, then those that are allowed by a whole name."""
    bare = re.sub(r"^(?:docker\.io/)?(?:library/)?", "", image)
    other = [bare] if bare != image and _is_image(bare) and matches_exactly(bare, allowed) else []
    return [*other, *(one for one in allowed if "*" not in one and _is_image(one))]


def _is_image(name: str) -> bool:
    return bool(_IMAGE.fullmatch(name)) and ".." not in name


_IMAGE = re.compile(r"[A-Za-z0-9._:/@+-]+")
"""The letters of an image reference; upper case matters in it: `Runpod/x` is on a host called Runpod."""


def template(policy: Policy, request: CreateRequest) -> Deny | None:
    """The template, to the letter."""
    allowed = policy.pods.templates
    if not allowed or request.template_id is None or matches_exactly(request.template_id, allowed):
        return None
    return Deny(
        code=Code.TEMPLATE_NOT_ALLOWED,
        message=f"Template {clean(request.template_id, 60)} is not among the allowed ones: {', '.join(allowed)}.",
        field="templateId",
        limit=patterns(allowed),
        requested=clean(request.template_id, 60),
    )


def ports(policy: Policy, request: CreateRequest) -> Deny | None:
    """Every port it opens."""
    allowed = policy.pods.ports
    refused = [] if allowed is None else [port for port in request.ports if not matches(port, allowed)]
    if allowed is None or not refused:
        return None
    left = [port for port in request.ports if port not in refused]
    return Deny(
        code=Code.PORT_NOT_ALLOWED,
        message=f"Ports {', '.join(refused)} are not allowed; allowed: {', '.join(allowed) or 'none'}.",
        field="ports",
        limit=patterns(allowed),
        requested=", ".join(refused),
        alternatives=[{"ports": left}],
    )


def container_disk(policy: Policy, request: CreateRequest) -> Deny | None:
    """The container disk."""
    return _disk("containerDiskInGb", request.container_disk_in_gb or 0, policy.pods.max_container_disk_gb)


def volume(policy: Policy, request: CreateRequest) -> Deny | None:
    """The pod volume."""
    asked = (request.volume_in_gb or 0) if request.has_pod_volume else 0
    return _disk("volumeInGb", asked, policy.pods.max_volume_gb)


def _disk(field: str, asked: int, most: int | None) -> Deny | None:
    if most is None or asked <= most:
        return None
    return Deny(
        code=Code.DISK_TOO_LARGE,
        message=f"{field} {asked} is above the {most} GB the policy allows.",
        field=field,
        limit=most,
        requested=asked,
        alternatives=[{field: most}] if most or field == "volumeInGb" else (),
    )


def lease(policy: Policy, request: CreateRequest) -> Deny | None:
    """The lease, where the request names one."""
    most = policy.lease.max_hours
    if request.lease_hours is None or request.lease_hours <= most:
        return None
    return Deny(
        code=Code.LEASE_TOO_LONG,
        message=f"leaseHours {request.lease_hours:g} is above the {most:g} h the policy allows.",
        field="leaseHours",
        limit=most,
        requested=request.lease_hours,
        alternatives=[{"leaseHours": most}],
    )


def patterns(allow: tuple[str, ...] | None) -> str:
    """An allow list for a reader."""
    return "everything not denied" if allow is None else ", ".join(allow) or "nothing"


def named(names: Iterable[str] | None) -> str | None:
    """The first few of what an agent named; None where it named nothing."""
    return ", ".join(clean(one, 60) for one in list(names or ())[:5]) or None
