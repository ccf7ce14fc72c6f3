"""Changing a serverless endpoint: money first, then the call, then the books; less is always allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from endpoint_helpers import (
    A4000_RATE,
    L4_RATE,
    RTX_4090_RATE,
    WORKER,
    burn,
    busy,
    by_hand,
    change_by_hand,
    counted,
    dollars,
    made,
    serverless,
    update,
    workers,
)
from front_door import A4000, H100, L4, RTX_4090, FrontDoor, toml_with

from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.runpod.templates import TemplateOrder

BROKEN = "version = "


@pytest.fixture
async def endpoints(tmp_path: Path):
    async with serverless(tmp_path) as door:
        yield door


# more


async def test_more_workers_are_paid_for_before_they_are_asked_for(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    said = await update(endpoints, endpoint_id, workersMax=5, workersMin=5)
    assert (said.facts["changed"], said.facts["endpoint"]["workersMax"]) == (["workersMax", "workersMin"], 5)
    assert burn(endpoints) == dollars(5 * L4_RATE)
    assert await counted(endpoints) == dollars(5 * L4_RATE)
    assert (await endpoints.the_lease()).gpus == 5
    assert said.facts["budgetLeft"]["hour"] == dollars(20 - 5 * L4_RATE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"workersMax": 6}, "over_hourly_budget"),
        ({"gpuCount": 2}, "over_hourly_budget"),
        ({"gpuTypeIds": [L4, RTX_4090], "workersMax": 4}, "over_hourly_budget"),
        ({"gpuCount": 3}, "too_many_gpus"),
        ({"gpuTypeIds": [H100]}, "gpu_not_allowed"),
        ({"imageName": "evil/miner"}, "image_not_allowed"),
        ({"ports": ["22/tcp"]}, "port_not_allowed"),
        ({"containerDiskInGb": 31}, "disk_too_large"),
        ({"dataCenterIds": ["US-KS-2"]}, "data_center_not_allowed"),
        ({"leaseHours": 9}, "lease_too_long"),
        ({"workersMax": 0, "leaseHours": 1}, "invalid_arguments"),
        ({"cpuFlavorIds": ["cpu3c"], "vcpuCount": 2}, "invalid_arguments"),
        ({"scalerValue": 9}, "invalid_arguments"),
        ({"workersMin": 4}, "invalid_request"),
        ({"templateId": "none"}, "invalid_arguments"),
        ({"imageName": " "}, "invalid_arguments"),
        ({}, "invalid_arguments"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(tmp_path: Path, change: dict[str, Any], code: str):
    pods = {
        "images": ["runpod/*"],
        "ports": ["8000/http"],
        "max_container_disk_gb": 30,
        "data_centers": ["EU-*"],
    }
    async with serverless(tmp_path, toml_with(budget={"usd_per_hour": 4.0}, pods=pods)) as door:
        endpoint_id = await made(door)
        before = await door.the_lease()
        said = await update(door, endpoint_id, **change)
        assert said.code == code, said.text
        after = await door.the_lease()
        assert (after.usd_per_hour, after.gpus, after.lease_ends_at) == (
            before.usd_per_hour,
            before.gpus,
            before.lease_ends_at,
        )
        shown = (await door.call("get_endpoint", endpointId=endpoint_id)).facts["endpoint"]
        assert (shown["workersMax"], shown["imageName"], shown["gpuTypeIds"]) == (3, WORKER, [L4])


async def test_what_already_is_so_is_not_sent(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, dataCenterIds=["EU-RO-1"])
    same = {"workersMax": 3, "gpuTypeIds": [L4], "imageName": WORKER, "dataCenterIds": ["EU-RO-1"]}
    said = await update(endpoints, endpoint_id, **same, minCudaVersion=None)
    assert said.facts["changed"] == []
    assert "Nothing to change" in said.text
    assert endpoints.calls("endpoint_update") == 0


async def test_a_raise_that_runpod_refuses_costs_what_it_did_before(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    for fault, code in (("invalid", "invalid_request"), ("no_capacity", "no_capacity")):
        endpoints.sim.faults.add("endpoint_update", fault, times=1)
        assert (await update(endpoints, endpoint_id, workersMax=5)).code == code
        lease = await endpoints.the_lease()
        assert (lease.usd_per_hour, lease.gpus, lease.ceiling_usd_per_hour) == (2_205_000, 3, 2_205_000)


async def test_a_lost_answer_is_looked_up(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_update", "drop_after", times=1)
    assert (await update(endpoints, endpoint_id, workersMax=5)).ok
    assert endpoints.calls("endpoint_update") == 1
    assert await counted(endpoints) == dollars(5 * L4_RATE)


@pytest.mark.parametrize("fault", ["drop_before", "ignored"])
async def test_a_raise_that_is_not_seen_counts_until_it_is_known_not_to_be(endpoints: FrontDoor, fault: str):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_update", fault, times=1)
    assert (await update(endpoints, endpoint_id, workersMax=5)).code == "outcome_unknown"
    assert await counted(endpoints) == dollars(5 * L4_RATE)
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(3 * L4_RATE)


async def test_an_endpoint_that_cannot_be_read_after_the_call_is_unknown(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_get", "unavailable", times=None, skip=1)
    assert (await update(endpoints, endpoint_id, workersMax=2)).code == "outcome_unknown"
    endpoints.sim.faults.clear()
    assert await counted(endpoints) == dollars(3 * L4_RATE)


async def test_dearer_cards_are_judged_and_paid_for(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    assert (await update(endpoints, endpoint_id, gpuTypeIds=[RTX_4090])).ok
    assert await counted(endpoints) == dollars(3 * RTX_4090_RATE)


async def test_cheaper_cards_count_less_once_no_worker_of_before_runs(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=1, gpuTypeIds=[RTX_4090])
    await busy(endpoints, endpoint_id, 3)
    said = await update(endpoints, endpoint_id, gpuTypeIds=[A4000], workersMax=4)
    assert "still counts as before" in said.text
    assert await counted(endpoints) == dollars(4 * RTX_4090_RATE)
    assert "counted with" in (await endpoints.call("get_endpoint", endpointId=endpoint_id)).text
    endpoints.clock.step(seconds=400)  # the jobs time out
    assert burn(endpoints) == dollars(A4000_RATE)
    await update(endpoints, endpoint_id, workersMin=0)
    endpoints.clock.step(seconds=60)
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(4 * A4000_RATE)


async def test_workers_of_before_count_beside_the_new_ones_until_they_are_gone(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, gpuTypeIds=[RTX_4090], gpuCount=2, workersMax=1)
    await busy(endpoints, endpoint_id, 1)
    assert (await update(endpoints, endpoint_id, gpuTypeIds=[L4])).ok
    assert (await update(endpoints, endpoint_id, workersMax=4, workersMin=4)).ok
    assert burn(endpoints) == dollars(2 * RTX_4090_RATE + 3 * 2 * L4_RATE)
    assert await counted(endpoints) == dollars(4 * 2 * RTX_4090_RATE)


async def test_workers_of_before_that_cannot_be_read_count_in_full(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_workers", "unavailable", times=None)
    assert (await update(endpoints, endpoint_id, workersMax=4)).ok
    assert await counted(endpoints) == dollars(7 * L4_RATE)
    assert (await endpoints.the_lease()).gpus == 7
    endpoints.sim.faults.clear()
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(4 * L4_RATE)


async def test_cpu_workers_are_changed_together_with_their_vcpus(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, gpuTypeIds=None, cpuFlavorIds=["cpu3c"], vcpuCount=4)
    before = await counted(endpoints)
    assert (await update(endpoints, endpoint_id, gpuCount=2)).code == "invalid_arguments"
    assert (await update(endpoints, endpoint_id, cpuFlavorIds=["cpu3c"], vcpuCount=4)).facts["changed"] == []
    assert (await update(endpoints, endpoint_id, cpuFlavorIds=["cpu3c"], vcpuCount=8)).ok
    assert await counted(endpoints) == dollars(2 * before)
    assert (await update(endpoints, endpoint_id, workersMin=1)).ok
    assert (await update(endpoints, endpoint_id, workersMax=2)).ok
    assert await counted(endpoints) == dollars(2 * before), "a worker runs, and nobody knows since when"
    assert (await update(endpoints, endpoint_id, vcpuCount=2)).code == "invalid_arguments"


async def test_settings_without_a_price_are_changed_without_one(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("catalog", "unavailable", times=None)
    said = await update(
        endpoints, endpoint_id, env={"A": "hunter2"}, idleTimeout=60, dataCenterIds=["EU-RO-1"]
    )
    assert said.facts["changed"] == ["dataCenterIds", "env", "idleTimeout"]
    assert "hunter2" not in said.text + str(said.facts)
    assert (await update(endpoints, endpoint_id, workersMax=4)).code == "runpod_unavailable"
    assert (await update(endpoints, endpoint_id, workersMax=2)).ok


async def test_a_name_must_stay_its_bearers_alone(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await by_hand(endpoints)
    assert (await update(endpoints, endpoint_id, name="theirs")).code == "conflict"
    assert (await update(endpoints, endpoint_id, name="mine")).facts["endpoint"]["name"] == "mine"


async def test_the_image_of_a_new_template_is_judged(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"images": ["runpod/*"]})) as door:
        endpoint_id = await made(door)
        for name, image, code in (
            ("bad", "evil/miner", "image_not_allowed"),
            ("good", "runpod/other:1", None),
        ):
            order = TemplateOrder(name=name, image=image, serverless=True)
            outcome = await door.house.api.resources.templates.create(order)
            said = await update(door, endpoint_id, templateId=outcome.thing.id)
            assert said.code == code
        shown = (await door.call("get_endpoint", endpointId=endpoint_id)).facts["endpoint"]
        assert shown["imageName"] == "runpod/other:1"


async def test_in_v1_the_image_stays_in_the_template_and_is_judged_there(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"images": ["runpod/*"]})) as v2:
        endpoint_id = await made(v2)
        async with serverless(tmp_path, beside=v2, dialect="v1") as v1:
            for name, image, code in (
                ("bad", "evil/miner", "image_not_allowed"),
                ("good", "runpod/x:1", None),
            ):
                order = TemplateOrder(name=name, image=image, serverless=True)
                outcome = await v1.house.api.resources.templates.create(order)
                assert (await update(v1, endpoint_id, templateId=outcome.thing.id)).code == code


async def test_a_policy_with_places_fills_in_the_allowed_ones(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"countries": ["RO", "CZ"]})) as door:
        endpoint_id = await made(door, dataCenterIds=["EU-RO-1"])
        assert (await update(door, endpoint_id, dataCenterIds=[])).ok
        shown = (await door.call("get_endpoint", endpointId=endpoint_id)).facts["endpoint"]
        assert set(shown["dataCenterIds"]) == {"EU-RO-1", "EU-CZ-1"}


async def test_more_workers_are_not_given_to_what_the_policy_no_longer_allows(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.write_policy(toml_with(gpus={"allow": [A4000]}))
    assert (await update(endpoints, endpoint_id, workersMax=4)).code == "gpu_not_allowed"
    assert (await update(endpoints, endpoint_id, env={"A": "1"})).ok
    endpoints.write_policy(toml_with(pods={"data_centers": ["EU-*"]}))
    assert (await update(endpoints, endpoint_id, workersMax=4)).code == "data_center_not_allowed"


async def test_two_raises_that_have_room_for_one_are_not_both_made(tmp_path: Path):
    async with serverless(tmp_path, toml_with(budget={"usd_per_hour": 6.0})) as door:
        ids = [await made(door, name="one"), await made(door, name="two")]
        answers: list[str] = []

        async def more(endpoint_id: str) -> None:
            answers.append(str((await update(door, endpoint_id, workersMax=5)).code))

        async with anyio.create_task_group() as tasks:
            for endpoint_id in ids:
                tasks.start_soon(more, endpoint_id)
        assert sorted(answers) == ["None", "over_hourly_budget"]


async def test_an_endpoint_is_changed_by_one_call_at_a_time(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_update", "hold", times=1, at="before")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: update(endpoints, endpoint_id, workersMax=5))
        await endpoints.until_held()
        assert (await update(endpoints, endpoint_id, workersMax=4)).code == "conflict"
        assert (await update(endpoints, endpoint_id, leaseHours=1)).code == "conflict"
        assert (await update(endpoints, endpoint_id, workersMax=2)).facts["notes"], "less is always allowed"
        await reconcile(endpoints.house)
        assert await counted(endpoints) == dollars(5 * L4_RATE)
        endpoints.sim.holds.release()
    assert await counted(endpoints) == dollars(5 * L4_RATE)


async def test_a_person_is_asked_before_more_and_not_before_less(tmp_path: Path):
    rules = toml_with(approval={"above_usd_per_lease": 5.0, "tools": ["delete_endpoint"]})
    async with serverless(tmp_path, rules) as door:
        endpoint_id = await made(door)
        assert (await update(door, endpoint_id, workersMax=4)).code == "approval_required"
        assert (await update(door, endpoint_id, leaseHours=3)).code == "approval_required"
        assert (await update(door, endpoint_id, workersMax=2)).ok
        assert (await door.call("delete_endpoint", endpointId=endpoint_id)).code == "approval_required"


async def test_a_lease_of_workers_that_is_extended_in_small_steps_is_asked_about_as_a_whole(tmp_path: Path):
    async with serverless(tmp_path, toml_with(approval={"above_usd_per_lease": 5.0})) as door:
        endpoint_id = await made(door)
        door.clock.step(hours=1)
        assert (await update(door, endpoint_id, leaseHours=1.1)).ok
        assert (await update(door, endpoint_id, leaseHours=1.5)).code == "approval_required"


async def test_what_was_not_made_here_is_read_and_never_changed(endpoints: FrontDoor):
    endpoint_id = await by_hand(endpoints, workers_min=1)
    assert (await endpoints.call("get_endpoint", endpointId=endpoint_id)).facts["endpoint"][
        "managed"
    ] is False
    assert (await update(endpoints, endpoint_id, workersMax=0)).code == "not_managed"
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).code == "not_managed"
    assert (await update(endpoints, "nothing", workersMax=0)).code == "not_found"
    assert workers(endpoints, endpoint_id) == 1


async def test_workers_that_somebody_added_are_not_counted_away_by_another_change(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await change_by_hand(endpoints, endpoint_id, workers_max=9)
    assert (await update(endpoints, endpoint_id, env={"A": "1"})).ok
    assert await counted(endpoints) == dollars(3 * L4_RATE)
    await reconcile(endpoints.house)
    assert await counted(endpoints) == dollars(9 * L4_RATE)


async def test_a_refusal_that_v1_calls_an_error_is_believed_once_nothing_changed(tmp_path: Path):
    async with serverless(tmp_path) as v2:
        endpoint_id = await made(v2)
        async with serverless(tmp_path, beside=v2, dialect="v1") as v1:
            words = "There are no longer any instances available with the requested specifications."
            v1.sim.faults.add("endpoint_update", "error_before", times=1, detail=words)
            assert (await update(v1, endpoint_id, workersMax=2)).code == "no_capacity"


# less


async def test_less_is_allowed_under_a_broken_policy(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=2)
    endpoints.write_policy(BROKEN)
    assert (await update(endpoints, endpoint_id, workersMax=4)).code == "policy_broken"
    assert (await update(endpoints, endpoint_id, workersMax=1)).facts["endpoint"]["workersMin"] == 1
    assert "The end of its lease was moved." in (await update(endpoints, endpoint_id, leaseHours=1)).text
    assert (await endpoints.the_lease()).lease_ends_at == endpoints.house.now() + 3600
    assert await counted(endpoints) == dollars(L4_RATE)
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).ok
    assert (endpoints.books()["endpoints"], await endpoints.leases()) == ([], [])


async def test_an_endpoint_without_workers_costs_nothing_and_is_kept(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=2)
    said = await update(endpoints, endpoint_id, workersMax=0)
    assert said.facts["endpoint"]["usdPerHourMax"] == 0
    assert (burn(endpoints), await counted(endpoints)) == (0, 0)
    assert (await endpoints.the_lease()).state is LeaseState.STOPPED
    budget = (await endpoints.call("get_budget")).facts
    assert (budget["podsRunning"], budget["gpusRunning"]) == (0, 0)
    endpoints.clock.step(days=30)
    await reap(endpoints.house)
    await reconcile(endpoints.house)
    assert len(endpoints.books()["endpoints"]) == 1


async def test_workers_that_still_have_a_job_still_count(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await busy(endpoints, endpoint_id, 3)
    said = await update(endpoints, endpoint_id, workersMax=1)
    assert said.facts["notes"]
    assert (burn(endpoints), await counted(endpoints)) == (dollars(3 * L4_RATE), dollars(3 * L4_RATE))
    await update(endpoints, endpoint_id, workersMax=0)
    assert await counted(endpoints) == dollars(3 * L4_RATE)
    endpoints.clock.step(seconds=400)
    await reconcile(endpoints.house)
    assert (burn(endpoints), await counted(endpoints)) == (0, 0)


async def test_workers_that_cannot_be_read_still_count(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_workers", "unavailable", times=None)
    assert (await update(endpoints, endpoint_id, workersMax=1)).facts["notes"]
    assert await counted(endpoints) == dollars(3 * L4_RATE)


async def test_in_v1_the_share_of_what_was_counted_is_freed(tmp_path: Path):
    async with serverless(tmp_path) as v2:
        endpoint_id = await made(v2, workersMin=1)
        async with serverless(tmp_path, beside=v2, dialect="v1") as v1:
            assert (await update(v1, endpoint_id, workersMax=2)).ok
            assert await counted(v1) == dollars(2 * L4_RATE)
            assert (await update(v1, endpoint_id, workersMax=3)).code == "price_unknown"
            assert (await update(v1, endpoint_id, workersMax=0)).ok
            assert await counted(v1) == 0


async def test_a_delete_that_does_nothing_is_seen_and_said(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("endpoint_delete", "ignored", times=None)
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).code == "runpod_unavailable"
    endpoints.sim.faults.clear()
    endpoints.sim.faults.add("endpoint_delete", "unauthorized", times=None)
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).code == "unauthorized"
    endpoints.sim.faults.clear()
    endpoints.sim.faults.add("endpoint_delete", "invalid", times=None)
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).code == "invalid_request"
    assert (await endpoints.call("get_endpoint", endpointId=endpoint_id)).facts["endpoint"]["workersMax"] == 0
    endpoints.sim.faults.clear()
    endpoints.sim.faults.add("endpoint_list", "unavailable", times=6)
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).ok
