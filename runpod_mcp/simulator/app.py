"""The simulator as one object: a world, its dialects behind one ASGI app, and the means to drive it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute, Mount, Route, Router

from runpod_mcp.clock import Clock, SystemClock
from runpod_mcp.simulator.books import Books
from runpod_mcp.simulator.by_hand import act_by_hand
from runpod_mcp.simulator.calls import Dialect, Requests
from runpod_mcp.simulator.control import Control
from runpod_mcp.simulator.faults import Faults
from runpod_mcp.simulator.graphql import GraphQL
from runpod_mcp.simulator.holds import Holds
from runpod_mcp.simulator.jobs import Jobs
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.settings import Settings
from runpod_mcp.simulator.stock import Stock
from runpod_mcp.simulator.switchboard import Door, Switchboard
from runpod_mcp.simulator.time_line import TimeLine
from runpod_mcp.simulator.v1 import V1
from runpod_mcp.simulator.v2 import V2
from runpod_mcp.simulator.world import World


class Simulator:
    """A small Runpod: v2 under `/v2`, v1 under `/v1`, GraphQL under `/graphql`, serverless jobs under `/ai/v2`,
    control under `/_sim`.

    Any bearer key is accepted but `sim_wrong` (401) and `sim_forbidden` (403). The same seed and the same calls
    give the same answers. `boot_seconds` is how long a pod bills before its ports exist. World time follows the
    given clock and can be stepped ahead or sped up.
    """

    def __init__(self, clock: Clock | None = None, *, seed: int = 0, boot_seconds: float = 60.0) -> None:
        self.base_clock: Clock = clock or SystemClock()
        self.settings = Settings(boot_seconds=boot_seconds)
        self.faults = Faults()
        self.requests = Requests()
        self.holds = Holds()
        self.world = World(TimeLine(self.base_clock), self.settings, self.faults, seed)
        self._switchboard = Switchboard(self.world, self.requests, self.holds, seed)
        self.app = Router(self._routes(), redirect_slashes=False)

    @property
    def books(self) -> Books:
        """The cloud's own books; `snapshot()` is what `GET /_sim/books` answers."""
        return self.world.books

    @property
    def stock(self) -> Stock:
        """What is free where, and list prices."""
        return self.world.stock

    def now(self) -> datetime:
        """World time in UTC, everything due by then having happened."""
        return self.world.advance()

    def step(self, **by: float) -> datetime:
        """Move world time forward by `timedelta` arguments (`hours=2`); the clock beneath stays."""
        self.world.clock.step(timedelta(**by).total_seconds())
        return self.now()

    def by_hand(self, deed: Mapping[str, Any]) -> Pod:
        """Do what someone else would, past every client: the body of `POST /_sim/pods`."""
        self.world.advance()
        return act_by_hand(self.world, deed)

    def reset(self) -> None:
        """An empty account, full stock, no faults, and ids that begin again; time and settings stay."""
        self.holds.release()
        self.faults.clear()
        self.requests.clear()
        self.world.reset()

    def _routes(self) -> Sequence[BaseRoute]:
        control = Control(self.world, self.requests, self.holds, self.reset)
        dialects: list[Dialect] = [
            V2(self.world),
            V1(self.world),
            GraphQL(self.world),
            Jobs(self.world),
        ]
        return [Mount("/_sim", routes=control.routes()), *self._doors(dialects)]

    def _doors(self, dialects: Sequence[Dialect]) -> list[Route]:
        doors = []
        for dialect in dialects:
            routes = dialect.routes()
            paths = dict.fromkeys(route.path for route in routes)
            for path in sorted(paths, key=lambda path: path.count("{")):
                here = [route for route in routes if route.path == path]
                doors.append(Route(dialect.prefix + path, Door(self._switchboard, dialect, here)))
            doors.append(Route(dialect.prefix + "/{rest:path}", Door(self._switchboard, dialect, [])))
        return doors
