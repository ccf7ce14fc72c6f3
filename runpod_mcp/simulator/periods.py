"""Billing: what the books charged, in buckets of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from runpod_mcp.simulator.books import Books, Row

BUCKETS = ("hour", "day", "week", "month", "year")
_HOUR = Fraction(3600)


@dataclass
class Bill:
    """What one group of things was charged in one bucket: dollars for compute and for disks.

    `milliseconds` is the time billed, `gigabytes` the most disk space billed at once.
    """

    compute: Fraction = Fraction(0)
    disks: Fraction = Fraction(0)
    milliseconds: int = 0
    gigabytes: int = 0

    @property
    def total(self) -> Fraction:
        """Dollars in all."""
        return self.compute + self.disks


def bucket_of(moment: datetime, size: str) -> datetime:
    """When the bucket of a time begins, in UTC; a week begins on Monday."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    if size == "week":
        return day - timedelta(days=day.weekday())
    return {"hour": hour, "day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[size]


def next_bucket(start: datetime, size: str) -> datetime:
    """When the bucket after the one that begins here begins."""
    if size == "year":
        return start.replace(year=start.year + 1)
    if size == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[size]


def bills(
    books: Books,
    kind: str,
    size: str,
    window: tuple[datetime, datetime],
    known_until: datetime,
    group: Callable[[Row], str | None],
) -> Mapping[tuple[datetime, str], Bill]:
    """What each group was charged in each bucket of a window, in order of time; nothing where nothing was.

    `known_until` is how far the billing has caught up; `group` names a row's group, None to leave it out.
    """
    found: dict[tuple[datetime, str], Bill] = {}
    most: dict[tuple[datetime, str], dict[str, int]] = {}
    for row, start, end in books.spans(kind, known_until):
        name = group(row)
        if name is None or row.rate == 0:
            continue
        for bucket, begins, ends in _cut(max(start, window[0]), min(end, window[1]), size):
            bill = found.setdefault((bucket, name), Bill())
            _add(bill, row, ends - begins)
            held = most.setdefault((bucket, name), {})
            held[row.id] = max(held.get(row.id, 0), row.gigabytes)
    for key, held in most.items():
        found[key].gigabytes = sum(held.values())
    return dict(sorted(found.items()))


def _add(bill: Bill, row: Row, lasted: timedelta) -> None:
    seconds = Fraction(lasted // timedelta(microseconds=1), 1_000_000)
    bill.compute += row.compute * seconds / _HOUR
    bill.disks += row.disks * seconds / _HOUR
    bill.milliseconds += lasted // timedelta(milliseconds=1)


def _cut(start: datetime, end: datetime, size: str) -> Iterator[tuple[datetime, datetime, datetime]]:
    while start < end:
        bucket = bucket_of(start, size)
        stop = min(next_bucket(bucket, size), end)
        yield bucket, start, stop
        start = stop
