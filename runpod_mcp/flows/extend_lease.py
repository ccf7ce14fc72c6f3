"""Moving the end of a lease: shorter is always allowed, longer passes the policy and the budgets."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.approval import need_yes
from runpod_mcp.flows.began import began_at, cost_since, lease_too_long
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import let_cost_more
from runpod_mcp.flows.offers import GRACE, leases_between, with_shorter_lease
from runpod_mcp.flows.read_pods import lease_of_pod, not_found
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import asks_human


@dataclass(frozen=True, slots=True)
class NewEnd:
    """A lease whose end was moved, and where it was before (seconds since 1970)."""

    lease: Lease
    before: int


async def extend_lease(house: House, pod_id: str, hours: float) -> NewEnd:
    """Let a running pod's lease end so many hours from now.

    Raises:
        Failure: `lease_too_long` or a budget says no; `not_managed`; `conflict` when the pod does not run.
    """
    lease = await _running_lease(house, pod_id)
    now = house.now()
    ends = now + max(1, int(hours * 3600))
    entry = _entry(lease, now, ends)
    if ends <= lease.lease_ends_at:
        return NewEnd(await house.ledger.write(lease.reservation.id, entry), lease.lease_ends_at)
    if lease.usd_per_hour > lease.ceiling_usd_per_hour:
        message = f"Pod {clean(pod_id, 40)} is billed above what was allowed for it, so it is being ended."
        raise Failure(Code.CONFLICT, message, Retry.NEVER)
    policy = house.policies.current()
    began = await began_at(house, lease)
    latest = began + int(policy.lease.max_hours * 3600)
    if ends > latest:
        too_long = lease_too_long(policy, policy.lease.max_hours + (ends - latest) / 3600)
        raise await _with_offer(house, policy, lease, began, too_long, latest)
    whole = cost_since(began, lease, entry)
    if reason := asks_human(policy, "extend_lease", lease.usd_per_hour, whole):
        await need_yes(house, policy, reason, lease.usd_per_hour, whole)
    try:
        return NewEnd(await let_cost_more(house, policy, lease, entry), lease.lease_ends_at)
    except Failure as refused:
        raise await _with_offer(house, policy, lease, began, refused, ends) from None


async def _running_lease(house: House, pod_id: str) -> Lease:
    lease = await lease_of_pod(house, pod_id)
    if lease is None or not lease.still_counts:
        if await house.api.get_pod(pod_id) is None:
            raise not_found(pod_id, lease)
        raise Failure(
            Code.NOT_MANAGED,
            f"Pod {clean(pod_id, 40)} was not rented through this server, so it has no lease.",
            Retry.NEVER,
        )
    if lease.state is not LeaseState.RUNNING:
        raise Failure(Code.CONFLICT, f"Pod {clean(pod_id, 40)} does not run; start_pod gives it a new lease.")
    return lease


def _entry(lease: Lease, now: int, ends: int) -> Entry:
    """The stopped time keeps its length."""
    kept = ends + (lease.stopped_until - lease.lease_ends_at)
    return Entry(kind=EntryKind.EXTENDED, at=now, lease_ends_at=ends, stopped_until=kept)


async def _with_offer(
    house: House, policy: Policy, lease: Lease, began: int, refused: Failure, latest: int
) -> Failure:
    """The refusal with the latest end up to this one that would pass, where it is later than the lease's own."""
    now, rate = house.now(), lease.usd_per_hour

    def entry_of(seconds: int) -> Entry:
        return _entry(lease, now, now + seconds + GRACE)

    def asks(seconds: int) -> str | None:
        whole = cost_since(began, lease, entry_of(seconds))
        return asks_human(policy, "extend_lease", rate, whole)

    longer = leases_between(lease.lease_ends_at - now, latest - now - GRACE)
    return await with_shorter_lease(house, policy, lease, refused, longer, entry_of, asks)
