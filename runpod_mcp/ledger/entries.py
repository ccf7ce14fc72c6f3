"""What the ledger writes down, and how a lease is read back from it.

A reservation is written once. What happens to it is a list of entries, in order, never changed. Everything else
(state, price over time, end of the lease, what counts against a budget) is derived from those here, and only here.
Times are whole seconds since 1970, UTC; money is micro-dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from runpod_mcp.money import ZERO, Usd
from runpod_mcp.policy.spending import Holding, Plan, Stretch, lease_plan, windows_between

OVERDUE_SECONDS = 900
"""A pod that outlived its lease is promised this much longer, again and again, until it is known to be gone."""


class LeaseKind(StrEnum):
    """What is leased."""

    POD = "pod"
    VOLUME = "network_volume"
    """Has no end of its own: it costs until somebody deletes it, and nobody here does, because it holds data."""
    ENDPOINT = "endpoint"
    """Counts as if all its workers ran all the time; at its end they are taken away and the endpoint stays."""


_KIND_OF_TOOL = {"create_network_volume": LeaseKind.VOLUME, "create_endpoint": LeaseKind.ENDPOINT}


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

    Raises:
        ValueError: its times are not in order, or a number is below zero.
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

    def __post_init__(self) -> None:
        if not 0 <= self.opened_at <= self.lease_ends_at <= self.stopped_until:
            raise ValueError(f"the times of reservation {self.id} are not in order")
        if min(self.usd_per_hour, self.disk_usd_per_hour, self.stopped_usd_per_hour, self.gpus) < 0:
            raise ValueError(f"reservation {self.id} has a number below zero")

    @property
    def kind(self) -> LeaseKind:
        """What it is for."""
        return _KIND_OF_TOOL.get(self.tool, LeaseKind.POD)

    @property
    def keeps_stopped(self) -> bool:
        """Whether the pod is kept stopped for a while after its lease."""
        return self.stopped_until > self.lease_ends_at

    def moved_to(self, moment: int) -> Reservation:
        """The same reservation opened at this moment, its length kept."""
        by = moment - self.opened_at
        ends, kept = self.lease_ends_at + by, self.stopped_until + by
        return replace(self, opened_at=moment, lease_ends_at=ends, stopped_until=kept)

    def plan(self) -> Plan:
        """What it can cost at most: the lease at the ceiling, then the stopped time."""
        plan = lease_plan(
            self.opened_at,
            self.lease_ends_at,
            self.stopped_until,
            self.usd_per_hour,
            self.stopped_usd_per_hour,
            self.gpus,
        )
        return replace(plan, running=self.kind is not LeaseKind.VOLUME)


class EntryKind(StrEnum):
    """What happened to a reservation."""

    UNKNOWN = "unknown"
    """The create's answer was lost; a pod may exist."""
    SETTLED = "settled"
    """The pod exists: `pod_id`, `usd_per_hour`; charged from the reservation on, as nobody knows its first second."""
    VOIDED = "voided"
    """No pod came of it, none will, and none was paid for."""
    REPRICED = "repriced"
    """The pod costs `usd_per_hour` from `at`, and `stopped_usd_per_hour` when stopped, where that changed too."""
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
    """One thing that happened, at a time. `seq` is given by the store.

    An `at` before the last change of price counts as that change's time: what was charged stays charged.

    Raises:
        ValueError: a fact its kind needs is missing, one its kind cannot have is there, or a number is below zero.
    """

    kind: EntryKind
    at: int
    pod_id: str | None = None
    usd_per_hour: Usd | None = None
    gpus: int | None = None
    lease_ends_at: int | None = None
    stopped_until: int | None = None
    stopped_usd_per_hour: Usd | None = None
    ceiling_usd_per_hour: Usd | None = None
    note: str = ""
    seq: int = 0

    def __post_init__(self) -> None:
        facts = {name for name in _FACTS if getattr(self, name) is not None}
        needs, may_have = _FACTS_OF[self.kind]
        if not needs <= facts <= needs | may_have:
            wanted = ", ".join(sorted(needs)) or "no facts"
            raise ValueError(
                f"an entry of kind {self.kind} needs {wanted}; it has {', '.join(sorted(facts))}"
            )
        if self.at < 0 or any(getattr(self, name) < 0 for name in facts - {"pod_id"}):
            raise ValueError(f"an entry of kind {self.kind} has a number below zero")


_FACTS = frozenset(
    {
        "pod_id",
        "usd_per_hour",
        "gpus",
        "lease_ends_at",
        "stopped_until",
        "stopped_usd_per_hour",
        "ceiling_usd_per_hour",
    }
)
_NOTHING, _POD = frozenset[str](), frozenset({"pod_id"})
_FACTS_OF = {
    EntryKind.UNKNOWN: (_NOTHING, _NOTHING),
    EntryKind.SETTLED: (frozenset({"pod_id", "usd_per_hour"}), _FACTS),
    EntryKind.VOIDED: (_NOTHING, _POD),
    EntryKind.REPRICED: (
        frozenset({"usd_per_hour"}),
        _POD | {"stopped_usd_per_hour", "ceiling_usd_per_hour"},
    ),
    EntryKind.STOPPED: (frozenset({"usd_per_hour"}), _FACTS - {"gpus", "ceiling_usd_per_hour"}),
    EntryKind.STARTED: (frozenset({"usd_per_hour"}), _FACTS),
    EntryKind.EXTENDED: (frozenset({"lease_ends_at"}), _POD | {"stopped_until"}),
    EntryKind.ENDED: (_NOTHING, _POD),
    EntryKind.NOTED: (_NOTHING, _POD),
}


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
    stopped_usd_per_hour: Usd
    ceiling_usd_per_hour: Usd
    """The most the running pod may cost: what was set aside for it, or what the policy let it be raised to since."""
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
            reservation.stopped_usd_per_hour,
            reservation.usd_per_hour,
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
            stopped_usd_per_hour=self._stopped_rate_after(entry),
            ceiling_usd_per_hour=entry.ceiling_usd_per_hour or self.ceiling_usd_per_hour,
            notes=(*self.notes, entry.note) if entry.note else self.notes,
        )

    def _rates_after(self, entry: Entry) -> tuple[tuple[int, Usd], ...]:
        rate = ZERO if entry.kind is EntryKind.ENDED else entry.usd_per_hour
        if rate is None:
            return self.rates
        start = max(entry.at, self.rates[-1][0]) if self.rates else self.reservation.opened_at
        return (*self.rates, (start, rate))

    def _stopped_rate_after(self, entry: Entry) -> Usd:
        if entry.stopped_usd_per_hour is not None:
            return entry.stopped_usd_per_hour
        stops = _STATE_AFTER.get(entry.kind, self.state) is LeaseState.STOPPED
        return entry.usd_per_hour if stops and entry.usd_per_hour is not None else self.stopped_usd_per_hour

    @property
    def kind(self) -> LeaseKind:
        """What is leased."""
        return self.reservation.kind

    @property
    def runs(self) -> bool:
        """Whether it is among what runs or may run, as the counts of pods and GPUs see it."""
        return self.state is not LeaseState.STOPPED and self.kind is not LeaseKind.VOLUME

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
        if not self.rates:
            return self._promised(self.reservation.opened_at, now)
        last = self.rates[-1][0]
        now = last if self.state is LeaseState.ENDED else max(now, last)
        steps = pairwise((*self.rates, (now, ZERO)))
        past = tuple(Stretch(start, end, rate) for (start, rate), (end, _) in steps if end > start)
        return past if self.state is LeaseState.ENDED else (*past, *self._promised(now, now))

    def _promised(self, start: int, now: int) -> tuple[Stretch, ...]:
        """From a start to the end of the lease and of the stopped time; what is overdue is promised a while longer."""
        if self.state is LeaseState.STOPPED:
            return (Stretch(start, _still_to_come(self.stopped_until, now), self.usd_per_hour),)
        end = _still_to_come(self.lease_ends_at, now)
        stopped = self.stopped_usd_per_hour
        return lease_plan(start, end, self.stopped_until, self.usd_per_hour, stopped, self.gpus).stretches

    def costs(self) -> Mapping[str, Usd]:
        """What an ended lease cost, by the key of each window in which it cost anything."""
        stretches = self.stretches(0)
        if not stretches:
            return {}
        windows = windows_between(stretches[0].start, stretches[-1].end)
        costs = ((window.key, window.cost_of(stretches)) for window in windows)
        return {key: usd for key, usd in costs if usd}

    def parted(self, now: int) -> tuple[Holding, Plan]:
        """What it has cost up to now, as a holding that runs no more, and what is promised from now on."""
        stretches = self.stretches(now)
        past = tuple(Stretch(s.start, min(s.end, now), s.usd_per_hour) for s in stretches if s.start < now)
        promised = tuple(Stretch(max(s.start, now), s.end, s.usd_per_hour) for s in stretches if s.end > now)
        return Holding(self.reservation.id, past, 0, running=False), Plan(promised, self.gpus, self.runs)

    def holding(self, now: int) -> Holding:
        """How the budgets see it."""
        return Holding(self.reservation.id, self.stretches(now), self.gpus, self.runs)


_STATE_AFTER = {
    EntryKind.UNKNOWN: LeaseState.UNKNOWN,
    EntryKind.SETTLED: LeaseState.RUNNING,
    EntryKind.VOIDED: LeaseState.VOID,
    EntryKind.STOPPED: LeaseState.STOPPED,
    EntryKind.STARTED: LeaseState.RUNNING,
    EntryKind.ENDED: LeaseState.ENDED,
}


def _still_to_come(end: int, now: int) -> int:
    return end if end > now else now + OVERDUE_SECONDS
