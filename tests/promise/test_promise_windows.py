"""Days, months and the total: what was spent and what is promised, judged on the books of the simulated Runpod."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from front_door import A4000, L4, RTX_4090, FrontDoor, Said, front_door, toml_with

from runpod_mcp.clock import SteppedClock, epoch, from_epoch
from runpod_mcp.errors import Failure
from runpod_mcp.flows.extend_lease import extend_lease
from runpod_mcp.flows.keeper import keep_once
from runpod_mcp.flows.leases import is_due, reap
from runpod_mcp.flows.start_pod import start_pod
from runpod_mcp.ledger.entries import LeaseState

L4_HOUR = 0.496945
"""Dollars per hour for one L4 with a container disk of 50 GB and no volume, rounded up."""
CENT = 0.01


def at(year: int, month: int, day: int, hour: float = 0) -> datetime:
    return datetime(year, month, day, tzinfo=UTC) + timedelta(hours=hour)


def budget(**limits: float) -> str:
    """A policy with these budgets and nothing else in the way of a long lease."""
    return toml_with(
        budget={"usd_per_hour": 1000.0, **limits}, lease={"max_hours": 1000, "keep_stopped_hours": 1}
    )


def set_time(door: FrontDoor, moment: datetime) -> None:
    door.clock.step(seconds=(moment - door.clock.now()).total_seconds())


async def rent(door: FrontDoor, hours: float, **more: Any) -> Said:
    """A lease of an L4 without a volume, so that all it costs is its lease."""
    return await door.create(**{"leaseHours": hours, "volumeInGb": 0, **more})


async def live_until(door: FrontDoor, moment: datetime) -> None:
    """Let time pass as in front of a server that runs: every lease is ended as soon as it is due."""
    while True:
        await keep_once(door.house, looks=False)
        now = epoch(door.clock.now())
        leases = [one for one in await door.leases() if one.state in (LeaseState.RUNNING, LeaseState.STOPPED)]
        dues = (range(lease.due_at - 10, lease.due_at + 1) for lease in leases)
        next_due = [next(t for t in due if is_due(lease, t)) for lease, due in zip(leases, dues, strict=True)]
        ahead = [from_epoch(due) for due in next_due if due > now]
        if door.clock.now() >= moment:
            return
        set_time(door, min([moment, *ahead]))


async def live_for(door: FrontDoor, **time: float) -> None:
    await live_until(door, door.clock.now() + timedelta(**time))


def no_window_is_passed(door: FrontDoor, **limits: float) -> None:
    """What Runpod charged in each day, month and in all is within these limits."""
    books = door.books()
    for day, usd in books["charged_by_day"].items():
        assert usd <= limits.get("usd_per_day", 1e9) + 1e-6, day
    for month, usd in books["charged_by_month"].items():
        assert usd <= limits.get("usd_per_month", 1e9) + 1e-6, month
    assert books["charged_usd"] <= limits.get("usd_total", 1e9) + 1e-6


# a lease is charged to every window it touches

EDGES = [
    (at(2026, 11, 25, 22), 5, {"2026-11-25": 2, "2026-11-26": 3}),
    (at(2026, 11, 30, 22), 5, {"2026-11-30": 2, "2026-12-01": 3}),
    (at(2026, 12, 31, 23), 3, {"2026-12-31": 1, "2027-01-01": 2}),
    (at(2027, 2, 28, 22), 5, {"2027-02-28": 2, "2027-03-01": 3}),
    (at(2028, 2, 28, 22), 5, {"2028-02-28": 2, "2028-02-29": 3}),
    (at(2028, 2, 29, 22), 5, {"2028-02-29": 2, "2028-03-01": 3}),
    (at(2028, 2, 28, 23), 26, {"2028-02-28": 1, "2028-02-29": 24, "2028-03-01": 1}),
    (at(2027, 4, 30, 12), 36, {"2027-04-30": 12, "2027-05-01": 24}),
]


@pytest.mark.parametrize(("start", "hours", "days"), EDGES, ids=[f"{one[0]:%Y-%m-%d %Hh}" for one in EDGES])
async def test_a_lease_is_promised_and_charged_to_every_day_and_month_it_touches(
    tmp_path, start, hours, days
):
    async with front_door(tmp_path, budget(usd_per_day=100.0, usd_per_month=1000.0)) as door:
        set_time(door, start)
        assert (await rent(door, hours)).ok
        for day in days:
            set_time(door, max(start, datetime.fromisoformat(f"{day}T00:00:00+00:00")))
            of_day, of_month = await door.budget("day"), await door.budget("month")
            assert of_day["spent"] + of_day["promised"] == pytest.approx(days[day] * L4_HOUR, abs=2e-6)
            in_month = sum(hours for other, hours in days.items() if other[:7] == day[:7])
            assert of_month["spent"] + of_month["promised"] == pytest.approx(in_month * L4_HOUR, abs=3e-6)
        await live_until(door, start + timedelta(hours=hours))
        assert door.live == []
        charged = door.books()["charged_by_day"]
        assert charged.keys() == days.keys()
        for day, usd in charged.items():
            assert usd == pytest.approx(days[day] * L4_HOUR, abs=CENT), day
        for per in ("day", "month", "total"):
            line = await door.budget(per)
            assert line.get("promised") == 0


@pytest.mark.parametrize(
    ("start", "hours", "days"), EDGES[:6], ids=[f"{one[0]:%Y-%m-%d %Hh}" for one in EDGES[:6]]
)
async def test_the_fullest_day_decides_to_the_hour_whether_a_lease_fits(tmp_path, start, hours, days):
    """The last day has room for what is asked of it and not for a minute more; so has every day before it."""
    fullest = max(days.values())
    async with front_door(tmp_path, budget(usd_per_day=fullest * L4_HOUR)) as door:
        set_time(door, start)
        refused = await rent(door, hours + 1 / 60)
        assert refused.code == "over_daily_budget"
        assert refused.facts["limit"] == pytest.approx(fullest * L4_HOUR)
        assert (await rent(door, hours)).ok
        await live_until(door, start + timedelta(hours=hours))
        no_window_is_passed(door, usd_per_day=fullest * L4_HOUR)
        assert max(door.books()["charged_by_day"].values()) == pytest.approx(fullest * L4_HOUR, abs=CENT)


async def test_the_day_that_is_full_is_named(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=5 * L4_HOUR)) as door:
        set_time(door, at(2028, 2, 28, 23))
        assert (await rent(door, 6)).ok, "one hour today, five tomorrow"
        tomorrow = await rent(door, 1.25)
        assert "on 2028-02-29 (UTC)" in tomorrow.text
        assert [(await rent(door, 1)).ok for _ in range(4)] == [True] * 4
        today = await rent(door, 1)
        assert "on 2028-02-28 (UTC)" in today.text
        await live_until(door, at(2028, 3, 1))
        no_window_is_passed(door, usd_per_day=5 * L4_HOUR)


@pytest.mark.parametrize(
    ("year", "month", "days"), [(2027, 2, 28), (2028, 2, 29), (2027, 4, 30), (2026, 12, 31)]
)
async def test_a_month_budget_holds_for_the_length_of_its_own_month(tmp_path, year, month, days):
    """One pod all month long is what the budget allows: to the hour, and none the next day either side."""
    hours = days * 24
    async with front_door(tmp_path, budget(usd_per_month=hours * L4_HOUR)) as door:
        set_time(door, at(year, month, 1))
        assert (await rent(door, hours)).ok
        assert (await rent(door, 0.1)).code == "over_monthly_budget"
        end = at(year, month, 1) + timedelta(days=days)
        await live_until(door, end - timedelta(minutes=30))
        assert (await rent(door, 0.1)).code == "over_monthly_budget"
        assert (await door.budget("month"))["left"] < CENT
        await live_until(door, end)
        assert (await door.budget("month"))["left"] == pytest.approx(hours * L4_HOUR)
        assert (await rent(door, 0.1)).ok
        assert door.books()["charged_by_month"][f"{year}-{month:02}"] <= hours * L4_HOUR


# midnight


async def test_what_was_used_up_today_is_there_again_after_midnight(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        set_time(door, at(2026, 12, 31, 20))
        assert (await rent(door, 4)).ok, "until midnight to the second"
        assert (await rent(door, 1 / 60)).code == "over_daily_budget"
        await live_until(door, at(2026, 12, 31, 23.9))
        assert (await rent(door, 1)).code == "over_daily_budget", "today has no room for its first minutes"
        await live_until(door, at(2027, 1, 1))
        assert (await door.budget("day")) == {
            "per": "day",
            "limit": pytest.approx(4 * L4_HOUR),
            "spent": 0,
            "promised": 0,
            "left": pytest.approx(4 * L4_HOUR),
        }
        assert (await rent(door, 4)).ok
        await live_for(door, hours=5)
        no_window_is_passed(door, usd_per_day=4 * L4_HOUR)


async def test_after_midnight_only_what_reaches_past_it_still_counts(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        set_time(door, at(2026, 11, 30, 22))
        assert (await rent(door, 3)).ok, "two hours today, one tomorrow"
        assert (await rent(door, 2)).ok, "two hours today"
        assert (await rent(door, 0.1)).code == "over_daily_budget"
        await live_until(door, at(2026, 12, 1))
        assert (await rent(door, 3.1)).code == "over_daily_budget"
        assert (await rent(door, 3)).ok
        assert (await rent(door, 0.1)).code == "over_daily_budget"
        await live_for(door, hours=4)
        no_window_is_passed(door, usd_per_day=4 * L4_HOUR)
        for day in ("2026-11-30", "2026-12-01"):
            assert door.books()["charged_by_day"][day] == pytest.approx(4 * L4_HOUR, abs=2 * CENT)


async def test_ending_a_pod_early_frees_tomorrow_at_once_and_of_today_only_what_was_not_used(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        set_time(door, at(2026, 11, 30, 20))
        long = await rent(door, 8)
        assert (await rent(door, 5)).code == "over_daily_budget"
        await live_for(door, hours=3)
        await door.call("delete_pod", podId=long.pod_id)
        assert (await rent(door, 0.99)).ok
        assert (await rent(door, 0.05)).code == "over_daily_budget", "three of four hours of today were used"
        await live_until(door, at(2026, 12, 1))
        assert (await rent(door, 4)).ok, "nothing of tomorrow is"
        await live_for(door, hours=5)
        no_window_is_passed(door, usd_per_day=4 * L4_HOUR)


async def test_a_budget_of_days_is_used_up_day_after_day_and_never_passed(tmp_path):
    """An agent that takes all it can get: it asks for eight hours, then for less and less."""
    limit = 5.0
    async with front_door(tmp_path, budget(usd_per_day=limit)) as door:
        set_time(door, at(2028, 2, 27, 6))
        while door.clock.now() < at(2028, 3, 2):
            for hours in (8, 4, 2, 1, 0.5, 0.25, 0.1, 0.02):
                while (await rent(door, hours, gpuTypeIds=[RTX_4090, L4, A4000])).ok:
                    pass
            await live_for(door, hours=3)
        no_window_is_passed(door, usd_per_day=limit)
        charged = door.books()["charged_by_day"]
        assert charged.keys() >= {"2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"}
        for day in ("2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"):
            assert charged[day] >= 0.95 * limit, f"{day} was refused money it had"
        await door.keep_promises()


# disks and stopped volumes


async def test_the_volume_of_a_stopped_pod_counts_in_every_window_until_it_is_terminated(tmp_path):
    policy = toml_with(budget={"usd_per_day": 5.0, "usd_per_month": 50.0}, lease={"keep_stopped_hours": 60})
    async with front_door(tmp_path, policy) as door:
        set_time(door, at(2026, 11, 30, 20))
        pod = await door.create(volumeInGb=500, leaseHours=1)
        await live_for(door, minutes=30)
        assert (await door.call("stop_pod", podId=pod.pod_id)).ok
        stopped = door.live[0]["usd_per_hour"]
        assert stopped > 0.1
        for day, hours in ((1, 24), (2, 24), (3, 9)):
            await live_until(door, at(2026, 12, day))
            line = await door.budget("day")
            assert line["spent"] + line["promised"] == pytest.approx(hours * stopped, abs=1e-5), day
        await live_until(door, at(2026, 12, 5))
        assert door.live == []
        charged = door.books()["charged_by_day"]
        assert charged["2026-12-01"] == charged["2026-12-02"] == pytest.approx(24 * stopped, abs=1e-4)
        assert "2026-12-04" not in charged
        spent = (await door.budget("month"))["spent"]
        assert spent == pytest.approx(door.books()["charged_by_month"]["2026-12"], abs=1e-4)


async def test_a_volume_that_will_be_kept_stopped_is_refused_where_a_later_day_has_no_room_for_it(tmp_path):
    """The lease ends today; what is too much is its stopped volume two days later."""
    policy = toml_with(budget={"usd_per_day": 3.5}, lease={"keep_stopped_hours": 48})
    async with front_door(tmp_path, policy) as door:
        set_time(door, at(2026, 11, 30, 12))
        big = await door.create(volumeInGb=600, leaseHours=1)
        assert big.code == "over_daily_budget"
        assert "on 2026-12-01 (UTC)" in big.text
        small = await door.create(volumeInGb=400, leaseHours=1)
        assert small.ok
        await live_until(door, at(2026, 12, 4))
        no_window_is_passed(door, usd_per_day=3.5)
        assert door.books()["charged_by_day"]["2026-12-01"] > 2.5


# starting and extending are judged in the windows they touch


async def test_an_extension_over_midnight_is_judged_on_both_days(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        set_time(door, at(2028, 2, 28, 22))
        pod = await rent(door, 1)
        assert (await extend_lease(door.house, pod.pod_id, 6)).lease
        with pytest.raises(Failure) as caught:
            await extend_lease(door.house, pod.pod_id, 6.1)
        assert caught.value.code == "over_daily_budget"
        assert "on 2028-02-29 (UTC)" in caught.value.message
        assert (await extend_lease(door.house, pod.pod_id, 1)).lease, "shorter is always allowed"
        assert (await door.budget("day"))["promised"] == pytest.approx(L4_HOUR, abs=2e-6)
        assert (await extend_lease(door.house, pod.pod_id, 6)).lease
        await live_until(door, at(2028, 2, 29, 5))
        assert door.live == []
        no_window_is_passed(door, usd_per_day=4 * L4_HOUR)
        assert door.books()["charged_by_day"]["2028-02-29"] == pytest.approx(4 * L4_HOUR, abs=CENT)


async def test_a_start_over_months_end_is_judged_in_both_months_beside_what_it_cost_before(tmp_path):
    async with front_door(
        tmp_path, toml_with(budget={"usd_per_month": 3.0}, lease={"max_hours": 24})
    ) as door:
        set_time(door, at(2026, 12, 31, 18))
        pod = await door.create(leaseHours=2)
        await live_for(door, hours=1)
        await door.call("stop_pod", podId=pod.pod_id)
        await live_for(door, hours=1)
        with pytest.raises(Failure) as caught:
            await start_pod(door.house, pod.pod_id, 10)
        assert caught.value.code == "over_monthly_budget"
        assert "in 2027-01 (UTC)" in caught.value.message
        assert (await start_pod(door.house, pod.pod_id, 8)).lease
        await live_until(door, at(2027, 1, 3))
        assert door.live == []
        no_window_is_passed(door, usd_per_month=3.0)
        charged = door.books()["charged_by_month"]
        assert charged.keys() == {"2026-12", "2027-01"}
        assert charged["2026-12"] == pytest.approx(5 * 0.5, abs=0.05), (
            "one hour, then four, and a stopped one"
        )


# a clock that is set back


async def refusal(door: FrontDoor, usual: str) -> str:
    """A clock that is far behind what the ledger has seen is itself a reason to rent nothing."""
    latest = (await door.house.ledger.spending(0, ())).now
    return "clock_behind" if latest - door.house.now() > 900 else usual


BACK = [{"minutes": 5}, {"hours": 3}, {"days": 1}, {"days": 31}]


@pytest.mark.parametrize("back", BACK, ids=str)
async def test_a_clock_set_back_frees_no_money_and_opens_no_day_again(tmp_path, back):
    limits = {"usd_per_day": 4 * L4_HOUR, "usd_per_month": 8 * L4_HOUR, "usd_total": 8 * L4_HOUR}
    async with front_door(tmp_path, budget(**limits)) as door:
        for day in (1, 2):
            set_time(door, at(2026, 12, day, 12))
            assert (await rent(door, 4)).ok
            await live_for(door, hours=4)
        assert door.live == []
        door.clock.step(**{unit: -by for unit, by in back.items()})
        async with front_door(tmp_path, beside=door) as other:
            for server in (door, other):
                for hours in (0.02, 4):
                    said = await rent(server, hours)
                    assert said.code == await refusal(door, "over_daily_budget")
                for per in ("day", "month", "total"):
                    line = await server.budget(per)
                    assert line["left"] < CENT, f"{per} is used up, whatever the clock says"
                    assert line["spent"] == pytest.approx(line["limit"], abs=CENT)
        no_window_is_passed(door, **limits)


@pytest.mark.parametrize("back", [{"days": 1}, {"days": 31}], ids=str)
async def test_room_that_a_day_of_the_past_had_left_is_not_used_up_later(tmp_path, back):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        set_time(door, at(2026, 12, 2, 12))
        assert (await rent(door, 4)).ok
        await live_for(door, hours=4)
        door.clock.step(**{unit: -by for unit, by in back.items()})
        for hours in (0.02, 1, 4):
            assert (await rent(door, hours)).code == await refusal(door, "over_daily_budget")
        assert door.books()["charged_by_day"].keys() == {"2026-12-02"}


@pytest.mark.parametrize("back", BACK, ids=str)
async def test_a_clock_set_back_while_money_is_promised_frees_none_of_it(tmp_path, back):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        set_time(door, at(2026, 12, 31, 23))
        assert (await rent(door, 5)).ok, "one hour today, four tomorrow"
        await live_until(door, at(2027, 1, 1, 1))
        assert (await door.budget("day"))["spent"] == pytest.approx(L4_HOUR, abs=CENT)
        door.clock.step(**{unit: -by for unit, by in back.items()})
        assert (await rent(door, 0.1)).code == await refusal(door, "over_daily_budget")
        line = await door.budget("day")
        assert line["spent"] == pytest.approx(L4_HOUR, abs=CENT), "the day is the latest one that was seen"
        assert line["left"] < CENT
        pod = door.live[0]["id"]
        assert (await door.call("delete_pod", podId=pod)).ok, "ending works whatever the clock says"
        assert (await door.budget("day"))["left"] == pytest.approx(3 * L4_HOUR, abs=CENT)
        await door.keep_promises()


@pytest.mark.parametrize("back", [{"minutes": 16}, {"days": 1}], ids=str)
async def test_nothing_that_would_end_too_late_is_rented_while_the_clock_is_behind(tmp_path, back):
    """Its end was counted from the ledger's time and waited for by the clock: a lease of an hour ran for a day."""
    async with front_door(tmp_path, budget(usd_per_day=8 * L4_HOUR), toolsets=("core", "storage")) as door:
        running = await rent(door, 4, volumeInGb=20)
        stopped = await rent(door, 1, volumeInGb=20)
        assert (await door.call("stop_pod", podId=stopped.pod_id)).ok
        door.clock.step(**{unit: -by for unit, by in back.items()})
        for said in (
            await rent(door, 0.5),
            await rent(door, 0.5, dryRun=True),
            await door.call("start_pod", podId=stopped.pod_id, leaseHours=0.5),
            await door.call("extend_lease", podId=running.pod_id, leaseHours=40),
            await door.call("update_pod", podId=running.pod_id, volumeInGb=30),
            await door.call("create_network_volume", name="x", sizeGb=10, dataCenterId="EU-RO-1"),
        ):
            assert said.code == "clock_behind", said.text
            assert "a person must set it right" in said.text
        assert door.created == 2
        assert door.books()["volumes"] == []


async def test_a_lease_ends_by_the_clock_that_is_ahead(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=4 * L4_HOUR)) as door:
        assert (await rent(door, 1)).ok
        slow = SteppedClock(door.clock.now())
        door.clock.step(hours=1)
        await door.house.ledger.spending(door.house.now(), ())
        await reap(replace(door.house, clock=slow))
        assert door.live == []


async def test_what_a_pod_cost_is_not_forgotten_when_it_ends_under_a_clock_set_back(tmp_path):
    async with front_door(tmp_path, budget(usd_per_day=40 * L4_HOUR)) as door:
        assert (await rent(door, 4)).ok
        door.clock.step(hours=3)
        await keep_once(door.house)
        door.clock.step(hours=-3)
        await extend_lease(door.house, door.live[0]["id"], 0.001)
        await reap(door.house)
        assert door.live == []
        assert (await door.budget("day"))["spent"] >= 3 * L4_HOUR - CENT


# many days at random


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "start", [at(2026, 11, 29, 9), at(2028, 2, 27, 9)], ids=["November", "leap February"]
)
async def test_whatever_an_agent_does_over_months_end_no_window_is_passed(tmp_path, seed, start):
    rng, refusals = random.Random(f"{seed} {start}"), []
    limits = {"usd_per_day": 6.0, "usd_per_month": 14.0, "usd_total": 25.0}
    policy = toml_with(budget=limits, lease={"max_hours": 30, "keep_stopped_hours": rng.choice([0, 5, 40])})
    async with front_door(tmp_path, policy) as door:
        set_time(door, start)
        while door.clock.now() < start + timedelta(days=4):
            await _one_deed(door, rng, refusals)
            await live_for(door, minutes=rng.choice([0, 7, 45, 200]))
            await door.keep_promises()
        await live_for(door, hours=30)
        no_window_is_passed(door, **limits)
        spent, charged = (await door.budget("total"))["spent"], door.books()["charged_usd"]
        assert charged - 1e-6 <= spent <= charged + 0.05, "and the ledger knows what it was"
        assert charged > 3
        assert {one for one in refusals if not one.startswith("over_")} <= {"conflict", "lease_too_long"}


async def _one_deed(door: FrontDoor, rng: random.Random, refusals: list[str]) -> None:
    pods = [pod["id"] for pod in door.live]
    deed = rng.choice(["create", "create", "create", "stop", "delete", "start", "extend"])
    if deed == "create":
        gpu = rng.choice([L4, A4000, RTX_4090])
        await door.create(
            gpu, leaseHours=rng.choice([0.2, 1, 3, 12, 30]), volumeInGb=rng.choice([0, 20, 300])
        )
    elif pods and deed in ("stop", "delete"):
        await door.call(f"{deed}_pod", podId=rng.choice(pods))
    elif pods:
        hours = rng.choice([0.1, 1, 6, 28])
        try:
            await (start_pod if deed == "start" else extend_lease)(door.house, rng.choice(pods), hours)
        except Failure as failure:
            refusals.append(failure.code)


async def test_the_moments_of_these_tests_are_what_they_say(tmp_path):
    async with front_door(tmp_path) as door:
        set_time(door, at(2028, 2, 29, 23.5))
        assert door.books()["now"] == "2028-02-29T23:30:00+00:00"
        assert epoch(door.clock.now()) % 86_400 == 84_600
        assert (await rent(door, 1)).pod["usdPerHour"] == L4_HOUR
