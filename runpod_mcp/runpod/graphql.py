"""Runpod's public GraphQL catalog: prices and stock for v1, which has none of its own.

It answers without a key (observed live in October 2026), so no key is sent. Of `lowestPrice` only the stock is asked
for: its price is that of the cheaper cloud. Runpod announced to retire GraphQL in early 2027.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from runpod_mcp.catalog.catalog import Catalog, CloudOffer, CpuFlavor, DataCenter, GpuType, Stock
from runpod_mcp.catalog.countries import country_of
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.money import read_price
from runpod_mcp.runpod.failures import meaning, said
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import together
from runpod_mcp.runpod.reading import fields, items, number, read_all, text, truth, whole
from runpod_mcp.runpod.sent import Answer

log = logging.getLogger(__name__)

SENTINEL = "unknown"

GLOBAL_NETWORK = frozenset(
    {
        "CA-MTL-3",
        "EU-CZ-1",
        "EU-FR-1",
        "EU-NL-1",
        "EU-RO-1",
        "EU-SE-1",
        "EUR-IS-2",
        "OC-AU-1",
        "US-CA-2",
        "US-GA-1",
        "US-GA-2",
        "US-IL-1",
        "US-KS-2",
        "US-NC-1",
        "US-TX-3",
        "US-TX-4",
        "US-WA-1",
    }
)
"""Data centers with global networking (Runpod's networking page); GraphQL does not say."""

_GPUS = """query Gpus {
  gpuTypes {
    id displayName memoryInGb secureCloud communityCloud securePrice communityPrice
    maxGpuCount maxGpuCountSecureCloud maxGpuCountCommunityCloud
    lowestPrice(input: {gpuCount: %(count)d, secureCloud: %(secure)s}) { stockStatus }
  }
  dataCenters { id name location storageSupport gpuAvailability { gpuTypeId stockStatus } }
}"""

_CPUS = """query Cpus {
  cpuFlavors { id displayName minVcpu maxVcpu ramMultiplier specifics { stockStatus securePrice } }
}"""
"""Without an input `specifics` speaks of one vCPU (public clients read it so)."""


async def read_catalog(wire: Wire, *, cloud: str, gpu_count: int) -> Catalog:
    """GPU types, CPU flavors and data centers.

    Stock per data center is that of Secure Cloud, whatever the GPU count; for COMMUNITY nothing is said about places.
    CPU flavors that could not be read are left out, with a note.

    Raises:
        Failure: GPU types and data centers could not be read.
    """
    read_at = wire.clock.now()
    question = _GPUS % {"count": gpu_count, "secure": "true" if cloud == "SECURE" else "false"}
    data, cpus = await together(partial(_ask, wire, question), partial(_ask, wire, _CPUS))
    if isinstance(data, Failure):
        raise data
    if not (isinstance(data.get("gpuTypes"), list) and isinstance(data.get("dataCenters"), list)):
        raise _no_catalog()
    flavors = None if isinstance(cpus, Failure) else cpus.get("cpuFlavors")
    by_gpu = _stock_by_gpu(data["dataCenters"]) if cloud == "SECURE" else {}
    return Catalog(
        gpus={gpu.id: gpu for gpu in read_all(data["gpuTypes"], partial(_gpu, by_gpu))},
        cpus={cpu.id: cpu for cpu in read_all(flavors, _cpu)},
        data_centers={center.id: center for center in read_all(data["dataCenters"], _data_center)},
        cloud=cloud,
        gpu_count=gpu_count,
        read_at=read_at,
        source="graphql",
        notes=()
        if isinstance(flavors, list)
        else ("CPU flavors could not be read from Runpod's GraphQL catalog.",),
    )


async def _ask(wire: Wire, query: str) -> Mapping[str, Any]:
    answer = await wire.read("", question={"query": query})
    body = fields(answer.body)
    if not answer.ok or body.get("errors") or not isinstance(body.get("data"), dict):
        log.warning("no GraphQL catalog: HTTP %d, %s", answer.status, said(answer) or "no words")
        raise _failure(wire, answer)
    return fields(body["data"])


def _failure(wire: Wire, answer: Answer) -> Failure:
    """GraphQL says its errors with 200, and with 400 when the question itself is wrong."""
    if answer.status == 429:
        return meaning(answer, wire.clock.now()).as_failure()
    return _no_catalog(retired=answer.status == 410)


def _no_catalog(*, retired: bool = False) -> Failure:
    if retired:
        message = "Runpod has retired the GraphQL catalog, v1's only source of prices; set RUNPOD_API_URL to https://api.runpod.io/v2."
        return Failure(Code.RUNPOD_UNAVAILABLE, message, Retry.NEVER)
    message = "Runpod's GraphQL catalog, v1's only source of prices, could not be read."
    return Failure(Code.RUNPOD_UNAVAILABLE, message, Retry.LATER)


def _gpu(by_gpu: Mapping[str, Mapping[str, Stock]], body: Mapping[str, Any]) -> GpuType | None:
    gpu_id = text(body.get("id"))
    if gpu_id is None or gpu_id == SENTINEL:
        return None
    return GpuType(
        id=gpu_id,
        name=text(body.get("displayName")) or gpu_id,
        memory_gb=whole(body.get("memoryInGb")) or 0,
        clouds={
            "SECURE": _offer(body, "secureCloud", "securePrice", "maxGpuCountSecureCloud"),
            "COMMUNITY": _offer(body, "communityCloud", "communityPrice", "maxGpuCountCommunityCloud"),
        },
        stock=Stock.read(text(fields(body.get("lowestPrice")).get("stockStatus"))),
        stock_by_data_center=by_gpu.get(gpu_id),
    )


def _offer(body: Mapping[str, Any], sold: str, price: str, most: str) -> CloudOffer:
    counts = [whole(body.get(most)), whole(body.get("maxGpuCount"))]
    return CloudOffer(
        sold=truth(body.get(sold)) or False,
        usd_per_hour=read_price(body.get(price)),
        max_count=next((count for count in counts if count is not None), 0),
    )


def _stock_by_gpu(centers: object) -> dict[str, dict[str, Stock]]:
    """Where each GPU type is listed, turned round: GraphQL says it data center by data center."""
    found: dict[str, dict[str, Stock]] = {}
    for center in map(fields, items(centers)):
        center_id = text(center.get("id"))
        for entry in map(fields, items(center.get("gpuAvailability"))):
            gpu_id = text(entry.get("gpuTypeId"))
            if center_id and gpu_id:
                found.setdefault(gpu_id, {})[center_id] = Stock.read(text(entry.get("stockStatus")))
    return found


def _cpu(body: Mapping[str, Any]) -> CpuFlavor | None:
    cpu_id = text(body.get("id"))
    if cpu_id is None:
        return None
    specifics = fields(body.get("specifics"))
    return CpuFlavor(
        id=cpu_id,
        name=text(body.get("displayName")) or cpu_id,
        usd_per_hour_per_vcpu=read_price(specifics.get("securePrice")) or None,
        ram_gb_per_vcpu=number(body.get("ramMultiplier")) or 0.0,
        min_vcpus=whole(body.get("minVcpu")) or 2,
        max_vcpus=whole(body.get("maxVcpu")) or 32,
        stock=Stock.read(text(specifics.get("stockStatus"))),
    )


def _data_center(body: Mapping[str, Any]) -> DataCenter | None:
    center_id = text(body.get("id"))
    if center_id is None:
        return None
    return DataCenter(
        id=center_id,
        name=text(body.get("name")) or center_id,
        country=country_of(center_id),
        global_network=center_id in GLOBAL_NETWORK,
        network_volumes=truth(body.get("storageSupport")) or False,
    )
