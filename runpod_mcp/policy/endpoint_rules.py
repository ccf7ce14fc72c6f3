"""The rules for serverless endpoints: each of their workers is judged like a pod, on every card that it may get. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runpod_mcp.catalog.countries import country_of
from runpod_mcp.errors import Code
from runpod_mcp.money import Usd
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import judge_request

CAN_BE_ASKED = frozenset(
    {"imageName", "gpuTypeIds", "gpuCount", "vcpuCount", "containerDiskInGb", "ports", "leaseHours"}
)
"""The arguments of pods that endpoints have too; an alternative that needs another one is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The workers an endpoint may have: how many, and on which GPU types, or on which CPU flavors with how many vCPUs."""

    workers_max: int
    gpu_type_ids: tuple[str, ...] = ()
    gpu_count: int = 1
    cpus: tuple[tuple[str, int], ...] = ()

    @property
    def gpus(self) -> int:
        """How many GPUs run when all workers do."""
        return self.workers_max * self.gpus_per_worker

    @property
    def gpus_per_worker(self) -> int:
        """How many GPUs one worker has."""
        return self.gpu_count if self.gpu_type_ids else 0

    def usd_per_worker(self, prices: Mapping[str, Usd]) -> Usd | None:
        """The dearest worker per hour, from prices per GPU or per vCPU; None where one of them is not known."""
        units = [(one, self.gpu_count) for one in self.gpu_type_ids] or list(self.cpus)
        known = [prices[one] * count for one, count in units if one in prices]
        return Usd(max(known)) if known and len(known) == len(units) else None

    def usd_per_hour(self, prices: Mapping[str, Usd]) -> Usd | None:
        """The worst case: all workers run, each on the dearest card; None where a price is not known."""
        worker = self.usd_per_worker(prices)
        return None if worker is None else Usd(worker * self.workers_max)


def judge_workers(policy: Policy, request: CreateRequest, fleet: Fleet) -> Deny | None:
    """The first rule that a worker breaks on any of the cards it may get; `request` holds all but the compute."""
    for alone in _on_each(request, fleet):
        if denied := judge_request(policy, alone):
            return _for_endpoints(policy, denied, fleet)
    return None


def _on_each(request: CreateRequest, fleet: Fleet) -> Iterator[CreateRequest]:
    for card in fleet.gpu_type_ids:
        compute = {"compute_type": "GPU", "gpu_type_ids": [card], "gpu_count": fleet.gpu_count}
        yield request.model_copy(update=compute)
    for flavor, vcpus in fleet.cpus:
        compute = {"compute_type": "CPU", "cpu_flavor_ids": [flavor], "vcpu_count": vcpus}
        yield request.model_copy(update=compute)


def _for_endpoints(policy: Policy, denied: Deny, fleet: Fleet) -> Deny:
    """The same denial with what can be changed about an endpoint."""
    if denied.field == "gpuTypeIds":
        return replace(
            denied, alternatives=_named("gpuTypeIds", filter(policy.gpus.permits, fleet.gpu_type_ids))
        )
    if denied.field == "cpuFlavorIds":
        flavors = (flavor for flavor, _ in fleet.cpus)
        return replace(denied, alternatives=_named("cpuFlavorIds", filter(policy.cpus.permits, flavors)))
    possible = [one for one in denied.alternatives if set(one) <= CAN_BE_ASKED]
    return replace(denied, alternatives=possible)


def _named(field: str, left: Iterable[str]) -> list[dict[str, Any]]:
    names = list(left)
    return [{field: names}] if names else []


def judge_places(policy: Policy, data_center_ids: Iterable[str]) -> Deny | None:
    """Whether the workers may be in all of these data centers; none named means any, which a policy may not allow."""
    asked = list(data_center_ids)
    refused = [one for one in asked if not _permits(policy, one)]
    if not policy.pods.limits_place or (asked and not refused):
        return None
    named = ", ".join(clean(one, 30) for one in refused[:5]) or "workers in any data center"
    return Deny(
        code=Code.DATA_CENTER_NOT_ALLOWED,
        message=f"The policy does not allow {named}.",
        field="dataCenterIds",
        requested=named,
        alternatives=_named("dataCenterIds", (one for one in asked if one not in refused)),
    )


def allowed_places(policy: Policy, data_center_ids: Iterable[str]) -> tuple[str, ...]:
    """Those of these data centers where workers may be; none where the policy does not limit them."""
    if not policy.pods.limits_place:
        return ()
    return tuple(one for one in data_center_ids if _permits(policy, one))


def _permits(policy: Policy, data_center_id: str) -> bool:
    return policy.pods.permits_place(data_center_id, country_of(data_center_id))
