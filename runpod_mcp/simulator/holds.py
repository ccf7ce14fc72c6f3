"""Calls held on the way, until someone lets them go."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio


@dataclass
class Hold:
    """A call that waits before or after its work."""

    number: int
    operation: str
    at: str
    gate: anyio.Event = field(default_factory=anyio.Event)


class Holds:
    """The calls held right now."""

    def __init__(self) -> None:
        self.held: dict[int, Hold] = {}

    async def wait(self, number: int, operation: str, at: str) -> None:
        """Hold a call until it is released."""
        hold = Hold(number, operation, at)
        self.held[number] = hold
        try:
            await hold.gate.wait()
        finally:
            self.held.pop(number, None)

    def release(self, number: int | None = None) -> int:
        """Let one call go, or all of them; answers how many went."""
        going = [hold for hold in self.held.values() if number in (None, hold.number)]
        for hold in going:
            hold.gate.set()
        return len(going)
