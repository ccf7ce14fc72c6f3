"""Restarting, starting and extending through the tools: nothing of it makes a pod dearer or longer past the policy."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from front_door import ROOMY, Said, front_door, toml_with

from runpod_mcp.flows.leases import Ended, reap_not_ready


async def test_a_running_pod_is_restarted_and_keeps_its_price_and_its_lease(both):
    pod = (await both.create()).pod_id
    before = await both.the_lease()
    both.clock.step(minutes=5)
    said = await both.call("restart_pod", podId=pod)
    assert said.ok, said.text
    assert "wait_for_pod" in said.text
    lease = await both.the_lease()
    assert (lease.usd_per_hour, lease.lease_ends_at) == (before.usd_per_hour, before.lease_ends_at)
    assert both.calls("restart") == 1


async def test_a_stopped_pod_is_not_started_by_restarting_it(both):
    pod = (await both.create(volumeInGb=20)).pod_id
    await both.call("stop_pod", podId=pod)
    said = await both.call("restart_pod", podId=pod)
    assert said.code == "conflict"
    assert "start_pod" in said.text
    assert both.calls("restart") == 0


async def test_a_pod_whose_lease_is_over_is_not_restarted(both):
    pod = (await both.create(leaseHours=1)).pod_id
    both.clock.step(hours=1)
    assert (await both.call("restart_pod", podId=pod)).code == "conflict"


async def test_a_reset_is_v1s_alone(both):
    pod = (await both.create()).pod_id
    both.clock.step(minutes=5)
    said = await both.call("restart_pod", podId=pod, reset=True)
    if both.house.api.dialect == "v1":
        assert said.ok, said.text
        assert "Reset." in said.text
    else:
        assert said.code == "invalid_arguments"
        assert "cannot reset" in said.text


async def test_a_locked_pod_is_not_reset(both):
    pod = (await both.create(locked=True)).pod_id
    said = await both.call("restart_pod", podId=pod, reset=True)
    assert said.code == "conflict"
    assert "unlock" in said.text


async def test_a_restart_that_needs_a_yes_is_not_made_without_one(door):
    pod = (await door.create()).pod_id
    door.write_policy(toml_with(approval={"tools": ["restart_pod"]}))
    assert (await door.call("restart_pod", podId=pod)).code == "approval_required"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("drop_after", "outcome_unknown"), ("no_capacity", "no_capacity"), ("invalid", "invalid_request")],
)
async def test_a_restart_that_went_wrong_is_said_plainly(door, fault, code):
    pod = (await door.create()).pod_id
    door.clock.step(minutes=5)
    door.sim.faults.add("restart", fault, times=1)
    said = await door.call("restart_pod", podId=pod)
    assert said.code == code
    assert pod in said.text


async def test_a_pod_that_ends_while_it_is_restarted_is_closed(door):
    pod = (await door.create()).pod_id
    door.clock.step(minutes=5)
    door.sim.faults.add("restart", "hold", times=1, at="before")
    said: list[Said] = []
    async with anyio.create_task_group() as tasks:

        async def restart() -> None:
            said.append(await door.call("restart_pod", podId=pod))

        tasks.start_soon(restart)
        await door.until_held()
        door.sim.by_hand({"end": pod})
        door.sim.holds.release()
    assert said[0].code == "not_found"
    assert await door.leases() == []


async def test_a_restarted_pod_is_given_its_time_to_boot_again(tmp_path: Path):
    async with front_door(tmp_path, ROOMY + 'ready_minutes = 10\non_not_ready = "end"\n') as door:
        pod = (await door.create()).pod_id
        door.clock.step(minutes=30)
        door.sim.settings.change({"boot_seconds": 3600})
        assert (await door.call("restart_pod", podId=pod)).ok
        door.clock.step(minutes=9)
        await reap_not_ready(door.house, done := Ended())
        assert done.not_ready == []
        door.clock.step(minutes=2)
        await reap_not_ready(door.house, done)
        assert door.live == []


async def test_a_stopped_pod_is_started_through_its_tool(both):
    pod = (await both.create(volumeInGb=20)).pod_id
    await both.call("stop_pod", podId=pod)
    said = await both.call("start_pod", podId=pod, leaseHours=1)
    assert said.ok, said.text
    assert said.text.startswith("Started.")
    assert said.pod["status"] in ("running", "starting", "provisioning")
    assert both.live[0]["status"] == "RUNNING"


async def test_a_start_that_gets_no_gpu_is_said_plainly(door):
    pod = (await door.create(volumeInGb=20)).pod_id
    await door.call("stop_pod", podId=pod)
    door.sim.faults.add("start", "start_without_gpus", times=1)
    said = await door.call("start_pod", podId=pod)
    assert said.ok
    assert "no GPU" in said.facts["notes"][0]
    assert said.facts["notes"][0] in said.text


async def test_the_end_of_a_lease_is_moved_through_its_tool(both):
    pod = (await both.create(leaseHours=2)).pod_id
    before = (await both.call("get_pod", podId=pod)).pod["leaseEndsAt"]
    said = await both.call("extend_lease", podId=pod, leaseHours=5)
    assert said.ok, said.text
    assert said.facts["endedBefore"] == before
    assert said.pod["leaseEndsAt"] > before
    assert (await both.call("extend_lease", podId=pod, leaseHours=9)).code == "lease_too_long"
    assert (await both.call("extend_lease", podId=pod, leaseHours=0.5)).ok


@pytest.mark.parametrize("hours", [0, -1, True, "long", 10_000])
async def test_a_length_that_is_none_is_refused_early(door, hours):
    pod = (await door.create()).pod_id
    for tool in ("extend_lease", "start_pod"):
        said = await door.call(tool, podId=pod, leaseHours=hours)
        assert (said.code, said.facts["field"]) == ("invalid_arguments", "leaseHours")


async def test_a_member_of_a_cluster_is_left_to_its_cluster(tmp_path: Path):
    def bend(what: str, answer: object) -> object:
        if what.startswith("GET /v2/pods/") and isinstance(answer, dict):
            return {**answer, "cluster": {"id": "cluster-1"}}
        return answer

    async with front_door(tmp_path, bend=bend) as door:
        pod = (await door.create()).pod_id
        for tool, more in (("update_pod", {"name": "x"}), ("restart_pod", {}), ("start_pod", {})):
            said = await door.call(tool, podId=pod, **more)
            assert said.code == "conflict", tool
            assert "cluster" in said.text
