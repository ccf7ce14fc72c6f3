"""One way to meet each code through the front door, and what is said then."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from front_door import H100, IMAGE, L4, ROOMY, RTX_4090, FrontDoor, Said, front_door
from mcp import Client

from runpod_mcp.config import read_settings
from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger.approvals import ApprovalState
from runpod_mcp.server.app import build_server

Scene = Callable[[Path], Awaitable[str]]


def _asked(extra: str, *, tool: str = "create_pod", before: int = 0, **arguments: Any) -> Scene:
    """A request under a policy with some more lines, after some pods were rented."""

    async def scene(folder: Path) -> str:
        async with front_door(folder, _policy(extra)) as door:
            for _ in range(before):
                assert (await door.create(L4)).ok
            said = await (door.call(tool, **arguments) if tool != "create_pod" else _create(door, arguments))
            return said.text

    return scene


def _policy(extra: str) -> str:
    """The roomy policy, where tables that are named again are replaced."""
    kept = [
        part
        for part in re.split(r"(?=^\[)", ROOMY, flags=re.MULTILINE)
        if part.split("]")[0] + "]" not in extra
    ]
    return "".join(kept) + extra


async def _create(door: FrontDoor, arguments: dict[str, Any]) -> Said:
    return await door.create(**{"gpu": L4, **arguments})


def _fault(kind: str, *, on: str = "create", times: int | None = 1, **more: Any) -> Scene:
    """A create on a Runpod in trouble."""

    async def scene(folder: Path) -> str:
        async with front_door(folder, ROOMY) as door:
            door.sim.faults.add(on, kind, times=times, **more)
            return (await door.create(L4)).text

    return scene


async def _denied(folder: Path) -> str:
    async with front_door(folder, _policy("[approval]\nabove_usd_per_hour = 0.10\n")) as door:
        await door.create(L4)
        (waiting,) = await door.house.ledger.open_approvals(door.house.now())
        await door.house.ledger.answer(waiting.code, ApprovalState.DENIED, "cli", door.house.now())
        return (await door.create(L4)).text


async def _by_hand(folder: Path) -> str:
    async with front_door(folder, ROOMY) as door:
        door.sim.by_hand({"create": {"gpuTypeId": L4}})
        (pod,) = door.books()["live"]
        return (await door.call("delete_pod", podId=pod["id"])).text


async def _read_only(folder: Path) -> str:
    async with front_door(folder, ROOMY) as door, Client(build_server(door.house, read_only=True)) as client:
        return Said(await client.call_tool("create_pod", {"gpuTypeIds": [L4], "imageName": IMAGE})).text


async def _spot(folder: Path) -> str:
    async with front_door(folder, _policy("[pods]\ninterruptible = 'deny'\n"), dialect="v1") as door:
        return (await door.create(L4, interruptible=True)).text


async def _template(folder: Path) -> str:
    async with front_door(folder, _policy("[pods]\ntemplates = ['abc123xyz']\n")) as door:
        return (await door.create(L4, templateId="simtorch01")).text


async def _no_key(folder: Path) -> str:
    async with front_door(folder, ROOMY, key=None) as door:
        return (await door.create(L4)).text


async def _repeated(folder: Path) -> str:
    async with front_door(folder, ROOMY) as door:
        await door.create(L4, requestId="train-1")
        return (await door.create(RTX_4090, requestId="train-1")).text


async def _clock(folder: Path) -> str:
    async with front_door(folder, ROOMY) as door:
        await door.create(L4)
        door.clock.step(hours=-2)
        return (await door.create(L4)).text


async def _no_ledger(folder: Path) -> str:
    async with front_door(folder, ROOMY) as door:
        await door.house.ledger.close()
        door.ledger_path.write_bytes(b"not a ledger" * 1000)
        async with front_door(folder, beside=door) as later:
            return (await later.create(L4)).text


async def _setting(folder: Path) -> str:
    with pytest.raises(Failure) as told:
        read_settings({"RUNPOD_MCP_TOOLSETS": "storrage"}, ledger=str(folder / "ledger.db"))
    return f"runpod-mcp: {told.value}"


async def said_by(code: Code, folder: Path) -> str:
    """What is said with a code, without what differs from one run to the next."""
    text = (await SCENES[code](folder)).replace(f"{folder}/", "")
    text = re.sub(r"approve [A-Z0-9]{8}", "approve ABCD2345", text)
    return re.sub(r"\br-[0-9a-f]{16}\b", "r-0123456789abcdef", text)


SCENES: dict[Code, Scene] = {
    Code.GPU_NOT_ALLOWED: _asked("", gpu=H100),
    Code.CPU_NOT_ALLOWED: _asked(
        "[cpus]\nallow = ['cpu3c']\n", tool="create_pod", gpu=[], computeType="CPU", cpuFlavorIds=["cpu5c"]
    ),
    Code.TOO_MANY_GPUS: _asked("", gpuCount=4),
    Code.TOO_MANY_PODS: _asked("[pods]\nmax_running = 1\n", before=1),
    Code.CLOUD_NOT_ALLOWED: _asked("[pods]\ncloud_types = ['SECURE']\n", cloudType="COMMUNITY"),
    Code.DATA_CENTER_NOT_ALLOWED: _asked("[pods]\ndata_centers = ['EU-*']\n", dataCenterIds=["US-KS-2"]),
    Code.IMAGE_NOT_ALLOWED: _asked("[pods]\nimages = ['ghcr.io/our-team/*']\n"),
    Code.TEMPLATE_NOT_ALLOWED: _template,
    Code.PORT_NOT_ALLOWED: _asked("[pods]\nports = ['8888/http']\n", ports=["22/tcp", "8888/http"]),
    Code.INTERRUPTIBLE_NOT_ALLOWED: _spot,
    Code.DISK_TOO_LARGE: _asked("[pods]\nmax_container_disk_gb = 50\n", containerDiskInGb=200),
    Code.LEASE_TOO_LONG: _asked("", leaseHours=48),
    Code.OVER_POD_HOURLY_BUDGET: _asked("[budget]\nusd_per_hour_per_pod = 0.60\n", gpu=RTX_4090),
    Code.OVER_HOURLY_BUDGET: _asked("[budget]\nusd_per_hour = 1.00\n", before=1, gpu=RTX_4090),
    Code.OVER_DAILY_BUDGET: _asked("[budget]\nusd_per_day = 2.00\n", before=1, leaseHours=4),
    Code.OVER_MONTHLY_BUDGET: _asked("[budget]\nusd_per_month = 2.00\n", before=1, leaseHours=4),
    Code.OVER_TOTAL_BUDGET: _asked("[budget]\nusd_total = 2.00\n", before=1, leaseHours=4),
    Code.PRICE_UNKNOWN: _asked("[gpus]\n", gpu="NVIDIA GeForce RTX 3080", cloudType="SECURE"),
    Code.PRICE_ABOVE_MAXIMUM: _asked("", maxUsdPerHour=0.30),
    Code.APPROVAL_REQUIRED: _asked("[approval]\nabove_usd_per_hour = 0.40\n"),
    Code.APPROVAL_DENIED: _denied,
    Code.NOT_MANAGED: _by_hand,
    Code.READ_ONLY: _read_only,
    Code.INVALID_ARGUMENTS: _asked("", gpuCounts=2),
    Code.NO_CAPACITY: _fault("no_capacity", times=None),
    Code.INVALID_REQUEST: _fault("invalid"),
    Code.UNAUTHORIZED: _no_key,
    Code.INSUFFICIENT_BALANCE: _fault("insufficient_balance"),
    Code.RATE_LIMITED: _fault("rate_limited"),
    Code.RUNPOD_UNAVAILABLE: _fault("error_before", on="any", times=None),
    Code.OUTCOME_UNKNOWN: _fault("drop_before"),
    Code.PRICE_ABOVE_QUOTE: _fault("dearer", factor=1.5),
    Code.NOT_FOUND: _asked("", tool="get_pod", podId="nosuchpod12345"),
    Code.CONFLICT: _repeated,
    Code.LEDGER_UNAVAILABLE: _no_ledger,
    Code.POLICY_BROKEN: _asked("[gpus]\nalow = ['NVIDIA L4']\n"),
    Code.CLOCK_BEHIND: _clock,
    Code.SETTINGS_BROKEN: _setting,
}
