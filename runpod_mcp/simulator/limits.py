"""Quotas of v2 and the headers that tell of them."""

from __future__ import annotations

from datetime import datetime

from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

_WINDOWS = {"minute": (60, 180), "hour": (3600, 7200), "day": (86_400, 86_400)}


class Limits:
    """Counts calls per minute, hour and day of world time; refuses only when the settings enforce it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._used: dict[str, tuple[int, int]] = {}

    def count(self) -> None:
        """Count one call, refusing it with 429 and `Retry-After` when a window is full and limits are enforced."""
        now = self._world.now()
        for name, (_, quota) in _WINDOWS.items():
            window, used = self._window(name, now)
            if used >= quota and self._world.settings.rate_limits_enforced:
                headers = {"Retry-After": str(self._left(name, now))}
                raise Refusal(
                    Reason.RATE_LIMITED, f"rate limit exceeded for the {name} window", headers=headers
                )
            self._used[name] = (window, used + 1)

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` as v2 sends them; never 0 left while limits are not enforced."""
        now = self._world.now()
        least = 0 if self._world.settings.rate_limits_enforced else 1
        policy = [f'"{name}";q={quota};w={seconds}' for name, (seconds, quota) in _WINDOWS.items()]
        left = [
            f'"{name}";r={max(quota - self._window(name, now)[1], least)};t={self._left(name, now)}'
            for name, (_, quota) in _WINDOWS.items()
        ]
        return {"RateLimit-Policy": ", ".join(policy), "RateLimit": ", ".join(left)}

    def _window(self, name: str, now: datetime) -> tuple[int, int]:
        number = int(now.timestamp()) // _WINDOWS[name][0]
        window, used = self._used.get(name, (number, 0))
        return (window, used) if window == number else (number, 0)

    def _left(self, name: str, now: datetime) -> int:
        seconds = _WINDOWS[name][0]
        return seconds - int(now.timestamp()) % seconds
