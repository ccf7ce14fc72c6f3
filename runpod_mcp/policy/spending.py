"""What is spent and promised, window by window: the sums a budget is checked against.

Times are whole seconds since 1970, UTC; money is micro-dollars. A holding is anything that still counts: money set
aside for a create, a create whose outcome is unknown, a pod that lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from runpod_mcp.clock import epoch, from_epoch
from runpod_mcp.money import SECONDS_PER_HOUR, ZERO, Usd, total


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time [start, end) during which something costs one rate, micro-dollars per hour."""

    start: int
    end: int
    usd_per_hour: Usd

    def seconds_within(self, start: int, end: int | None) -> int:
        """How many of its seconds lie in [start, end); no end means for ever."""
        last = self.end if end is None else min(self.end, end)
        return max(0, last - max(self.start, start))


@dataclass(frozen=True, slots=True)
class Window:
    """A time over which money is summed: a UTC day, a UTC month, or all of it."""

    key: str
    start: int
    end: int | None

    def cost_of(self, stretches: Iterable[Stretch]) -> Usd:
        """What these stretches cost inside this window, rounded up once."""
        micro_seconds = sum(s.usd_per_hour * s.seconds_within(self.start, self.end) for s in stretches)
        return Usd(-(-micro_seconds // SECONDS_PER_HOUR))


TOTAL = Window("total", 0, None)


def day_of(moment: int) -> Window:
    """The UTC day a moment lies in."""
    start = moment - moment % 86_400
    return Window(f"day:{from_epoch(start):%Y-%m-%d}", start, start + 86_400)


def month_of(moment: int) -> Window:
    """The UTC month a moment lies in."""
    first = from_epoch(moment).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=31)).replace(day=1)
    return Window(f"month:{first:%Y-%m}", epoch(first), epoch(following))


def windows_between(start: int, end: int) -> tuple[Window, ...]:
    """Every day and month that [start, end) touches, and the total, the nearest first."""
    days, months = [day_of(start)], [month_of(start)]
    while days[-1].end is not None and days[-1].end < end:
        days.append(day_of(days[-1].end))
    while months[-1].end is not None and months[-1].end < end:
        months.append(month_of(months[-1].end))
    return (*days, *months, TOTAL)


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that counts against the budgets: what it cost so far and what it may still cost."""

    reservation_id: str
    stretches: tuple[Stretch, ...]
    gpus: int
    running: bool

    def usd_per_hour_from(self, now: int) -> Usd:
        """The most it costs per hour from now on (a large volume can cost more stopped than its pod running)."""
        return Usd(max((s.usd_per_hour for s in self.stretches if s.end > now), default=0))


@dataclass(frozen=True, slots=True)
class Spending:
    """What the ledger knows at one moment: what still counts, and per window what ended pods have cost."""

    now: int
    holdings: tuple[Holding, ...] = ()
    closed: Mapping[str, Usd] = field(default_factory=dict)

    @property
    def usd_per_hour(self) -> Usd:
        """What everything that counts costs per hour together."""
        return total(holding.usd_per_hour_from(self.now) for holding in self.holdings)

    @property
    def pods_running(self) -> int:
        """Pods that run or may run."""
        return sum(holding.running for holding in self.holdings)

    @property
    def gpus_running(self) -> int:
        """GPUs that run or may run."""
        return sum(holding.gpus for holding in self.holdings if holding.running)

    def within(self, window: Window) -> Usd:
        """What is spent and promised inside a window."""
        held = total(window.cost_of(holding.stretches) for holding in self.holdings)
        return Usd(self.closed.get(window.key, ZERO) + held)

    def spent_within(self, window: Window) -> Usd:
        """What was already spent inside a window, up to now, without promises."""
        past = (
            Stretch(s.start, min(s.end, self.now), s.usd_per_hour)
            for holding in self.holdings
            for s in holding.stretches
            if s.start < self.now
        )
        return Usd(self.closed.get(window.key, ZERO) + window.cost_of(past))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request would add: its stretches at the ceiling price, disks and the stopped time included."""

    stretches: tuple[Stretch, ...]
    gpus: int
    running: bool = True

    @property
    def usd_per_hour(self) -> Usd:
        """The most it can cost per hour."""
        return Usd(max((s.usd_per_hour for s in self.stretches), default=0))

    @property
    def usd(self) -> Usd:
        """The most it can cost in all."""
        return TOTAL.cost_of(self.stretches)

    def windows(self) -> tuple[Window, ...]:
        """The windows it would be charged to."""
        return windows_between(min(s.start for s in self.stretches), max(s.end for s in self.stretches))


def lease_plan(start: int, ends: int, kept: int, running: Usd, stopped: Usd, gpus: int) -> Plan:
    """The most a lease can cost: it runs until `ends`, and its stopped pod is kept until `kept`.

    A large volume can cost more stopped than its pod running, and a pod may be stopped at any time, so the dearer of
    the two rates is promised for the time it may run.
    """
    lease = Stretch(start, ends, max(running, stopped))
    return Plan((lease, Stretch(ends, kept, stopped)) if kept > ends else (lease,), gpus)
