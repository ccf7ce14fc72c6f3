"""What leases cost, day by day, from the ledger alone.

The ledger counts as its budgets do: money set aside for a create that is open or unknown counts as spent, and each
lease is rounded up once a day. Times are whole seconds since 1970, UTC; money is micro-dollars.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runpod_mcp.clock import from_epoch
from runpod_mcp.ledger.entries import Lease, LeaseKind
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.money import Usd
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.spending import Stretch, Window, day_of, month_of

By = Literal["day", "pod", "gpu", "principal"]
_DAY = 86_400
PAGE = 5_000
"""Leases that are read at once."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one lease cost on one UTC day, which begins at `day`."""

    lease: Lease
    day: int
    usd: Usd


@dataclass(frozen=True, slots=True)
class Group:
    """What several leases cost together; `about` is the hardware where they are those of one pod."""

    name: str
    leases: int
    usd: Usd
    about: str = ""


async def ledger_costs(
    ledger: Ledger, start: int, end: int, now: int, tell: Callable[[str], None], page: int = PAGE
) -> AsyncIterator[Cost]:
    """What leases cost in [start, end), as far as it is past; month by month, and `tell` hears which one is read.

    However many there are, only one `page` of leases is held at a time.

    Raises:
        Failure: the ledger cannot be read.
    """
    end = min(end, now)
    while start < end:
        until = min(end, month_of(start).end or end)
        tell(f"{from_epoch(start):%Y-%m}")
        after: str | None = ""
        while after is not None:
            leases, after = await ledger.page_of_leases(start, until, after, page)
            for lease in leases:
                for cost in _costs(lease, start, until, now):
                    yield cost
        start = until


def _costs(lease: Lease, start: int, end: int, now: int) -> Iterator[Cost]:
    stretches = lease.stretches(now)
    for day in _days(stretches, start, end):
        usd = Window("", max(start, day), min(end, day + _DAY)).cost_of(stretches)
        if usd:
            yield Cost(lease, day, usd)


def _days(stretches: Sequence[Stretch], start: int, end: int) -> range:
    """When each day of [start, end) begins that these stretches touch."""
    touched = [stretch for stretch in stretches if stretch.seconds_within(start, end)]
    first = min((stretch.start for stretch in touched), default=end)
    last = max((stretch.end for stretch in touched), default=end)
    return range(day_of(max(start, first)).start, min(end, last), _DAY)


class Groups:
    """Costs together by something, added one by one."""

    def __init__(self, by: By) -> None:
        self._by = by
        self._sums: Counter[str] = Counter()
        self._leases: dict[str, set[str]] = {}
        self._about: dict[str, str] = {}

    def add(self, cost: Cost) -> None:
        """Count a cost in."""
        name = _NAMES[self._by](cost)
        self._sums[name] += cost.usd
        self._leases.setdefault(name, set()).add(cost.lease.reservation.id)
        if self._by == "pod" and name not in self._about:
            self._about[name] = hardware_of(cost.lease)

    def sorted(self) -> list[Group]:
        """Days in order, anything else the dearest first. The sum is the same, whatever it is by."""
        groups = (
            Group(name, len(self._leases[name]), Usd(usd), self._about.get(name, ""))
            for name, usd in self._sums.items()
        )
        return sorted(groups, key=lambda group: (0 if self._by == "day" else -group.usd, group.name))


def hardware_of(lease: Lease) -> str:
    """Which GPU types a lease was asked for; which one of several it got is not in the ledger."""
    if lease.kind is LeaseKind.VOLUME:
        return "network volume"
    asked = asked_of(lease)
    named = asked.get("gpuTypeIds") or asked.get("cpuFlavorIds")
    if isinstance(named, list):
        return " or ".join(clean(str(one), 60) for one in named)
    return "any GPU type" if lease.gpus else "CPU"


def asked_of(lease: Lease) -> Mapping[str, Any]:
    """What a lease was asked for, without secrets; nothing where the ledger does not say."""
    try:
        asked = json.loads(lease.reservation.request)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _thing(cost: Cost) -> str:
    lease = cost.lease
    kind = "" if lease.kind is LeaseKind.POD else f"{lease.kind.value.replace('_', ' ')} "
    return kind + (lease.pod_id or lease.reservation.id)


_NAMES: dict[By, Callable[[Cost], str]] = {
    "day": lambda cost: f"{from_epoch(cost.day):%Y-%m-%d}",
    "pod": _thing,
    "gpu": lambda cost: hardware_of(cost.lease),
    "principal": lambda cost: clean(cost.lease.reservation.principal, 60),
}
