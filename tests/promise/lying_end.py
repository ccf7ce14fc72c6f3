"""The end of a story about a lying cloud: the trouble is over, and everything comes right without anybody's help."""

from __future__ import annotations

from typing import Protocol

from front_door import A4000
from lying import FIGURES, Stage, broken
from lying_judge import Judge, dollars

from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.money import MICRO


class Telling(Protocol):
    """A story, as far as its end needs it."""

    stage: Stage
    judge: Judge
    lives_on: bool
    """Whether its leases run out before its pods are deleted."""

    def living(self) -> list[str]:
        """The pods that live, those of somebody else too."""
        ...

    async def awake_for(self, seconds: float) -> None:
        """Servers look after their leases while this much time passes."""
        ...


async def end_well(story: Telling) -> None:
    """The trouble is over: books and ledger come to say the same, everything can be ended, and what fits is granted."""
    sim, agents = story.stage.sim, story.stage.agents
    sim.faults.clear()
    for gpu in {gpu for _, gpu, _ in story.judge.prices}:
        sim.stock.set(gpu, free=16)
    for agent in agents:
        agent.clock.off = 0.0
    await settle(story)
    await story.judge.look()
    story.judge.nothing_dear_runs()
    if story.lives_on:
        await story.awake_for(2 * 24 * 3600)  # every lease runs out: what was promised is paid
        await story.judge.look()
    await story.judge.nothing_is_forgotten()
    for lease in await story.stage.door.leases():
        await agents[0].delete(lease.pod_id or "")
    if ours := [pod for pod in story.living() if not sim.world.pods[pod].by_hand]:
        raise broken("orphans", f"{ours} live on")
    assert await story.stage.door.leases() == []
    await what_fits_is_granted(story)
    assert list(await story.stage.door.house.ledger.verify()) == []


async def settle(story: Telling) -> None:
    """What servers do by themselves, for an hour at most."""
    differs = ""
    for _ in range(60):
        for agent in story.stage.agents:
            await reconcile(agent.door.house)
            await reap(agent.door.house)
        differs = await books_differ(story)
        if not differs:
            return
        story.stage.clock.step(seconds=61)
    raise broken("orphans", f"an hour after the trouble {differs}")


async def books_differ(story: Telling) -> str:
    """How the ledger differs from the cloud; empty when nothing is in doubt."""
    leases = {lease.pod_id: lease for lease in await story.stage.door.leases()}
    pods = {pod_id: story.stage.sim.world.pods[pod_id] for pod_id in story.living()}
    ours = {pod_id for pod_id, pod in pods.items() if not pod.by_hand}
    if set(leases) != ours:
        return f"{set(leases)} count and {ours} live"
    for pod_id, lease in leases.items():
        pod = pods[pod_id or ""]
        bills = float(pod.compute_rate() + pod.disk_rate())
        if (lease.state is LeaseState.RUNNING) != pod.running:
            return f"{lease} runs: {pod.running}"
        no_gpus = pod.gpus == 0 and pod.running  # a price of nothing is not believed: more is counted
        if pod.billed and not no_gpus and abs(bills - lease.usd_per_hour / MICRO) > 1e-5:
            return f"{lease} costs {bills}/h"
    return ""


async def what_fits_is_granted(story: Telling) -> None:
    """With nothing alive, a pod that fits into what is said to be left is rented."""
    agent, policy = story.stage.agents[0], story.judge.policy
    story.stage.clock.step(seconds=61)  # prices are read again
    told = (await agent.call("get_budget")).facts["budgets"]
    others = sum(pod.by_hand for pod in map(story.stage.sim.world.pods.__getitem__, story.living()))
    left = {line["per"]: line["left"] for line in told if line.get("left") is not None}
    counted = bool(others and policy.budget.include_unmanaged)
    if not counted and "hour" in left and left["hour"] < dollars(policy.budget.usd_per_hour):
        raise broken("false refusals", f"nothing lives, and {left} is left")
    if counted or any(left[per] < 0.4 for per in left):
        return
    FIGURES["must be granted"] += 1
    said = await agent.create(
        "the last one", gpuTypeIds=[A4000], leaseHours=1, volumeInGb=0, containerDiskInGb=20
    )
    if not said.ok:
        raise broken("false refusals", f"{left} is left: {said.text}")
