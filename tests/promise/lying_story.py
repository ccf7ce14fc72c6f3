"""A story about a lying cloud, made up from a seed: agents rent and end pods while Runpod, time and others misbehave."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import anyio
import anyio.lowlevel
from front_door import A4000, L4, RTX_4090
from lying import FIGURES, HUSH, Agent, Stage, stage
from lying_end import end_well
from lying_judge import Judge

from runpod_mcp.flows.keeper import keep_once
from runpod_mcp.flows.leases import LEAD_SECONDS, reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.policy.document import read_policy
from runpod_mcp.simulator.faults import Kind
from runpod_mcp.simulator.refusals import Refusal

DEEDS_A_STORY = 40
PRICES = {L4: 0.49, RTX_4090: 0.74, A4000: 0.25}
STARTS = [
    datetime(2026, 11, 23, 12, tzinfo=UTC),
    datetime(2026, 11, 30, 22, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 50, 0, 500_000, tzinfo=UTC),
    datetime(2028, 2, 28, 21, tzinfo=UTC),
]
LEASE = "[lease]\nmax_hours = 48\nkeep_stopped_hours = 2\n"
POLICIES = [
    f"[budget]\nusd_per_hour = 1.2\nusd_per_day = 4.0\n[pods]\nmax_running = 3\n{LEASE}",
    f'[budget]\nusd_per_hour = 3.5\nusd_total = 9.0\n{LEASE}on_expiry = "terminate"\n',
    f'[budget]\nusd_per_month = 8.0\n[pods]\nmax_running = 2\n[gpus]\nmax_running = 2\n{LEASE}on_not_ready = "end"\n',
    f"[budget]\nusd_per_hour = 2.0\nusd_per_day = 5.0\nusd_per_month = 8.0\ninclude_unmanaged = true\n{LEASE}",
]
OFFS = [(0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 240.0, -180.0)]

OF_ANY_CALL = [
    "error_before",
    "error_after",
    "drop_before",
    "drop_after",
    "hang",
    "hang_after",
    "garbage",
    "truncated",
    "rate_limited",
    "unavailable",
]
FAULTS = {
    "create": [*OF_ANY_CALL, "dearer", "no_capacity", "lost_race", "vanish", "never_ready", "no_machine"],
    "list": OF_ANY_CALL,
    "get": OF_ANY_CALL,
    "delete": [*OF_ANY_CALL, "ignored", "ignored", "not_found"],
    "stop": [*OF_ANY_CALL, "ignored", "ignored", "not_found"],
    "start": [*OF_ANY_CALL, "ignored", "start_without_gpus", "not_found", "dearer"],
    "update": [*OF_ANY_CALL, "ignored", "ignored"],
    "restart": [*OF_ANY_CALL, "ignored"],
    "catalog": ["error_before", "garbage", "rate_limited", "truncated"],
    "any": ["rate_limited", "unavailable", "drop_before", "hang"],
}
CHANGES: list[dict[str, Any]] = [
    {"volumeInGb": 100},
    {"containerDiskInGb": 80},
    {"volumeInGb": 90, "containerDiskInGb": 20},
    {"env": {"TOKEN": f"{HUSH}-again"}},
    {"ports": ["22/tcp"]},
]
HOURS = [0.1, 0.5, 1, 1, 2, 3, 6, 12]
PAUSES = [1, 5, 20, 61, 61, 130, 300, 910, 3600, 4 * 3600, 13 * 3600]
DURING_A_CALL = [1, 5, 20]
"""Seconds that pass while a call is on its way; after thirty a client gives up."""


@dataclass
class Story:
    """One story: what is on the stage, and the dice."""

    stage: Stage
    judge: Judge
    dice: random.Random
    numbers: Iterator[int] = field(default_factory=itertools.count)
    told: list[str] = field(default_factory=list)
    asked: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """By request id: the name and the arguments it was used with."""

    def __post_init__(self) -> None:
        self.lives_on = self.dice.random() < 0.5

    def an_agent(self) -> Agent:
        return self.dice.choice(self.stage.agents)

    # what agents do

    async def create(self, agent: Agent) -> None:
        name = f"pod-{next(self.numbers)}"
        gpus = self.dice.sample(sorted(PRICES), self.dice.choice([1, 1, 2, 3]))
        asked: dict[str, Any] = {
            "gpuTypeIds": gpus,
            "gpuCount": self.dice.choice([1, 1, 1, 2]),
            "leaseHours": self.dice.choice(HOURS),
            "volumeInGb": self.dice.choice([0, 10, 10, 72]),
            "containerDiskInGb": self.dice.choice([20, 50]),
        }
        request_id = self.dice.choice([*[None] * 9, "a", "b", "c", "d"])
        if request_id:
            name, asked = self.asked.setdefault(request_id, (name, {**asked, "requestId": request_id}))
        said = await agent.create(name, **asked)
        self.told.append(f"{name} {asked}: {said.code or said.pod_id}")

    async def stop(self, agent: Agent) -> None:
        if lease := await self.a_lease(LeaseState.RUNNING):
            await agent.stop(lease.pod_id or "")

    async def delete(self, agent: Agent) -> None:
        if lease := await self.a_lease(LeaseState.RUNNING, LeaseState.STOPPED):
            await agent.delete(lease.pod_id or "")

    async def start(self, agent: Agent) -> None:
        if lease := await self.a_lease(LeaseState.STOPPED):
            await agent.call("start_pod", podId=lease.pod_id, leaseHours=self.dice.choice(HOURS))

    async def extend(self, agent: Agent) -> None:
        if lease := await self.a_lease(LeaseState.RUNNING):
            await agent.call("extend_lease", podId=lease.pod_id, leaseHours=self.dice.choice(HOURS))

    async def update(self, agent: Agent) -> None:
        if lease := await self.a_lease(LeaseState.RUNNING, LeaseState.STOPPED):
            change = self.dice.choice(CHANGES)
            self.told.append(f"{lease.pod_id} is to have {change}")
            await agent.call("update_pod", podId=lease.pod_id, **change)

    async def restart(self, agent: Agent) -> None:
        if lease := await self.a_lease(LeaseState.RUNNING):
            await agent.call("restart_pod", podId=lease.pod_id)

    async def look(self, agent: Agent) -> None:
        await agent.look()
        await agent.call("get_budget")
        if lease := await self.a_lease(LeaseState.RUNNING, LeaseState.STOPPED):
            await agent.call("get_pod", podId=lease.pod_id)

    async def keep(self, agent: Agent) -> None:
        await keep_once(agent.door.house)

    async def sweep(self, agent: Agent) -> None:
        """Somebody runs `reconcile` and `reap` from a timer."""
        for work in (reconcile, reap):
            await agent.flow(work.__name__, work(agent.door.house))

    async def a_lease(self, *states: LeaseState) -> Lease | None:
        leases = [one for one in await self.stage.door.leases() if one.pod_id and one.state in states]
        return self.dice.choice(leases) if leases else None

    # what else happens

    async def trouble(self) -> None:
        """Several calls to come will go wrong."""
        for _ in range(self.dice.choice([1, 2, 3])):
            on = self.dice.choice(sorted(FAULTS))
            kind, times = self.dice.choice(FAULTS[on]), self.dice.choice([1, 1, 2, 6])
            self.stage.sim.faults.add(on, kind, times=times, skip=self.dice.choice([0, 0, 1]))
            self.told.append(f"{times} x {kind} on {on}")

    async def an_act_in_trouble(self) -> None:
        """An agent does something, and the very calls it makes go wrong."""
        deed, lags = self.dice.choice([Story.create, *CALLS_OF]), self.dice.choice([0, 10, 60])
        for on in CALLS_OF[deed]:
            kind, times = self.dice.choice(FAULTS[on]), self.dice.choice([1, 1, 2, 6, 12])
            self.stage.sim.faults.add(on, kind, times=times)
            self.told.append(f"{times} x {kind} on {on}")
        if lags:
            self.stage.sim.faults.add("list", "list_lag", seconds=lags)
        self.told.append(f"{deed.__name__}, and the list lags {lags} s")
        await deed(self, self.an_agent())

    async def everybody_rents(self) -> None:
        """All at the same moment; which one comes first is not the dice's."""
        self.told.append("everybody rents at once")
        async with anyio.create_task_group() as tasks:
            for agent in self.stage.agents:
                tasks.start_soon(self.create, agent)

    async def list_lags(self) -> None:
        seconds, linger = self.dice.choice([5, 30, 60]), self.dice.choice([0, 20, 60])
        self.stage.sim.faults.add("list", "list_lag", seconds=seconds, linger_seconds=linger)
        self.told.append(f"the list lags {seconds} s, {linger} s")

    async def trouble_ends(self) -> None:
        self.stage.sim.faults.clear()

    async def price(self) -> None:
        gpu, factor = self.dice.choice(sorted(PRICES)), self.dice.choice(["0.8", "1", "1.02", "1.3"])
        price = Fraction(str(PRICES[gpu])) * Fraction(factor)
        self.stage.sim.stock.set(gpu, secure_price=price)
        self.judge.listed(gpu, float(price))
        self.told.append(f"{gpu} costs {float(price)}")

    async def stock(self) -> None:
        self.stage.sim.stock.set(self.dice.choice(sorted(PRICES)), free=self.dice.choice([0, 1, 4]))

    async def somebody_rents(self) -> None:
        self.by_hand({"create": {"gpuTypeId": self.dice.choice(sorted(PRICES)), "volumeInGb": 10}})

    async def somebody_ends_ours(self) -> None:
        ours = [pod for pod in self.living() if not self.stage.sim.world.pods[pod].by_hand]
        if ours:
            self.by_hand({self.dice.choice(["end", "stop", "interrupt", "fail"]): self.dice.choice(ours)})

    def by_hand(self, deed: dict[str, Any]) -> None:
        FIGURES["by another hand"] += 1
        self.told.append(f"by hand: {deed}")
        try:
            self.stage.sim.by_hand(deed)
        except Refusal:
            FIGURES["by another hand, refused"] += 1

    def living(self) -> list[str]:
        self.stage.sim.now()
        return [pod.id for pod in self.stage.sim.world.pods.values() if pod.ended_at is None]

    async def time_passes(self) -> None:
        """While somebody is awake, mostly."""
        seconds = self.dice.choice(PAUSES)
        self.told.append(f"{seconds} s pass")
        if self.dice.random() < 0.2:
            self.stage.clock.step(seconds=seconds)
        else:
            await self.awake_for(seconds)

    async def awake_for(self, seconds: float) -> None:
        """Servers look after their leases while this much time passes."""
        end = self.judge.now + seconds
        while (now := self.judge.now) < end:
            due = [one.due_at - LEAD_SECONDS for one in await self.stage.door.leases() if one.pod_id]
            soonest = min((moment for moment in due if moment > now), default=end)
            overdue = now + 61 if any(moment <= now for moment in due) else end
            self.stage.clock.step(seconds=max(1.0, min(end, soonest, overdue) - now))
            await keep_once(self.an_agent().door.house)

    async def meanwhile(self) -> None:
        """A call of one agent is on its way while other things happen."""
        first, *others = self.dice.sample(self.stage.agents, len(self.stage.agents))
        deed, at = self.dice.choice(list(CALLS_OF)), self.dice.choice(["before", "after"])
        on = self.dice.choice(CALLS_OF[deed])
        self.stage.sim.faults.add(on, "hold", times=1, at=at)
        self.told.append(f"{deed.__name__}, whose call to {on} is held {at} it is done, while")
        async with anyio.create_task_group() as tasks:
            ended = anyio.Event()
            tasks.start_soon(self._until_ended, deed, first, ended)
            while not (self.stage.sim.holds.held or ended.is_set()):
                await anyio.lowlevel.checkpoint()
            FIGURES["two at once"] += bool(self.stage.sim.holds.held)
            self._no_more_holds()
            for other in others:
                await self.act(other)
            if not ended.is_set():
                self.stage.clock.step(seconds=self.dice.choice(DURING_A_CALL))
                await self.dice.choice([self.price, self.somebody_rents, self.somebody_ends_ours])()
            self.stage.sim.holds.release()

    async def _until_ended(self, deed: Deed, agent: Agent, ended: anyio.Event) -> None:
        await deed(self, agent)
        ended.set()

    def _no_more_holds(self) -> None:
        queue = self.stage.sim.faults.queue
        queue[:] = [fault for fault in queue if fault.kind is not Kind.HOLD]

    async def act(self, agent: Agent) -> None:
        """An agent does something, and what it does is told."""
        deed = self.dice.choices(list(ACTS), list(ACTS.values()))[0]
        self.told.append(f"agent {self.stage.agents.index(agent)}: {deed.__name__}")
        await deed(self, agent)

    async def happen(self) -> None:
        """Something happens, and every promise is looked at."""
        if self.dice.random() < 0.55:
            await self.act(self.an_agent())
        else:
            await self.dice.choices(list(EVENTS), list(EVENTS.values()))[0](self)
        await self.judge.look()


Deed = Callable[[Story, Agent], Awaitable[None]]
ACTS: dict[Deed, float] = {
    Story.create: 6,
    Story.stop: 2,
    Story.start: 3,
    Story.extend: 1.5,
    Story.update: 1,
    Story.restart: 0.5,
    Story.delete: 1,
    Story.look: 1,
    Story.keep: 2,
    Story.sweep: 1,
}
"""What an agent does, and how often."""
CALLS_OF: dict[Deed, list[str]] = {
    Story.create: ["create", "list"],
    Story.stop: ["stop", "get"],
    Story.start: ["start", "get"],
    Story.update: ["update", "get"],
    Story.restart: ["restart", "get"],
    Story.delete: ["delete", "get", "list"],
    Story.sweep: ["list"],
}
"""Where each can be held up, or go wrong."""
EVENTS: dict[Callable[[Story], Awaitable[None]], int] = {
    Story.an_act_in_trouble: 5,
    Story.everybody_rents: 2,
    Story.trouble: 6,
    Story.time_passes: 6,
    Story.meanwhile: 4,
    Story.list_lags: 1,
    Story.trouble_ends: 1,
    Story.price: 1,
    Story.stock: 1,
    Story.somebody_rents: 1,
    Story.somebody_ends_ours: 1,
}


async def tell(seed: int, dialect: str) -> None:
    """One whole story and its end; what was told so far is added to what went wrong."""
    dice = random.Random(f"{seed} {dialect}")
    policy, offs = f"version = 1\n{dice.choice(POLICIES)}", dice.choice(OFFS)
    wrong: Exception | None = None
    async with stage(policy, dialect, dice.choice(STARTS), offs) as set_up:
        judge = Judge(set_up, read_policy(policy, "a story"), max(map(abs, offs)))
        for gpu, price in PRICES.items():
            judge.listed(gpu, price)
        story = Story(set_up, judge, dice)
        FIGURES["stories"] += 1
        try:
            for _ in range(DEEDS_A_STORY):
                await story.happen()
            await end_well(story)
            set_up.nothing_leaked()
        except Exception as error:
            wrong = innermost(error)
            wrong.add_note("\n".join([f"story {seed} of {dialect}, offs {offs}, {policy}", *story.told]))
    if wrong:
        raise wrong


def innermost(error: Exception) -> Exception:
    """What went wrong, out of the groups that tasks wrap it in."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
