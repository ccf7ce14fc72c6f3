"""The end of leases, judged on the books: ended when due, by whoever is awake, and shouted about when not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from front_door import FrontDoor, front_door, toml_with

from runpod_mcp.flows.context import Policies
from runpod_mcp.flows.keeper import keep, keep_once
from runpod_mcp.flows.leases import Ended, reap, reap_not_ready
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.policy.document import Policy


async def test_nothing_is_ended_before_its_time(both):
    await both.create()
    both.clock.step(hours=1, minutes=59)
    assert await reap(both.house) == Ended()
    assert len(both.live) == 1


async def test_a_pod_with_a_volume_is_stopped_at_the_end_and_deleted_after_its_stopped_time(both):
    said = await both.create(volumeInGb=20)
    both.clock.step(hours=2)
    done = await reap(both.house)
    assert said.pod_id in done.stopped[0]
    assert [pod["status"] for pod in pods(both)] == ["EXITED"]
    assert (await both.the_lease()).state is LeaseState.STOPPED
    both.clock.step(hours=24)
    done = await reap(both.house)
    assert said.pod_id in done.deleted[0]
    assert both.live == []
    assert await both.leases() == []


def pods(door: FrontDoor) -> list[dict[str, str]]:
    return list(door.books()["live"])


async def test_a_pod_without_a_volume_is_deleted_at_once(both):
    await both.create(volumeInGb=0)
    both.clock.step(hours=2)
    await reap(both.house)
    assert both.live == []
    assert await both.leases() == []


async def test_a_lease_never_bills_past_its_end_when_somebody_is_awake(door):
    await door.create(volumeInGb=0)
    door.clock.step(hours=2, seconds=-10)
    await reap(door.house)
    assert door.live == []


async def test_a_policy_that_terminates_keeps_nothing(tmp_path: Path):
    async with front_door(tmp_path, toml_with(lease={"on_expiry": "terminate"})) as door:
        await door.create(volumeInGb=20)
        door.clock.step(hours=2)
        await reap(door.house)
        assert door.live == []


async def test_a_locked_pod_does_not_outlive_its_lease(both):
    await both.create(locked=True)
    both.clock.step(hours=2)
    done = await reap(both.house)
    assert len(done.stopped) == 1
    assert (await both.the_lease()).state is LeaseState.STOPPED


async def test_a_stop_that_does_nothing_is_shouted_about_and_tried_again(
    door, caplog: pytest.LogCaptureFixture
):
    await door.create()
    door.clock.step(hours=2)
    door.sim.faults.add("stop", "ignored", times=1)
    done = await reap(door.house)
    assert "still billed" in done.failed[0]
    assert "still billed" in caplog.text
    assert (await door.the_lease()).state is LeaseState.RUNNING
    door.clock.step(seconds=61)
    assert (await reap(door.house)).stopped


async def test_a_pod_that_cannot_be_stopped_is_deleted_in_the_end(door):
    await door.create()
    door.clock.step(hours=2)
    door.sim.faults.add("stop", "ignored", times=None)
    for _ in range(12):
        await reap(door.house)
        door.clock.step(seconds=61)
    assert door.live == []
    assert await door.leases() == []


async def test_a_delete_that_does_nothing_is_seen_and_tried_again(door):
    await door.create(volumeInGb=0)
    door.clock.step(hours=2)
    door.sim.faults.add("delete", "ignored", times=5)
    assert (await reap(door.house)).failed
    assert len(await door.leases()) == 1
    door.clock.step(seconds=61)
    await reap(door.house)
    assert door.live == []


async def test_a_pod_that_was_gone_already_is_closed_at_the_end_of_its_lease(door):
    said = await door.create()
    door.sim.by_hand({"end": said.pod_id})
    door.clock.step(hours=2)
    done = await reap(door.house)
    assert "gone already" in done.deleted[0]
    assert await door.leases() == []


async def test_two_servers_end_a_lease_once(tmp_path: Path):
    async with front_door(tmp_path) as one, front_door(tmp_path, beside=one) as two:
        await one.create(volumeInGb=0)
        one.clock.step(hours=2)
        before = one.calls("delete")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reap, one.house)
            tasks.start_soon(reap, two.house)
        assert one.calls("delete") - before == 1
        assert one.live == []


async def test_a_stopped_pod_keeps_being_charged_until_it_is_deleted(door):
    said = await door.create(volumeInGb=72)
    door.clock.step(hours=1)
    await door.call("stop_pod", podId=said.pod_id)
    door.clock.step(hours=1)
    assert (await door.budget("total"))["spent"] >= door.books()["charged_usd"] - 1e-6
    assert door.live[0]["usd_per_hour"] == pytest.approx(0.02)


async def test_a_pod_that_bills_without_ports_is_reported(tmp_path: Path):
    async with front_door(tmp_path, toml_with(lease={"ready_minutes": 10})) as door:
        door.sim.faults.add("create", "never_ready")
        await door.create()
        done = Ended()
        await reap_not_ready(door.house, done)
        assert not done.not_ready
        door.clock.step(minutes=10)
        await reap_not_ready(door.house, done)
        assert "without ports" in done.not_ready[0]
        assert len(door.live) == 1


async def test_a_pod_that_bills_without_ports_is_ended_if_the_policy_says_so(tmp_path: Path):
    async with front_door(tmp_path, toml_with(lease={"ready_minutes": 10, "on_not_ready": "end"})) as door:
        door.sim.faults.add("create", "never_ready")
        await door.create()
        door.clock.step(minutes=10)
        done = Ended()
        await reap_not_ready(door.house, done)
        assert done.deleted
        assert door.live == []


async def test_a_ready_pod_is_not_reported(door):
    await door.create()
    door.clock.step(minutes=20)
    done = Ended()
    await reap_not_ready(door.house, done)
    assert done == Ended()


async def test_without_leases_nothing_is_asked_of_runpod(door):
    await reap(door.house)
    await reap_not_ready(door.house, Ended())
    assert door.calls("list") == 0


async def test_a_broken_policy_does_not_keep_leases_from_ending(door):
    await door.create(volumeInGb=0)
    door.clock.step(hours=2)
    door.write_policy("version = ")
    await keep_once(door.house)
    assert door.live == []


async def test_the_keeper_reconciles_at_start_and_ends_leases_on_time(door):
    await door.create(volumeInGb=0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep, door.house)
        with anyio.fail_after(60):
            while door.live:
                await anyio.sleep(0.01)  # the ledger's thread needs its turn
        tasks.cancel_scope.cancel()
    (row,) = door.books()["ended"]
    assert row["id"]
    assert door.books()["charged_usd"] <= 2 * 0.51


async def test_the_keeper_goes_on_when_runpod_or_the_ledger_cannot_be_had(
    door, caplog: pytest.LogCaptureFixture
):
    await door.create()
    door.sim.faults.add("list", "unavailable", times=None)
    await keep_once(door.house)
    assert "runpod_unavailable" in caplog.text


class Stumbles:
    """A policy that fails in a way that nobody thought of, so many times."""

    def __init__(self, policies: Policies, times: int) -> None:
        self._policies, self._times = policies, times

    def current(self) -> Policy:
        self._times -= 1
        if self._times >= 0:
            raise ZeroDivisionError
        return self._policies.current()


async def test_leases_end_although_a_round_of_the_keeper_failed_as_nobody_thought(
    door, caplog: pytest.LogCaptureFixture
):
    await door.create(volumeInGb=0)
    house = replace(door.house, policies=Stumbles(door.house.policies, 1))
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep, house)
            while "failed unexpectedly" not in caplog.text:
                await anyio.lowlevel.checkpoint()
            assert len(door.live) == 1
            door.clock.step(hours=2)
            while door.live:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()


async def test_the_keeper_waits_when_the_ledger_cannot_be_read(tmp_path: Path):
    (tmp_path / "ledger.db").write_bytes(b"not a ledger at all" * 500)
    async with front_door(tmp_path) as door, anyio.create_task_group() as tasks:
        start = door.clock.now()
        tasks.start_soon(keep, door.house)
        with anyio.fail_after(60):
            while (door.clock.now() - start).total_seconds() < 100:
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()


async def test_one_of_several_servers_reconciles_at_a_time(tmp_path: Path):
    async with front_door(tmp_path) as one, front_door(tmp_path, beside=one) as two:
        await keep_once(one.house)
        await keep_once(two.house)
        assert one.calls("list") == 1
        one.clock.step(seconds=60)
        await keep_once(two.house)
        assert one.calls("list") == 2
        await reconcile(one.house)


async def test_what_the_keeper_put_right_is_in_the_log(door, caplog: pytest.LogCaptureFixture):
    door.sim.faults.add("list", "list_lag", seconds=60)
    door.sim.faults.add("create", "hang_after", times=1)
    assert (await door.create()).code == "outcome_unknown"
    door.clock.step(seconds=60)
    await keep_once(door.house)
    assert f"reconciled: pod {door.live[0]['id']}" in caplog.text


async def test_a_create_whose_outcome_is_open_is_not_ended_by_the_clock(door):
    door.sim.faults.add("create", "hang", times=1)
    assert (await door.create()).code == "outcome_unknown"
    door.clock.step(hours=30)
    assert await reap(door.house) == Ended()
    assert (await door.the_lease()).state is LeaseState.UNKNOWN
