"""Changing a pod's settings: judged like a create, paid for before it is asked for, then seen to be so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from runpod_mcp.catalog.quote import Disks
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.adopt import billed_rate, stopped_rate
from runpod_mcp.flows.approval import need_yes
from runpod_mcp.flows.began import began_at, cost_since
from runpod_mcp.flows.boots import note, note_boot
from runpod_mcp.flows.claims import changing
from runpod_mcp.flows.context import House
from runpod_mcp.flows.correct import correct
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.gate import let_cost_more
from runpod_mcp.flows.managed import managed
from runpod_mcp.flows.outcomes import is_gone, see
from runpod_mcp.flows.read_pods import not_found
from runpod_mcp.flows.resolve import DEFAULT_CONTAINER_DISK_GB, read_template
from runpod_mcp.flows.update_offers import Refused as RefusedChange
from runpod_mcp.flows.update_offers import with_what_passes
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.money import ZERO, Usd
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import asks_human, judge_change
from runpod_mcp.runpod.api import Gone, NoCapacity, PodChange, Refused

BOOTS_NOTHING = frozenset({"name", "locked", "globalNetworking"})
"""What changes without a new container; Runpod resets the pod for anything else (v1 document)."""


@dataclass(frozen=True, slots=True)
class Updated:
    """A pod after a change, and what of it changed, under the document's names; nothing where it already was so."""

    pod: Pod
    lease: Lease
    changed: tuple[str, ...]

    @property
    def boots_again(self) -> bool:
        """Whether its container is made anew, without what its container disk held."""
        return bool(set(self.changed) - BOOTS_NOTHING) and self.lease.state is LeaseState.RUNNING


async def update_pod(house: House, pod_id: str, update: PodUpdate) -> Updated:
    """Give a pod that was rented here other settings.

    Raises:
        Failure: the policy or the budgets say no; `not_managed`; `conflict` when the pod cannot be changed now;
            `invalid_arguments` for what no API can change; `outcome_unknown` when it cannot be seen to have changed.
    """
    policy = house.policies.current()
    lease, pod = await managed(house, pod_id)
    update = await _with_template(house, update)
    changed = tuple(update.news_for(pod))
    if not changed:
        return Updated(pod, lease, ())
    change = PodChange(update=update, pod=pod, env=_env(update, lease))
    _refuse_for_pod(pod, update)
    for gap in house.api.change_gaps(change):
        raise gap
    if denied := _broken_rule(policy, pod, update):
        raise await _with_offers(house, policy, lease, change, denied.as_failure())
    paid = _paid(lease, pod, update, house.now())
    await _ask(house, policy, lease, paid)
    async with changing(house, lease):
        try:
            held = await _set_aside(house, policy, lease, paid)
        except Failure as refused:
            raise await _with_offers(house, policy, lease, change, refused) from None
        return await to_the_end(_call(house, lease, held, change, changed))


async def _with_template(house: House, update: PodUpdate) -> PodUpdate:
    """What the template would put into the pod is written out, so that what is judged is what is sent."""
    if update.template_id is None:
        return update
    template = await read_template(house, update.template_id)
    supplied = {
        "image_name": template.image,
        "container_disk_in_gb": template.container_disk_gb or DEFAULT_CONTAINER_DISK_GB,
        "ports": list(template.ports) if template.ports is not None else None,
    }
    new = {name: value for name, value in supplied.items() if value is not None and name not in update.wanted}
    return update.model_copy(update=new)


def _env(update: PodUpdate, lease: Lease) -> dict[str, str] | None:
    """All variables, with our tag: an update replaces them, and a pod without its tag would be nobody's."""
    if not update.wanted.keys() & {"env", "template_id"}:
        return None
    return {**update.env, RESERVATION_TAG: lease.reservation.id}


def _broken_rule(policy: Policy, pod: Pod, update: PodUpdate) -> Deny | None:
    request = CreateRequest.model_construct(
        **{"image_name": pod.image, "ports": [], **update.wanted, "lease_hours": None}
    )
    return judge_change(policy, request, update.wanted)


async def _with_offers(
    house: House, policy: Policy, lease: Lease, change: PodChange, failure: Failure
) -> Failure:
    pod, now, began = change.pod, house.now(), await began_at(house, lease)
    refused = RefusedChange(
        house=house,
        policy=policy,
        lease=lease,
        pod=pod,
        update=change.update,
        broken=lambda update: _broken_rule(policy, pod, update),
        gaps=lambda update: _cannot_be(house, replace(change, update=update)),
        paid=lambda update: _paid(lease, pod, update, now),
        dearer=lambda paid: _is_dearer(lease, paid),
        asks=lambda paid: _asks(policy, lease, paid, began)[0],
    )
    return await with_what_passes(refused, failure)


def _refuse_for_pod(pod: Pod, update: PodUpdate) -> None:
    resets = set(update.news_for(pod)) - BOOTS_NOTHING
    if pod.locked and resets and update.wanted.get("locked") is not False:
        message = f"Pod {pod.id} is locked against a reset; unlock it first with locked false."
        raise Failure(Code.CONFLICT, message, field="locked")
    volume = update.wanted.get("volume_in_gb")
    if volume is None:
        return
    if pod.network_volume or not pod.volume_gb:
        why = "mounts a network volume instead" if pod.network_volume else "was made without one"
        raise _volume(f"Pod {pod.id} {why}; a pod volume is chosen when the pod is rented.")
    if volume < pod.volume_gb:
        raise _volume(f"A pod volume can only grow; this one has {pod.volume_gb} GB.", pod.volume_gb)


def _cannot_be(house: House, change: PodChange) -> bool:
    """Whether the pod as it is, or the API, rules a change out."""
    try:
        _refuse_for_pod(change.pod, change.update)
    except Failure:
        return True
    return bool(house.api.change_gaps(change))


def _volume(message: str, least: int | None = None) -> Failure:
    return Failure(Code.INVALID_ARGUMENTS, message, field="volumeInGb", limit=least)


def _paid(lease: Lease, pod: Pod, update: PodUpdate, now: int) -> Entry:
    """The lease at the price it may have after the change, as an entry; nothing is written yet."""
    before, wanted = _disks(pod), update.wanted
    after = Disks(
        wanted.get("container_disk_in_gb", before.container_gb),
        wanted.get("volume_in_gb", before.volume_gb),
    )
    more = after.running_usd_per_hour - before.running_usd_per_hour
    if lease.state is LeaseState.STOPPED:
        return Entry(kind=EntryKind.REPRICED, at=now, usd_per_hour=max(lease.usd_per_hour, _stopped(after)))
    return Entry(
        kind=EntryKind.REPRICED,
        at=now,
        usd_per_hour=Usd(lease.usd_per_hour + max(0, more)),
        stopped_usd_per_hour=max(lease.stopped_usd_per_hour, _stopped(after)),
        ceiling_usd_per_hour=Usd(lease.ceiling_usd_per_hour + max(0, more)),
    )


def _stopped(disks: Disks) -> Usd:
    return disks.stopped_usd_per_hour


def _is_dearer(lease: Lease, paid: Entry) -> bool:
    stopped = paid.stopped_usd_per_hour or ZERO
    return (paid.usd_per_hour or ZERO) > lease.usd_per_hour or stopped > lease.stopped_usd_per_hour


def _asks(policy: Policy, lease: Lease, paid: Entry, began: int) -> tuple[str | None, Usd, Usd]:
    """Why a person must say yes, to which rate, and to how much for the whole lease."""
    dearer = _is_dearer(lease, paid)
    rate = (paid.usd_per_hour or ZERO) if dearer else ZERO
    whole = cost_since(began, lease, paid) if dearer else ZERO
    return asks_human(policy, "update_pod", rate, whole), rate, whole


async def _ask(house: House, policy: Policy, lease: Lease, paid: Entry) -> None:
    reason, rate, whole = _asks(policy, lease, paid, await began_at(house, lease))
    if reason:
        await need_yes(house, policy, reason, rate, whole)


async def _set_aside(house: House, policy: Policy, lease: Lease, paid: Entry) -> Lease:
    """The lease as it counts while the change is under way; what costs nothing needs no money."""
    if not _is_dearer(lease, paid):
        return lease
    return await let_cost_more(house, policy, lease, paid)


async def _call(
    house: House, before: Lease, held: Lease, change: PodChange, changed: tuple[str, ...]
) -> Updated:
    """Send the change and look; what was not changed goes back to what it cost."""
    outcome = await house.api.update_pod(change)
    if isinstance(outcome, Gone) and await is_gone(house, change.pod.id):
        ended = Entry(kind=EntryKind.ENDED, at=house.now(), note="gone when it was to be changed")
        raise not_found(change.pod.id, await house.ledger.write(held.reservation.id, ended))
    if isinstance(outcome, Refused | NoCapacity):
        await _as_before(house, before, held)
        raise _refused(change.pod, outcome)
    pod = await see(house, change.pod.id, change.update.is_seen_in)
    if pod is None:
        raise _not_seen(change.pod)
    return Updated(pod, await _written(house, held, change.pod, pod, changed), changed)


async def _as_before(house: House, before: Lease, held: Lease) -> None:
    if held is before:
        return
    running = before.state is LeaseState.RUNNING
    entry = Entry(
        kind=EntryKind.REPRICED,
        at=house.now(),
        usd_per_hour=before.usd_per_hour,
        stopped_usd_per_hour=before.stopped_usd_per_hour if running else None,
        ceiling_usd_per_hour=before.ceiling_usd_per_hour if running else None,
        note="it was not changed",
    )
    await house.ledger.write(held.reservation.id, entry)


def _refused(pod: Pod, outcome: Refused | NoCapacity) -> Failure:
    if isinstance(outcome, Refused):
        return Failure(outcome.code, f"Pod {pod.id} was not changed: {outcome.message}", Retry.CHANGED)
    message = f"Pod {pod.id} was not changed: its host has no room for that. Rent a new pod."
    return Failure(Code.NO_CAPACITY, message, Retry.CHANGED)


def _not_seen(pod: Pod) -> Failure:
    return Failure(
        Code.OUTCOME_UNKNOWN,
        f"Pod {pod.id} was told to change but is not seen to have changed yet. It counts as if it had; look with "
        "get_pod before the call is repeated.",
        Retry.NEVER,
    )


async def _written(house: House, held: Lease, before: Pod, pod: Pod, changed: tuple[str, ...]) -> Lease:
    """What it costs now, and that it was changed: a container that is made anew is not ready for a while."""
    what = ", ".join(changed)
    if held.state is LeaseState.STOPPED:
        lease = await correct(house, held, EntryKind.STOPPED, pod, stopped_rate(pod), "as changed")
        return await note(house, lease, f"changed: {what}")
    rate = billed_rate(pod, held.reservation)
    held = await _lower_ceiling(house, held, before, pod)
    lease = await correct(house, held, EntryKind.REPRICED, pod, rate, "as changed")
    resets = bool(set(changed) - BOOTS_NOTHING)
    boots = resets and before.is_ready  # what never was ready gets no new time by being made anew
    return await (note_boot if boots else note)(house, lease, f"changed: {what}")


async def _lower_ceiling(house: House, held: Lease, before: Pod, pod: Pod) -> Lease:
    """What disks gave up is no longer allowed either, or a pod grown and shrunk again could cost more and more."""
    less = _disks(before).running_usd_per_hour - _disks(pod).running_usd_per_hour
    if less <= 0:
        return held
    ceiling = Usd(max(held.ceiling_usd_per_hour - less, billed_rate(pod, held.reservation)))
    entry = Entry(
        kind=EntryKind.REPRICED, at=house.now(), usd_per_hour=held.usd_per_hour, ceiling_usd_per_hour=ceiling
    )
    return await house.ledger.write(held.reservation.id, entry)


def _disks(pod: Pod) -> Disks:
    return Disks(pod.container_disk_gb or 0, pod.volume_gb or 0)
