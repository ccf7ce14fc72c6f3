"""What a child process does until it is killed: the real flows over real HTTP on a shared ledger."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
from pydantic import SecretStr

from runpod_mcp.config import Settings
from runpod_mcp.errors import Failure
from runpod_mcp.flows.change_pod import delete_pod, stop_pod
from runpod_mcp.flows.context import House
from runpod_mcp.flows.create_pod import create_pod
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.pods.create_input import CreateRequest
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
    house = make_house(settings, folder / "ledger.db", clock)
    return replace(house, look_again_after=(0.01,), confirm_after=(0.01, 0.01))


def request(**more: Any) -> CreateRequest:
    return CreateRequest.model_validate(
        {"gpuTypeIds": ["NVIDIA L4"], "imageName": "runpod/base", "volumeInGb": 10, **more}
    )


async def act(house: House, deed: str) -> None:
    """Do one thing to the first pod it can be done to; a refusal is fine."""
    try:
        if deed == "create":
            await create_pod(house, request(leaseHours=1000))
        elif deed in ("stop", "delete"):
            states = (LeaseState.RUNNING,) if deed == "stop" else (LeaseState.RUNNING, LeaseState.STOPPED)
            pods = [one.pod_id for one in await house.ledger.leases() if one.state in states and one.pod_id]
            if pods:
                await (stop_pod if deed == "stop" else delete_pod)(house, pods[0])
        elif deed == "reap":
            await reap(house)
        else:
            await reconcile(house)
    except Failure:
        pass


def do_one(folder: str, port: int, ahead: float, deed: str) -> None:
    """One deed, then the end."""

    async def run() -> None:
        await act(house_at(Path(folder), port, ShiftedClock(ahead)), deed)

    anyio.run(run)


def do_many(folder: str, port: int, ahead: float, seed: int) -> None:
    """One deed after the other, several at a time, until killed."""
    rng = random.Random(seed)

    async def worker(house: House) -> None:
        while True:
            await act(
                house, rng.choice(["create", "create", "create", "stop", "delete", "reap", "reconcile"])
            )

    async def run() -> None:
        house = house_at(Path(folder), port, ShiftedClock(ahead))
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(worker, house)

    anyio.run(run)
