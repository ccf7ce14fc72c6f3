"""What the ledger writes down, and how a lease is read back from it.

A reservation is written once. What happens to it is a list of entries, in order, never changed. Everything else
(state, price over time, end of the lease, what counts against a budget) is derived from those here, and only here.
Times are whole seconds since 1970, UTC; money is micro-dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from runpod_mcp.money import ZERO, Usd
from runpod_mcp.policy.spending import Holding, Plan, Stretch

OVERDUE_SECONDS = 900
"""A pod that outlived its lease is promised this much longer, again and again, until it is known to be gone."""


class OnExpiry(StrEnum):
    """What happens at the end of a lease."""

    STOP = "stop"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one request, written before Runpod is called.

    `usd_per_hour` is the ceiling, disks included; `disk_usd_per_hour` the disks' part of it while the pod runs;
    `stopped_usd_per_hour` what the stopped pod costs. The lease ends at `lease_ends_at`; a stopped pod is kept until
    `stopped_until`, which equals `lease_ends_at` where nothing is kept. `request` is the redacted request as JSON.
    """

    id: str
    principal: str
    tool: str
    request_id: str | None
    request_hash: str
    request: str
    opened_at: int
    lease_ends_at: int
    stopped_until: int
    usd_per_hour: Usd
    disk_usd_per_hour: Usd
    stopped_usd_per_hour: Usd
    gpus: int

    @property
    def keeps_stopped(self) -> bool:
        """Whether the pod is kept stopped for a while after its lease."""
        return self.stopped_until > self.lease_ends_at

    def plan(self) -> Plan:
        """What it can cost at most: the lease at the ceiling, then the stopped time."""
        running = Stretch(self.opened_at, self.lease_ends_at, self.usd_per_hour)
        stopped = Stretch(self.lease_ends_at, self.stopped_until, self.stopped_usd_per_hour)
        return Plan((running, stopped) if self.keeps_stopped else (running,), self.gpus)


class EntryKind(StrEnum):
    """What happened to a reservation."""

    UNKNOWN = "unknown"
    """The create's answer was lost; a pod may exist."""
    SETTLED = "settled"
    """The pod exists: `pod_id`, `usd_per_hour` from `at`."""
    VOIDED = "voided"
    """No pod came of it, and none will."""
    REPRICED = "repriced"
    """The pod costs `usd_per_hour` from `at`."""
    STOPPED = "stopped"
    """The pod no longer runs; `usd_per_hour` is what its volume costs."""
    STARTED = "started"
    """The pod runs again with `gpus` GPUs at `usd_per_hour`."""
    EXTENDED = "extended"
    """The lease ends at `lease_ends_at`, a stopped pod is kept until `stopped_until`; earlier or later than before."""
    ENDED = "ended"
    """The pod is gone and costs nothing from `at`."""
    NOTED = "noted"
    """Something worth remembering that changes no sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened, at a time. `seq` is given by the store."""

    kind: EntryKind
    at: int
    pod_id: str | None = None
    usd_per_hour: Usd | None = None
    gpus: int | None = None
    lease_ends_at: int | None = None
    stopped_until: int | None = None
    note: str = ""
    seq: int = 0


class LeaseState(StrEnum):
    """Where a reservation stands."""

    OPEN = "open"
    UNKNOWN = "unknown"
    RUNNING = "running"
    STOPPED = "stopped"
    ENDED = "ended"
    VOID = "void"


STILL_COUNTS = frozenset({LeaseState.OPEN, LeaseState.UNKNOWN, LeaseState.RUNNING, LeaseState.STOPPED})


@dataclass(frozen=True, slots=True)
class Lease:
    """A reservation and what became of it.

    `rates` is its price over time: (from, micro-dollars per hour), in order; empty until a pod is known.
    """

    reservation: Reservation
    state: LeaseState
    pod_id: str | None
    rates: tuple[tuple[int, Usd], ...]
    gpus: int
    lease_ends_at: int
    stopped_until: int
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, reservation: Reservation, entries: Iterable[Entry]) -> Lease:
        """Fold a reservation's entries, oldest first, into what stands now."""
        lease = cls(
            reservation,
            LeaseState.OPEN,
            None,
            (),
            reservation.gpus,
            reservation.lease_ends_at,
            reservation.stopped_until,
        )
        for entry in entries:
            lease = lease.after(entry)
        return lease

    def after(self, entry: Entry) -> Lease:
        """What stands once this entry is written."""
        ends = self.lease_ends_at if entry.lease_ends_at is None else entry.lease_ends_at
        kept = self.stopped_until if entry.stopped_until is None else entry.stopped_until
        return replace(
            self,
            state=_STATE_AFTER.get(entry.kind, self.state),
            pod_id=entry.pod_id or self.pod_id,
            rates=self._rates_after(entry),
            gpus=self.gpus if entry.gpus is None else entry.gpus,
            lease_ends_at=ends,
            stopped_until=max(ends, kept),
            notes=(*self.notes, entry.note) if entry.note else self.notes,
        )

    def _rates_after(self, entry: Entry) -> tuple[tuple[int, Usd], ...]:
        if entry.kind is EntryKind.ENDED:
            return (*self.rates, (entry.at, ZERO))
        if entry.usd_per_hour is None:
            return self.rates
        return (*self.rates, (entry.at, entry.usd_per_hour))

    @property
    def still_counts(self) -> bool:
        """Whether it is in the sums: open, unknown, running or stopped."""
        return self.state in STILL_COUNTS

    @property
    def usd_per_hour(self) -> Usd:
        """What it costs per hour now, disks included; the ceiling while no pod is known."""
        return self.rates[-1][1] if self.rates else self.reservation.usd_per_hour

    @property
    def due_at(self) -> int:
        """When the next thing must happen to it: the end of the lease, or of the time it is kept stopped."""
        return self.stopped_until if self.state is LeaseState.STOPPED else self.lease_ends_at

    def stretches(self, now: int) -> tuple[Stretch, ...]:
        """Its price over time, what is past and what is promised; nothing is promised once it is over."""
        if self.state is LeaseState.VOID:
            return ()
        past = tuple(
            Stretch(start, end, rate)
            for (start, rate), end in zip(self.rates, self._rate_ends(now), strict=True)
            if end > start
        )
        return past if self.state is LeaseState.ENDED else (*past, *self._promised(now))

    def _rate_ends(self, now: int) -> Sequence[int]:
        starts = [start for start, _ in self.rates]
        return [*starts[1:], max([now, *starts[-1:]])]

    def _promised(self, now: int) -> tuple[Stretch, ...]:
        """From now (or from the reservation, while no pod is known) to the end of the lease and of the stopped time."""
        start = max(now, self.rates[-1][0]) if self.rates else self.reservation.opened_at
        if self.state is LeaseState.STOPPED:
            end = max(self.stopped_until, now + OVERDUE_SECONDS if now >= self.stopped_until else 0)
            return (Stretch(start, end, self.usd_per_hour),)
        end = max(self.lease_ends_at, now + OVERDUE_SECONDS if now >= self.lease_ends_at else 0)
        running = Stretch(start, end, self.usd_per_hour)
        if self.stopped_until <= end:
            return (running,)
        return (running, Stretch(end, self.stopped_until, self.reservation.stopped_usd_per_hour))

    def holding(self, now: int) -> Holding:
        """How the budgets see it."""
        running = self.state is not LeaseState.STOPPED
        return Holding(self.reservation.id, self.stretches(now), self.gpus, running)


_STATE_AFTER = {
    EntryKind.UNKNOWN: LeaseState.UNKNOWN,
    EntryKind.SETTLED: LeaseState.RUNNING,
    EntryKind.VOIDED: LeaseState.VOID,
    EntryKind.STOPPED: LeaseState.STOPPED,
    EntryKind.STARTED: LeaseState.RUNNING,
    EntryKind.ENDED: LeaseState.ENDED,
}
