"""Changing a pod's settings passes the policy and the budgets, is paid for before it is asked for, and is seen to be so."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from front_door import LIMITLESS, ROOMY, TAG, FrontDoor, Said, front_door, toml_with

from runpod_mcp.flows.leases import Ended, reap, reap_not_ready
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseState

GB_HOUR = 0.10 / 720


async def pod_with_volume(door: FrontDoor, **more: object) -> str:
    return (await door.create(volumeInGb=20, containerDiskInGb=20, **more)).pod_id


async def update(door: FrontDoor, pod_id: str, **changes: object) -> Said:
    return await door.call("update_pod", podId=pod_id, **changes)


async def test_growing_a_volume_is_set_aside_and_billed(both):
    pod = await pod_with_volume(both)
    before = await both.promised()
    said = await update(both, pod, volumeInGb=100)
    assert said.ok, said.text
    assert said.facts["changed"] == ["volumeInGb"]
    assert both.live[0]["usd_per_hour"] == pytest.approx(before + 80 * GB_HOUR, abs=2e-6)
    lease = await both.the_lease()
    assert lease.stopped_usd_per_hour == pytest.approx(100 * 2 * GB_HOUR * 1e6, abs=1)


async def test_a_disk_that_the_budget_has_no_room_for_is_refused_before_runpod_is_called(both):
    both.write_policy(toml_with(budget={"usd_per_day": 2.0}))
    pod = await pod_with_volume(both)
    said = await update(both, pod, volumeInGb=8000)
    assert said.code == "over_daily_budget"
    assert both.calls("update") == 0


async def test_a_disk_above_the_policys_is_refused(both):
    pod = await pod_with_volume(both)
    both.write_policy(toml_with(pods={"max_volume_gb": 50, "max_container_disk_gb": 60}))
    assert (await update(both, pod, volumeInGb=51)).code == "disk_too_large"
    assert (await update(both, pod, containerDiskInGb=61)).code == "disk_too_large"
    assert (await update(both, pod, containerDiskInGb=60)).ok


async def test_an_image_a_port_and_a_template_pass_the_same_rules_as_in_a_create(door):
    pod = await pod_with_volume(door)
    door.write_policy(toml_with(pods={"images": ["runpod/*"], "ports": ["22/tcp"], "templates": ["mine"]}))
    assert (await update(door, pod, imageName="evil/miner")).code == "image_not_allowed"
    assert (await update(door, pod, ports=["8888/http"])).code == "port_not_allowed"
    assert (await update(door, pod, templateId="30zmvf89kd")).code in (
        "template_not_allowed",
        "invalid_arguments",
    )
    assert door.calls("update") == 0
    said = await update(door, pod, imageName="runpod/other", ports=["22/tcp"])
    assert said.ok, said.text
    assert said.pod["image"] == "runpod/other"


async def test_what_does_not_change_is_not_judged_by_a_stricter_policy(door):
    pod = await pod_with_volume(door)
    door.write_policy(toml_with(pods={"images": ["nothing/*"]}))
    assert (await update(door, pod, name="renamed")).ok


async def test_env_is_replaced_and_keeps_our_tag(both):
    pod = await pod_with_volume(both, env={"OLD": "1"})
    said = await update(both, pod, env={"TOKEN": "a secret value"})
    assert said.ok
    env = both.live[0]["env"]
    assert env["TOKEN"] == "a secret value"
    assert "OLD" not in env
    assert env[TAG] == (await both.the_lease()).reservation.id
    assert "a secret value" not in said.text + str(said.facts)
    assert b"a secret value" not in both.ledger_path.read_bytes()


async def test_words_of_runpods_about_a_refused_env_are_withheld(both):
    pod = await pod_with_volume(both)
    both.sim.faults.add("update", "invalid", times=1)
    said = await update(both, pod, env={"TOKEN": "a secret value"})
    assert said.code == "invalid_request"
    assert "a secret value" not in said.text


async def test_a_change_that_changes_nothing_is_not_sent(both):
    pod = await pod_with_volume(both, name="mine")
    said = await update(both, pod, name="mine", volumeInGb=20)
    assert said.ok
    assert "Nothing to change" in said.text
    assert both.calls("update") == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, None),
        ({"name": None}, None),
        ({"imageName": " "}, "imageName"),
        ({"templateId": ""}, "templateId"),
        ({"volumeInGb": 10}, "volumeInGb"),
        ({"volumeInGb": "big"}, "volumeInGb"),
        ({"ports": ["80"]}, "ports"),
        ({"gpuCount": 2}, "gpuCount"),
        ({"env": {TAG: "r-1"}}, "env"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_early_and_names_the_field(door, changes, field):
    pod = await pod_with_volume(door)
    said = await update(door, pod, **changes)
    assert (said.code, said.facts.get("field")) == ("invalid_arguments", field)
    assert door.calls("update") == 0


async def test_a_volume_is_not_added_to_a_pod_without_one(both):
    pod = (await both.create(volumeInGb=0)).pod_id
    said = await update(both, pod, volumeInGb=20)
    assert (said.code, said.facts["field"]) == ("invalid_arguments", "volumeInGb")


async def test_a_locked_pod_is_renamed_but_not_reset(both):
    pod = await pod_with_volume(both, locked=True)
    assert (await update(both, pod, name="renamed")).ok
    assert (await update(both, pod, imageName="runpod/other")).code == "conflict"
    said = await update(both, pod, imageName="runpod/other", locked=False)
    assert said.ok, said.text


async def test_a_pod_of_somebody_else_is_left_alone(door):
    pod = door.sim.by_hand({"create": {"gpuTypeId": "NVIDIA L4"}})
    assert (await update(door, pod.id, name="mine")).code == "not_managed"
    assert (await update(door, "nosuchpod", name="mine")).code == "not_found"


async def test_a_refused_change_gives_its_money_back(both):
    pod = await pod_with_volume(both)
    before = await both.the_lease()
    both.sim.faults.add("update", "invalid", times=1)
    assert (await update(both, pod, volumeInGb=100)).code == "invalid_request"
    lease = await both.the_lease()
    assert (lease.usd_per_hour, lease.stopped_usd_per_hour, lease.ceiling_usd_per_hour) == (
        before.usd_per_hour,
        before.stopped_usd_per_hour,
        before.ceiling_usd_per_hour,
    )


async def test_a_refused_change_of_a_stopped_pod_gives_its_money_back(both):
    pod = await pod_with_volume(both)
    await both.call("stop_pod", podId=pod)
    before = await both.promised()
    both.sim.faults.add("update", "invalid", times=1)
    assert (await update(both, pod, volumeInGb=100)).code == "invalid_request"
    assert await both.promised() == before


async def test_no_room_on_the_host_is_said_plainly(door):
    pod = await pod_with_volume(door)
    door.sim.faults.add("update", "no_capacity", times=1)
    said = await update(door, pod, volumeInGb=100)
    assert said.code == "no_capacity"
    assert "was not changed" in said.text


async def test_a_stopped_pod_may_grow_and_its_volume_is_counted_double(both):
    pod = await pod_with_volume(both)
    await both.call("stop_pod", podId=pod)
    assert (await update(both, pod, volumeInGb=40)).ok
    lease = await both.the_lease()
    assert lease.state is LeaseState.STOPPED
    assert both.live[0]["usd_per_hour"] == pytest.approx(40 * 2 * GB_HOUR, abs=2e-6)


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "hang_after", "garbage"])
async def test_a_change_whose_answer_was_lost_is_looked_up(both, fault):
    pod = await pod_with_volume(both)
    both.sim.faults.add("update", fault, times=1)
    said = await update(both, pod, volumeInGb=100)
    assert said.ok, said.text
    assert both.calls("update") == 1


@pytest.mark.parametrize("fault", ["drop_before", "error_before", "ignored"])
async def test_a_change_that_is_not_seen_counts_until_the_next_look(both, fault):
    pod = await pod_with_volume(both)
    before = await both.promised()
    both.sim.faults.add("update", fault, times=1)
    said = await update(both, pod, volumeInGb=100)
    assert said.code == "outcome_unknown"
    assert await both.promised() > before
    both.clock.step(minutes=3)
    await reconcile(both.house)
    assert await both.promised() == before


async def test_a_pod_that_was_gone_is_closed(both):
    pod = await pod_with_volume(both)
    both.sim.faults.add("update", "hold", times=1, at="before")
    async with anyio.create_task_group() as tasks:
        said: list[Said] = []

        async def change() -> None:
            said.append(await update(both, pod, name="renamed"))

        tasks.start_soon(change)
        await both.until_held()
        both.sim.by_hand({"end": pod})
        both.sim.holds.release()
    assert said[0].code == "not_found"
    assert await both.leases() == []


async def test_a_pod_that_is_billed_dearer_after_a_change_is_due(door):
    pod = await pod_with_volume(door)
    door.sim.by_hand({"reprice": pod, "usd_per_hour": 3.0})
    assert (await update(door, pod, name="renamed")).ok
    await reap(door.house)
    await door.call("get_budget")
    assert [one["status"] for one in door.live] == ["EXITED"]


async def test_a_changed_pod_is_given_its_time_to_boot_again(tmp_path: Path):
    policy = ROOMY + 'ready_minutes = 10\non_not_ready = "end"\n'
    async with front_door(tmp_path, policy) as door:
        pod = await pod_with_volume(door)
        door.clock.step(minutes=30)
        door.sim.settings.change({"boot_seconds": 3600})
        assert (await update(door, pod, imageName="runpod/other")).ok
        door.clock.step(minutes=9)
        await reap_not_ready(door.house, done := Ended())
        assert done.not_ready == []
        door.clock.step(minutes=2)
        await reap_not_ready(door.house, done)
        assert done.not_ready
        assert door.live == []


async def test_a_template_is_written_out_and_judged(tmp_path: Path):
    async with front_door(tmp_path, LIMITLESS) as door:
        pod = await pod_with_volume(door)
        template = next(one for one in door.sim.world.shelf.templates.values() if not one.serverless)
        said = await update(door, pod, templateId=template.id)
        assert said.ok, said.text
        (body,) = door.bodies("update")
        assert body["templateId"] == template.id
        assert body["env"][TAG] == (await door.the_lease()).reservation.id
        assert body["image"] == template.image


async def test_v1_says_that_it_cannot_apply_a_template(tmp_path: Path):
    async with front_door(tmp_path, dialect="v1") as door:
        pod = await pod_with_volume(door)
        template = next(one for one in door.sim.world.shelf.templates.values() if not one.serverless)
        assert (await update(door, pod, templateId=template.id)).facts["field"] == "templateId"
        assert (await update(door, pod, containerRegistryAuthId="")).facts[
            "field"
        ] == "containerRegistryAuthId"


async def test_a_change_that_needs_a_yes_is_not_made_without_one(door):
    pod = await pod_with_volume(door)
    door.write_policy(toml_with(approval={"above_usd_per_hour": 0.10}))
    assert (await update(door, pod, volumeInGb=100)).code == "approval_required"
    assert (await update(door, pod, name="renamed")).ok
    door.write_policy(toml_with(approval={"tools": ["update_pod"]}))
    assert (await update(door, pod, name="again")).code == "approval_required"


async def test_a_disk_that_grows_late_in_a_lease_is_asked_about_with_what_the_lease_has_cost(door):
    pod = await pod_with_volume(door)
    door.write_policy(toml_with(approval={"above_usd_per_lease": 1.0}))
    door.clock.step(hours=1, minutes=50)
    grown = await update(door, pod, volumeInGb=100)
    assert grown.code == "approval_required"
    assert "its lease can cost more than $1.00" in grown.text
    assert (await update(door, pod, name="renamed")).ok


async def test_growing_and_shrinking_again_does_not_raise_what_is_allowed(both):
    pod = await pod_with_volume(both)
    before = (await both.the_lease()).ceiling_usd_per_hour
    for _ in range(3):
        assert (await update(both, pod, containerDiskInGb=5000)).ok
        assert (await update(both, pod, containerDiskInGb=20)).ok
    lease = await both.the_lease()
    assert lease.ceiling_usd_per_hour == before


@pytest.mark.parametrize(
    ("tool", "more"), [("restart_pod", {}), ("update_pod", {"imageName": "runpod/other"})]
)
async def test_a_pod_that_never_was_ready_gets_no_new_time_by_being_booted_again(tmp_path: Path, tool, more):
    policy = ROOMY + 'ready_minutes = 5\non_not_ready = "end"\n'
    async with front_door(tmp_path, policy) as door:
        door.sim.settings.change({"boot_seconds": 36_000})
        pod = await pod_with_volume(door)
        door.clock.step(minutes=4)
        assert (await door.call(tool, podId=pod, **more)).ok
        door.clock.step(minutes=2)
        await reap_not_ready(door.house, done := Ended())
        assert done.not_ready
        assert door.live == []


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_stopped_pod_is_not_said_to_boot_again(both, by_hand):
    pod_id = (await both.create(volumeInGb=20)).pod_id
    if by_hand:
        both.sim.by_hand({"stop": pod_id})
    else:
        assert (await both.call("stop_pod", podId=pod_id)).ok
    said = await both.call("update_pod", podId=pod_id, imageName="runpod/other:1")
    assert said.ok, said.text
    assert "boots again" not in said.text
    assert "notes" not in said.facts
