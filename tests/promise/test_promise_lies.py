"""One lie of the cloud at a time, told to an agent that rents, stops, starts and ends a pod; judged on the books."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from front_door import FrontDoor, Said, front_door, toml_with
from lying import WARNINGS, stage

from runpod_mcp.errors import Failure
from runpod_mcp.flows.keeper import keep_once
from runpod_mcp.flows.looks import GIVE_UP_AFTER, LOOKS_TO_GIVE_UP
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import EntryKind, LeaseState

OF_ANY_CALL = [
    "error_before",
    "error_after",
    "drop_before",
    "drop_after",
    "hang",
    "hang_after",
    "garbage",
    "truncated",
    "rate_limited",
    "unavailable",
]
OF_A_STOP = [*OF_ANY_CALL, "ignored", "not_found"]
OF_A_START = [*OF_ANY_CALL, "ignored", "not_found", "no_capacity", "insufficient_balance", "dearer"]


async def agree(door: FrontDoor) -> None:
    """A few minutes after the lie, books and ledger say the same."""
    door.sim.faults.clear()
    for _ in range(4):
        door.clock.step(seconds=61)
        await keep_once(door.house)
    leases = {lease.pod_id: lease.state is LeaseState.RUNNING for lease in await door.leases()}
    assert leases == {pod["id"]: pod["status"] != "EXITED" for pod in door.live}
    assert await door.promised() == pytest.approx(door.books()["burn_usd_per_hour"], abs=1e-5)


def running(door: FrontDoor) -> bool:
    return bool(door.live[0]["status"] != "EXITED")


# stop, start, delete


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize("lie", OF_A_STOP)
async def test_whatever_is_said_to_a_stop_the_pod_is_stopped_or_goes_on_counting(both, lie, times):
    pod_id = (await both.create(volumeInGb=20)).pod_id
    both.sim.faults.add("stop", lie, times=times)
    said = await both.call("stop_pod", podId=pod_id)
    assert said.ok is not running(both), said.text
    if not said.ok:
        assert (await both.the_lease()).state is LeaseState.RUNNING
        assert "still counts as before" in said.text
    await agree(both)


@pytest.mark.parametrize("lie", OF_A_START)
async def test_whatever_is_said_to_a_start_a_pod_that_runs_is_counted_and_the_agent_knows(both, lie):
    pod_id = (await both.create(volumeInGb=20)).pod_id
    await both.call("stop_pod", podId=pod_id)
    both.sim.faults.add("start", lie, times=1)
    said = await both.call("start_pod", podId=pod_id)
    assert both.calls("start") == 1 or lie == "rate_limited", "a start that may have been heard is sent once"
    assert (await both.the_lease()).state is LeaseState.RUNNING or not running(both)
    assert said.ok is running(both), said.text
    if said.code == "outcome_unknown":
        assert WARNINGS["start_pod"][0] in said.text
        assert said.facts["retry"] == "never"
    await agree(both)


async def test_a_start_that_was_heard_but_can_neither_be_answered_nor_seen_stays_counted(both):
    pod_id = (await both.create(volumeInGb=20)).pod_id
    await both.call("stop_pod", podId=pod_id)
    both.sim.faults.add("start", "drop_after", times=1)
    both.sim.faults.add("get", "unavailable", times=None, skip=1)
    said = await both.call("start_pod", podId=pod_id)
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert running(both)
    assert (await both.the_lease()).state is LeaseState.RUNNING
    await agree(both)


async def test_a_restart_that_was_done_is_called_done_although_the_pod_cannot_be_read_afterwards(both):
    pod_id = (await both.create()).pod_id
    both.sim.faults.add("get", "unavailable", times=None, skip=1)
    assert (await both.call("restart_pod", podId=pod_id)).ok


async def test_a_lease_that_was_extended_is_called_extended_although_the_pod_cannot_be_read_afterwards(both):
    pod_id = (await both.create()).pod_id
    before = (await both.the_lease()).lease_ends_at
    both.sim.faults.add("get", "unavailable", times=None)
    said = await both.call("extend_lease", podId=pod_id, leaseHours=5)
    assert said.ok is ((await both.the_lease()).lease_ends_at > before)


async def test_a_start_that_comes_back_without_gpus_is_counted_as_running_until_its_lease_ends(both):
    pod_id = (await both.create(volumeInGb=20)).pod_id
    await both.call("stop_pod", podId=pod_id)
    both.sim.faults.add("start", "start_without_gpus", times=1)
    said = await both.call("start_pod", podId=pod_id)
    assert said.ok
    assert await both.promised() >= both.books()["burn_usd_per_hour"]
    both.clock.step(hours=2)
    await agree(both)
    assert not running(both)


async def test_a_stopped_pod_that_is_still_billed_its_gpu_counts_at_that(tmp_path: Path):
    """Runpod shows it as stopped and at a price; nobody else gets the money for it."""

    def bend(call: str, body: Any) -> Any:
        pods = body.get("pods", [body]) if call.startswith("GET /v2/pods") else ()
        for pod in pods:
            if pod["status"] == "EXITED":
                pod["cost"] = 0.49
        return body

    async with front_door(tmp_path, toml_with(budget={"usd_per_hour": 0.60}), bend=bend) as door:
        pod_id = (await door.create(volumeInGb=20)).pod_id
        said = await door.call("stop_pod", podId=pod_id)
        assert said.facts["usdPerHour"] == 0.49
        assert (await door.create()).code == "over_hourly_budget"
        assert (await door.call("delete_pod", podId=pod_id)).ok
        assert (await door.create()).ok


async def test_a_list_that_goes_on_showing_a_deleted_pod_is_not_overruled(both):
    pod_id = (await both.create()).pod_id
    both.sim.faults.add("list", "list_lag", seconds=0, linger_seconds=60)
    said = await both.call("delete_pod", podId=pod_id)
    assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later")
    assert len(await both.leases()) == 1
    both.clock.step(seconds=60)
    assert (await both.call("delete_pod", podId=pod_id)).ok
    assert await both.leases() == []


# storms, lags, phantoms, prices


async def test_a_storm_of_429_costs_nothing_and_loses_nothing(both):
    pod_id = (await both.create(volumeInGb=20, leaseHours=1)).pod_id
    both.clock.step(minutes=59)
    both.sim.faults.add("any", "rate_limited", times=60, retry_after=15)
    said = await both.create()
    assert (said.code, both.create_calls) == ("rate_limited", 1)
    for _ in range(30):
        both.clock.step(seconds=61)
        await keep_once(both.house)
    assert both.live[0]["id"] == pod_id
    assert not running(both), "its lease was ended when the storm was over"
    await agree(both)


async def test_a_create_that_is_turned_away_by_a_storm_is_not_sent_again(both):
    await both.create(dryRun=True)
    both.sim.faults.add("create", "rate_limited", times=5, retry_after=1)
    assert (await both.create()).code == "rate_limited"
    assert both.create_calls == 1
    assert await both.leases() == []


async def test_a_new_pod_that_the_list_hides_for_a_minute_is_neither_closed_nor_hidden_from_the_agent(both):
    both.sim.faults.add("list", "list_lag", seconds=60)
    pod_id = (await both.create()).pod_id
    for _ in range(6):
        await reconcile(both.house)
        assert (await both.the_lease()).pod_id == pod_id
        assert pod_id in (await both.call("list_pods")).text
        both.clock.step(seconds=10)
    await agree(both)


async def test_a_pod_that_appears_and_vanishes_is_closed_and_paid_no_longer(both):
    both.sim.faults.add("create", "vanish", seconds=45)
    pod_id = (await both.create()).pod_id
    both.clock.step(seconds=60)
    assert (await both.call("get_pod", podId=pod_id)).code == "not_found"
    for _ in range(6):
        await keep_once(both.house)
        both.clock.step(seconds=61)
    assert await both.leases() == []
    assert (await both.budget("hour"))["left"] == 20.0


async def test_a_price_that_rises_between_quote_and_create_is_not_paid(both):
    await both.create(dryRun=True)
    both.sim.faults.add("any", "price_rise", times=None, factor=1.3)
    said = await both.create()
    assert said.code == "price_above_quote"
    assert both.live == []
    assert await both.leases() == []
    both.clock.step(seconds=60)
    assert (await both.create()).ok, "at the price it has now"


# clocks


@pytest.mark.parametrize("off", [-240.0, -13 * 3600.0])
@pytest.mark.parametrize("dialect", ["v2", "v1"])
async def test_a_server_whose_clock_is_behind_does_not_get_yesterdays_budget(dialect, off):
    policy, midnight = toml_with(budget={"usd_per_day": 1.2}), datetime(2026, 11, 24, 0, 2, tzinfo=UTC)
    async with stage(policy, dialect, midnight, offs=(0.0, off)) as on:
        said = [
            await agent.create(name, gpuTypeIds=["NVIDIA L4"], leaseHours=2, volumeInGb=0)
            for agent, name in zip(on.agents, ("in time", "behind"), strict=True)
        ]
        live = on.sim.books.snapshot()["live"]
    assert said[0].ok
    assert said[1].code in ("over_daily_budget", "clock_behind")
    assert len(live) == 1


@pytest.mark.parametrize("off", [-240.0, 240.0])
@pytest.mark.parametrize("dialect", ["v2", "v1"])
async def test_clocks_that_disagree_by_minutes_move_the_end_of_a_lease_by_no_more_than_that(dialect, off):
    async with stage(toml_with(), dialect, offs=(0.0, off)) as on:
        right, wrong = on.agents
        await right.create("a", gpuTypeIds=["NVIDIA L4"], leaseHours=1, volumeInGb=0, containerDiskInGb=20)
        while on.sim.books.snapshot()["live"]:
            on.clock.step(seconds=30)
            await keep_once(wrong.door.house)
        hours = on.sim.books.snapshot()["charged_usd"] / (0.49 + 20 * 0.1 / 720)
        assert abs(hours * 3600 - 3600) <= abs(off) + 60
        assert await on.door.leases() == []
        assert list(await on.door.house.ledger.verify()) == []


# other hands


async def test_a_pod_that_somebody_ends_before_its_lost_create_is_looked_for_is_given_up_in_the_end(both):
    both.sim.faults.add("list", "list_lag", seconds=60)
    both.sim.faults.add("create", "drop_after")
    assert (await both.create()).code == "outcome_unknown"
    both.sim.by_hand({"end": both.live[0]["id"]})
    for _ in range(20):
        await keep_once(both.house)
        both.clock.step(seconds=61)
    assert await both.leases() == []
    assert both.create_calls == 1


async def test_a_pod_that_somebody_rents_while_ours_is_judged_counts_where_the_policy_counts_it(
    tmp_path: Path,
):
    policy = toml_with(budget={"usd_per_hour": 0.60, "include_unmanaged": True})
    async with front_door(tmp_path, policy) as door:
        door.sim.by_hand({"create": {"gpuTypeId": "NVIDIA L4"}})
        assert (await door.create()).code == "over_hourly_budget"
        assert door.create_calls == 0


# unknown outcomes


async def unknown(door: FrontDoor, lie: str) -> Said:
    door.sim.faults.add("create", lie)
    said = await door.create(volumeInGb=0)
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert any(words in said.text for words in WARNINGS["create_pod"])
    assert (await door.the_lease()).reservation.id in said.text
    return said


async def test_a_lost_create_is_shown_counted_and_adopted_in_one_pass_of_whichever_server_is_awake(
    tmp_path: Path,
):
    async with front_door(tmp_path) as one, front_door(tmp_path, beside=one) as other:
        one.sim.faults.add("list", "list_lag", seconds=60)
        await unknown(one, "hang_after")
        pending = (await other.call("list_pods")).facts["pending"]
        assert [row["state"] for row in pending] == ["unknown"]
        assert await one.promised() >= one.books()["burn_usd_per_hour"]
        one.clock.step(seconds=31)  # the list is read once more before a minute is over
        await keep_once(other.house)
        assert (await one.the_lease()).pod_id == one.live[0]["id"]
        assert one.create_calls == 1


async def test_a_lost_create_is_given_up_after_clean_looks_over_a_stated_time_and_that_is_on_record(both):
    await unknown(both, "hang")
    (lease,) = await both.leases()
    since = both.house.now()
    while await both.leases():
        assert both.house.now() - since < 2 * GIVE_UP_AFTER
        both.clock.step(seconds=61)
        await reconcile(both.house)
    assert both.house.now() - since >= GIVE_UP_AFTER
    entries = await both.house.ledger.entries(lease.reservation.id)
    assert entries[-1].kind is EntryKind.VOIDED
    assert entries[-1].note.startswith("given up: not listed in")
    assert sum(entry.note.startswith("not listed by Runpod") for entry in entries) >= LOOKS_TO_GIVE_UP
    assert both.create_calls == 1


@pytest.mark.parametrize("lie", ["garbage", "truncated", "rate_limited", "unavailable", "hang", "drop_after"])
async def test_a_list_that_cannot_be_read_is_no_look_at_all(both, lie):
    await unknown(both, "hang")
    both.sim.faults.add("list", lie, times=None)
    for _ in range(30):
        both.clock.step(seconds=61)
        with pytest.raises(Failure):
            await reconcile(both.house)
    assert (await both.the_lease()).state is LeaseState.UNKNOWN
    both.sim.faults.clear()
    await reconcile(both.house)
    assert (await both.the_lease()).state is LeaseState.UNKNOWN, "this was the first clean look"
