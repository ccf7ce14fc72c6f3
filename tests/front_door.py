"""The front door: an MCP client, our server, a simulated Runpod behind it, and that Runpod's own books.

Nothing of ours is patched. Time is one stepped clock for the server and the world. Whatever a tool answers is checked
here: a success against the schema it publishes, an error for its code, words and advice.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema
from mcp import Client
from mcp_types import CallToolResult, TextContent, Tool
from pydantic import SecretStr

from runpod_mcp.clock import SteppedClock
from runpod_mcp.config import Settings
from runpod_mcp.errors import Code
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Lease
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.money import MICRO
from runpod_mcp.server.app import Server, build_server
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.in_process import SimulatorTransport
from runpod_mcp.wiring import make_house

Bend = Callable[[str, Any], Any]
"""Takes `GET /v2/pods` and the like, and the JSON that was to be answered; gives what is answered instead."""

KEY = "sim_key_that_must_stay_secret"
IMAGE = "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"
L4, RTX_4090, A4000, H100 = (
    "NVIDIA L4",
    "NVIDIA GeForce RTX 4090",
    "NVIDIA RTX A4000",
    "NVIDIA H100 80GB HBM3",
)
TAG = "RUNPOD_MCP_RESERVATION"

ROOMY = """\
version = 1
[budget]
usd_per_hour = 20.00
[gpus]
allow = ["NVIDIA L4", "NVIDIA GeForce RTX 4090", "NVIDIA RTX A4000"]
max_per_pod = 2
[lease]
default_hours = 2
max_hours = 8
"""
LIMITLESS = "version = 1\n[lease]\nmax_hours = 8760\n"


@dataclass(frozen=True)
class Said:
    """What a tool answered."""

    result: CallToolResult

    @property
    def ok(self) -> bool:
        return not self.result.is_error

    @property
    def facts(self) -> dict[str, Any]:
        return self.result.structured_content or {}

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.result.content if isinstance(block, TextContent))

    @property
    def code(self) -> str | None:
        """The code of a failure; None for a success."""
        return self.facts.get("code") if self.result.is_error else None

    @property
    def pod(self) -> dict[str, Any]:
        assert self.ok, self.text
        return self.facts["pod"]

    @property
    def pod_id(self) -> str:
        return self.pod["podId"]


@dataclass
class FrontDoor:
    """A connected client and everything behind it."""

    client: Client
    server: Server
    house: House
    sim: Simulator
    clock: SteppedClock
    folder: Path
    _tools: dict[str, Tool] | None = None

    @property
    def policy_path(self) -> Path:
        return self.folder / "policy.toml"

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.db"

    async def call(self, tool: str, **arguments: Any) -> Said:
        """Call a tool and check that the reply keeps to what every reply promises."""
        said = Said(await self.client.call_tool(tool, arguments))
        await self._check(tool, said)
        return said

    async def create(self, gpu: str | list[str] = L4, **more: Any) -> Said:
        """Rent a pod of a GPU type, or of one of several in this order."""
        ids = [gpu] if isinstance(gpu, str) else gpu
        return await self.call("create_pod", **{"gpuTypeIds": ids, "imageName": IMAGE, **more})

    async def tools(self) -> dict[str, Tool]:
        """The tools as listed, by name."""
        if self._tools is None:
            self._tools = {tool.name: tool for tool in (await self.client.list_tools()).tools}
        return self._tools

    def books(self) -> dict[str, Any]:
        """What the simulated Runpod itself wrote down."""
        return self.sim.books.snapshot()

    @property
    def live(self) -> list[dict[str, Any]]:
        """The pods that live in the books, those made by hand left out."""
        return [pod for pod in self.books()["live"] if not pod["by_hand"]]

    @property
    def create_calls(self) -> int:
        return int(self.books()["create_calls"])

    @property
    def created(self) -> int:
        return int(self.books()["created"])

    def bodies(self, operation: str = "create") -> list[Any]:
        """The bodies of the calls of one operation that Runpod saw."""
        return [seen.body for seen in self.sim.requests.seen if seen.operation == operation]

    def calls(self, operation: str) -> int:
        """How often Runpod was asked for this."""
        return sum(seen.operation == operation for seen in self.sim.requests.seen)

    async def leases(self) -> list[Lease]:
        """What still counts in the ledger."""
        return list(await self.house.ledger.leases())

    async def the_lease(self) -> Lease:
        """The only lease that still counts."""
        (lease,) = await self.leases()
        return lease

    async def promised(self) -> float:
        """Dollars per hour that the ledger holds to be spent or set aside."""
        return sum(lease.usd_per_hour for lease in await self.leases()) / MICRO

    async def budget(self, per: str) -> dict[str, Any]:
        """One line of get_budget."""
        lines = (await self.call("get_budget")).facts["budgets"]
        return next(line for line in lines if line["per"] == per)

    def write_policy(self, text: str) -> None:
        """Another policy from now on."""
        self.policy_path.write_text(text, "utf-8")

    async def until_held(self) -> None:
        """Wait until the simulator holds a call."""
        with anyio.fail_after(5):
            while not self.sim.holds.held:
                await anyio.lowlevel.checkpoint()

    async def keep_promises(self) -> None:
        """No twin, no orphan, no pod that costs more than the ledger holds for it, and a ledger that is sound."""
        assert list(await self.house.ledger.verify()) == []
        held = {lease.reservation.id: lease for lease in await self.leases()}
        tags = [pod["env"][TAG] for pod in self.live]
        assert len(tags) == len(set(tags)), "two pods of one reservation"
        assert set(tags) <= set(held), "a pod lives that the ledger does not count"
        for pod in self.live:
            set_aside = held[pod["env"][TAG]].usd_per_hour / MICRO
            assert pod["usd_per_hour"] <= set_aside + 1e-9, "a pod costs more than the ledger counts"

    async def _check(self, tool: str, said: Said) -> None:
        if said.ok:
            schema = (await self.tools())[tool].output_schema
            jsonschema.Draft202012Validator(schema).validate(said.facts)
            assert said.text
            return
        facts = said.facts
        assert facts["code"] in set(Code), facts
        assert facts["retry"] in ("never", "changed", "later")
        assert said.text.startswith(f"{facts['code']}: ")
        assert facts["message"] in said.text
        assert KEY not in said.text + str(facts)


@asynccontextmanager
async def front_door(
    folder: Path,
    policy: str | None = ROOMY,
    *,
    dialect: str = "v2",
    mode: str = "auto",
    key: str | None = KEY,
    beside: FrontDoor | None = None,
    bend: Bend | None = None,
    toolsets: tuple[str, ...] = ("core",),
    person: Any = None,
) -> AsyncIterator[FrontDoor]:
    """A client in front of a server in front of a simulator.

    `beside` opens a second server on the same ledger, policy and simulated Runpod. `bend` may change the JSON that
    Runpod answers, on the wire. Without a policy text no file is written, and the built-in default applies.
    `person` answers the client's dialogs; without one the client has none.
    """
    clock = beside.clock if beside else SteppedClock()
    sim = beside.sim if beside else Simulator(clock)
    if policy is not None and not beside:
        (folder / "policy.toml").write_text(policy, "utf-8")
    transport = Bent(sim, bend) if bend else SimulatorTransport(sim)
    house = _house(folder, f"http://simulator/{dialect}", key, clock, transport)
    server = build_server(house, toolsets=toolsets)
    try:
        async with Client(server, mode=mode, elicitation_callback=person) as client:
            yield FrontDoor(client, server, house, sim, clock, folder)
    finally:
        await house.api.close()
        await house.ledger.close()


class Bent(SimulatorTransport):
    """Lets a test change what Runpod answers: for what the simulator is too honest to say."""

    def __init__(self, simulator: Simulator, bend: Bend) -> None:
        super().__init__(simulator)
        self._bend = bend

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await super().handle_async_request(request)
        content = await answer.aread()
        if answer.status_code >= 300 or not content:
            return answer
        body = self._bend(f"{request.method} {request.url.path}", json.loads(content))
        return httpx2.Response(answer.status_code, json=body)


def _house(
    folder: Path, url: str, key: str | None, clock: SteppedClock, transport: httpx2.AsyncBaseTransport
) -> House:
    settings = Settings(
        api_key=SecretStr(key) if key else None,
        api_key_from="a test",
        api_url=url,
        policy=folder / "policy.toml",
        policy_named=False,
        ledger=folder / "ledger.db",
    )
    ledger = folder / "ledger.db"
    house = make_house(settings, ledger, clock, transport)
    return replace(house, ledger=SqliteLedger(ledger, busy_seconds=0.05))


def toml_with(base: str = ROOMY, **tables: dict[str, Any]) -> str:
    """A policy text with these keys put into these tables, instead of any of the same name."""
    data = tomllib.loads(base)
    for table, keys in tables.items():
        data[table] = {**data.get(table, {}), **keys}
    lines = ["version = 1"]
    for table, keys in data.items():
        if table != "version":
            lines += [f"[{table}]", *(f"{name} = {_toml(value)}" for name, value in keys.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
