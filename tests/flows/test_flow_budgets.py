"""The budgets, measured in the books of the simulated Runpod: what is full refuses, what ends frees, races never pass."""

from __future__ import annotations

import anyio
import pytest
from front_door import A4000, L4, RTX_4090, front_door, toml_with

ONE = 0.499723
"""What one L4 with the usual disks costs per hour, rounded up."""
LEASE = 1.13279
"""What its two hours and a day of its stopped volume can cost."""
TODAY = 1.055013
"""The part of that before midnight."""

BUDGETS = {
    "over_hourly_budget": {"budget": {"usd_per_hour": 3 * ONE}},
    "over_daily_budget": {"budget": {"usd_per_day": 3.5}},
    "over_monthly_budget": {"budget": {"usd_per_month": 3 * LEASE}},
    "over_total_budget": {"budget": {"usd_total": 3 * LEASE}},
    "too_many_pods": {"pods": {"max_running": 3}},
    "too_many_gpus": {"gpus": {"max_running": 3}},
}


def policy(code):
    tables = BUDGETS[code]
    return toml_with(**({"budget": {}} | tables)).replace("usd_per_hour = 20.0\n", "")


@pytest.mark.parametrize("code", BUDGETS)
async def test_a_full_budget_refuses_the_next_pod_and_deleting_one_frees_it(tmp_path, code):
    async with front_door(tmp_path, policy(code)) as door:
        pods = [await door.create() for _ in range(3)]
        assert all(pod.ok for pod in pods), "exactly at the limit fits"
        refused = await door.create()
        assert refused.code == code
        assert (door.create_calls, len(door.live)) == (3, 3)
        await door.call("delete_pod", podId=pods[0].pod_id)
        again = await door.create()
        assert again.ok, again.text
        await door.keep_promises()


async def test_a_refusal_names_the_limit_what_is_used_and_what_was_asked(tmp_path):
    async with front_door(tmp_path, policy("over_hourly_budget")) as door:
        for _ in range(3):
            await door.create()
        facts = (await door.create()).facts
        assert facts["limit"] == pytest.approx(3 * ONE)
        assert facts["used"] == pytest.approx(3 * ONE)
        assert facts["requested"] == pytest.approx(ONE)


async def test_what_was_spent_stays_spent_after_the_pod_is_gone(tmp_path):
    async with front_door(tmp_path, policy("over_total_budget")) as door:
        pods = [await door.create() for _ in range(3)]
        door.clock.step(hours=1)
        for pod in pods:
            await door.call("delete_pod", podId=pod.pod_id)
        total = await door.budget("total")
        assert total["spent"] == pytest.approx(door.books()["charged_usd"], abs=1e-5)
        assert total["spent"] >= door.books()["charged_usd"]
        assert [(await door.create()).code for _ in range(2)] == [None, "over_total_budget"]


async def test_a_stopped_pod_keeps_counting_its_volume_and_holds_no_gpu(tmp_path):
    async with front_door(
        tmp_path, toml_with(budget={"usd_per_hour": 0.51}, gpus={"max_running": 1})
    ) as door:
        pod = await door.create()
        assert (await door.create()).code in ("too_many_gpus", "over_hourly_budget")
        await door.call("stop_pod", podId=pod.pod_id)
        assert (await door.budget("hour"))["spent"] == pytest.approx(door.live[0]["usd_per_hour"], abs=1e-6)
        second = await door.create()
        assert second.ok, second.text
        assert (await door.budget("hour"))["left"] == pytest.approx(0.51 - ONE - 0.005556, abs=2e-6)
        assert (await door.create(A4000)).code == "too_many_gpus"


async def test_a_lease_over_midnight_is_charged_to_both_days(tmp_path):
    async with front_door(tmp_path, toml_with(budget={"usd_per_day": 1.2})) as door:
        door.clock.step(hours=11)
        said = await door.create(leaseHours=2, volumeInGb=0)
        assert said.ok
        assert (await door.budget("day"))["promised"] == pytest.approx(said.pod["usdPerHour"], abs=2e-6)
        assert (await door.create(leaseHours=4)).code == "over_daily_budget", (
            "tomorrow has no room for three more"
        )


async def test_pods_made_elsewhere_count_when_the_policy_says_so(both):
    both.sim.by_hand({"create": {"gpuTypeId": RTX_4090}})
    assert (await both.budget("hour"))["spent"] == 0
    both.write_policy(toml_with(budget={"usd_per_hour": 1.0, "include_unmanaged": True}))
    assert (await both.budget("hour"))["spent"] == pytest.approx(both.books()["burn_usd_per_hour"], abs=2e-6)
    assert (await both.create()).code == "over_hourly_budget"
    assert (await both.create(A4000)).code == "over_hourly_budget"
    both.sim.by_hand({"stop": both.books()["live"][0]["id"]})
    assert (await both.create()).ok


async def test_when_pods_made_elsewhere_cannot_be_read_nothing_is_spent(tmp_path):
    async with front_door(tmp_path, toml_with(budget={"include_unmanaged": True})) as door:
        door.sim.faults.add("list", "garbage", times=None)
        said = await door.create()
        assert (said.code, said.facts["retry"], door.create_calls) == ("runpod_unavailable", "later", 0)


async def test_what_a_pod_made_elsewhere_cost_before_is_in_the_sums_too(tmp_path):
    async with front_door(
        tmp_path, toml_with(budget={"include_unmanaged": True, "usd_total": 10_000})
    ) as door:
        pod = door.sim.by_hand({"create": {"gpuTypeId": L4}})
        door.clock.step(hours=3)
        total = await door.budget("total")
        assert total["spent"] == pytest.approx(door.books()["charged_usd"], abs=1e-5)
        door.sim.by_hand({"end": pod.id})
        assert (await door.budget("total"))["spent"] == 0


# many at once


async def _race(doors, calls):
    said = []

    async def ask(number):
        said.append(await doors[number % len(doors)].create([L4, A4000] if number % 3 == 0 else L4))

    async with anyio.create_task_group() as tasks:
        for number in range(calls):
            tasks.start_soon(ask, number)
    return said


@pytest.mark.parametrize("code", BUDGETS)
@pytest.mark.parametrize("unmanaged", [False, True])
async def test_many_calls_at_once_use_a_budget_up_and_never_pass_it(tmp_path, code, unmanaged):
    text = policy(code).replace(
        "[gpus]", f"[budget]\ninclude_unmanaged = {str(unmanaged).lower()}\n[gpus]", 1
    )
    if "[budget]\n" in policy(code):
        text = policy(code).replace(
            "[budget]\n", f"[budget]\ninclude_unmanaged = {str(unmanaged).lower()}\n", 1
        )
    async with front_door(tmp_path, text) as door:
        said = await _race([door], 12)
        rented = [one for one in said if one.ok]
        assert len(rented) == len(door.live) >= 3
        assert {one.code for one in said if not one.ok} <= {code}
        assert (await door.create()).code == code
        if code == "over_hourly_budget":
            assert door.books()["peak_usd_per_hour"] <= 3 * ONE
        if code in ("too_many_pods", "too_many_gpus"):
            assert door.books()["peak_pods"] == 3
        await door.keep_promises()


async def test_many_calls_through_two_servers_never_pass_the_budget(tmp_path):
    async with (
        front_door(tmp_path, policy("over_hourly_budget")) as one,
        front_door(tmp_path, beside=one) as other,
    ):
        said = await _race([one, other], 12)
        assert 3 <= sum(answer.ok for answer in said) == len(one.live)
        assert one.books()["peak_usd_per_hour"] <= 3 * ONE
        await one.keep_promises()


async def test_a_race_with_refusals_of_capacity_never_passes_the_budget_and_leaves_nothing_set_aside(
    tmp_path,
):
    async with front_door(tmp_path, policy("over_hourly_budget")) as door:
        door.sim.faults.add("create", "no_capacity", times=4)
        door.sim.faults.add("create", "drop_after", times=2, skip=1)
        await _race([door], 12)
        assert door.books()["peak_usd_per_hour"] <= 3 * ONE
        assert len(await door.leases()) == len(door.live)
        await door.keep_promises()


async def test_the_budget_says_the_same_in_words_and_numbers(door):
    await door.create()
    said = await door.call("get_budget")
    assert said.facts["podsRunning"] == said.facts["gpusRunning"] == 1
    assert said.facts["leaseHours"] == {"default": 2, "max": 8}
    assert "$19.5003 of $20.00 left" in said.text
    day = next(line for line in said.facts["budgets"] if line["per"] == "day")
    assert "limit" not in day
    assert "no limit" in said.text
