"""Reading a lease from its entries: state, price over time, what is promised, whatever the clock did."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_helpers import (
    BILLED,
    CEILING,
    DAY,
    HOUR,
    NOON,
    STOPPED_RATE,
    ended,
    entry,
    extended,
    noted,
    repriced,
    reservation,
    settled,
    started,
    stopped,
    unknown,
    voided,
)

from runpod_mcp.ledger.entries import OVERDUE_SECONDS, EntryKind, Lease, LeaseState
from runpod_mcp.money import Usd, cost
from runpod_mcp.policy.spending import TOTAL, Stretch, day_of


def lease(*entries, **changes):
    return Lease.read(reservation(**changes), entries)


def total(found, now):
    return TOTAL.cost_of(found.stretches(now))


ENDS, KEPT = NOON + 2 * HOUR, NOON + 2 * HOUR + DAY


def test_money_set_aside_counts_whole_from_the_first_moment():
    open_lease = lease()
    assert open_lease.state is LeaseState.OPEN
    assert open_lease.stretches(NOON) == reservation().plan().stretches
    assert open_lease.usd_per_hour == CEILING
    assert open_lease.holding(NOON).running
    assert open_lease.due_at == ENDS


def test_nothing_is_kept_stopped_where_the_reservation_says_so():
    brief = lease(stopped_until=ENDS)
    assert not brief.reservation.keeps_stopped
    assert brief.stretches(NOON) == (Stretch(NOON, ENDS, CEILING),) == brief.reservation.plan().stretches


def test_an_unknown_create_never_expires_and_goes_on_counting_at_its_ceiling():
    lost = lease(unknown(NOON + 5))
    much_later = NOON + 40 * DAY
    assert lost.still_counts
    assert lost.stretches(much_later) == (Stretch(NOON, much_later + OVERDUE_SECONDS, CEILING),)
    assert lost.holding(much_later).usd_per_hour_from(much_later) == CEILING


def test_a_pod_is_charged_from_the_reservation_on_however_late_it_was_found():
    found = lease(unknown(NOON + 5), settled(NOON + HOUR))
    assert found.stretches(NOON + HOUR)[0] == Stretch(NOON, NOON + HOUR, BILLED)
    assert lease(settled(NOON - 100)).stretches(NOON + HOUR)[0].start == NOON


def test_a_running_pod_costs_what_it_cost_and_promises_the_rest():
    running = lease(settled(), repriced(NOON + 600, 800_000))
    assert running.stretches(NOON + HOUR) == (
        Stretch(NOON, NOON + 600, BILLED),
        Stretch(NOON + 600, NOON + HOUR, Usd(800_000)),
        Stretch(NOON + HOUR, ENDS, Usd(800_000)),
        Stretch(ENDS, KEPT, STOPPED_RATE),
    )
    assert running.usd_per_hour == 800_000


def test_an_overdue_pod_is_promised_a_while_longer_again_and_again():
    running = lease(settled())
    for now in (ENDS, ENDS + 10, ENDS + 5000):
        past, overdue, kept = running.stretches(now)
        assert (past.end, overdue, kept.end) == (now, Stretch(now, now + OVERDUE_SECONDS, BILLED), KEPT)
        assert running.holding(now).usd_per_hour_from(now) == BILLED
    assert running.stretches(KEPT)[1:] == (Stretch(KEPT, KEPT + OVERDUE_SECONDS, BILLED),)


def test_a_stopped_pod_costs_its_volume_until_it_is_known_to_be_gone():
    kept = lease(settled(), stopped(NOON + HOUR))
    assert kept.due_at == KEPT
    assert not kept.holding(NOON + HOUR).running
    assert kept.stretches(NOON + HOUR)[1:] == (Stretch(NOON + HOUR, KEPT, STOPPED_RATE),)
    assert kept.stretches(KEPT)[-1] == Stretch(KEPT, KEPT + OVERDUE_SECONDS, STOPPED_RATE)


def test_stop_start_reprice_and_end_are_exact_to_the_second():
    gone = lease(
        settled(),
        stopped(NOON + HOUR),
        started(NOON + 2 * HOUR, gpus=2, lease_ends_at=NOON + 4 * HOUR, stopped_until=NOON + 5 * HOUR),
        repriced(NOON + 3 * HOUR, 500_000),
        ended(NOON + 3 * HOUR + 1800),
    )
    assert (gone.state, gone.gpus, gone.still_counts) == (LeaseState.ENDED, 2, False)
    assert gone.costs()["total"] == BILLED + STOPPED_RATE + BILLED + 250_000
    assert gone.stretches(NOON) == gone.stretches(NOON + 10 * DAY)
    assert gone.usd_per_hour == 0


def test_a_dearer_volume_is_promised_for_the_stopped_time_too():
    grown = lease(settled(), repriced(NOON + 60, 950_000, stopped_usd_per_hour=Usd(90_000)))
    assert grown.stretches(NOON + 60)[-1] == Stretch(ENDS, KEPT, Usd(90_000))
    kept = lease(settled(), stopped(NOON + 60, Usd(70_000)), started(NOON + 120))
    assert kept.stretches(NOON + 120)[-1].usd_per_hour == 70_000
    repriced_while_stopped = lease(
        settled(), stopped(NOON + 60), repriced(NOON + 90, 80_000), started(NOON + 120)
    )
    assert repriced_while_stopped.stopped_usd_per_hour == 80_000


def test_a_lease_can_be_moved_both_ways_and_keeps_its_stopped_time_behind_it():
    longer = lease(settled(), extended(NOON + 60, ENDS + HOUR, stopped_until=KEPT + HOUR))
    assert (longer.lease_ends_at, longer.stopped_until, longer.due_at) == (
        ENDS + HOUR,
        KEPT + HOUR,
        ENDS + HOUR,
    )
    shorter = lease(settled(), extended(NOON + 60, NOON + 60))
    assert (shorter.lease_ends_at, shorter.stopped_until) == (NOON + 60, KEPT)
    assert lease(settled(), extended(NOON + 60, KEPT + 5)).stopped_until == KEPT + 5


def test_a_pod_that_would_cost_more_stopped_is_promised_at_that_rate_as_it_may_be_stopped_at_any_time():
    large = lease(settled(), stopped_usd_per_hour=2 * CEILING)
    assert large.reservation.plan().usd_per_hour == 2 * CEILING
    assert TOTAL.cost_of(lease(settled(), stopped(NOON + 60, 2 * CEILING)).stretches(NOON + 60)) <= total(
        large, NOON + 60
    )


def test_a_void_reservation_costs_nothing_and_remembers_its_pod():
    nothing = lease(voided(pod_id="pod-9"))
    assert (nothing.state, nothing.pod_id) == (LeaseState.VOID, "pod-9")
    assert nothing.stretches(NOON) == ()


def test_a_pod_that_ended_before_it_cost_anything_costs_nothing():
    assert lease(settled(), ended(NOON)).costs() == {}


def test_notes_are_kept_in_order_and_change_no_sum():
    spoken = lease(settled(), noted("no ports yet"), noted("still none"))
    assert spoken.notes == ("no ports yet", "still none")
    assert spoken.stretches(NOON) == lease(settled()).stretches(NOON)


def test_a_moment_before_the_last_change_of_price_takes_back_nothing_that_was_charged():
    early = lease(settled(), repriced(NOON + HOUR, 800_000), ended(NOON + 5))
    assert early.costs()["total"] == BILLED
    early_stop = lease(settled(), repriced(NOON + HOUR, 800_000), stopped(NOON + 5))
    assert [s.start for s in early_stop.stretches(NOON + HOUR)] == [NOON, NOON + HOUR]


def test_a_clock_set_back_leaves_what_was_charged_and_all_that_is_promised():
    running = lease(settled(), repriced(NOON + HOUR, 800_000))
    assert total(running, NOON) == total(running, NOON + HOUR)
    overdue = lease(settled(), repriced(ENDS + HOUR, 800_000))
    assert overdue.stretches(NOON)[1] == Stretch(ENDS + HOUR, ENDS + HOUR + OVERDUE_SECONDS, Usd(800_000))
    assert overdue.holding(NOON).usd_per_hour_from(NOON) == BILLED


def test_a_pod_that_ended_in_the_future_is_charged_up_to_then():
    assert lease(settled(), ended(NOON + 3 * DAY)).costs()["total"] == BILLED * 72


def test_a_lease_over_midnight_is_charged_to_both_days():
    late = NOON + 11 * HOUR
    over = lease(settled(late), ended(late + 2 * HOUR), opened_at=late)
    assert over.costs() == {
        "day:2026-11-23": BILLED,
        "day:2026-11-24": BILLED,
        "month:2026-11": 2 * BILLED,
        "total": 2 * BILLED,
    }


def test_a_change_is_judged_with_its_past_apart_from_its_future():
    running = lease(settled(), repriced(NOON + HOUR, 400_000))
    past, plan = running.parted(NOON + HOUR)
    assert past.stretches == (Stretch(NOON, NOON + HOUR, BILLED),)
    assert (past.running, past.gpus, past.usd_per_hour_from(NOON + HOUR)) == (False, 0, 0)
    assert plan.stretches == (Stretch(NOON + HOUR, ENDS, Usd(400_000)), Stretch(ENDS, KEPT, STOPPED_RATE))
    assert (plan.usd_per_hour, plan.gpus, plan.running) == (400_000, 1, True)
    assert not lease(settled(), stopped(NOON + 5)).parted(NOON + 5)[1].running


def test_a_reservation_can_be_moved_in_time_with_its_length_kept():
    moved = reservation().moved_to(NOON + 77)
    assert (moved.opened_at, moved.lease_ends_at, moved.stopped_until) == (NOON + 77, ENDS + 77, KEPT + 77)


@given(
    st.integers(0, 3 * DAY),
    st.integers(0, 3 * DAY),
    st.sampled_from([(), (unknown(),), (settled(),), (settled(), stopped(NOON + 99))]),
    st.sampled_from([0, STOPPED_RATE, BILLED]),
)
def test_time_that_passes_never_frees_money_where_stopping_is_not_dearer(
    earlier, later, entries, stopped_rate
):
    found = lease(*entries, stopped_usd_per_hour=Usd(stopped_rate))
    earlier, later = sorted((NOON + earlier, NOON + later))
    assert total(found, earlier) <= total(found, later)
    assert found.holding(later).usd_per_hour_from(later) > 0
    assert day_of(later).cost_of(found.stretches(later)) > 0 or later < found.due_at


@given(st.integers(0, 2 * HOUR), st.integers(0, CEILING), st.none() | st.integers(0, 2 * HOUR + DAY))
def test_a_pod_that_keeps_to_its_lease_and_ceiling_costs_no_more_than_was_set_aside(length, rate, kept):
    history = [settled(usd_per_hour=Usd(rate))]
    if kept is not None:
        history.append(stopped(NOON + length, Usd(min(rate, STOPPED_RATE))))
    history.append(ended(NOON + max(length, kept or 0)))
    assert lease(*history).costs().get("total", 0) <= reservation().plan().usd


@given(
    st.lists(st.tuples(st.integers(0, 3 * DAY), st.integers(0, 10**6)), max_size=6), st.integers(0, 4 * DAY)
)
def test_the_price_over_time_has_no_gap_and_no_overlap_whatever_the_times_told(changes, now):
    found = lease(settled(), *[repriced(NOON + at, rate) for at, rate in changes])
    stretches = found.stretches(NOON + now)
    assert stretches[0].start == NOON
    assert all(left.end == right.start for left, right in pairwise(stretches))
    assert all(s.end > s.start for s in stretches)
    gone = lease(settled(), *[repriced(NOON + at, rate) for at, rate in changes], ended(NOON + now))
    assert gone.costs().get("total", 0) <= TOTAL.cost_of(stretches)


def test_the_promise_at_a_whole_rate_equals_the_cost_of_its_seconds():
    assert total(lease(stopped_until=ENDS), NOON) == cost(CEILING, 2 * HOUR)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (EntryKind.SETTLED, {"pod_id": "p"}),
        (EntryKind.SETTLED, {"usd_per_hour": Usd(1)}),
        (EntryKind.STOPPED, {}),
        (EntryKind.STARTED, {"gpus": 1}),
        (EntryKind.REPRICED, {"stopped_usd_per_hour": Usd(1)}),
        (EntryKind.EXTENDED, {"stopped_until": 1}),
        (EntryKind.ENDED, {"usd_per_hour": Usd(0)}),
        (EntryKind.NOTED, {"lease_ends_at": 1}),
        (EntryKind.UNKNOWN, {"pod_id": "p"}),
    ],
)
def test_an_entry_needs_its_facts_and_has_no_others(kind, facts):
    with pytest.raises(ValueError, match=f"an entry of kind {kind} needs"):
        entry(kind, **facts)


@pytest.mark.parametrize("facts", [{"at": -1}, {"usd_per_hour": Usd(-1)}, {"gpus": -1}])
def test_an_entry_holds_no_number_below_zero(facts):
    with pytest.raises(ValueError, match="below zero"):
        settled(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"lease_ends_at": NOON - 1},
        {"stopped_until": NOON + 1},
        {"opened_at": -1},
        {"usd_per_hour": Usd(-1)},
        {"gpus": -1},
    ],
)
def test_a_reservation_is_in_order_and_holds_no_number_below_zero(facts):
    with pytest.raises(ValueError, match="reservation r1"):
        reservation(**facts)
