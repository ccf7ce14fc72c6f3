"""What can make a pod dearer or longer after its create passes the same policy: starting, extending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from front_door import L4, FrontDoor, front_door, toml_with

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.extend_lease import extend_lease
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.start_pod import start_pod
from runpod_mcp.ledger.entries import LeaseState


async def refused(work: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        await work
    return caught.value


async def stopped(door: FrontDoor, **more: Any) -> str:
    said = await door.create(volumeInGb=20, **more)
    assert (await door.call("stop_pod", podId=said.pod_id)).ok
    return said.pod_id


async def test_a_lease_is_extended_inside_the_policy_and_the_pod_lives_so_long(both):
    said = await both.create()
    new = await extend_lease(both.house, said.pod_id, 5)
    assert new.lease.lease_ends_at - new.before == 3 * 3600
    both.clock.step(hours=4, minutes=59)
    await reap(both.house)
    assert both.live[0]["status"] == "RUNNING"
    both.clock.step(minutes=1)
    await reap(both.house)
    assert both.live[0]["status"] == "EXITED"


async def test_a_lease_may_always_be_made_shorter_even_under_a_broken_policy(door):
    said = await door.create(volumeInGb=0)
    door.write_policy("version = ")
    await extend_lease(door.house, said.pod_id, 0.5)
    door.clock.step(minutes=30)
    await reap(door.house)
    assert door.live == []


async def test_the_whole_life_of_a_lease_is_bounded_however_often_it_is_extended(door):
    said = await door.create()
    await extend_lease(door.house, said.pod_id, 8)
    door.clock.step(hours=3)
    failure = await refused(extend_lease(door.house, said.pod_id, 5.1))
    assert (failure.code, failure.limit) == (Code.LEASE_TOO_LONG, 8)
    assert (await extend_lease(door.house, said.pod_id, 5)).lease.lease_ends_at


async def test_a_lease_that_a_start_gave_is_extended_from_that_start_on(both):
    pod_id = await stopped(both, leaseHours=8)
    both.clock.step(hours=10)
    assert (await both.call("start_pod", podId=pod_id, leaseHours=1)).ok
    assert (await both.call("extend_lease", podId=pod_id, leaseHours=4)).ok
    both.clock.step(hours=3)
    late = await both.call("extend_lease", podId=pod_id, leaseHours=5.1)
    assert (late.code, late.facts["requested"]) == ("lease_too_long", 8.1)


async def test_a_failed_start_in_between_begins_no_lease(door):
    pod_id = (await door.create(volumeInGb=20)).pod_id
    door.clock.step(hours=1)
    await door.call("stop_pod", podId=pod_id)
    door.sim.faults.add("start", "no_capacity", times=1)
    assert (await door.call("start_pod", podId=pod_id, leaseHours=1)).code == "no_capacity"
    door.clock.step(hours=1)
    assert (await door.call("start_pod", podId=pod_id, leaseHours=1)).ok
    assert (await door.call("extend_lease", podId=pod_id, leaseHours=8)).ok
    assert (await door.call("extend_lease", podId=pod_id, leaseHours=8.1)).code == "lease_too_long"


async def test_an_extension_that_no_budget_has_room_for_is_refused(tmp_path: Path):
    async with front_door(tmp_path, toml_with(budget={"usd_total": 1.6})) as door:
        said = await door.create(volumeInGb=0)
        failure = await refused(extend_lease(door.house, said.pod_id, 4))
        assert failure.code is Code.OVER_TOTAL_BUDGET
        assert (await extend_lease(door.house, said.pod_id, 3)).lease.lease_ends_at


async def test_two_extensions_at_once_do_not_share_the_same_room(tmp_path: Path):
    async with front_door(tmp_path, toml_with(budget={"usd_total": 3.0})) as door:
        pods = [(await door.create(volumeInGb=0)).pod_id for _ in range(2)]
        answers: list[str] = []

        async def extend(pod_id: str) -> None:
            try:
                await extend_lease(door.house, pod_id, 4)
                answers.append("longer")
            except Failure as failure:
                answers.append(failure.code)

        async with anyio.create_task_group() as tasks:
            for pod_id in pods:
                tasks.start_soon(extend, pod_id)
        assert sorted(answers) == ["longer", "over_total_budget"]


async def test_an_extension_that_a_person_must_allow_is_not_made(tmp_path: Path):
    async with front_door(tmp_path, toml_with(approval={"above_usd_per_lease": 1.5})) as door:
        said = await door.create()
        failure = await refused(extend_lease(door.house, said.pod_id, 8))
        assert failure.code is Code.APPROVAL_REQUIRED


async def test_a_lease_that_is_extended_in_small_steps_is_asked_about_as_a_whole(tmp_path: Path):
    async with front_door(tmp_path, toml_with(approval={"above_usd_per_lease": 1.5})) as door:
        pod_id = (await door.create(volumeInGb=0, leaseHours=2)).pod_id
        assert (await door.call("extend_lease", podId=pod_id, leaseHours=2.9)).ok
        for hours in (3.2, 3.1):
            longer = await door.call("extend_lease", podId=pod_id, leaseHours=hours)
            assert longer.code == "approval_required"
            assert "its lease can cost more than $1.50" in longer.text
        door.clock.step(hours=2)
        assert (await door.call("extend_lease", podId=pod_id, leaseHours=1.2)).code == "approval_required"
        assert (await door.call("extend_lease", podId=pod_id, leaseHours=0.5)).ok, (
            "shorter is not asked about"
        )


async def test_only_a_running_pod_of_ours_can_be_extended(door):
    other = door.sim.by_hand({"create": {"gpuTypeId": L4}})
    assert (await refused(extend_lease(door.house, other.id, 1))).code is Code.NOT_MANAGED
    assert (await refused(extend_lease(door.house, "nothing", 1))).code is Code.NOT_FOUND
    assert (await refused(extend_lease(door.house, await stopped(door), 1))).code is Code.CONFLICT


async def test_a_stopped_pod_is_started_for_a_new_lease_and_counted(both):
    pod_id = await stopped(both)
    both.clock.step(hours=10)
    started = await start_pod(both.house, pod_id, 1)
    assert started.lease.state is LeaseState.RUNNING
    assert started.lease.lease_ends_at == both.house.now() + 3600
    assert both.live[0]["status"] == "RUNNING"
    assert started.lease.usd_per_hour / 1e6 == pytest.approx(both.live[0]["usd_per_hour"], abs=2e-6)
    both.clock.step(hours=1)
    await reap(both.house)
    assert both.live[0]["status"] == "EXITED"


async def test_a_start_that_no_budget_has_room_for_is_refused_before_runpod_is_called(tmp_path: Path):
    async with front_door(tmp_path, toml_with(budget={"usd_per_hour": 0.60})) as door:
        pod_id = await stopped(door)
        assert (await door.create(containerDiskInGb=10, volumeInGb=0)).ok
        failure = await refused(start_pod(door.house, pod_id))
        assert failure.code is Code.OVER_HOURLY_BUDGET
        assert door.calls("start") == 0


async def test_a_start_asks_no_longer_than_the_policy_allows(door):
    failure = await refused(start_pod(door.house, await stopped(door), 9))
    assert (failure.code, failure.field) == (Code.LEASE_TOO_LONG, "leaseHours")


async def test_a_start_that_a_person_must_allow_is_not_made(door):
    pod_id = await stopped(door)
    door.write_policy(toml_with(approval={"tools": ["start_pod"]}))
    assert (await refused(start_pod(door.house, pod_id))).code is Code.APPROVAL_REQUIRED
    assert door.calls("start") == 0


async def test_a_full_host_is_said_and_the_money_is_free_again(both):
    pod_id = await stopped(both)
    both.sim.faults.add("start", "no_capacity")
    failure = await refused(start_pod(both.house, pod_id))
    assert failure.code is Code.NO_CAPACITY
    assert (await both.the_lease()).state is LeaseState.STOPPED


async def test_a_start_that_is_refused_puts_the_lease_back(door):
    pod_id = await stopped(door)
    door.sim.faults.add("start", "insufficient_balance")
    assert (await refused(start_pod(door.house, pod_id))).code is Code.INSUFFICIENT_BALANCE
    assert (await door.the_lease()).state is LeaseState.STOPPED


async def test_a_start_whose_answer_is_lost_is_seen_to_run(both):
    pod_id = await stopped(both)
    both.sim.faults.add("start", "drop_after")
    started = await start_pod(both.house, pod_id)
    assert started.lease.state is LeaseState.RUNNING
    assert both.calls("start") == 1


async def test_a_start_that_is_not_seen_to_run_stays_counted_until_reconcile_knows(door):
    pod_id = await stopped(door)
    door.sim.faults.add("start", "drop_before")
    failure = await refused(start_pod(door.house, pod_id))
    assert failure.code is Code.OUTCOME_UNKNOWN
    for _ in range(2):
        assert (await door.the_lease()).state is LeaseState.RUNNING, "it may still be carried out"
        await reconcile(door.house)
        door.clock.step(minutes=1)
    door.clock.step(minutes=9)
    await reconcile(door.house)
    assert (await door.the_lease()).state is LeaseState.STOPPED


async def test_a_start_without_gpus_is_said_plainly(door):
    pod_id = await stopped(door)
    door.sim.faults.add("start", "start_without_gpus")
    started = await start_pod(door.house, pod_id)
    assert "no GPU" in started.notes[0]


@pytest.mark.parametrize("stop", ["works", "ignored"])
async def test_a_pod_started_above_its_quote_is_stopped_again(door, stop: str):
    pod_id = await stopped(door)
    door.sim.faults.add("start", "dearer", factor=3)
    if stop == "ignored":
        door.sim.faults.add("stop", "ignored", times=1)
    failure = await refused(start_pod(door.house, pod_id))
    assert failure.code is Code.PRICE_ABOVE_QUOTE
    assert (door.live[0]["status"] == "EXITED") == (stop == "works")
    await reconcile(door.house)
    await reap(door.house)
    assert door.live[0]["status"] == "EXITED"


async def test_what_cannot_be_started_is_refused(door):
    assert (await refused(start_pod(door.house, "nothing"))).code is Code.NOT_FOUND
    other = door.sim.by_hand({"create": {"gpuTypeId": L4}})
    assert (await refused(start_pod(door.house, other.id))).code is Code.NOT_MANAGED
    said = await door.create()
    assert (await refused(start_pod(door.house, said.pod_id))).code is Code.CONFLICT


async def test_a_pod_whose_price_is_not_known_is_not_started(door):
    pod_id = await stopped(door)
    door.sim.stock.set(L4, secure_price=0)
    door.clock.step(minutes=5)
    assert (await refused(start_pod(door.house, pod_id))).code is Code.PRICE_UNKNOWN
    assert door.calls("start") == 0


async def test_a_cpu_pod_has_no_volume_and_is_started_at_its_price_per_vcpu(door):
    said = await door.call("create_pod", computeType="CPU", cpuFlavorIds=["cpu3c"], imageName="x")
    assert (await door.call("stop_pod", podId=said.pod_id)).ok
    started = await start_pod(door.house, said.pod_id)
    assert started.lease.usd_per_hour > 0


async def test_while_a_pod_is_started_nobody_corrects_the_ledger_behind_its_back(door):
    pod_id = await stopped(door)
    door.sim.faults.add("start", "hold", at="before")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start_pod, door.house, pod_id)
        await door.until_held()
        report = await reconcile(door.house)
        assert not report.corrected
        assert (await refused(start_pod(door.house, pod_id))).code is Code.CONFLICT
        assert (await door.the_lease()).state is LeaseState.RUNNING
        door.sim.holds.release()
    assert door.live[0]["status"] == "RUNNING"


async def test_two_starts_at_once_are_one_start(door):
    pod_id = await stopped(door)
    answers: list[str] = []

    async def start() -> None:
        try:
            await start_pod(door.house, pod_id)
            answers.append("started")
        except Failure as failure:
            answers.append(failure.code)

    door.clock.step(seconds=60)  # prices are read again
    door.sim.faults.add("catalog", "hold", times=None, at="before")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start)
        tasks.start_soon(start)
        await door.until_held()
        door.sim.faults.clear()
        door.sim.holds.release()
    assert sorted(answers) == ["conflict", "started"]
    assert door.calls("start") == 1


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"gpus": {"deny": [L4]}}, "gpu_not_allowed"),
        ({"gpus": {"max_per_pod": 0}}, "too_many_gpus"),
        ({"pods": {"images": ["evil/*"]}}, "image_not_allowed"),
        ({"pods": {"cloud_types": ["COMMUNITY"]}}, "cloud_not_allowed"),
        ({"pods": {"data_centers": ["XX-*"]}}, "data_center_not_allowed"),
        ({"pods": {"ports": ["80/http"]}}, "port_not_allowed"),
        ({"pods": {"max_volume_gb": 10}}, "disk_too_large"),
        ({"pods": {"interruptible": "require"}}, "interruptible_not_allowed"),
    ],
)
async def test_a_start_is_judged_by_the_rules_of_today(both, tables, code):
    pod_id = await stopped(both)
    both.write_policy(toml_with(**tables))
    said = await both.call("start_pod", podId=pod_id)
    assert said.code == code, said.text
    assert both.calls("start") == 0


async def test_a_cpu_pod_is_judged_as_one_when_it_is_started(door):
    said = await door.call(
        "create_pod", computeType="CPU", vcpuCount=4, imageName="runpod/base", volumeInGb=0
    )
    await door.call("stop_pod", podId=said.pod_id)
    door.write_policy(toml_with(cpus={"max_vcpus_per_pod": 2}))
    assert (await door.call("start_pod", podId=said.pod_id)).code == "cpu_not_allowed"


async def test_a_pod_above_its_ceiling_is_not_kept_alive_by_extending_it(door):
    pod = (await door.create()).pod_id
    door.sim.by_hand({"reprice": pod, "usd_per_hour": 0.9})
    await reconcile(door.house)
    said = await door.call("extend_lease", podId=pod, leaseHours=8)
    assert (said.code, said.facts["retry"]) == ("conflict", "never")
    await reap(door.house)
    assert all(one["status"] == "EXITED" for one in door.live)


async def test_a_pod_that_somebody_else_just_stopped_can_be_started_in_a_minute(both):
    pod_id = (await both.create(volumeInGb=20)).pod_id
    both.sim.by_hand({"stop": pod_id})
    said = await both.call("start_pod", podId=pod_id)
    assert (said.code, said.facts["retry"]) == ("conflict", "later")
    assert "stopped by somebody else" in said.text
    assert "only a stopped pod" not in said.text
    both.clock.step(minutes=1)
    await reconcile(both.house)
    assert (await both.call("start_pod", podId=pod_id)).ok
