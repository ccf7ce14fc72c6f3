"""What a child process does until it is killed: the real flows over real HTTP on a shared ledger."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx2
from pydantic import SecretStr

from runpod_mcp.config import Settings
from runpod_mcp.errors import Failure
from runpod_mcp.flows.change_pod import delete_pod, stop_pod
from runpod_mcp.flows.context import House
from runpod_mcp.flows.create_pod import create_pod
from runpod_mcp.flows.extend_lease import extend_lease
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.restart_pod import restart_pod
from runpod_mcp.flows.start_pod import start_pod
from runpod_mcp.flows.update_pod import update_pod
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.wiring import make_house

POLICY = """\
version = 1
[budget]
usd_per_hour = 12.00
[gpus]
allow = ["NVIDIA L4"]
[lease]
default_hours = 1
max_hours = 8760
"""
LEASE_HOURS = 1000
LONGER, OTHER_ENDS = 2000, (2, 500, 2000)
"""Hours from now at which a lease is made to end."""


@dataclass
class ShiftedClock:
    """The machine's clock moved ahead, so that an experiment can let hours pass between two kills."""

    ahead: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(min(seconds, 0.01))


def house_at(folder: Path, port: int, clock: Any) -> House:
    settings = Settings(
        api_key=SecretStr("sim_crash"),
        api_key_from="a test",
        api_url=f"http://127.0.0.1:{port}/v2",
        policy=folder / "policy.toml",
        policy_named=True,
        ledger=folder / "ledger.db",
    )
    line = httpx2.AsyncHTTPTransport(verify=False)  # there is no TLS, and loading certificates takes a while
    house = make_house(settings, folder / "ledger.db", clock, line)
    return replace(house, look_again_after=(0.01,), confirm_after=(0.01, 0.01))


def request(**more: Any) -> CreateRequest:
    return CreateRequest.model_validate(
        {"gpuTypeIds": ["NVIDIA L4"], "imageName": "runpod/base", "volumeInGb": 10, **more}
    )


Deed = Callable[[House], Awaitable[object]]


def to_a_pod(change: Callable[[House, str], Awaitable[object]], *states: LeaseState) -> Deed:
    """Do this to one of the pods in these states, if there is any."""

    async def deed(house: House) -> None:
        pods = [one.pod_id for one in await house.ledger.leases() if one.state in states and one.pod_id]
        if pods:
            await change(house, random.choice(pods))

    return deed


DEEDS: dict[str, Deed] = {
    "create": lambda house: create_pod(house, request(leaseHours=LEASE_HOURS)),
    "stop": to_a_pod(stop_pod, LeaseState.RUNNING),
    "start": to_a_pod(start_pod, LeaseState.STOPPED),
    "extend": to_a_pod(lambda house, pod_id: extend_lease(house, pod_id, LONGER), LeaseState.RUNNING),
    "update": to_a_pod(
        lambda house, pod_id: update_pod(
            house, pod_id, PodUpdate.model_validate({"volumeInGb": random.randrange(11, 99)})
        ),
        LeaseState.RUNNING,
        LeaseState.STOPPED,
    ),
    "restart": to_a_pod(restart_pod, LeaseState.RUNNING),
    "delete": to_a_pod(delete_pod, LeaseState.RUNNING, LeaseState.STOPPED),
    "reap": reap,
    "reconcile": reconcile,
}
"""Everything a server does that a kill could leave half done."""
OFTEN = ["create", "create"]


async def act(house: House, deed: str) -> None:
    """Do one thing to a pod it can be done to; a refusal is fine."""
    with contextlib.suppress(Failure):
        await DEEDS[deed](house)


def do_one(folder: str, port: int, ahead: float, deed: str) -> None:
    """One deed, then the end."""

    async def run() -> None:
        await act(house_at(Path(folder), port, ShiftedClock(ahead)), deed)

    anyio.run(run)


def do_many(folder: str, port: int, ahead: float, seed: int) -> None:
    """One deed after the other, several at a time, until killed."""
    random.seed(seed)

    async def worker(house: House) -> None:
        while True:
            await act(house, random.choice([*DEEDS, *OFTEN]))

    async def run() -> None:
        house = house_at(Path(folder), port, ShiftedClock(ahead))
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(worker, house)

    anyio.run(run)


def extend_for_ever(folder: str, port: int, ahead: float) -> None:
    """Move the end of a lease to and fro until killed."""
    move = to_a_pod(
        lambda house, pod_id: extend_lease(house, pod_id, random.choice(OTHER_ENDS)), LeaseState.RUNNING
    )

    async def run() -> None:
        house = house_at(Path(folder), port, ShiftedClock(ahead))
        while True:
            await move(house)

    anyio.run(run)
