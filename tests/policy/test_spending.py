"""The sums a budget is checked against: windows, rounding, calendars."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.clock import epoch
from runpod_mcp.money import Usd
from runpod_mcp.policy.spending import (
    TOTAL,
    Holding,
    Plan,
    Spending,
    Stretch,
    Window,
    day_of,
    lease_plan,
    month_of,
    windows_between,
)

DAY = 86_400
DOLLAR = Usd(1_000_000)


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return epoch(datetime(year, month, day, hour, minute, second, tzinfo=UTC))


moments = st.integers(at(1999, 12, 1), at(2101, 1, 1))
lengths = st.integers(1, 70 * DAY)
rates = st.integers(0, 100_000_000).map(Usd)


def days_of(windows: tuple[Window, ...]) -> list[Window]:
    return [w for w in windows if w.key.startswith("day:")]


def months_of(windows: tuple[Window, ...]) -> list[Window]:
    return [w for w in windows if w.key.startswith("month:")]


@given(moments, lengths, rates, st.sampled_from([days_of, months_of]))
def test_parts_of_a_cost_add_up_to_it_and_round_only_against_us(start, length, rate, parts_of):
    stretch = (Stretch(start, start + length, rate),)
    parts = parts_of(windows_between(start, start + length))
    whole = TOTAL.cost_of(stretch)
    assert whole <= sum(w.cost_of(stretch) for w in parts) <= whole + len(parts) - 1
    assert whole * 3600 >= rate * length


@given(moments, lengths, st.sampled_from([days_of, months_of]))
def test_windows_lie_side_by_side_and_cover_just_what_is_asked(start, length, parts_of):
    parts = parts_of(windows_between(start, start + length))
    assert parts[0].start <= start < parts[0].end
    assert parts[-1].start < start + length <= parts[-1].end
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert len({w.key for w in parts}) == len(parts)


@given(moments)
def test_a_moment_lies_in_its_own_day_and_month(moment):
    day, month = day_of(moment), month_of(moment)
    assert month.start <= day.start <= moment < day.end <= month.end
    assert day.key[4:11] == month.key[6:]


@pytest.mark.parametrize(
    ("moment", "key", "days"),
    [
        (at(2026, 2, 28, 23, 59, 59), "month:2026-02", 28),
        (at(2028, 2, 29), "month:2028-02", 29),
        (at(2100, 2, 28), "month:2100-02", 28),
        (at(2026, 12, 31, 23, 59, 59), "month:2026-12", 31),
        (at(2026, 11, 1), "month:2026-11", 30),
    ],
)
def test_months_have_their_own_length_leap_years_included(moment, key, days):
    month = month_of(moment)
    assert (month.key, month.end - month.start) == (key, days * DAY)


def test_a_lease_over_a_leap_day_is_charged_to_three_days_and_two_months():
    windows = windows_between(at(2028, 2, 28, 22), at(2028, 3, 1, 1))
    assert [w.key for w in windows] == [
        "day:2028-02-28",
        "day:2028-02-29",
        "day:2028-03-01",
        "month:2028-02",
        "month:2028-03",
        "total",
    ]
    costs = [w.cost_of([Stretch(at(2028, 2, 28, 22), at(2028, 3, 1, 1), DOLLAR)]) for w in windows]
    assert costs == [2 * DOLLAR, 24 * DOLLAR, DOLLAR, 26 * DOLLAR, DOLLAR, 27 * DOLLAR]


def test_a_lease_that_ends_at_midnight_does_not_touch_the_next_day():
    assert [w.key for w in windows_between(at(2026, 12, 31, 23), at(2027, 1, 1))] == [
        "day:2026-12-31",
        "month:2026-12",
        "total",
    ]


def test_a_window_rounds_its_sum_up_once_not_every_stretch():
    thirds = [Stretch(second, second + 1, Usd(1200)) for second in range(3)]
    assert TOTAL.cost_of(thirds) == 1
    assert TOTAL.cost_of([*thirds, Stretch(3, 4, Usd(1))]) == 2
    assert TOTAL.cost_of([]) == 0


def test_a_stretch_outside_a_window_or_turned_round_has_no_seconds_in_it():
    assert Stretch(10, 20, DOLLAR).seconds_within(20, 30) == 0
    assert Stretch(10, 20, DOLLAR).seconds_within(0, 10) == 0
    assert Stretch(20, 10, DOLLAR).seconds_within(0, None) == 0
    assert Stretch(10, 20, DOLLAR).seconds_within(15, None) == 5


def holding(start: int, end: int, rate: int = DOLLAR, gpus: int = 1, running: bool = True) -> Holding:
    return Holding("r", (Stretch(start, end, Usd(rate)),), gpus, running)


def test_what_a_holding_costs_per_hour_is_the_most_it_will_cost_from_now_on():
    one = Holding("r", (Stretch(0, 10, Usd(5)), Stretch(10, 20, Usd(2)), Stretch(20, 30, Usd(3))), 1, True)
    assert [one.usd_per_hour_from(now) for now in (0, 9, 10, 29, 30)] == [5, 5, 3, 3, 0]


def test_counts_are_of_what_runs_and_sums_are_of_everything():
    now = at(2026, 11, 23, 12)
    spending = Spending(
        now,
        (
            holding(now, now + 3600, gpus=2),
            holding(now, now + 3600, rate=50_000, gpus=4, running=False),
            holding(now, now + 3600, rate=100_000, gpus=0),
        ),
        {"total": Usd(7)},
    )
    assert (spending.pods_running, spending.gpus_running, spending.usd_per_hour) == (2, 2, 1_150_000)
    assert spending.within(TOTAL) == 1_150_007
    assert spending.within(day_of(now)) == 1_150_000


def test_each_holding_is_rounded_up_by_itself_so_that_ending_one_frees_nothing():
    held = Spending(0, (holding(0, 1, rate=1), holding(0, 1, rate=1)))
    one_ended = Spending(0, (holding(0, 1, rate=1),), {"total": Usd(1)})
    assert held.within(TOTAL) == one_ended.within(TOTAL) == 2


def test_promises_are_not_yet_spent():
    now = at(2026, 11, 23, 12)
    spending = Spending(
        now, (holding(now - 3600, now + 3600), holding(now + 60, now + 3600)), {"total": DOLLAR}
    )
    assert spending.spent_within(TOTAL) == 2 * DOLLAR
    assert spending.spent_within(day_of(now)) == DOLLAR
    assert spending.within(TOTAL) > 3 * DOLLAR


def test_a_plan_knows_its_dearest_hour_its_whole_cost_and_its_windows():
    start = at(2026, 11, 30, 23)
    plan = Plan((Stretch(start, start + 7200, DOLLAR), Stretch(start + 7200, start + 10_800, Usd(3))), 1)
    assert (plan.usd_per_hour, plan.usd) == (DOLLAR, 2 * DOLLAR + 3)
    assert [w.key for w in plan.windows()] == [
        "day:2026-11-30",
        "day:2026-12-01",
        "month:2026-11",
        "month:2026-12",
        "total",
    ]
    assert Plan((), 0).usd_per_hour == 0


def test_a_lease_promises_the_dearer_of_running_and_stopped_while_it_may_run():
    cheap_when_stopped = lease_plan(0, 10, 30, Usd(7), Usd(2), 1)
    assert cheap_when_stopped == Plan((Stretch(0, 10, Usd(7)), Stretch(10, 30, Usd(2))), 1)
    dear_when_stopped = lease_plan(0, 10, 30, Usd(2), Usd(7), 1)
    assert dear_when_stopped == Plan((Stretch(0, 10, Usd(7)), Stretch(10, 30, Usd(7))), 1)
    assert lease_plan(0, 10, 10, Usd(7), Usd(2), 1) == Plan((Stretch(0, 10, Usd(7)),), 1)
