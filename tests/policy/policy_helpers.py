"""Policies, cases and requests to judge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from runpod_mcp.catalog.catalog import Catalog, CloudOffer, CpuFlavor, DataCenter, GpuType, Stock
from runpod_mcp.clock import epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import Usd, dollars
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.decide import Case, decide
from runpod_mcp.policy.decision import Allow, AskHuman, Decision, Deny
from runpod_mcp.policy.document import Policy, read_policy
from runpod_mcp.policy.offer import Wanted
from runpod_mcp.policy.spending import Holding, Spending, Stretch

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW = epoch(NOON)
HOUR = 3600

L4, RTX_4090, A40, H100 = "NVIDIA L4", "NVIDIA GeForce RTX 4090", "NVIDIA A40", "NVIDIA H100 80GB HBM3"
NO_DISKS: dict[str, Any] = {"containerDiskInGb": 1, "volumeInGb": 0}
"""A container disk of 1 GB costs 139 micro-dollars an hour."""
DISK = 139


def usd(amount: float | str) -> Usd:
    return dollars(str(amount))


def toml(**tables: Mapping[str, Any]) -> str:
    lines = ["version = 1"]
    for table, keys in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(lines)


def policy(**tables: Mapping[str, Any]) -> Policy:
    return read_policy(toml(**tables), "test.toml")


def broken(text: str) -> Failure:
    with pytest.raises(Failure) as failure:
        read_policy(text, "test.toml")
    assert failure.value.code is Code.POLICY_BROKEN
    assert failure.value.message.startswith("Policy test.toml: ")
    return failure.value


def request(**arguments: Any) -> CreateRequest:
    return CreateRequest.model_validate({"imageName": "a/b:1", **arguments})


def gpu(gpu_id: str, secure: float, community: float | None = None, most: int = 8) -> GpuType:
    clouds = {"SECURE": CloudOffer(True, usd(secure), most)}
    if community is not None:
        clouds["COMMUNITY"] = CloudOffer(True, usd(community), most)
    return GpuType(gpu_id, gpu_id, 24, clouds, Stock.HIGH)


GPUS = (gpu(L4, 0.49), gpu(RTX_4090, 0.74, 0.34), gpu(A40, 0.53), gpu(H100, 3.49))
CPUS = tuple(CpuFlavor(one, one, usd(price), 2.0) for one, price in (("cpu3c", 0.03), ("cpu5c", 0.04)))
CENTERS = (DataCenter("EU-RO-1", "RO", country="RO"), DataCenter("US-KS-2", "KS", country="US"))


def catalog(gpus: tuple[GpuType, ...] = GPUS, cpus: tuple[CpuFlavor, ...] = CPUS) -> Catalog:
    return Catalog(
        gpus={one.id: one for one in gpus},
        cpus={one.id: one for one in cpus},
        data_centers={one.id: one for one in CENTERS},
        cloud="SECURE",
        gpu_count=1,
        read_at=NOON,
        source="test",
    )


def holding(rate: float, hours: float = 1, gpus: int = 1, running: bool = True) -> Holding:
    """Something that costs a rate in dollars from now on."""
    return Holding("r-other", (Stretch(NOW, NOW + int(hours * HOUR), usd(rate)),), gpus, running)


def case(
    rules: Policy | None = None,
    *holdings: Holding,
    known: Catalog | None = None,
    closed: Mapping[str, Usd] | None = None,
    **more: Any,
) -> Case:
    spending = Spending(NOW, holdings, closed or {})
    return Case(rules or policy(), known or catalog(), spending, **more)


def judged(situation: Case, pinned: str | None = None, **arguments: Any) -> Decision:
    return decide(situation, Wanted(request(**arguments), pinned))


def allowed(situation: Case, **arguments: Any) -> Allow:
    decision = judged(situation, **arguments)
    assert isinstance(decision, Allow), decision
    return decision


def asked(situation: Case, **arguments: Any) -> AskHuman:
    decision = judged(situation, **arguments)
    assert isinstance(decision, AskHuman), decision
    return decision


def denied(situation: Case, **arguments: Any) -> Deny:
    decision = judged(situation, **arguments)
    assert isinstance(decision, Deny), decision
    return decision
