"""What may be written about a lease where it stands: the one table every engine asks."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState

_WAITING = frozenset({LeaseState.OPEN, LeaseState.UNKNOWN})
_LIVING = frozenset({LeaseState.RUNNING, LeaseState.STOPPED})
_SETTLED = _LIVING | {LeaseState.ENDED}
_NEVER: frozenset[LeaseState] = frozenset()

_APPLIES_IN = {
    EntryKind.UNKNOWN: frozenset({LeaseState.OPEN}),
    EntryKind.SETTLED: _WAITING,
    EntryKind.VOIDED: _WAITING,
    EntryKind.REPRICED: _LIVING,
    EntryKind.STOPPED: _LIVING,
    EntryKind.STARTED: _LIVING,
    EntryKind.EXTENDED: _LIVING,
    EntryKind.ENDED: _LIVING,
    EntryKind.NOTED: frozenset(LeaseState),
}
_ALREADY_IN = {
    EntryKind.UNKNOWN: _SETTLED | {LeaseState.UNKNOWN},
    EntryKind.SETTLED: _SETTLED,
    EntryKind.VOIDED: frozenset({LeaseState.VOID}),
    EntryKind.ENDED: frozenset({LeaseState.ENDED}),
}
_NAMES_THE_POD = frozenset({EntryKind.SETTLED, EntryKind.VOIDED})


def step(lease: Lease, entry: Entry) -> Lease | None:
    """The lease after an entry; None where the entry was already applied, so that a replay changes nothing.

    Raises:
        Failure: CONFLICT, the entry contradicts what stands.
    """
    _same_pod(lease, entry)
    if lease.state in _ALREADY_IN.get(entry.kind, _NEVER):
        return None
    if lease.state not in _APPLIES_IN[entry.kind]:
        raise _conflict(lease, f"is {lease.state} and cannot become {entry.kind}")
    after = lease.after(entry)
    return None if _stands(after) == _stands(lease) else after


def makes_cheaper(lease: Lease, entry: Entry) -> bool:
    """Whether less is charged from the entry on: such a one may not reach back before what the ledger has seen."""
    if entry.kind is EntryKind.ENDED:
        return True
    return bool(lease.rates) and entry.usd_per_hour is not None and entry.usd_per_hour < lease.usd_per_hour


def _same_pod(lease: Lease, entry: Entry) -> None:
    if entry.pod_id in (None, lease.pod_id):
        return
    if lease.pod_id is None and entry.kind in _NAMES_THE_POD:
        return
    raise _conflict(
        lease, f"belongs to {f'pod {lease.pod_id}' if lease.pod_id else 'no pod'}, not to {entry.pod_id}"
    )


def _stands(lease: Lease) -> tuple[object, ...]:
    """What a reader sees of a lease now: the same before and after an entry means that the entry says nothing new."""
    return (
        lease.state,
        lease.pod_id,
        lease.usd_per_hour,
        lease.stopped_usd_per_hour,
        lease.ceiling_usd_per_hour,
        lease.gpus,
        lease.lease_ends_at,
        lease.stopped_until,
        lease.notes[-1:],
    )


def _conflict(lease: Lease, what: str) -> Failure:
    return Failure(Code.CONFLICT, f"The lease {lease.reservation.id} {what}.", Retry.NEVER)
