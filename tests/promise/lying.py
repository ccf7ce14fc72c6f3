"""The stage of the stories about a lying cloud: MCP clients, their servers on one ledger, a simulated Runpod, one clock.

Everything an agent is told is looked at here: no key and no env value comes back, an unknown outcome is called one and
says not to repeat the call, and what a reply says of a pod is so in the books.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from front_door import IMAGE, KEY, FrontDoor, Said
from mcp import Client
from pydantic import SecretStr

from runpod_mcp.clock import SteppedClock
from runpod_mcp.config import Settings
from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.money import MICRO
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.server.app import build_server
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.in_process import SimulatorTransport
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.wiring import make_house

FIGURES: Counter[str] = Counter()
"""What all stories together did, for the closing note."""
NEVER = ("overspend", "orphans", "twins", "sent again", "leaks", "false refusals", "wrong words")
HUSH = "hush-swordfish"
"""Every env value begins so; no reply, log line or byte of the ledger may."""
WARNINGS = {
    "create_pod": (
        "answer was lost, so a pod may have been made. Do not call create_pod for it again",
        "answer was lost, so a pod may have been made. Only a call with the same requestId",
        "Do not repeat the call",
    ),
    "start_pod": ("do not repeat the call",),
    "update_pod": ("look with get_pod before the call is repeated",),
    "restart_pod": ("the answer was lost; it may or may not have",),
}
"""What an unknown outcome must say: what happened, and that it is not simply to be sent again."""
_SHM = Path("/dev/shm")  # where there is one, a durable commit costs no disk
_MEMORY = _SHM if _SHM.is_dir() else None


@dataclass
class AskewClock:
    """One server's clock: the world's, and some seconds off."""

    base: SteppedClock
    off: float = 0.0

    def now(self) -> datetime:
        return self.base.now() + timedelta(seconds=self.off)

    async def sleep(self, seconds: float) -> None:
        await self.base.sleep(seconds)


def broken(promise: str, what: str) -> AssertionError:
    """Count a broken promise, to be raised."""
    FIGURES[promise] += 1
    return AssertionError(f"{promise}: {what}")


@dataclass
class Agent:
    """A client in front of a server, which looks at every reply."""

    door: FrontDoor
    clock: AskewClock

    @property
    def sim(self) -> Simulator:
        return self.door.sim

    def named(self, name: str) -> list[Pod]:
        """Every pod of this name that Runpod ever made."""
        self.sim.now()
        return [pod for pod in self.sim.world.pods.values() if pod.order.name == name]

    async def call(self, tool: str, **arguments: Any) -> Said:
        said = await self.door.call(tool, **arguments)
        FIGURES[f"{tool} {said.code or 'done'}"] += 1
        self._look_at(said.result.model_dump_json(), said.code, said.text, tool)
        return said

    async def flow(self, name: str, work: Awaitable[Any]) -> Any:
        """What has no tool yet; its failure is looked at as if it were a reply."""
        try:
            done = await work
        except Failure as failure:
            FIGURES[f"{name} {failure.code}"] += 1
            self._look_at(str(failure), failure.code, failure.message, name)
            return failure
        FIGURES[f"{name} done"] += 1
        return done

    def _look_at(self, everything: str, code: str | None, text: str, tool: str) -> None:
        if HUSH in everything or KEY in everything:
            raise broken("leaks", everything)
        if code == Code.OUTCOME_UNKNOWN and not any(words in text for words in WARNINGS[tool]):
            raise broken("wrong words", text)

    async def create(self, name: str, **asked: Any) -> Said:
        """Ask for a pod of this name; a request id keeps its name, so that a pod tells who asked for it.

        Where several calls share a request id, one may be told no although another makes the pod.
        """
        FIGURES["creates tried"] += 1
        env = {"TOKEN": f"{HUSH}-{name}", "MODE": f"{HUSH}-{name}"}
        said = await self.call("create_pod", name=name, imageName=IMAGE, env=env, **asked)
        made = self.named(name)
        if len(made) > 1:
            raise broken("twins", f"{name} made {[pod.id for pod in made]}")
        if said.ok:
            self._rented(said, made)
        elif said.code != Code.OUTCOME_UNKNOWN and "requestId" not in asked:
            self._not_rented(said, made)
        return said

    def _rented(self, said: Said, made: list[Pod]) -> None:
        FIGURES["rented"] += 1
        if [pod.id for pod in made] != [said.pod_id]:
            raise broken("wrong words", f"{said.pod_id} was said to be rented; the books have {made}")

    def _not_rented(self, said: Said, made: list[Pod]) -> None:
        """A plain no means that nothing was made, or that what was made too dear has gone again."""
        alive = [pod for pod in made if pod.ended_at is None]
        if said.code == Code.PRICE_ABOVE_QUOTE:
            if alive and said.facts["retry"] != "never":
                raise broken("wrong words", f"{said.text}: {alive[0].id} lives")
        elif made:
            raise broken("orphans", f"{said.text}: {made[0].id} was made")

    async def stop(self, pod_id: str) -> None:
        said = await self.call("stop_pod", podId=pod_id)
        pod = self.sim.world.pods[pod_id]
        if said.ok and (pod.running or said.facts["usdPerHour"] * MICRO + 2 < pod.disk_rate() * MICRO):
            raise broken("wrong words", f"{said.text}: it runs, or costs {float(pod.disk_rate())}")

    async def delete(self, pod_id: str) -> None:
        said = await self.call("delete_pod", podId=pod_id)
        if said.ok and self.sim.world.pods[pod_id].ended_at is None:
            raise broken("orphans", f"{said.text}: it lives")

    async def look(self) -> None:
        """Every pod of ours that lives is shown, or the money set aside for it is."""
        living = [pod for pod in self.sim.world.pods.values() if pod.ended_at is None and not pod.by_hand]
        said = await self.call("list_pods")
        if not said.ok or "nextCursor" in said.facts:
            return
        shown = {row["podId"] for row in said.facts["pods"]}
        pending = {row["reservation"] for row in said.facts.get("pending", ())}
        for pod in living:
            alive = pod.ended_at is None or pod.ended_at > self.sim.now()
            if alive and pod.id not in shown and pod.order.env[RESERVATION_TAG] not in pending:
                raise broken("orphans", f"{pod.id} is not shown: {said.facts}")


@dataclass(frozen=True)
class Stage:
    """Agents in front of servers that share a ledger and a cloud."""

    agents: list[Agent]
    sim: Simulator
    clock: SteppedClock
    folder: Path

    @property
    def door(self) -> FrontDoor:
        return self.agents[0].door

    def nothing_leaked(self) -> None:
        """No secret is in the ledger or in what lies beside it."""
        for path in self.folder.iterdir():
            data = path.read_bytes()
            if HUSH.encode() in data or KEY.encode() in data:
                raise broken("leaks", f"a secret is in {path.name}")


@asynccontextmanager
async def stage(
    policy: str, dialect: str = "v2", start: datetime | None = None, offs: tuple[float, ...] = (0.0,)
) -> AsyncIterator[Stage]:
    """One agent and server for each of `offs`: the seconds by which that server's clock is wrong."""
    clock = SteppedClock(start) if start else SteppedClock()
    sim = Simulator(clock)
    sim.settings.change({"spend_limit_usd": None})
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lying-", dir=_MEMORY)))
        (folder / "policy.toml").write_text(policy, "utf-8")
        agents = [await stack.enter_async_context(_agent(folder, dialect, sim, clock, off)) for off in offs]
        yield Stage(agents, sim, clock, folder)


@asynccontextmanager
async def _agent(
    folder: Path, dialect: str, sim: Simulator, world: SteppedClock, off: float
) -> AsyncIterator[Agent]:
    clock, ledger = AskewClock(world, off), folder / "ledger.db"
    settings = Settings(
        api_key=SecretStr(KEY),
        api_key_from="a test",
        api_url=f"http://simulator/{dialect}",
        policy=folder / "policy.toml",
        policy_named=True,
        ledger=ledger,
    )
    house = make_house(settings, ledger, clock, SimulatorTransport(sim))
    house = replace(house, ledger=SqliteLedger(ledger, busy_seconds=0.05))
    server = build_server(house)
    try:
        async with Client(server) as client:
            yield Agent(FrontDoor(client, server, house, sim, world, folder), clock)
    finally:
        await house.api.close()
        await house.ledger.close()
