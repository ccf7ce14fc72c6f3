"""The cloud's own books: rows that are only ever added, and every figure worked out from them.

Money here is exact (`Fraction` dollars), shares nothing with the client's arithmetic, and becomes a JSON number
only in the answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

_HOUR = Fraction(3600)


@dataclass(frozen=True)
class Row:
    """From `at` on, this thing costs this: dollars per hour for compute and for disks.

    `kind` is "pod", "network_volume" or "worker" (of a serverless endpoint, its `owner`). `gpus` are the GPUs it
    holds; `running` says whether it counts as a running pod: neither says anything of workers. `ended` closes it.
    `resource` is a GPU type, CPU flavor or storage tier, `gigabytes` the disk space billed, `place` a data center.
    """

    at: datetime
    id: str
    what: str
    compute: Fraction
    disks: Fraction
    gpus: int = 0
    running: bool = False
    ended: bool = False
    kind: str = "pod"
    by_hand: bool = False
    resource: str = ""
    owner: str = ""
    gigabytes: int = 0
    place: str = ""

    @property
    def rate(self) -> Fraction:
        """Dollars per hour, disks included."""
        return self.compute + self.disks


@dataclass(frozen=True)
class CreateCall:
    """One create call that arrived, whatever became of it."""

    at: datetime
    dialect: str


@dataclass
class Figures:
    """What the rows add up to: dollars, dollars per hour, running pods and their GPUs, now and at their highest.

    `by_id` and `rates` are per pod, network volume and endpoint, which owns its workers.
    """

    burn: Fraction = Fraction(0)
    pods: int = 0
    gpus: int = 0
    peak: Fraction = Fraction(0)
    charged: Fraction = Fraction(0)
    peak_pods: int = 0
    peak_gpus: int = 0
    by_day: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    by_id: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    rates: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))


class Books:
    """The append-only record of create calls and of what everything costs, from when to when.

    `now` tells the time after everything due by then has happened; `describe` adds to a pod's id what a reader
    knows it by (name, env, status); `others` are the network volumes and endpoints there are, by kind.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        describe: Callable[[str], Mapping[str, Any]],
        others: Callable[[], Mapping[str, Sequence[Mapping[str, Any]]]] = dict,
    ) -> None:
        self._now = now
        self._describe = describe
        self._others = others
        self.clear()

    def clear(self) -> None:
        """Start with empty books."""
        self.rows: list[Row] = []
        self.create_calls: list[CreateCall] = []

    def note_create_call(self, at: datetime, dialect: str) -> None:
        """Write down that a create call arrived."""
        self.create_calls.append(CreateCall(at, dialect))

    def write(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)

    def figures(self, now: datetime, only: Callable[[Row], bool] = lambda _: True) -> Figures:
        """Work through the rows up to `now`; `only` picks some of them.

        The peak is looked at after each row, so it is exact: no rate holds between rows that no row states. A
        row may be written late, so they are taken in the order of their times.
        """
        figures = Figures()
        current: dict[str, Row] = {}
        for row in sorted(filter(only, self.rows), key=lambda row: row.at):
            before = current.pop(row.id, None)
            _close(figures, before, row.at)
            _move(figures, before, row)
            if not row.ended:
                current[row.id] = row
        for row in current.values():
            _close(figures, row, now)
        return figures

    def spans(self, kind: str, until: datetime) -> Iterator[tuple[Row, datetime, datetime]]:
        """What was billed for one kind of thing before a time: each row with the time it began and ended to hold."""
        current: dict[str, Row] = {}
        for row in self.rows:
            if row.kind == kind and row.at < until:
                if before := current.pop(row.id, None):
                    yield before, before.at, row.at
                current[row.id] = row
        yield from ((row, row.at, until) for row in current.values())

    def segments(self, pod_id: str, now: datetime) -> list[dict[str, Any]]:
        """The history of one pod: what it cost per hour, from when to when (null: still), and why it changed."""
        rows = [row for row in self.rows if row.id == pod_id]
        ends: Sequence[datetime | None] = [*(row.at for row in rows[1:]), None]
        return [
            {
                "from": row.at.isoformat(),
                "to": end.isoformat() if end else None,
                "what": row.what,
                "usd_per_hour": float(row.rate),
                "gpus": row.gpus,
                "charged_usd": float(_charge(row, end or now)),
            }
            for row, end in zip(rows, ends, strict=True)
            if not row.ended
        ]

    def snapshot(self, only: Callable[[Row], bool] = lambda _: True) -> dict[str, Any]:
        """Everything the books say now, as JSON: dollars and dollars per hour are numbers.

        `live` are the pods not terminated, stopped ones included; `usd_per_hour` holds disks. `peak_pods` and
        `peak_gpus` count running pods. `volumes` and `endpoints` are what else there is; burn, peak and charges
        hold all three. `only` picks rows, for instance those not made by hand.
        """
        now = self._now()
        figures = self.figures(now, only)
        newest = {row.id: row for row in self.rows if only(row)}
        pods = {pod_id: row for pod_id, row in newest.items() if row.kind == "pod"}
        created = sum(row.what == "created" and row.kind == "pod" and not row.by_hand for row in self.rows)
        return {
            "now": now.isoformat(),
            "create_calls": len(self.create_calls),
            "created": created,
            "live": [self._entry(row, figures) for row in pods.values() if not row.ended],
            "ended": [self._entry(row, figures) for row in pods.values() if row.ended],
            "burn_usd_per_hour": float(figures.burn),
            "peak_usd_per_hour": float(figures.peak),
            "charged_usd": float(figures.charged),
            "charged_by_day": {day: float(amount) for day, amount in figures.by_day.items()},
            "charged_by_month": {month: float(amount) for month, amount in monthly(figures.by_day).items()},
            "peak_pods": figures.peak_pods,
            "peak_gpus": figures.peak_gpus,
            "running_pods": figures.pods,
            "running_gpus": figures.gpus,
            "pods": {pod_id: self.segments(pod_id, now) for pod_id in pods},
            **{kind: [_other(one, figures) for one in found] for kind, found in self._others().items()},
        }

    def _entry(self, row: Row, figures: Figures) -> dict[str, Any]:
        known = {"id": row.id, "usd_per_hour": float(row.rate), "by_hand": row.by_hand}
        ended = {"ended_at": row.at.isoformat(), "why": row.what} if row.ended else {}
        return {**known, **self._describe(row.id), **ended, "charged_usd": float(figures.by_id[row.id])}


def _other(one: Mapping[str, Any], figures: Figures) -> dict[str, Any]:
    rate, charged = figures.rates[one["id"]], figures.by_id[one["id"]]
    return {**one, "usd_per_hour": float(rate), "charged_usd": float(charged)}


def monthly(by_day: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Sums per UTC month (`2026-11`) of sums per UTC day (`2026-11-23`)."""
    months: dict[str, Fraction] = defaultdict(Fraction)
    for day, amount in by_day.items():
        months[day[:7]] += amount
    return dict(months)


def _move(figures: Figures, before: Row | None, after: Row) -> None:
    if before is not None:
        figures.burn -= before.rate
        figures.rates[before.owner or before.id] -= before.rate
        figures.pods -= before.running
        figures.gpus -= before.gpus
    figures.burn += after.rate
    figures.rates[after.owner or after.id] += after.rate
    figures.pods += after.running
    figures.gpus += after.gpus
    figures.peak = max(figures.peak, figures.burn)
    figures.peak_pods = max(figures.peak_pods, figures.pods)
    figures.peak_gpus = max(figures.peak_gpus, figures.gpus)


def _close(figures: Figures, row: Row | None, end: datetime) -> None:
    if row is None or row.rate == 0:
        return
    for day, start, stop in _days(row.at, end):
        amount = row.rate * _seconds(start, stop) / _HOUR
        figures.charged += amount
        figures.by_day[day] += amount
        figures.by_id[row.owner or row.id] += amount


def _charge(row: Row, end: datetime) -> Fraction:
    return row.rate * _seconds(row.at, end) / _HOUR


def _seconds(start: datetime, end: datetime) -> Fraction:
    return Fraction(max(end - start, timedelta()) // timedelta(microseconds=1), 1_000_000)


def _days(start: datetime, end: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    while start < end:
        midnight = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(days=1)
        stop = min(midnight, end)
        yield start.date().isoformat(), start, stop
        start = stop
