"""Tools that list, make, change and delete serverless endpoints."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult

from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.flows import endpoints, endpoints_create, endpoints_end, endpoints_update
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints import Seen
from runpod_mcp.flows.endpoints_create import Quote
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.money import as_dollars, show, show_dollars
from runpod_mcp.pods.words import clean
from runpod_mcp.server.arguments import Page, page_of
from runpod_mcp.server.budget_tools import left_of
from runpod_mcp.server.endpoint_arguments import CreateEndpoint, OneEndpoint, UpdateEndpoint
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec

PAGE_BYTES = 7800
"""A page of endpoints holds so many bytes of JSON at most; what does not fit is on the next one."""
STILL_COUNTS = (
    "It still counts as before, while workers of before may run; that is corrected once they are gone."
)


class EndpointsReply(Reply):
    """A page of endpoints."""

    endpoints: list[dict[str, Any]]
    total: int
    pending: list[dict[str, Any]] | None = None
    nextCursor: str | None = None


class EndpointReply(Reply):
    """An endpoint."""

    endpoint: dict[str, Any]


class CreateEndpointReply(Reply):
    """An endpoint that was made, or what a dry run found."""

    endpoint: dict[str, Any] | None = None
    dryRun: bool | None = None
    quote: dict[str, Any] | None = None
    notes: list[str] | None = None
    budgetLeft: dict[str, Any] | None = None


class UpdateEndpointReply(EndpointReply):
    """An endpoint with other settings, and which."""

    changed: list[str] | None = None
    notes: list[str] | None = None
    budgetLeft: dict[str, Any] | None = None


class DeletedEndpoint(Reply):
    """What is gone."""

    endpointId: str
    budgetLeft: dict[str, Any] | None = None


async def _list(house: House, page: Page) -> CallToolResult:
    seen, missing = await endpoints.list_endpoints(house)
    rows, pending = [_brief(one) for one in seen], [_pending(lease) for lease in missing]
    room = max(PAGE_BYTES - _size(pending), PAGE_BYTES // 4)
    shown, cursor = page_of(rows, "endpoints", page, fits=lambda some: _size(some) <= room)
    facts: dict[str, Any] = {"endpoints": shown, "total": len(rows)}
    facts |= {"pending": pending} if pending else {}
    facts |= {"nextCursor": cursor} if cursor else {}
    count = "1 endpoint" if len(rows) == 1 else f"{len(rows)} endpoints"
    lines = [count, *map(_words, shown), *map(_pending_words, pending)]
    return said("\n".join([*lines, *([f"More: cursor {cursor}"] if cursor else [])]), facts)


async def _get(house: House, asked: OneEndpoint) -> CallToolResult:
    facts = _facts(await endpoints.get_endpoint(house, asked.endpoint_id))
    return said(_all_words(facts), {"endpoint": facts})


async def _create(house: House, asked: CreateEndpoint) -> CallToolResult:
    wish = (asked.order(), asked.lease_hours, asked.max_usd_per_hour)
    if asked.dry_run:
        return _would_make(await endpoints_create.quote_endpoint(house, *wish))
    facts = _summary(await endpoints_create.create_endpoint(house, *wish))
    left = await left_of(house)
    text = f"Made. {_words(facts)}\n{left.words}"
    return said(text, {"endpoint": facts, "budgetLeft": left.facts})


def _would_make(quote: Quote) -> CallToolResult:
    hours = quote.lease_seconds / 3600
    facts: dict[str, Any] = {
        "dryRun": True,
        "quote": {
            "usdPerHourPerWorker": as_dollars(quote.usd_per_worker),
            "usdPerHourMax": as_dollars(quote.usd_per_hour),
            "usdPerLease": as_dollars(quote.usd_per_lease),
            "leaseHours": hours,
            "gpusMax": quote.fleet.gpus,
        },
    }
    text = (
        f"Dry run, nothing made. Would pass: {show(quote.usd_per_worker)}/h a worker, {show(quote.usd_per_hour)}/h with all "
        f"{quote.fleet.workers_max} ({quote.fleet.gpus} GPUs), {show(quote.usd_per_lease)} for {hours:g} h."
    )
    if quote.asks:
        facts["notes"] = [f"A person would be asked first: {quote.asks}."]
        text += f"\nNote: {facts['notes'][0]}"
    return said(text, facts)


async def _update(house: House, asked: UpdateEndpoint) -> CallToolResult:
    done = await endpoints_update.update_endpoint(house, asked.endpoint_id, asked.change(), asked.lease_hours)
    facts, left = _summary(done.seen), await left_of(house)
    reply: dict[str, Any] = {"endpoint": facts, "changed": list(done.changed), "budgetLeft": left.facts}
    notes = [STILL_COUNTS] if done.still_counts_as_before else []
    reply |= {"notes": notes} if notes else {}
    lines = [
        f"{_changed(asked, done.changed)} {_words(facts)}",
        *(f"Note: {one}" for one in notes),
        left.words,
    ]
    return said("\n".join(lines), reply)


def _changed(asked: UpdateEndpoint, changed: tuple[str, ...]) -> str:
    if changed:
        return f"Changed {', '.join(changed)}."
    return (
        "Nothing to change: it already is so."
        if asked.lease_hours is None
        else "The end of its lease was moved."
    )


async def _delete(house: House, asked: OneEndpoint) -> CallToolResult:
    await endpoints_end.delete_endpoint(house, asked.endpoint_id)
    left = await left_of(house)
    text = f"Endpoint {asked.endpoint_id} is deleted with its workers and jobs.\n{left.words}"
    return said(text, {"endpointId": asked.endpoint_id, "budgetLeft": left.facts})


def _brief(seen: Seen) -> dict[str, Any]:
    """An endpoint as one row of a list."""
    one, lease = seen.endpoint, seen.lease
    running = lease is not None and lease.state is LeaseState.RUNNING
    facts: dict[str, Any] = {
        "endpointId": one.id,
        "name": clean(one.name, 60) if one.name else None,
        "workersMin": one.workers_min,
        "workersMax": one.workers_max,
        "usdPerHourMax": None if seen.usd_per_hour is None else as_dollars(seen.usd_per_hour),
        "managed": lease is not None,
        "leaseEndsAt": iso(from_epoch(lease.lease_ends_at)) if lease and running else None,
    }
    return _told(facts)


def _summary(seen: Seen) -> dict[str, Any]:
    """The same, and what is counted of it where that is something else than its worst case now."""
    lease, facts = seen.lease, _brief(seen)
    if lease and lease.usd_per_hour != seen.usd_per_hour:
        facts["usdPerHourCounted"] = as_dollars(lease.usd_per_hour)
    return facts


def _facts(seen: Seen) -> dict[str, Any]:
    """Everything about an endpoint but the values of its variables."""
    one = seen.endpoint
    more: dict[str, Any] = {
        "type": one.kind,
        "gpuTypeIds": list(seen.gpu_type_ids),
        "gpuCount": one.gpu_count,
        "cpuFlavorIds": [f"{cpu.flavor_id} with {cpu.vcpu_count} vCPUs" for cpu in one.cpus],
        "idleTimeout": one.idle_timeout_seconds,
        "scalerType": one.scaler,
        "scalerValue": one.scaler_value,
        "executionTimeoutMs": one.execution_timeout_ms,
        "imageName": clean(one.image, 200) if one.image else None,
        "templateId": one.template_id,
        "containerDiskInGb": one.container_disk_gb,
        "ports": list(one.ports),
        "envNames": [clean(name, 60) for name in one.env_names],
        "dataCenterIds": list(one.data_center_ids),
        "networkVolumeIds": list(one.network_volume_ids),
        "flashboot": one.flashboot,
        "allowedCudaVersions": list(one.allowed_cuda_versions),
        "minCudaVersion": one.min_cuda_version,
        "url": clean(one.base_url, 200) if one.base_url else None,
    }
    return {**_summary(seen), **_told(more)}


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, [], "")}


def _words(facts: dict[str, Any]) -> str:
    name = f' "{facts["name"]}"' if "name" in facts else ""
    workers = f"{facts.get('workersMin', 0)} to {facts.get('workersMax', '?')} workers"
    price = (
        f"{show_dollars(facts['usdPerHourMax'])}/h at most" if "usdPerHourMax" in facts else "price unknown"
    )
    counted = (
        f", counted with {show_dollars(facts['usdPerHourCounted'])}/h" if "usdPerHourCounted" in facts else ""
    )
    ends = f", workers until {facts['leaseEndsAt']}" if "leaseEndsAt" in facts else ""
    foreign = "" if facts["managed"] else ", not managed"
    return f"{facts['endpointId']}{name}: {workers}, {price}{counted}{ends}{foreign}"


_IN_WORDS = frozenset(
    [
        *("endpointId", "name", "workersMin", "workersMax", "usdPerHourMax", "usdPerHourCounted"),
        *("managed", "leaseEndsAt"),
    ]
)


def _all_words(facts: dict[str, Any]) -> str:
    more = (f"{name}: {_plain(value)}" for name, value in facts.items() if name not in _IN_WORDS)
    return "\n".join([_words(facts), *more])


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _pending(lease: Lease) -> dict[str, Any]:
    row = {"reservation": lease.reservation.id, "state": lease.state.value, "endpointId": lease.pod_id}
    return {**_told(row), "usdPerHour": as_dollars(lease.usd_per_hour)}


def _pending_words(one: dict[str, Any]) -> str:
    what = (
        f"endpoint {one['endpointId']} is not listed" if "endpointId" in one else "its create is not settled"
    )
    return (
        f"{one['reservation']} ({one['state']}): {what}; it counts with {show_dollars(one['usdPerHour'])}/h"
    )


def _size(rows: list[dict[str, Any]]) -> int:
    return len(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


ENDPOINT_TOOLS = [
    ToolSpec(
        name="list_endpoints",
        title="List serverless endpoints",
        description="All serverless endpoints of the account: workers, worst-case price, lease; creates still open.",
        arguments=Page,
        reply=EndpointsReply,
        handler=_list,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="get_endpoint",
        title="Show a serverless endpoint",
        description="One endpoint: settings, worst-case price, lease.",
        arguments=OneEndpoint,
        reply=EndpointReply,
        handler=_get,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="create_endpoint",
        title="Make a serverless endpoint",
        description=(
            "Make a serverless endpoint under the policy and budget, counted as if all workersMax ran all the time. At "
            "the end of its lease the workers are taken away. dryRun quotes. After outcome_unknown do not repeat."
        ),
        arguments=CreateEndpoint,
        reply=CreateEndpointReply,
        handler=_create,
    ),
    ToolSpec(
        name="update_endpoint",
        title="Change a serverless endpoint",
        description=(
            "Change an endpoint this server made; name only what changes. leaseHours moves the end of its lease, "
            "workersMax 0 takes its workers away, and more gives it a new lease."
        ),
        arguments=UpdateEndpoint,
        reply=UpdateEndpointReply,
        handler=_update,
        destroys=True,
        repeatable=True,
    ),
    ToolSpec(
        name="delete_endpoint",
        title="Delete a serverless endpoint",
        description="Delete an endpoint this server made, with its workers and jobs, for good; frees its budget.",
        arguments=OneEndpoint,
        reply=DeletedEndpoint,
        handler=_delete,
        destroys=True,
        repeatable=True,
    ),
]
