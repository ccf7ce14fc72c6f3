"""Tools that rent, show and end pods."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult
from pydantic import Field

from runpod_mcp.catalog.placement import LeftOut
from runpod_mcp.catalog.quote import Quote
from runpod_mcp.flows import create_pod, read_pods
from runpod_mcp.flows.context import House
from runpod_mcp.flows.rented import Rented, WouldRent
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.money import as_dollars, show, show_dollars
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.full import everything
from runpod_mcp.pods.summary import describe, describe_brief
from runpod_mcp.policy.offer import Offer
from runpod_mcp.server.arguments import GetPod, ListPods, page_of
from runpod_mcp.server.budget_tools import left_of
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec

MOST_LEFT_OUT = 5
PAGE_BYTES = 7920
"""A page of pods holds so many bytes of JSON at most; what does not fit is on the next one."""
USUAL = (("gpuCount", 1), ("managed", True))


class CreateReply(Reply):
    """A pod that was rented, or what a dry run found."""

    pod: dict[str, Any] | None = None
    dryRun: bool | None = None
    quote: dict[str, Any] | None = None
    candidates: list[dict[str, Any]] | None = None
    leftOut: list[dict[str, Any]] | None = None
    ignored: list[str] | None = None
    notes: list[str] | None = None
    budgetLeft: dict[str, Any] | None = None


class PodsReply(Reply):
    """A page of pods."""

    pods: list[dict[str, Any]] = Field(
        description="gpuCount is 1 and managed is true where they are left out."
    )
    total: int
    pending: list[dict[str, Any]] | None = None
    nextCursor: str | None = None


class FullPod(Reply):
    """A pod, with everything Runpod tells when asked for it."""

    pod: dict[str, Any]
    full: dict[str, Any] | None = None


async def _create_pod(house: House, request: CreateRequest) -> CallToolResult:
    result = await create_pod.create_pod(house, request)
    if isinstance(result, WouldRent):
        return _would_rent(request, result)
    return await _rented(house, request, result)


def _would_rent(request: CreateRequest, found: WouldRent) -> CallToolResult:
    offer, quote = found.offer, found.offer.quote
    facts: dict[str, Any] = {"dryRun": True, "quote": _quote(offer), "candidates": _candidates(offer)}
    facts |= _asides(request, offer, [f"A person would be asked first: {found.asks}."] if found.asks else [])
    first = offer.candidates[0]
    text = (
        f"Dry run, nothing rented. Would pass: {first.type_id} first, at most {show(quote.usd_per_hour)}/h with disks, "
        f"{show(quote.usd_per_lease)} for {_what_for(quote)}.\n"
        f"Candidates: {'; '.join(_candidate_words(one) for one in facts['candidates'])}."
    )
    return said(_with_asides(text, facts), facts)


def _what_for(quote: Quote) -> str:
    hours = f"{quote.terms.lease_seconds / 3600:g} h"
    if not quote.terms.keep_stopped_seconds:
        return hours
    kept = f"{quote.terms.keep_stopped_seconds / 3600:g} h"
    return f"{hours} and up to {kept} of its stopped volume ({show(quote.disks.stopped_usd_per_hour)}/h)"


async def _rented(house: House, request: CreateRequest, rented: Rented) -> CallToolResult:
    pod = read_pods.shown(house, rented.pod, rented.lease)
    left = await left_of(house)
    facts: dict[str, Any] = {
        "pod": pod,
        **_asides(request, rented.offer, list(rented.notes)),
        "budgetLeft": left.facts,
    }
    done = "Rented" if rented.offer else "Already rented"
    text = _with_asides(f"{done}. {describe(pod)}", facts)
    return said(f"{text}\n{left.words}", facts)


def _quote(offer: Offer) -> dict[str, Any]:
    quote = offer.quote
    return {
        "usdPerHour": as_dollars(quote.usd_per_hour),
        "usdPerHourStopped": as_dollars(quote.disks.stopped_usd_per_hour),
        "usdPerLease": as_dollars(quote.usd_per_lease),
        "leaseHours": quote.terms.lease_seconds / 3600,
    }


def _candidates(offer: Offer) -> list[dict[str, Any]]:
    return [
        {
            "typeId": one.type_id,
            "usdPerHour": as_dollars(offer.quote_for(one).usd_per_hour),
            "stock": one.stock.name.lower(),
            **({"dataCenterIds": list(one.data_center_ids)} if one.data_center_ids else {}),
        }
        for one in offer.candidates
    ]


def _candidate_words(one: dict[str, Any]) -> str:
    places = f" in {', '.join(one['dataCenterIds'])}" if "dataCenterIds" in one else ""
    return f"{one['typeId']} {show_dollars(one['usdPerHour'])}/h, stock {one['stock']}{places}"


def _asides(request: CreateRequest, offer: Offer | None, notes: list[str]) -> dict[str, Any]:
    """What the agent should know besides: what was left out, ignored, noted."""
    left_out = [_left_out(one) for one in offer.placement.left_out[:MOST_LEFT_OUT]] if offer else []
    facts = {"leftOut": left_out, "ignored": request.ignored(), "notes": notes}
    return {name: value for name, value in facts.items() if value}


def _left_out(one: LeftOut) -> dict[str, Any]:
    return {"typeId": one.type_id, "code": one.code.value, "reason": one.reason}


def _with_asides(text: str, facts: dict[str, Any]) -> str:
    lines = [text]
    lines += [
        f"Left out {one['typeId']} ({one['code']}): {one['reason']}" for one in facts.get("leftOut", ())
    ]
    if "ignored" in facts:
        lines.append(f"Ignored, as it has no effect here: {', '.join(facts['ignored'])}")
    lines += [f"Note: {note}" for note in facts.get("notes", ())]
    return "\n".join(lines)


async def _list_pods(house: House, asked: ListPods) -> CallToolResult:
    everything_seen, missing = await read_pods.list_pods(house)
    seen = [one for one in everything_seen if asked.wants(one.pod, one.lease is not None)]
    pending = [_pending(lease) for lease in missing]
    room = max(PAGE_BYTES - _size(pending), PAGE_BYTES // 4)
    rows = [read_pods.shown_briefly(house, one) for one in seen]
    shown, cursor = page_of(
        rows, asked.kind, asked, fits=lambda some: _size([_short(row) for row in some]) <= room
    )
    facts: dict[str, Any] = {"pods": [_short(row) for row in shown], "total": len(seen)}
    facts |= {"pending": pending} if pending else {}
    facts |= {"nextCursor": cursor} if cursor else {}
    lines = [_counted(len(shown), len(seen), len(everything_seen))]
    lines += [describe_brief(row) for row in shown]
    lines += [_pending_words(one) for one in pending]
    lines += [f"More: cursor {cursor}"] if cursor else []
    return said("\n".join(lines), facts)


def _counted(shown: int, fitting: int, there: int) -> str:
    count = "1 pod" if there == 1 else f"{there} pods"
    count = f"{fitting} of {count}" if fitting < there else count
    return f"{count}, {shown} shown" if shown < fitting else count


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is usual, so that fifty of them are not too much to read."""
    return {name: value for name, value in row.items() if (name, value) not in USUAL}


def _size(rows: list[dict[str, Any]]) -> int:
    return len(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def _pending(lease: Lease) -> dict[str, Any]:
    row: dict[str, Any] = {"reservation": lease.reservation.id, "state": lease.state.value}
    if lease.pod_id:
        row["podId"] = lease.pod_id
    return {**row, "usdPerHour": as_dollars(lease.usd_per_hour)}


def _pending_words(one: dict[str, Any]) -> str:
    price = f"{show_dollars(one['usdPerHour'])}/h"
    if "podId" in one:
        return (
            f"{one['reservation']}: pod {one['podId']} is {one['state']} but Runpod does not list it, {price}"
        )
    why = "outcome unknown" if one["state"] == LeaseState.UNKNOWN else "open, its create is under way"
    return f"{one['reservation']}: {why}; money set aside, {price}"


async def _get_pod(house: House, asked: GetPod) -> CallToolResult:
    seen = await read_pods.get_pod(house, asked.pod_id)
    facts = read_pods.shown(house, seen.pod, seen.lease)
    if asked.detail == "summary":
        return said(describe(facts), {"pod": facts})
    full = everything(seen.pod)
    more = "\n".join(f"{name}: {value}" for name, value in full.items())
    return said(f"{describe(facts)}\n{more}", {"pod": facts, "full": full})


POD_TOOLS = [
    ToolSpec(
        name="create_pod",
        title="Rent a pod",
        description=(
            "Rent a GPU (or CPU) pod inside the person's policy and budget. It bills at once; ports take a minute. "
            "dryRun quotes only. After outcome_unknown do not repeat."
        ),
        arguments=CreateRequest,
        reply=CreateReply,
        handler=_create_pod,
    ),
    ToolSpec(
        name="list_pods",
        title="List pods",
        description="All pods of the account with price and lease end, and creates still open.",
        arguments=ListPods,
        reply=PodsReply,
        handler=_list_pods,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="get_pod",
        title="Show a pod",
        description="One pod: status, how to connect, price, lease, warnings.",
        arguments=GetPod,
        reply=FullPod,
        handler=_get_pod,
        reads_only=True,
        repeatable=True,
    ),
]
