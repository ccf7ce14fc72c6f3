"""The ledger against what Runpod lists: adopted, corrected, closed, ended, reported; never a pod of somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from front_door import L4, TAG, FrontDoor, front_door

from runpod_mcp.errors import Failure
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState


async def lost_create(door: FrontDoor, kind: str = "hang_after", lag: float = 0) -> None:
    """A create whose answer is lost, with the pod missing from the list for so many seconds."""
    if lag:
        door.sim.faults.add("list", "list_lag", seconds=lag)
    door.sim.faults.add("create", kind)
    said = await door.create()
    assert said.code == "outcome_unknown"


async def test_a_pod_whose_create_was_lost_is_adopted_in_the_first_pass_after_it_is_listed(both):
    await lost_create(both, lag=90)
    (pod,) = both.live
    assert (await both.the_lease()).state is LeaseState.UNKNOWN
    both.clock.step(seconds=90)
    report = await reconcile(both.house)
    lease = await both.the_lease()
    assert (lease.state, lease.pod_id) == (LeaseState.RUNNING, pod["id"])
    assert pod["id"] in report.adopted[0]
    assert both.create_calls == 1


async def test_an_unknown_create_without_a_pod_is_given_up_only_after_several_looks_over_time(door):
    await lost_create(door, "hang")
    for minute in range(16):
        assert await door.promised() > 0, minute
        await reconcile(door.house)
        door.clock.step(seconds=60)
    report = await reconcile(door.house)
    assert await door.leases() == []
    assert not report.waiting
    assert door.create_calls == 1


async def test_looks_that_come_too_close_together_count_once(door):
    await lost_create(door, "hang")
    for _ in range(50):
        await reconcile(door.house)
    assert len(await door.leases()) == 1


async def test_a_pod_that_shows_up_after_its_create_was_given_up_is_ended(door):
    await lost_create(door, "hang")
    reservation = (await door.the_lease()).reservation.id
    for _ in range(17):
        await reconcile(door.house)
        door.clock.step(seconds=60)
    assert await door.leases() == []
    door.sim.by_hand({"create": {"name": "late", "env": {TAG: reservation}}})
    report = await reconcile(door.house)
    assert len(report.ended) == 1
    assert door.books()["live"] == []


async def test_a_create_whose_server_died_is_adopted_when_its_pod_is_listed(tmp_path: Path):
    async with front_door(tmp_path) as door:
        door.sim.faults.add("list", "list_lag", seconds=60)
        door.sim.faults.add("create", "hang_after")
        await door.create()
    async with front_door(tmp_path, beside=door) as other:
        other.clock.step(seconds=60)
        await reconcile(other.house)
        assert (await other.the_lease()).pod_id == other.live[0]["id"]


async def test_an_open_reservation_without_a_pod_becomes_unknown_only_when_no_create_can_be_under_way(door):
    lease = await open_reservation(door)
    await reconcile(door.house)
    assert (await door.the_lease()).state is LeaseState.OPEN
    door.clock.step(seconds=601)
    report = await reconcile(door.house)
    assert (await door.the_lease()).state is LeaseState.UNKNOWN
    assert lease in report.waiting[0]


async def open_reservation(door: FrontDoor) -> str:
    """A reservation as a server leaves it that dies before its call."""
    from dataclasses import replace

    await door.create()
    lease = await door.the_lease()
    await door.call("delete_pod", podId=lease.pod_id)
    again = replace(lease.reservation, id="r-died", request_id=None, opened_at=door.house.now())
    again = replace(again, lease_ends_at=again.opened_at + 7200, stopped_until=again.opened_at + 7200)
    await door.house.ledger.reserve(again, lambda _: None)
    return again.id


@pytest.mark.parametrize("delete", ["works", "ignored"])
async def test_an_adopted_pod_that_is_billed_above_its_ceiling_is_ended(door, delete: str):
    await lost_create(door, lag=90)
    door.sim.by_hand({"reprice": door.live[0]["id"], "usd_per_hour": 3.0})
    if delete == "ignored":
        door.sim.faults.add("delete", "ignored", times=5)
    door.clock.step(seconds=90)
    report = await reconcile(door.house)
    assert len(report.ended if delete == "works" else report.not_ended) == 1
    await reap(door.house)
    assert door.live == []


@pytest.mark.parametrize("state", ["TERMINATED", "SOMETHING NEW"])
async def test_what_runpod_says_is_over_is_closed_and_what_it_says_unknown_is_not(tmp_path: Path, state: str):
    def bend(call: str, body: Any) -> Any:
        pods = body.get("pods", ()) if call == "GET /v2/pods" else ()
        for pod in pods:
            pod["status"] = state
        return body

    async with front_door(tmp_path, bend=bend) as door:
        await door.create()
        before = await door.leases()
        await reconcile(door.house)
        assert await door.leases() == ([] if state == "TERMINATED" else before)


async def test_a_pod_that_is_rented_while_the_pass_runs_is_nobody_elses(door):
    door.sim.faults.add("list", "hold", times=1, at="before")
    reports = []

    async def look() -> None:
        reports.append(await reconcile(door.house))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        await door.until_held()
        await door.create()
        door.sim.holds.release()
    assert reports[0].unmanaged == []


async def test_a_pod_that_somebody_deleted_is_closed_after_several_looks(both):
    said = await both.create()
    both.sim.by_hand({"end": said.pod_id})
    await reconcile(both.house)
    assert len(await both.leases()) == 1, "one look is no proof: lists lag"
    for _ in range(4):
        both.clock.step(seconds=61)
        await reconcile(both.house)
    assert await both.leases() == []


async def test_a_pod_that_is_missing_for_a_moment_keeps_its_lease(door):
    await door.create()
    door.clock.step(seconds=300)
    door.sim.faults.add("list", "list_lag", seconds=100_000)
    for _ in range(6):
        await reconcile(door.house)
        door.clock.step(seconds=61)
    assert len(await door.leases()) == 1, "reading the pod itself still finds it"


async def test_looks_in_vain_start_over_once_the_pod_was_seen(door):
    said = await door.create()
    door.clock.step(seconds=300)
    for _ in range(2):
        door.sim.faults.add("get", "not_found", times=1)
        door.sim.faults.add("list", "list_lag", seconds=100_000)
        await reconcile(door.house)
        door.sim.faults.clear()
        door.clock.step(seconds=61)
    await reconcile(door.house)
    assert (await door.the_lease()).pod_id == said.pod_id


async def test_a_pod_that_somebody_stopped_is_counted_at_what_its_volume_costs(both):
    said = await both.create(volumeInGb=72)
    both.sim.by_hand({"stop": said.pod_id})
    await reconcile(both.house)
    lease = await both.the_lease()
    assert lease.state is LeaseState.STOPPED
    assert lease.usd_per_hour == 20_000
    both.sim.by_hand({"start": said.pod_id})
    await reconcile(both.house)
    lease = await both.the_lease()
    assert lease.state is LeaseState.RUNNING
    assert lease.gpus == 1


async def test_a_price_that_drifted_is_corrected(both):
    said = await both.create()
    both.sim.by_hand({"reprice": said.pod_id, "usd_per_hour": 0.40})
    await reconcile(both.house)
    assert (await both.the_lease()).usd_per_hour == 409_723
    assert not (await reconcile(both.house)).corrected


async def test_a_price_that_rose_above_the_ceiling_makes_the_pod_due(door):
    said = await door.create()
    door.sim.by_hand({"reprice": said.pod_id, "usd_per_hour": 3.0})
    await reconcile(door.house)
    lease = await door.the_lease()
    assert lease.due_at <= door.house.now()
    assert lease.usd_per_hour == 3_009_723


async def test_pods_nobody_rented_here_are_reported_with_their_cost_and_left_alone(both):
    both.sim.by_hand({"create": {"name": "mine", "gpuTypeId": L4}})
    both.sim.by_hand({"create": {"name": "theirs", "gpuTypeId": L4, "env": {TAG: "r-of-another-ledger"}}})
    report = await reconcile(both.house)
    assert {pod.name for pod in report.unmanaged} == {"mine", "theirs"}
    assert report.unmanaged_usd_per_hour > 900_000
    assert len(both.books()["live"]) == 2


async def test_a_copy_of_our_pod_made_by_hand_is_left_alone(door):
    await door.create()
    reservation = (await door.the_lease()).reservation.id
    door.sim.by_hand({"create": {"name": "a copy", "env": {TAG: reservation}}})
    report = await reconcile(door.house)
    assert [pod.name for pod in report.unmanaged] == ["a copy"]
    assert len(door.books()["live"]) == 2


async def test_a_pod_that_lives_on_after_its_lease_was_closed_is_ended(door):
    said = await door.create()
    door.clock.step(seconds=300)
    for _ in range(4):
        door.sim.faults.add("list", "list_lag", seconds=100_000)
        door.sim.faults.add("get", "not_found", times=1)
        await reconcile(door.house)
        door.clock.step(seconds=61)
    assert await door.leases() == []
    assert [pod["id"] for pod in door.live] == [said.pod_id]
    door.sim.faults.clear()
    report = await reconcile(door.house)
    assert len(report.ended) == 1
    assert door.live == []


async def test_an_orphan_that_cannot_be_ended_is_said_and_tried_again(door):
    await lost_create(door, "hang")
    reservation = (await door.the_lease()).reservation.id
    for _ in range(17):
        await reconcile(door.house)
        door.clock.step(seconds=60)
    door.sim.by_hand({"create": {"env": {TAG: reservation}}})
    door.sim.faults.add("delete", "ignored", times=5)
    report = await reconcile(door.house)
    assert len(report.not_ended) == 1
    assert (await reconcile(door.house)).ended
    assert door.books()["live"] == []


async def test_all_pages_of_a_long_list_are_looked_at(door):
    door.sim.stock.set(L4, free=200)
    for number in range(130):
        door.sim.by_hand({"create": {"name": f"pod {number}", "gpuTypeId": L4}})
    assert len((await reconcile(door.house)).unmanaged) == 130


async def test_a_list_that_cannot_be_read_changes_nothing(door):
    await door.create()
    before = await door.leases()
    door.sim.faults.add("list", "unavailable", times=None)
    with pytest.raises(Failure):
        await reconcile(door.house)
    door.sim.faults.clear()
    assert await door.leases() == before


async def test_a_pod_of_an_open_reservation_is_adopted_as_soon_as_it_is_listed(door):
    reservation = await open_reservation(door)
    pod = door.sim.by_hand({"create": {"gpuTypeId": L4, "env": {TAG: reservation}}})
    await reconcile(door.house)
    lease = await door.the_lease()
    assert (lease.state, lease.pod_id) == (LeaseState.RUNNING, pod.id)
