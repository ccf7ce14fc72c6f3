"""The simulator's own time: the given clock, with an offset and a speed, never running backwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from runpod_mcp.clock import Clock


class TimeLine:
    """World time. It starts at the clock's time, then passes `speed` times as fast, and jumps when stepped.

    When the clock beneath is set back, no time passes here: bills already written stay true.
    """

    def __init__(self, base: Clock) -> None:
        self.base = base
        self.speed = 1.0
        self._seen = base.now()
        self._now = self._seen

    def now(self) -> datetime:
        """The world's time in UTC."""
        current = self.base.now()
        passed = max(current - self._seen, timedelta())
        self._seen = current
        self._now += passed * self.speed
        return self._now

    def step(self, seconds: float) -> datetime:
        """Jump forward by this many seconds and return the new time.

        Raises:
            ValueError: the step is negative.
        """
        if seconds < 0:
            raise ValueError("time only moves forward: expected seconds >= 0")
        self.now()
        self._now += timedelta(seconds=seconds)
        return self._now

    def set_speed(self, speed: float) -> None:
        """Let time pass this many times as fast from now on; 0 stops it.

        Raises:
            ValueError: the speed is negative.
        """
        if speed < 0:
            raise ValueError("time only moves forward: expected speed >= 0")
        self.now()
        self.speed = speed
