"""Time, passed in: UTC now, and waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

import anyio
import anyio.lowlevel


class Clock(Protocol):
    """What the program knows of time; a test gives it a clock that is stepped by hand."""

    def now(self) -> datetime:
        """The current time in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait this many seconds."""
        ...


class SystemClock:
    """The machine's own clock, which never runs backwards while this process lives, even where it is set back."""

    def __init__(self) -> None:
        self._start, self._ticks = datetime.now(UTC), monotonic()

    def now(self) -> datetime:
        """The current time in UTC."""
        return max(datetime.now(UTC), self._start + timedelta(seconds=monotonic() - self._ticks))

    async def sleep(self, seconds: float) -> None:
        """Wait this many seconds."""
        await anyio.sleep(seconds)


class SteppedClock:
    """A clock that moves only when told to; to sleep on it is to move it."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time it was last moved to, in UTC."""
        return self._now

    def step(self, **by: float) -> datetime:
        """Move by `timedelta` arguments (`hours=2`), backwards too, and return the new time."""
        self._now += timedelta(**by)
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move forward by this many seconds and let other tasks run."""
        self.step(seconds=seconds)
        await anyio.lowlevel.checkpoint()


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return int(moment.timestamp() // 1)


def from_epoch(seconds: int) -> datetime:
    """The UTC time of whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(moment: datetime) -> str:
    """A UTC time as `2026-11-23T14:00:00Z`, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
