"""The rules a request must pass before its price is looked at; each is one function that may deny."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runpod_mcp.catalog.placement import Permits
from runpod_mcp.money import Usd, as_dollars, show
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean
from runpod_mcp.policy import checks
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy

Number = str | int | float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the key of the policy it stands under, and the function that may deny.

    `limit` is what the policy says, None where it says nothing. `asked` is what a request asks of the rule, None where
    the rule does not look at such a request.
    """

    key: str
    judge: Callable[[Policy, CreateRequest], Deny | None]
    limit: Callable[[Policy], Number]
    asked: Callable[[CreateRequest], Number]

    def __call__(self, policy: Policy, request: CreateRequest) -> Deny | None:
        """The denial, or None where the request passes."""
        return self.judge(policy, request)


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


def _cards(policy: Policy) -> Number:
    return None if policy.gpus.allow is None and not policy.gpus.deny else checks.patterns(policy.gpus.allow)


def _listed(allow: tuple[str, ...] | None) -> Number:
    return None if allow is None else checks.patterns(allow)


def _on_gpus(request: CreateRequest, asked: Number) -> Number:
    return asked if request.compute_type == "GPU" else None


def _on_cpus(request: CreateRequest, asked: Number) -> Number:
    return asked if request.compute_type == "CPU" else None


_IMAGE_RULE = Rule(
    "pods.images",
    checks.image,
    lambda policy: _listed(policy.pods.images),
    lambda request: clean(request.image_name or "", 80),
)
_TEMPLATE_RULE = Rule(
    "pods.templates",
    checks.template,
    lambda policy: _listed(policy.pods.templates or None),
    lambda request: request.template_id and clean(request.template_id, 60),
)
_PORTS_RULE = Rule(
    "pods.ports",
    checks.ports,
    lambda policy: _listed(policy.pods.ports),
    lambda request: checks.named(request.ports),
)
_CONTAINER_RULE = Rule(
    "pods.max_container_disk_gb",
    checks.container_disk,
    lambda policy: policy.pods.max_container_disk_gb,
    lambda request: request.container_disk_in_gb,
)
_VOLUME_RULE = Rule(
    "pods.max_volume_gb",
    checks.volume,
    lambda policy: policy.pods.max_volume_gb,
    lambda request: request.volume_in_gb if request.has_pod_volume else None,
)

RULES: tuple[Rule, ...] = (
    Rule(
        "pods.cloud_types",
        checks.cloud,
        lambda policy: _listed(policy.pods.cloud_types),
        lambda request: request.cloud_type,
    ),
    Rule(
        "pods.interruptible",
        checks.interruptible,
        lambda policy: policy.pods.interruptible,
        lambda request: str(request.interruptible).lower(),
    ),
    Rule(
        "gpus.allow",
        checks.gpu_types,
        _cards,
        lambda request: _on_gpus(request, checks.named(request.gpu_type_ids)),
    ),
    Rule(
        "gpus.max_per_pod",
        checks.gpu_count,
        lambda policy: policy.gpus.max_per_pod,
        lambda request: _on_gpus(request, request.gpu_count),
    ),
    Rule(
        "cpus.allow",
        checks.cpu_flavors,
        lambda policy: _listed(policy.cpus.allow),
        lambda request: _on_cpus(request, checks.named(request.cpu_flavor_ids)),
    ),
    Rule(
        "cpus.max_vcpus_per_pod",
        checks.vcpu_count,
        lambda policy: policy.cpus.max_vcpus_per_pod,
        lambda request: _on_cpus(request, request.vcpu_count),
    ),
    _IMAGE_RULE,
    _TEMPLATE_RULE,
    _PORTS_RULE,
    _CONTAINER_RULE,
    _VOLUME_RULE,
    Rule(
        "lease.max_hours",
        checks.lease,
        lambda policy: policy.lease.max_hours,
        lambda request: request.lease_hours,
    ),
)
"""In the order they are looked at."""


RULES_OF_CHANGES: Mapping[str, Rule] = {
    "image_name": _IMAGE_RULE,
    "template_id": _TEMPLATE_RULE,
    "ports": _PORTS_RULE,
    "container_disk_in_gb": _CONTAINER_RULE,
    "volume_in_gb": _VOLUME_RULE,
}
"""By the setting that a change names; the other settings have no rule."""


def judge_change(policy: Policy, request: CreateRequest, changed: Iterable[str]) -> Deny | None:
    """The first rule that a change of an existing pod breaks; `request` holds the settings, `changed` names those that change.

    What does not change is not judged again: a policy made stricter ends nothing that runs.
    """
    rules = (RULES_OF_CHANGES[name] for name in changed if name in RULES_OF_CHANGES)
    return next((denied for rule in rules if (denied := rule(policy, request))), None)


@dataclass(frozen=True, slots=True)
class Question:
    """One limit above which a person is asked: its key, what the policy says, what is asked for, and why, if it is so."""

    key: str
    limit: Number
    asked: Number
    reason: str | None


def asks_human(policy: Policy, tool: str, usd_per_hour: Usd, usd_per_lease: Usd) -> str | None:
    """Why a person must say yes first, or None; money in micro-dollars."""
    asked = questions(policy, tool, usd_per_hour, usd_per_lease)
    return next((one.reason for one in asked if one.reason), None)


def questions(policy: Policy, tool: str, usd_per_hour: Usd, usd_per_lease: Usd) -> Iterator[Question]:
    """Everything that a person could have to be asked for; money in micro-dollars."""
    rules = policy.approval
    always = f"{tool} always needs a yes" if tool in rules.tools else None
    yield Question("approval.tools", _listed(rules.tools or None), tool, always)
    for key, limit, usd, words in (
        ("above_usd_per_hour", rules.above_usd_per_hour, usd_per_hour, "it costs more than {} per hour"),
        ("above_usd_per_lease", rules.above_usd_per_lease, usd_per_lease, "its lease can cost more than {}"),
    ):
        above = limit is not None and usd > limit
        reason = words.format(show(limit)) if limit is not None and above else None
        yield Question(
            f"approval.{key}", None if limit is None else as_dollars(limit), as_dollars(usd), reason
        )
