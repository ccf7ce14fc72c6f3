"""Tools that change a pod that exists: its settings, whether it runs, how long, and its end."""

from __future__ import annotations

from typing import Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field

from runpod_mcp.clock import from_epoch
from runpod_mcp.errors import Failure
from runpod_mcp.flows import change_pod, extend_lease, read_pods, restart_pod, start_pod, update_pod
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Lease
from runpod_mcp.money import as_dollars, show_dollars
from runpod_mcp.pods.create_input import NOT_A_BOOLEAN
from runpod_mcp.pods.pod import Pod, PodStatus
from runpod_mcp.pods.summary import describe
from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.server.arguments import OnePod, PodId
from runpod_mcp.server.budget_tools import left_of
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec

LeaseHours = Annotated[float, Field(gt=0, le=8760), NOT_A_BOOLEAN]


class UpdatePod(PodUpdate):
    """A pod and what of it is to change."""

    pod_id: PodId = Field(alias="podId")


class StartPod(OnePod):
    """A stopped pod and the length of its new lease."""

    lease_hours: LeaseHours | None = Field(
        None,
        alias="leaseHours",
    )


class RestartPod(OnePod):
    """A running pod."""

    reset: bool = Field(False, description="Make the container anew (API v1 only).")


class ExtendLease(OnePod):
    """A running pod and its new end."""

    lease_hours: LeaseHours = Field(alias="leaseHours", description="Hours from now until it is ended.")


class ChangeReply(Reply):
    """A pod after a change."""

    podId: str
    status: str
    usdPerHour: float
    budgetLeft: dict[str, Any] | None = None


class PodReply(Reply):
    """A pod after a change, in summary."""

    pod: dict[str, Any]
    notes: list[str] | None = None
    budgetLeft: dict[str, Any] | None = None


class UpdateReply(PodReply):
    """A pod with other settings, and which."""

    changed: list[str] | None = None


class ExtendReply(PodReply):
    """A pod with another end of its lease, and where it was before."""

    endedBefore: str


async def _update_pod(house: House, asked: UpdatePod) -> CallToolResult:
    done = await update_pod.update_pod(house, asked.pod_id, asked)
    if not done.changed:
        return await _pod(house, "Nothing to change: it already is so.", done.pod, done.lease)
    boots = done.boots_again and done.pod.bills_compute
    notes = ("Its container boots again, without what was on its container disk.",) if boots else ()
    said_first = f"Changed {', '.join(done.changed)}."
    return await _pod(house, said_first, done.pod, done.lease, notes, changed=list(done.changed))


async def _start_pod(house: House, asked: StartPod) -> CallToolResult:
    started = await start_pod.start_pod(house, asked.pod_id, asked.lease_hours)
    return await _pod(house, "Started.", started.pod, started.lease, started.notes)


async def _restart_pod(house: House, asked: RestartPod) -> CallToolResult:
    seen = await restart_pod.restart_pod(house, asked.pod_id, reset=asked.reset)
    done = "Reset." if asked.reset else "Restarted."
    return await _pod(house, f"{done} wait_for_pod tells when its ports are back.", seen.pod, seen.lease)


async def _extend_lease(house: House, asked: ExtendLease) -> CallToolResult:
    moved = await extend_lease.extend_lease(house, asked.pod_id, asked.lease_hours)
    pod = await _seen(house, asked.pod_id)
    before, ends = from_epoch(moved.before), from_epoch(moved.lease.lease_ends_at)
    done = f"The lease now ends at {ends:%Y-%m-%d %H:%M} UTC (before: {before:%Y-%m-%d %H:%M})."
    return await _pod(house, done, pod, moved.lease, endedBefore=f"{before:%Y-%m-%dT%H:%M:%SZ}")


async def _seen(house: House, pod_id: str) -> Pod:
    """The pod as Runpod shows it; what was done stays done where it cannot be read just now."""
    try:
        return (await read_pods.get_pod(house, pod_id)).pod
    except Failure:
        return Pod(id=pod_id, status=PodStatus.UNKNOWN, raw_status="not readable just now")


async def _pod(
    house: House, done: str, pod: Pod, lease: Lease | None, notes: tuple[str, ...] = (), **more: Any
) -> CallToolResult:
    left = await left_of(house)
    facts: dict[str, Any] = {"pod": read_pods.shown(house, pod, lease), **more}
    facts |= {"notes": list(notes)} if notes else {}
    lines = [f"{done} {describe(facts['pod'])}", *(f"Note: {note}" for note in notes), left.words]
    return said("\n".join(lines), {**facts, "budgetLeft": left.facts})


async def _stop_pod(house: House, asked: OnePod) -> CallToolResult:
    changed = await change_pod.stop_pod(house, asked.pod_id)
    rate = as_dollars(changed.usd_per_hour)
    kept = f" Its volume is kept at {show_dollars(rate)}/h." if rate else " It costs nothing now."
    view = read_pods.view(house, changed.lease)
    until = f" It is deleted at {view.ends_at:%Y-%m-%d %H:%M} UTC." if view else ""
    text = f"Pod {changed.pod_id} is stopped.{kept}{until}"
    return await _changed(house, changed.pod_id, "stopped", rate, text)


async def _delete_pod(house: House, asked: OnePod) -> CallToolResult:
    changed = await change_pod.delete_pod(house, asked.pod_id)
    return await _changed(
        house, changed.pod_id, "deleted", 0.0, f"Pod {changed.pod_id} is deleted and costs nothing more."
    )


async def _changed(house: House, pod_id: str, status: str, rate: float, text: str) -> CallToolResult:
    left = await left_of(house)
    facts = {"podId": pod_id, "status": status, "usdPerHour": rate, "budgetLeft": left.facts}
    return said(f"{text}\n{left.words}", facts)


CHANGE_TOOLS = [
    ToolSpec(
        name="update_pod",
        title="Change a pod",
        description=(
            "Change settings of a pod this server rented; name only what changes. Anything but name and locked boots "
            "its container again and wipes the container disk."
        ),
        arguments=UpdatePod,
        reply=UpdateReply,
        handler=_update_pod,
        destroys=True,
        repeatable=True,
    ),
    ToolSpec(
        name="start_pod",
        title="Start a stopped pod",
        description="Start a stopped pod for a new lease, quoted and judged like create_pod; its host may be full.",
        arguments=StartPod,
        reply=PodReply,
        handler=_start_pod,
    ),
    ToolSpec(
        name="stop_pod",
        title="Stop a pod",
        description="Stop a pod this server rented: GPUs are released, the pod volume is kept and billed.",
        arguments=OnePod,
        reply=ChangeReply,
        handler=_stop_pod,
        destroys=True,
        repeatable=True,
    ),
    ToolSpec(
        name="restart_pod",
        title="Restart a pod",
        description="Restart the container of a running pod in place.",
        arguments=RestartPod,
        reply=PodReply,
        handler=_restart_pod,
        destroys=True,
    ),
    ToolSpec(
        name="delete_pod",
        title="Delete a pod",
        description="Delete a pod this server rented, with its pod volume, for good; frees its budget.",
        arguments=OnePod,
        reply=ChangeReply,
        handler=_delete_pod,
        destroys=True,
        repeatable=True,
    ),
    ToolSpec(
        name="extend_lease",
        title="Move the end of a lease",
        description="Let a running pod end later (judged by policy and budget) or sooner (always allowed).",
        arguments=ExtendLease,
        reply=ExtendReply,
        handler=_extend_lease,
    ),
]
