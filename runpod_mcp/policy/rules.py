"""The rules a request must pass before its price is looked at; each is one function that may deny."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from runpod_mcp.catalog.placement import Permits
from runpod_mcp.errors import Code
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.patterns import matches, matches_exactly

Rule = Callable[[Policy, CreateRequest], Deny | None]


def permits_of(policy: Policy) -> Permits:
    """The policy as the candidates see it."""
    return Permits(
        policy.gpus.permits, policy.cpus.permits, policy.pods.permits_place, policy.pods.limits_place
    )


def judge_request(policy: Policy, request: CreateRequest) -> Deny | None:
    """The first rule that a request breaks, prices aside; a template was read into the request before.

    Its alternatives pass every rule: where other rules are broken too, what mends those is in them.
    """
    denied = _first(policy, request)
    if denied is None:
        return None
    mended = (_mended(policy, request, remedy) for remedy in denied.alternatives)
    return replace(denied, alternatives=[whole for whole in mended if whole])


def _first(policy: Policy, request: CreateRequest) -> Deny | None:
    return next((denied for rule in RULES if (denied := rule(policy, request))), None)


def _mended(policy: Policy, request: CreateRequest, remedy: dict[str, Any]) -> dict[str, Any] | None:
    """A remedy with those of the other rules that are broken; None when one of these has none."""
    whole = dict(remedy)
    while denied := _first(policy, request.with_arguments(whole)):
        if not denied.alternatives:
            return None
        whole |= denied.alternatives[0]
    return whole


def _cloud(policy: Policy, request: CreateRequest) -> Deny | None:
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


def _interruptible(policy: Policy, request: CreateRequest) -> Deny | None:
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


def _gpu_types(policy: Policy, request: CreateRequest) -> Deny | None:
    if request.compute_type != "GPU" or not request.gpu_type_ids:
        return None
    if any(policy.gpus.permits(one) for one in request.gpu_type_ids):
        return None
    asked = ", ".join(clean(one, 60) for one in request.gpu_type_ids[:5])
    return Deny(
        code=Code.GPU_NOT_ALLOWED,
        message=f"The policy does not allow {asked}.",
        field="gpuTypeIds",
        limit=_patterns(policy.gpus.allow),
        requested=asked,
    )


def _cpu_flavors(policy: Policy, request: CreateRequest) -> Deny | None:
    if request.compute_type != "CPU" or not request.cpu_flavor_ids:
        return None
    if any(policy.cpus.permits(one) for one in request.cpu_flavor_ids):
        return None
    asked = ", ".join(clean(one, 60) for one in request.cpu_flavor_ids[:5])
    return Deny(
        code=Code.CPU_NOT_ALLOWED,
        message=f"The policy does not allow CPU flavor {asked}.",
        field="cpuFlavorIds",
        limit=_patterns(policy.cpus.allow),
        requested=asked,
    )


def _gpu_count(policy: Policy, request: CreateRequest) -> Deny | None:
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


def _vcpu_count(policy: Policy, request: CreateRequest) -> Deny | None:
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


def _image(policy: Policy, request: CreateRequest) -> Deny | None:
    allowed = policy.pods.images
    if allowed is None:
        return None
    image = request.image_name or ""
    if _IMAGE.fullmatch(image) and ".." not in image and matches_exactly(image, allowed):
        return None
    named = clean(image, 80) if image else "of the template, which cannot be read,"
    return Deny(
        code=Code.IMAGE_NOT_ALLOWED,
        message=f"Image {named} is not among the allowed ones: {', '.join(allowed)}.",
        field="imageName",
        limit=_patterns(allowed),
        requested=clean(image, 80),
    )


_IMAGE = re.compile(r"[A-Za-z0-9._:/@+-]+")
"""The letters of an image reference; upper case matters in it: `Runpod/x` is on a host called Runpod."""


def _template(policy: Policy, request: CreateRequest) -> Deny | None:
    allowed = policy.pods.templates
    if not allowed or request.template_id is None or matches_exactly(request.template_id, allowed):
        return None
    return Deny(
        code=Code.TEMPLATE_NOT_ALLOWED,
        message=f"Template {clean(request.template_id, 60)} is not among the allowed ones: {', '.join(allowed)}.",
        field="templateId",
        limit=_patterns(allowed),
        requested=clean(request.template_id, 60),
    )


def _ports(policy: Policy, request: CreateRequest) -> Deny | None:
    allowed = policy.pods.ports
    refused = [] if allowed is None else [port for port in request.ports if not matches(port, allowed)]
    if allowed is None or not refused:
        return None
    left = [port for port in request.ports if port not in refused]
    return Deny(
        code=Code.PORT_NOT_ALLOWED,
        message=f"Ports {', '.join(refused)} are not allowed; allowed: {', '.join(allowed) or 'none'}.",
        field="ports",
        limit=_patterns(allowed),
        requested=", ".join(refused),
        alternatives=[{"ports": left}],
    )


def _container_disk(policy: Policy, request: CreateRequest) -> Deny | None:
    return _disk("containerDiskInGb", request.container_disk_in_gb or 0, policy.pods.max_container_disk_gb)


def _volume(policy: Policy, request: CreateRequest) -> Deny | None:
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


def _lease(policy: Policy, request: CreateRequest) -> Deny | None:
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


def _patterns(allow: tuple[str, ...] | None) -> str:
    return "everything not denied" if allow is None else ", ".join(allow) or "nothing"


RULES: tuple[Rule, ...] = (
    _cloud,
    _interruptible,
    _gpu_types,
    _gpu_count,
    _cpu_flavors,
    _vcpu_count,
    _image,
    _template,
    _ports,
    _container_disk,
    _volume,
    _lease,
)
"""In the order they are looked at."""


RULES_OF_CHANGES: Mapping[str, Rule] = {
    "image_name": _image,
    "template_id": _template,
    "ports": _ports,
    "container_disk_in_gb": _container_disk,
    "volume_in_gb": _volume,
}
"""By the setting that a change names; the other settings have no rule."""


def judge_change(policy: Policy, request: CreateRequest, changed: Iterable[str]) -> Deny | None:
    """The first rule that a change of an existing pod breaks; `request` holds the settings, `changed` names those that change.

    What does not change is not judged again: a policy made stricter ends nothing that runs.
    """
    rules = (RULES_OF_CHANGES[name] for name in changed if name in RULES_OF_CHANGES)
    return next((denied for rule in rules if (denied := rule(policy, request))), None)


def asks_human(policy: Policy, tool: str, usd_per_hour: Usd, usd_per_lease: Usd) -> str | None:
    """Why a person must say yes first, or None; money in micro-dollars."""
    rules = policy.approval
    if tool in rules.tools:
        return f"{tool} always needs a yes"
    if rules.above_usd_per_hour is not None and usd_per_hour > rules.above_usd_per_hour:
        return f"it costs more than {show(rules.above_usd_per_hour)} per hour"
    if rules.above_usd_per_lease is not None and usd_per_lease > rules.above_usd_per_lease:
        return f"its lease can cost more than {show(rules.above_usd_per_lease)}"
    return None
