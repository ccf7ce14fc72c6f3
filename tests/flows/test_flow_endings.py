"""Stopping and deleting: only what is ours, and nothing is believed that was not read."""

from __future__ import annotations

import anyio
import pytest
from front_door import L4, TAG, front_door, toml_with

from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState

ENDINGS = ["stop_pod", "delete_pod"]


async def test_a_deleted_pod_is_gone_from_the_books_and_frees_its_money(both):
    pod = await both.create()
    said = await both.call("delete_pod", podId=pod.pod_id)
    assert said.facts == {
        "podId": pod.pod_id,
        "status": "deleted",
        "usdPerHour": 0,
        "budgetLeft": {"hour": 20.0},
    }
    assert pod.pod_id in said.text
    assert both.live == []
    assert await both.leases() == []


async def test_a_stopped_pod_costs_its_volume_until_it_is_deleted_and_says_when(both):
    pod = await both.create()
    said = await both.call("stop_pod", podId=pod.pod_id)
    assert said.facts["status"] == "stopped"
    assert said.facts["usdPerHour"] == pytest.approx(both.live[0]["usd_per_hour"], abs=1e-6)
    assert "deleted at 2026-11-24 14:00 UTC" in said.text
    assert "$0.0056/h" in said.text
    assert (await both.the_lease()).state is LeaseState.STOPPED


async def test_stopping_a_pod_without_a_volume_costs_nothing_more(both):
    pod = await both.create(volumeInGb=0)
    said = await both.call("stop_pod", podId=pod.pod_id)
    assert (said.facts["usdPerHour"], both.books()["burn_usd_per_hour"]) == (0, 0)
    assert "costs nothing now" in said.text


@pytest.mark.parametrize("tool", ENDINGS)
async def test_a_pod_made_elsewhere_is_left_alone(both, tool):
    pod = both.sim.by_hand({"create": {}})
    said = await both.call(tool, podId=pod.id)
    assert (said.code, said.facts["retry"]) == ("not_managed", "never")
    assert "manage_unmanaged" in said.text
    assert both.books()["running_pods"] == 1


@pytest.mark.parametrize("tool", ENDINGS)
async def test_a_pod_made_elsewhere_can_be_ended_where_the_policy_says_so(tmp_path, tool):
    async with front_door(tmp_path, toml_with(pods={"manage_unmanaged": True})) as door:
        pod = door.sim.by_hand({"create": {"volumeInGb": 20}})
        said = await door.call(tool, podId=pod.id)
        assert said.ok
        assert door.books()["running_pods"] == 0
        assert said.facts["usdPerHour"] == pytest.approx(door.books()["burn_usd_per_hour"], abs=1e-6)


@pytest.mark.parametrize("tool", ENDINGS)
async def test_a_pod_nobody_knows_is_not_found(both, tool):
    said = await both.call(tool, podId="nosuchpod12345")
    assert said.code == "not_found"
    assert "list_pods" in said.text


@pytest.mark.parametrize("tool", ENDINGS)
async def test_a_pod_that_has_ended_already_is_not_found_and_said_to_have_been_ours(both, tool):
    pod = await both.create()
    await both.call("delete_pod", podId=pod.pod_id)
    said = await both.call(tool, podId=pod.pod_id)
    assert said.code == "not_found"
    assert "rented here" in said.text


@pytest.mark.parametrize("tool", ENDINGS)
async def test_a_pod_that_someone_else_ended_is_closed_in_the_ledger(both, tool):
    pod = await both.create()
    both.sim.by_hand({"end": pod.pod_id})
    said = await both.call(tool, podId=pod.pod_id)
    assert said.code in (None, "not_found")
    assert await both.leases() == []


async def test_stopping_twice_is_harmless(both):
    pod = await both.create()
    first = await both.call("stop_pod", podId=pod.pod_id)
    again = await both.call("stop_pod", podId=pod.pod_id)
    assert first.facts == again.facts


@pytest.mark.parametrize(
    "kind", ["not_found", "error_before", "drop_before", "garbage", "drop_after", "ignored"]
)
async def test_one_bad_answer_to_a_delete_is_overcome_by_looking(both, kind):
    pod = await both.create()
    both.sim.faults.add("delete", kind)
    said = await both.call("delete_pod", podId=pod.pod_id)
    assert said.ok, said.text
    assert both.live == []


@pytest.mark.parametrize("kind", ["not_found", "error_before", "ignored", "hang"])
async def test_a_delete_that_does_nothing_leaves_the_pod_counted(both, kind):
    pod = await both.create()
    both.sim.faults.add("delete", kind, times=None)
    said = await both.call("delete_pod", podId=pod.pod_id)
    assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later")
    assert "still counts" in said.text
    assert len(both.live) == 1
    assert (await both.the_lease()).state is LeaseState.RUNNING
    both.sim.faults.clear()
    assert (await both.call("delete_pod", podId=pod.pod_id)).ok


async def test_a_404_on_reading_is_not_believed_while_the_list_shows_the_pod(both):
    pod = await both.create()
    both.sim.faults.add("delete", "ignored", times=None)
    both.sim.faults.add("get", "not_found", times=None)
    said = await both.call("delete_pod", podId=pod.pod_id)
    assert said.code == "runpod_unavailable"
    assert len(await both.leases()) == 1


async def test_a_stop_that_does_nothing_leaves_the_pod_counted_as_running(both):
    pod = await both.create()
    both.sim.faults.add("stop", "ignored")
    said = await both.call("stop_pod", podId=pod.pod_id)
    assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later")
    assert (await both.the_lease()).state is LeaseState.RUNNING


async def test_a_stop_whose_effect_cannot_be_read_stays_counted(both):
    pod = await both.create()
    both.sim.faults.add("get", "unavailable", times=None)
    said = await both.call("stop_pod", podId=pod.pod_id)
    assert said.code == "runpod_unavailable"
    assert (await both.the_lease()).state is LeaseState.RUNNING
    both.sim.faults.clear()
    assert (await both.call("stop_pod", podId=pod.pod_id)).ok


async def test_a_locked_pod_is_not_stopped_and_the_reason_is_told(door):
    pod = await door.create(locked=True)
    before = door.clock.now()
    said = await door.call("stop_pod", podId=pod.pod_id)
    assert (said.code, said.facts["retry"]) == ("conflict", "changed")
    assert "still counts" in said.text
    assert "unlock it first with update_pod, locked false" in said.text
    assert door.clock.now() == before, "a plain no is not waited for"
    assert (await door.call("update_pod", podId=pod.pod_id, locked=False)).ok
    assert (await door.call("stop_pod", podId=pod.pod_id)).ok


@pytest.mark.parametrize(("kind", "tool"), [("forbidden", "stop_pod"), ("unauthorized", "delete_pod")])
async def test_a_key_without_the_right_to_end_pods_is_named_as_the_trouble(both, kind, tool):
    pod = await both.create()
    both.sim.faults.add(tool.removesuffix("_pod"), kind, times=None)
    said = await both.call(tool, podId=pod.pod_id)
    assert (said.code, said.facts["retry"]) == ("unauthorized", "never")
    assert len(await both.leases()) == 1


@pytest.mark.parametrize("tool", ENDINGS)
async def test_a_broken_policy_lets_one_end_what_is_ours_but_nothing_else(both, tool):
    pod, foreign = await both.create(), both.sim.by_hand({"create": {}})
    both.write_policy("version = 1\n[pods]\nmanage_unmanaged = true\n[budgets]\n")
    said = await both.call(tool, podId=pod.pod_id)
    assert said.ok
    assert "policy_broken" in said.text, "what is left cannot be told"
    assert (await both.call(tool, podId=foreign.id)).code == "not_managed"


async def test_a_policy_can_ask_for_a_person_before_a_delete(tmp_path):
    async with front_door(tmp_path, toml_with(approval={"tools": ["delete_pod"]})) as door:
        pod = await door.create()
        said = await door.call("delete_pod", podId=pod.pod_id)
        assert (said.code, said.facts["retry"]) == ("approval_required", "later")
        assert len(door.live) == 1


async def test_a_pod_whose_create_was_never_answered_can_be_ended_as_soon_as_it_shows(both):
    both.sim.faults.add("any", "list_lag", seconds=3600)
    both.sim.faults.add("create", "drop_after")
    assert (await both.create()).code == "outcome_unknown"
    both.sim.faults.clear()
    pod_id = both.live[0]["id"]
    assert (await both.call("delete_pod", podId=pod_id)).ok
    assert both.live == []
    assert await both.leases() == []


async def test_a_pod_that_was_taken_for_gone_can_still_be_ended(both):
    pod = await both.create()
    both.sim.faults.add("delete", "ignored")
    both.sim.faults.add("get", "not_found")
    both.sim.faults.add("any", "list_lag", seconds=3600)
    assert (await both.call("delete_pod", podId=pod.pod_id)).ok, "Runpod lied in two places"
    both.sim.faults.clear()
    assert len(both.live) == 1
    assert (await both.call("delete_pod", podId=pod.pod_id)).ok
    assert both.live == []


async def test_a_pod_whose_reservation_was_freed_too_early_can_be_ended(tmp_path):
    async with front_door(tmp_path, dialect="v1") as door:
        door.sim.faults.add("any", "list_lag", seconds=3600)
        words = "create pod: There are no instances currently available"
        door.sim.faults.add("create", "error_after", detail=words)
        assert (await door.create()).code == "no_capacity"
        door.sim.faults.clear()
        assert (await door.call("stop_pod", podId=door.live[0]["id"])).ok
        assert (await door.call("delete_pod", podId=door.live[0]["id"])).ok
        assert door.live == []


async def test_ending_goes_on_when_the_client_has_gone(both):
    pod = await both.create()
    both.sim.faults.add("delete", "hold")
    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as call:

            async def cancel():
                await both.until_held()
                call.cancel()
                for _ in range(20):
                    await anyio.lowlevel.checkpoint()
                both.sim.holds.release()

            tasks.start_soon(cancel)
            await both.call("delete_pod", podId=pod.pod_id)
    with anyio.fail_after(5):
        while await both.leases():
            await anyio.lowlevel.checkpoint()
    assert both.live == []


async def test_the_id_of_a_pod_must_look_like_one(door):
    for odd in ("../pods", "a b", "", "x" * 65):
        said = await door.call("delete_pod", podId=odd)
        assert (said.code, said.facts["field"]) == ("invalid_arguments", "podId")


@pytest.mark.parametrize("tool", ["delete_pod", "stop_pod"])
async def test_a_copied_tag_makes_no_pod_ours_and_frees_no_money(both, tool):
    """A person cloned a pod with its env: ending the clone wrote the end of the original, which lived on uncounted."""
    ours = (await both.create(volumeInGb=20)).pod_id
    tag = both.live[0]["env"][TAG]
    clone = both.sim.by_hand({"create": {"gpuTypeId": L4, "env": {TAG: tag}}}).id
    before = await both.promised()
    assert (await both.call(tool, podId=clone)).code == "not_managed"
    assert (await both.call("get_pod", podId=clone)).pod["managed"] is False
    rows = {row["podId"]: row.get("managed", True) for row in (await both.call("list_pods")).facts["pods"]}
    assert rows == {ours: True, clone: False}
    assert await both.promised() == before
    await reconcile(both.house)
    assert [pod["id"] for pod in both.live] == [ours]
    both.sim.by_hand({"end": clone})
