"""The stage of the model: servers on one ledger file, the simulator as a cloud that lies, and one stepped clock.

A server here is a house: the real flows, the real ledger, the real wire, on a line that can be cut or made to wait at
any HTTP boundary. Everything runs in one thread of events, so the same steps give the same story.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from pydantic import SecretStr

from runpod_mcp.clock import SteppedClock, epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.change_pod import delete_pod, stop_pod
from runpod_mcp.flows.context import House
from runpod_mcp.flows.create_pod import create_pod
from runpod_mcp.flows.extend_lease import extend_lease
from runpod_mcp.flows.leases import LEAD_SECONDS, Ended, reap, reap_not_ready
from runpod_mcp.flows.looks import Report
from runpod_mcp.flows.prices import Prices
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.rented import Rented
from runpod_mcp.flows.start_pod import start_pod
from runpod_mcp.flows.update_pod import update_pod
from runpod_mcp.ledger.entries import Entry, Lease, LeaseState, Reservation
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.ledger.store import ChangeJudge, Judge, Repeated, Reserved
from runpod_mcp.money import MICRO
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy, read_policy
from runpod_mcp.policy.spending import Plan, Spending
from runpod_mcp.runpod.connect import connect
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.in_process import SimulatorTransport
from runpod_mcp.simulator.refusals import Refusal

T = TypeVar("T")
Deed = Callable[[House], Awaitable[Any]]

FIGURES: Counter[str] = Counter()
"""What all examples together did, for the closing note."""

_MEMORY = Path("/dev/shm")  # where there is one, a durable commit costs no disk
OF_RUNPOD = {
    Code.RUNPOD_UNAVAILABLE,
    Code.RATE_LIMITED,
    Code.UNAUTHORIZED,
    Code.INVALID_REQUEST,
    Code.NOT_FOUND,
    Code.INSUFFICIENT_BALANCE,
}
"""What a sweep may fail with when Runpod cannot be read; a contradiction in the ledger is not among it."""


class Crash(BaseException):
    """The server is gone in the middle of its work."""


@dataclass
class Cut:
    """At the n-th boundary of a server's work, before a call leaves or after it was answered, something else happens.

    A boundary is a call to Runpod about pods (prices are read several at a time) or something written to the ledger.
    """

    call: int
    after: bool
    do: Callable[[], Awaitable[None]]


class Boundaries:
    """Where a server's work can be cut."""

    def __init__(self) -> None:
        self.cut: Cut | None = None

    async def around(self, work: Callable[[], Awaitable[T]]) -> T:
        cut = self._due()
        if cut and not cut.after:
            await cut.do()
        done = await work()
        if cut and cut.after:
            await cut.do()
        return done

    def _due(self) -> Cut | None:
        cut = self.cut
        if cut is None:
            return None
        cut.call -= 1
        if cut.call >= 0:
            return None
        self.cut = None
        return cut


class Line(httpx2.AsyncBaseTransport):
    """A server's line to the simulated Runpod."""

    def __init__(self, simulator: Simulator, boundaries: Boundaries) -> None:
        self._inner = SimulatorTransport(simulator)
        self._boundaries = boundaries

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if "/pods" not in request.url.path:
            return await self._inner.handle_async_request(request)
        return await self._boundaries.around(lambda: self._inner.handle_async_request(request))


@dataclass
class HouseClock:
    """One server's clock: the world's, and some seconds off."""

    base: SteppedClock
    off: float = 0.0

    def now(self) -> datetime:
        return self.base.now() + timedelta(seconds=self.off)

    async def sleep(self, seconds: float) -> None:
        await self.base.sleep(seconds)


@dataclass(frozen=True)
class Grant:
    """Money that was set aside, the policy that let it, and until when it is promised."""

    lease: Lease
    policy: Policy

    @property
    def reservation(self) -> Reservation:
        return self.lease.reservation


class WatchedLedger(SqliteLedger):
    """The ledger, which tells the model what was set aside, and whose every write is a boundary."""

    def __init__(self, path: Path, boundaries: Boundaries, told: Callable[[Lease], None]) -> None:
        super().__init__(path)
        self._boundaries = boundaries
        self._told = told

    async def reserve(self, reservation: Reservation, judge: Judge) -> Reserved | Repeated | Deny:
        async def work() -> Reserved | Repeated | Deny:
            answer = await super(WatchedLedger, self).reserve(reservation, judge)
            if isinstance(answer, Reserved):
                self._told(answer.lease)
            return answer

        return await self._boundaries.around(work)

    async def amend(self, reservation_id: str, entry: Entry, judge: ChangeJudge) -> Lease | Deny:
        async def work() -> Lease | Deny:
            judged: list[bool] = []

            def watched(spending: Spending, plan: Plan) -> Deny | None:
                judged.append(True)
                return judge(spending, plan)

            answer = await super(WatchedLedger, self).amend(reservation_id, entry, watched)
            if judged and isinstance(answer, Lease):
                self._told(answer)
            return answer

        return await self._boundaries.around(work)

    async def write(self, reservation_id: str, entry: Entry) -> Lease:
        return await self._boundaries.around(lambda: super(WatchedLedger, self).write(reservation_id, entry))


@dataclass
class HeldPolicy:
    """The policy in force, the same for every server."""

    policy: Policy

    def current(self) -> Policy:
        return self.policy


@dataclass
class Server:
    """A house with its line and its clock."""

    house: House
    boundaries: Boundaries
    clock: HouseClock

    async def close(self) -> None:
        await self.house.api.close()
        await self.house.ledger.close()


@dataclass(frozen=True)
class Before:
    """What a pod cost (dollars per hour) and held before somebody else changed it."""

    rate: float
    running: bool


@dataclass
class World:
    """Servers, a ledger, a cloud and a clock."""

    start: datetime
    policy_text: str
    count: int
    dialect: str = "v2"
    granted: list[Grant] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    """The latest grant of each reservation: of its create, or of a start or an extension since."""
    touched: dict[str, Before] = field(default_factory=dict)
    """Pods that someone else repriced, started or made dearer, as they were before that."""
    most_off: float = 0.0
    """The most seconds by which a server's clock was ever wrong."""
    hand_made: set[str] = field(default_factory=set)
    ended_by_hand: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="model-", dir=_MEMORY if _MEMORY.is_dir() else None))
        self.clock = SteppedClock(self.start)
        self.sim = Simulator(self.clock)
        self.sim.settings.change({"spend_limit_usd": None})
        self.policies = HeldPolicy(read_policy(self.policy_text, "the model"))
        self.runner = asyncio.Runner()
        self._servers_made = 0
        self.servers = [self._server() for _ in range(self.count)]

    def _server(self, off: float = 0.0) -> Server:
        clock = HouseClock(self.clock, off)
        boundaries = Boundaries()
        line = Line(self.sim, boundaries)
        api = connect(f"http://simulator/{self.dialect}", SecretStr("sim_model"), clock, transport=line)
        self._servers_made += 1
        house = House(
            policies=self.policies,
            ledger=WatchedLedger(self.folder / "ledger.db", boundaries, self._granted),
            api=api,
            prices=Prices(api, clock),
            clock=clock,
            holder=f"server-{self._servers_made}",
        )
        return Server(house, boundaries, clock)

    def _granted(self, lease: Lease) -> None:
        FIGURES["granted"] += 1
        grant = Grant(lease, self.policies.policy)
        self.granted.append(grant)
        self.grants[lease.reservation.id] = grant

    def run(self, work: Awaitable[T]) -> T:
        """Run something to its end on this example's event loop."""

        async def whole() -> T:
            return await work

        return self.runner.run(whole())

    def close(self) -> None:
        for server in self.servers:
            self.run(server.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    @property
    def now(self) -> int:
        return epoch(self.clock.now())

    @property
    def house(self) -> House:
        return self.servers[0].house

    # what servers do

    def do(self, number: int, deed: Deed, cut: Cut | None = None) -> Any:
        """Let a server do something; it is lost and replaced if it crashes."""
        server = self.servers[number % len(self.servers)]
        server.boundaries.cut = cut
        try:
            return self.run(deed(server.house))
        except Crash:
            FIGURES["crashes"] += 1
            self.run(server.close())
            self.servers[number % len(self.servers)] = self._server(server.clock.off)
            return None
        finally:
            server.boundaries.cut = None

    def crash_at(self, call: int, after: bool) -> Cut:
        async def die() -> None:
            raise Crash

        return Cut(call, after, die)

    def meanwhile(self, call: int, after: bool, number: int, deed: Deed) -> Cut:
        """Let another server do something while this one waits at its n-th call."""
        other = self.servers[number % len(self.servers)].house

        async def act() -> None:
            FIGURES["interleaved"] += 1
            await deed(other)

        return Cut(call, after, act)

    def set_policy(self, text: str) -> None:
        self.policies.policy = read_policy(text, "the model")

    # what somebody else does

    def by_hand(self, deed: dict[str, Any]) -> bool:
        before = self._before(next(iter(deed.values())))
        try:
            pod = self.sim.by_hand(deed)
        except Refusal:
            return False
        dearer = before is not None and float(pod.compute_rate() + pod.disk_rate()) > before.rate
        if before and (dearer or "reprice" in deed):
            self.touch(pod.id, before)  # a large volume costs more stopped than its pod running
        FIGURES["by hand"] += 1
        if "create" in deed:
            self.hand_made.add(pod.id)
        elif "end" in deed:
            self.ended_by_hand.add(pod.id)
        return True

    def living(self) -> list[str]:
        """Pods in the simulated Runpod that were not made by hand and have not ended, oldest first."""
        self.sim.now()
        return [pod.id for pod in self.sim.world.pods.values() if pod.ended_at is None and not pod.by_hand]

    def _before(self, pod_id: Any) -> Before | None:
        pod = self.sim.world.pods.get(pod_id) if isinstance(pod_id, str) else None
        return Before(float(pod.compute_rate() + pod.disk_rate()), pod.running) if pod else None

    def touch(self, pod_id: str, before: Before) -> None:
        known = self.touched.get(pod_id, before)
        self.touched[pod_id] = Before(min(known.rate, before.rate), known.running and before.running)

    def set_clock_off(self, number: int, seconds: float) -> None:
        """Let one server's clock be wrong by so many seconds from now on."""
        self.servers[number % len(self.servers)].clock.off = seconds
        self.most_off = max(self.most_off, abs(seconds))


async def creates(house: House, request: CreateRequest) -> Rented | Failure:
    FIGURES["creates"] += 1
    try:
        made = await create_pod(house, request)
        assert isinstance(made, Rented)
        FIGURES["rented"] += 1
        return made
    except Failure as failure:
        FIGURES[f"refused {failure.code.value}"] += 1
        return failure


def stops(pick: int) -> Deed:
    return lambda house: _change(house, pick, "stop_pod", LeaseState.RUNNING, stop_pod)


def deletes(pick: int) -> Deed:
    return lambda house: _change(house, pick, "delete_pod", None, delete_pod)


def starts(pick: int, hours: float) -> Deed:
    return lambda house: _change(
        house, pick, "start_pod", LeaseState.STOPPED, lambda at, pod_id: start_pod(at, pod_id, hours)
    )


def updates(pick: int, volume_gb: int) -> Deed:
    change = PodUpdate.model_validate({"volumeInGb": volume_gb, "name": f"of {volume_gb} GB"})
    return lambda house: _change(
        house, pick, "update_pod", None, lambda at, pod_id: update_pod(at, pod_id, change)
    )


def extends(pick: int, hours: float) -> Deed:
    return lambda house: _change(
        house, pick, "extend_lease", LeaseState.RUNNING, lambda at, pod_id: extend_lease(at, pod_id, hours)
    )


async def _change(
    house: House,
    pick: int,
    name: str,
    state: LeaseState | None,
    change: Callable[[House, str], Awaitable[Any]],
) -> None:
    """Do something to one of the pods in this state; a refusal is fine."""
    leases = await house.ledger.leases()
    pods = [lease.pod_id for lease in leases if lease.pod_id and state in (None, lease.state)]
    if not pods:
        return
    FIGURES[name] += 1
    try:
        await change(house, pods[pick % len(pods)])
        FIGURES[f"{name} done"] += 1
    except Failure as failure:
        if failure.code is Code.LEDGER_UNAVAILABLE:
            raise


async def reaps(house: House) -> None:
    done = Ended()
    await _sweep(reap(house))
    await _sweep(reap_not_ready(house, done))


async def reconciles(house: House) -> Report | None:
    return await _sweep(reconcile(house))


async def _sweep(work: Awaitable[T]) -> T | None:
    FIGURES["sweeps"] += 1
    try:
        return await work
    except Failure as failure:
        if failure.code not in OF_RUNPOD:
            raise
        return None


def waits(seconds: float) -> Deed:
    return lambda house: house.clock.sleep(seconds)


def sleeps_through(seconds: float) -> Deed:
    """A server that looks after its leases while this much time passes."""

    async def awake(house: House) -> None:
        end = house.now() + seconds
        await reaps(house)
        for _ in range(40):
            living = [one for one in await house.ledger.leases() if one.pod_id]
            due = min((lease.due_at for lease in living), default=None)
            moment = end if due is None else min(end, max(due - LEAD_SECONDS, house.now() + 61))
            await house.clock.sleep(max(0.0, moment - house.now()))
            await reaps(house)
            if house.now() >= end:
                return

    return awake


async def settle(world: World) -> tuple[Lease, ...]:
    """What servers do by themselves once the trouble is over, until books and ledger say the same; what stands then."""
    told = ""
    for _ in range(60):
        await reconcile(world.house)
        await reap(world.house)
        leases = tuple(await world.house.ledger.leases())
        told = _differs(world, leases)
        if not told:
            return leases
        world.clock.step(seconds=61)
    raise AssertionError(f"books and ledger still disagree after an hour: {told}")


def _differs(world: World, leases: tuple[Lease, ...]) -> str:
    """How the ledger differs from the cloud; empty when nothing is in doubt."""
    now, living = world.sim.now(), set(world.living())
    for lease in leases:
        if lease.pod_id not in living:
            return f"{lease} counts and does not live"
        pod = world.sim.world.pods[lease.pod_id]
        bills, counts = float(pod.compute_rate() + pod.disk_rate()), lease.usd_per_hour / MICRO
        if (lease.state is LeaseState.STOPPED) != (pod.status(now) == "EXITED"):
            return f"{lease} is {pod.status(now)}"
        if pod.billed and abs(bills - counts) > 1e-5:
            return f"{lease} costs {bills}/h"
    forgotten = living - {lease.pod_id for lease in leases}
    return f"{forgotten} live and do not count" if forgotten else ""
