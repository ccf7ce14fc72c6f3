"""What every ledger does, whichever engine keeps it."""

from __future__ import annotations

from contextlib import closing

import anyio
import pytest
from ledger_helpers import (
    BILLED,
    CEILING,
    DAY,
    HOUR,
    NOON,
    STOPPED_RATE,
    TOO_MUCH,
    allow,
    allow_change,
    deny,
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

from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger import sqlite_rows as rows
from runpod_mcp.ledger.audit import Record
from runpod_mcp.ledger.entries import Entry, EntryKind, LeaseState
from runpod_mcp.ledger.sqlite_file import SqliteFile
from runpod_mcp.ledger.store import Repeated, Reserved
from runpod_mcp.money import Usd
from runpod_mcp.policy.spending import TOTAL, Plan, Spending, Stretch, day_of, month_of

TODAY, THIS_MONTH = day_of(NOON), month_of(NOON)


async def reserved(ledger, id="r1", opened_at=NOON, **other):
    outcome = await ledger.reserve(reservation(id, opened_at, **other), allow)
    assert isinstance(outcome, Reserved)
    return outcome.lease


async def test_money_set_aside_is_there_to_read_and_counts_at_once(ledger):
    lease = await reserved(ledger)
    assert lease == await ledger.lease("r1") == (await ledger.leases())[0]
    assert (lease.reservation, lease.state) == (reservation(), LeaseState.OPEN)
    spending = await ledger.spending(NOON, [TOTAL, TODAY])
    assert spending.within(TOTAL) == reservation().plan().usd
    assert (spending.usd_per_hour, spending.pods_running, spending.gpus_running) == (CEILING, 1, 1)


async def test_an_empty_ledger_has_spent_nothing_and_knows_no_lease(ledger):
    assert await ledger.spending(NOON, [TOTAL]) == Spending(NOON, (), {"total": Usd(0)})
    assert await ledger.lease("r1") is None
    assert await ledger.lease_of_pod("pod-1") is None
    assert await ledger.leases() == ()
    assert await ledger.entries("r1") == []


async def test_a_denied_reservation_is_returned_and_not_written(ledger):
    assert await ledger.reserve(reservation(), deny) is TOO_MUCH
    assert await ledger.lease("r1") is None
    assert (await ledger.spending(NOON, [TOTAL])).within(TOTAL) == 0


async def test_a_judge_that_raises_leaves_nothing_behind(ledger):
    def trip(_):
        raise RuntimeError("the judge fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        await ledger.reserve(reservation(), trip)
    assert await ledger.lease("r1") is None
    await reserved(ledger)


async def test_a_judge_that_meets_a_system_error_is_not_taken_for_a_broken_ledger(ledger):
    def trip(_):
        raise FileNotFoundError("not ours")

    with pytest.raises(FileNotFoundError, match="not ours"):
        await ledger.reserve(reservation(), trip)


async def test_the_judge_sees_everything_committed_in_every_window_of_the_plan(ledger):
    await reserved(ledger, "gone", NOON - DAY)
    await ledger.write("gone", settled(NOON - DAY))
    await ledger.write("gone", ended(NOON - DAY + HOUR))
    await reserved(ledger, "lives")
    seen = []
    await ledger.reserve(reservation("next"), seen.append)
    (spending,) = seen
    assert [holding.reservation_id for holding in spending.holdings] == ["lives"]
    assert spending.closed == {
        "day:2026-11-23": 0,
        "day:2026-11-24": 0,
        "month:2026-11": BILLED,
        "total": BILLED,
    }


async def test_a_repeated_request_id_gives_back_what_it_was_given_before(ledger):
    first = await reserved(ledger, request_id="again", request_hash="one")
    second = await ledger.reserve(reservation("r2", request_id="again", request_hash="other"), deny)
    assert second == Repeated(first)
    await ledger.write("r1", settled())
    await ledger.write("r1", ended(NOON + HOUR))
    third = await ledger.reserve(reservation("r3", request_id="again"), deny)
    assert isinstance(third, Repeated)
    assert (third.lease.reservation.id, third.lease.state) == ("r1", LeaseState.ENDED)


async def test_a_request_id_is_free_again_when_nothing_came_of_it(ledger):
    for id in ("r1", "r2"):
        await reserved(ledger, id, request_id="again")
        await ledger.write(id, voided())
    await reserved(ledger, "r3", request_id="again")
    fourth = await ledger.reserve(reservation("r4", request_id="again"), allow)
    assert fourth == Repeated(await ledger.lease("r3"))


async def test_a_request_id_can_be_looked_up_before_anything_is_asked_of_the_ledger(ledger):
    assert await ledger.lease_of_request("local", "again") is None
    lease = await reserved(ledger, request_id="again")
    assert await ledger.lease_of_request("local", "again") == lease
    assert await ledger.lease_of_request("someone else", "again") is None
    await ledger.write("r1", voided())
    assert await ledger.lease_of_request("local", "again") is None


async def test_request_ids_belong_to_their_principal_and_none_is_not_one(ledger):
    await reserved(ledger, "r1", request_id="same", principal="ann")
    await reserved(ledger, "r2", request_id="same", principal="ben")
    await reserved(ledger, "r3", principal="ann")
    await reserved(ledger, "r4", principal="ann")


async def test_a_reservation_id_is_good_once(ledger):
    await reserved(ledger)
    with pytest.raises(Failure, match="r1 already exists") as caught:
        await ledger.reserve(reservation(gpus=2), allow)
    assert caught.value.code is Code.CONFLICT


async def test_a_lease_is_followed_from_its_creation_to_its_end(ledger):
    await reserved(ledger)
    history = [
        unknown(NOON + 5),
        settled(NOON + 60, gpus=2),
        noted("no ports yet", NOON + 70),
        repriced(NOON + 600, 800_000, stopped_usd_per_hour=Usd(30_000)),
        extended(NOON + 700, NOON + 3 * HOUR, stopped_until=NOON + 4 * HOUR),
        stopped(NOON + HOUR),
        started(NOON + 2 * HOUR, gpus=1),
        ended(NOON + 3 * HOUR),
    ]
    for news in history:
        lease = await ledger.write("r1", news)
        assert lease == await ledger.lease("r1")
    written = await ledger.entries("r1")
    assert [e.seq for e in written] == sorted({e.seq for e in written})
    assert [(e.kind, e.at, e.note) for e in written] == [(e.kind, e.at, e.note) for e in history]
    assert (lease.state, lease.gpus, lease.notes) == (LeaseState.ENDED, 1, ("no ports yet",))
    assert await ledger.leases() == ()
    cost = BILLED // 6 + 800_000 * 5 // 6 + 1 + STOPPED_RATE + BILLED
    spending = await ledger.spending(NOON, [TOTAL, TODAY, THIS_MONTH])
    assert spending == Spending(NOON, (), dict.fromkeys(["total", "day:2026-11-23", "month:2026-11"], cost))


async def test_ending_a_lease_changes_no_sum_of_what_is_past(ledger):
    await reserved(ledger)
    await ledger.write("r1", settled())
    before = await ledger.spending(NOON + 14 * HOUR, [TOTAL, TODAY, day_of(NOON + DAY)])
    await ledger.write("r1", ended(NOON + 14 * HOUR))
    after = await ledger.spending(NOON + 14 * HOUR, [TOTAL, TODAY, day_of(NOON + DAY)])
    for window in (TOTAL, TODAY, day_of(NOON + DAY)):
        assert before.spent_within(window) == after.spent_within(window) == after.within(window) > 0


async def test_a_replay_changes_nothing(ledger):
    await reserved(ledger)
    for news in (unknown(), settled(), stopped(NOON + 60), ended(NOON + HOUR)):
        first = await ledger.write("r1", news)
        assert await ledger.write("r1", news) == first
    assert await ledger.write("r1", settled(NOON + 999)) == first
    assert len(await ledger.entries("r1")) == 4
    assert (await ledger.spending(NOON, [TOTAL])).within(TOTAL) == first.costs()["total"]


async def test_what_contradicts_is_refused_and_leaves_no_trace(ledger):
    await reserved(ledger)
    void = await ledger.write("r1", voided())
    for news in (settled(), ended(NOON), unknown(), repriced(NOON, 1)):
        with pytest.raises(Failure) as caught:
            await ledger.write("r1", news)
        assert caught.value.code is Code.CONFLICT
    assert await ledger.lease("r1") == void
    assert len(await ledger.entries("r1")) == 1


async def test_nothing_can_be_written_about_a_reservation_nobody_made(ledger):
    with pytest.raises(Failure, match="no reservation r9") as caught:
        await ledger.write("r9", noted("?"))
    assert caught.value.code is Code.NOT_FOUND


async def test_a_note_on_what_is_over_is_kept_and_costs_nothing(ledger):
    await reserved(ledger)
    await ledger.write("r1", settled())
    await ledger.write("r1", ended(NOON + HOUR))
    assert (await ledger.write("r1", noted("its volume was deleted"))).notes == ("its volume was deleted",)
    assert (await ledger.spending(NOON, [TOTAL])).within(TOTAL) == BILLED


async def test_two_leases_never_hold_the_same_living_pod(ledger):
    await reserved(ledger, "r1")
    await reserved(ledger, "r2")
    await ledger.write("r1", settled(pod_id="pod-1"))
    with pytest.raises(Failure, match="Pod pod-1 already has the lease r1") as caught:
        await ledger.write("r2", settled(pod_id="pod-1"))
    assert caught.value.code is Code.CONFLICT
    assert (await ledger.lease("r2")).state is LeaseState.OPEN
    await ledger.write("r1", ended(NOON + HOUR))
    await ledger.write("r2", settled(pod_id="pod-1"))


async def test_a_pod_is_found_by_its_living_lease_else_by_the_last_that_named_it(ledger):
    for id in ("r1", "r2", "r3"):
        await reserved(ledger, id)
    await ledger.write("r1", settled(pod_id="pod-1"))
    await ledger.write("r3", voided(pod_id="pod-1"))
    assert (await ledger.lease_of_pod("pod-1")).reservation.id == "r1"
    await ledger.write("r1", ended(NOON + HOUR))
    assert (await ledger.lease_of_pod("pod-1")).reservation.id == "r3"
    await ledger.write("r2", settled(pod_id="pod-1"))
    assert (await ledger.lease_of_pod("pod-1")).reservation.id == "r2"


async def test_what_still_counts_is_listed_oldest_first(ledger):
    for id in ("z", "m", "a", "gone"):
        await reserved(ledger, id)
    await ledger.write("gone", voided())
    await ledger.write("m", unknown())
    await ledger.write("a", settled(pod_id="pod-a"))
    await ledger.write("a", stopped(NOON + 60))
    leases = await ledger.leases()
    assert [(lease.reservation.id, lease.state) for lease in leases] == [
        ("z", LeaseState.OPEN),
        ("m", LeaseState.UNKNOWN),
        ("a", LeaseState.STOPPED),
    ]


async def ended_between(ledger, id, start, end):
    """A lease that cost something from one moment to the other."""
    await reserved(ledger, id, start)
    await ledger.write(id, settled(start, pod_id=f"pod-{id}"))
    await ledger.write(id, ended(end))


async def test_leases_of_a_time_are_those_that_were_in_the_sums_then_ended_ones_too(ledger):
    await ended_between(ledger, "days ago", NOON - 3 * DAY, NOON - 3 * DAY + HOUR)
    await ended_between(ledger, "long", NOON - 2 * DAY, NOON + HOUR)
    await ended_between(ledger, "this morning", NOON - 2 * HOUR, NOON - HOUR)
    await reserved(ledger, "lives", NOON)
    await reserved(ledger, "void", NOON)
    await ledger.write("void", voided())

    async def ids(start, end):
        return [lease.reservation.id for lease in await ledger.leases_between(start, end)]

    assert await ids(NOON - 4 * DAY, NOON + DAY) == ["days ago", "long", "this morning", "lives"]
    assert await ids(NOON - DAY, NOON - DAY + HOUR) == ["long"]
    assert await ids(NOON - 2 * HOUR, NOON - HOUR) == ["long", "this morning"]
    assert await ids(NOON - HOUR, NOON) == ["long"]
    assert await ids(NOON, NOON + 1) == ["long", "lives"]
    assert await ids(NOON - 9 * DAY, NOON - 8 * DAY) == []
    assert await ids(NOON, NOON) == []
    (found,) = await ledger.leases_between(NOON - DAY, NOON - DAY + 1)
    assert found == await ledger.lease("long")


async def test_more_leases_than_can_be_read_at_once_are_refused_and_not_cut(tmp_path):
    with closing(SqliteFile(tmp_path / "ledger.db")) as file, file.transaction(write=True) as db:
        for number in range(3):
            rows.add_reservation(db, reservation(f"r{number}"))
        assert len(rows.leases_between(db, NOON, NOON + HOUR, most=3)) == 3
        with pytest.raises(Failure, match="more than 2 leases") as caught:
            rows.leases_between(db, NOON, NOON + HOUR, most=2)
        assert caught.value.code is Code.INVALID_ARGUMENTS


async def test_a_clock_set_back_does_not_set_the_ledger_back(ledger):
    assert (await ledger.spending(NOON + HOUR, [TOTAL])).now == NOON + HOUR
    assert (await ledger.spending(NOON, [TOTAL])).now == NOON + HOUR
    seen = []
    outcome = await ledger.reserve(reservation(), seen.append)
    assert seen[0].now == NOON + HOUR
    assert (
        outcome.lease.reservation
        == reservation().moved_to(NOON + HOUR)
        == (await ledger.lease("r1")).reservation
    )


async def test_yesterdays_budget_cannot_be_reached_by_setting_the_clock_back(ledger):
    await ledger.spending(NOON + DAY, [])
    seen = []
    await ledger.reserve(reservation(), seen.append)
    assert "day:2026-11-23" not in seen[0].closed
    assert "day:2026-11-24" in seen[0].closed


async def test_the_ledger_remembers_the_moment_of_a_denial_too(ledger):
    await ledger.reserve(reservation("r1", NOON + HOUR), deny)
    assert (await ledger.spending(NOON, [])).now == NOON + HOUR


async def test_what_the_cloud_says_of_time_does_not_move_the_clock(ledger):
    await reserved(ledger)
    await ledger.write("r1", settled(NOON + DAY))
    assert (await ledger.spending(NOON, [])).now == NOON


async def test_what_makes_a_lease_cheaper_never_reaches_back_before_the_latest_moment_seen(ledger):
    await reserved(ledger)
    await ledger.write("r1", settled(NOON))
    await ledger.spending(NOON + HOUR, [])
    cheaper = Entry(kind=EntryKind.REPRICED, at=NOON, usd_per_hour=Usd(1))
    assert (await ledger.write("r1", cheaper)).rates[-1] == (NOON + HOUR, Usd(1))
    dearer = Entry(kind=EntryKind.REPRICED, at=NOON + 60, usd_per_hour=Usd(2))
    assert (await ledger.write("r1", dearer)).rates[-1] == (NOON + HOUR, Usd(2))
    await ledger.spending(NOON + 2 * HOUR, [])
    assert (await ledger.write("r1", Entry(kind=EntryKind.ENDED, at=NOON))).rates[-1][0] == NOON + 2 * HOUR


async def test_an_unknown_create_goes_on_counting_past_its_end(ledger):
    await reserved(ledger)
    await ledger.write("r1", unknown())
    later = await ledger.spending(NOON + 9 * DAY, [TOTAL])
    assert later.within(TOTAL) > CEILING * 24 * 9
    assert (later.usd_per_hour, later.pods_running) == (CEILING, 1)


async def test_a_change_is_judged_beside_everything_else_and_written(ledger):
    await reserved(ledger, "other")
    await reserved(ledger, "r1")
    await ledger.write("r1", settled())
    seen: list[tuple[Spending, Plan]] = []
    longer = extended(NOON + HOUR, NOON + 4 * HOUR, stopped_until=NOON + 4 * HOUR)
    lease = await ledger.amend("r1", longer, lambda spending, plan: seen.append((spending, plan)))
    assert lease == await ledger.lease("r1")
    assert lease.lease_ends_at == NOON + 4 * HOUR
    ((spending, plan),) = seen
    assert plan == Plan((Stretch(NOON + HOUR, NOON + 4 * HOUR, BILLED),), 1)
    assert [(h.reservation_id, h.running) for h in spending.holdings] == [("other", True), ("r1", False)]
    assert spending.holdings[1].stretches == (Stretch(NOON, NOON + HOUR, BILLED),)
    assert spending.pods_running == 1
    assert spending.closed.keys() == {"day:2026-11-23", "month:2026-11", "total"}


async def test_a_denied_change_is_returned_and_not_written(ledger):
    await reserved(ledger)
    before = await ledger.write("r1", settled())
    denied = await ledger.amend("r1", extended(NOON + HOUR, NOON + 9 * HOUR), lambda *_: TOO_MUCH)
    assert denied is TOO_MUCH
    assert await ledger.lease("r1") == before


async def test_a_change_that_changes_nothing_or_ends_the_lease_is_not_judged(ledger):
    def never(*_):
        raise AssertionError("asked in vain")

    await reserved(ledger)
    before = await ledger.write("r1", settled())
    assert await ledger.amend("r1", repriced(NOON + HOUR, BILLED), never) == before
    assert (await ledger.amend("r1", ended(NOON + HOUR), never)).state is LeaseState.ENDED
    with pytest.raises(Failure, match="is ended"):
        await ledger.amend("r1", started(NOON + HOUR), allow_change)


async def test_parallel_extensions_together_stay_inside_a_budget(ledger):
    rounding = 10
    limit = 3 * reservation().plan().usd + 2 * CEILING + rounding
    for number in range(3):
        await reserved(ledger, f"r{number}")
        await ledger.write(f"r{number}", settled(pod_id=f"pod-{number}", usd_per_hour=CEILING))

    def judge(spending, plan):
        needed = spending.within(TOTAL) + TOTAL.cost_of(plan.stretches)
        return TOO_MUCH if needed > limit else None

    async def extend(number):
        longer = extended(NOON + 60, NOON + 3 * HOUR, stopped_until=NOON + 3 * HOUR + DAY)
        outcomes.append(await ledger.amend(f"r{number}", longer, judge))

    outcomes = []
    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(extend, number)
    assert outcomes.count(TOO_MUCH) == 1
    assert (await ledger.spending(NOON, [TOTAL])).within(TOTAL) <= limit


async def test_parallel_reservations_in_one_process_stop_at_the_limit(ledger):
    outcomes = []

    def at_most_five(spending):
        return TOO_MUCH if spending.pods_running >= 5 else None

    async def try_it(number):
        outcomes.append(await ledger.reserve(reservation(f"r{number}"), at_most_five))

    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(try_it, number)
    assert sum(isinstance(outcome, Reserved) for outcome in outcomes) == 5


async def test_the_same_request_sent_many_times_at_once_is_reserved_once(ledger):
    outcomes = []

    async def try_it(number):
        outcomes.append(await ledger.reserve(reservation(f"r{number}", request_id="one"), allow))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(try_it, number)
    assert len({outcome.lease.reservation.id for outcome in outcomes}) == 1
    assert sum(isinstance(outcome, Reserved) for outcome in outcomes) == 1


async def test_a_cancelled_call_is_either_not_begun_or_done(ledger):
    for number in range(20):
        with anyio.CancelScope() as scope:

            def cancel_and_allow(_, scope=scope):
                anyio.from_thread.run_sync(scope.cancel)

            await ledger.reserve(reservation(f"done{number}"), cancel_and_allow)
        assert scope.cancel_called
        assert (await ledger.lease(f"done{number}")) is not None
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ledger.reserve(reservation("never"), allow)
    assert await ledger.lease("never") is None


async def test_a_closed_ledger_opens_again_at_the_next_call(ledger):
    lease = await reserved(ledger)
    await ledger.close()
    await ledger.close()
    assert await ledger.lease("r1") == lease


async def test_a_write_that_names_the_pod_of_another_lease_is_refused_for_stopped_pods_too(ledger):
    for id in ("r1", "r2"):
        await reserved(ledger, id)
    await ledger.write("r1", settled())
    await ledger.write("r1", stopped(NOON + 60))
    with pytest.raises(Failure, match="already has the lease"):
        await ledger.write("r2", settled())
    assert (await ledger.write("r2", voided(pod_id="pod-1"))).state is LeaseState.VOID
    assert (
        await ledger.write("r1", entry(EntryKind.ENDED, NOON + 90, pod_id="pod-1"))
    ).state is LeaseState.ENDED


async def test_work_is_claimed_by_one_at_a_time_and_free_again_after_a_while(ledger):
    assert await ledger.claim("reconcile", "ann", NOON, 60)
    assert await ledger.claim("reconcile", "ann", NOON + 30, 60)
    assert not await ledger.claim("reconcile", "ben", NOON + 89, 60)
    assert await ledger.claim("other work", "ben", NOON + 89, 60)
    assert await ledger.claim("reconcile", "ben", NOON + 90, 60)
    assert not await ledger.claim("reconcile", "ann", NOON + 91, 60)


async def test_a_claim_is_not_taken_over_by_one_whose_clock_is_a_little_behind(ledger):
    assert await ledger.claim("reconcile", "ann", NOON, 60)
    assert not await ledger.claim("reconcile", "ben", NOON - 1, 60)


async def test_a_claim_made_before_the_clock_was_set_back_does_not_hold_for_ever(ledger):
    assert await ledger.claim("reconcile", "ann", NOON, 60)
    assert await ledger.claim("reconcile", "ben", NOON - HOUR, 60)


async def test_of_many_who_claim_the_same_work_at_once_one_gets_it(ledger):
    outcomes = []

    async def try_it(number):
        outcomes.append(await ledger.claim("reconcile", f"holder {number}", NOON, 60))

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(try_it, number)
    assert outcomes.count(True) == 1


async def test_what_was_made_is_known_by_its_tool_and_its_id(ledger):
    assert not await ledger.was_made("create_template", "t1")
    await ledger.record(Record(at=NOON, kind="made", tool="create_template", pod_id="t1"))
    assert await ledger.was_made("create_template", "t1")
    assert not await ledger.was_made("create_registry", "t1")
    assert not await ledger.was_made("create_template", "t2")
    assert await ledger.verify_audit() == ()


async def test_a_call_that_names_a_thing_did_not_make_it(ledger):
    await ledger.record(Record(at=NOON, kind="called", tool="create_template", pod_id="t1"))
    assert not await ledger.was_made("create_template", "t1")
