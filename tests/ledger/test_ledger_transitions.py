"""What may be written about a lease where it stands: every state against every kind of entry."""

from __future__ import annotations

import pytest
from ledger_helpers import (
    BILLED,
    HOUR,
    NOON,
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
from runpod_mcp.ledger.entries import EntryKind, Lease, LeaseState
from runpod_mcp.ledger.transitions import step
from runpod_mcp.money import Usd

HISTORY = {
    LeaseState.OPEN: (),
    LeaseState.UNKNOWN: (unknown(),),
    LeaseState.RUNNING: (settled(),),
    LeaseState.STOPPED: (settled(), stopped(NOON + 60)),
    LeaseState.ENDED: (settled(), ended(NOON + HOUR)),
    LeaseState.VOID: (voided(),),
}
NEWS = {
    EntryKind.UNKNOWN: unknown(NOON + 90),
    EntryKind.SETTLED: settled(NOON + 90),
    EntryKind.VOIDED: voided(NOON + 90),
    EntryKind.REPRICED: repriced(NOON + 90, 123_456),
    EntryKind.STOPPED: stopped(NOON + 90, Usd(33_333)),
    EntryKind.STARTED: started(NOON + 90, Usd(955_555)),
    EntryKind.EXTENDED: extended(NOON + 90, NOON + 9 * HOUR),
    EntryKind.ENDED: ended(NOON + 90),
    EntryKind.NOTED: noted("hm"),
}
#            open unknown running stopped ended void;  + applies, = already so, ! contradicts
TABLE = {
    EntryKind.UNKNOWN: "+====!",
    EntryKind.SETTLED: "++===!",
    EntryKind.VOIDED: "++!!!=",
    EntryKind.REPRICED: "!!++!!",
    EntryKind.STOPPED: "!!++!!",
    EntryKind.STARTED: "!!++!!",
    EntryKind.EXTENDED: "!!++!!",
    EntryKind.ENDED: "!!++=!",
    EntryKind.NOTED: "++++++",
}


def lease(*entries):
    return Lease.read(reservation(), entries)


@pytest.mark.parametrize("kind", list(EntryKind))
@pytest.mark.parametrize(("place", "state"), list(enumerate(HISTORY)))
def test_every_entry_in_every_state_applies_is_already_so_or_contradicts(kind, place, state):
    before, news = lease(*HISTORY[state]), NEWS[kind]
    assert before.state is state
    match TABLE[kind][place]:
        case "+":
            assert step(before, news) == before.after(news)
        case "=":
            assert step(before, news) is None
        case _:
            with pytest.raises(Failure, match=f"is {state} and cannot become {kind}") as caught:
                step(before, news)
            assert caught.value.code is Code.CONFLICT


@pytest.mark.parametrize(
    "kind", [kind for kind in EntryKind if kind not in (EntryKind.STARTED, EntryKind.STOPPED)]
)
@pytest.mark.parametrize("state", list(HISTORY))
def test_an_entry_that_was_applied_changes_nothing_when_it_is_replayed(kind, state):
    before = lease(*HISTORY[state])
    try:
        after = step(before, NEWS[kind]) or before
    except Failure:
        return
    assert step(after, NEWS[kind]) is None


@pytest.mark.parametrize(
    "again", [stopped(NOON + 999), started(NOON + 999), extended(NOON + 9, NOON + 2 * HOUR)]
)
def test_saying_again_what_stands_changes_nothing(again):
    before = lease(settled(), stopped(NOON + 60)) if again.kind is EntryKind.STOPPED else lease(settled())
    assert step(before, again) is None


@pytest.mark.parametrize(
    "other",
    [settled(pod_id="pod-2"), entry(EntryKind.ENDED, pod_id="pod-2"), repriced(NOON, 1, pod_id="pod-2")],
)
def test_another_pod_contradicts_the_one_that_stands(other):
    with pytest.raises(Failure, match="belongs to pod pod-1, not to pod-2"):
        step(lease(settled()), other)


def test_only_settling_and_voiding_name_the_pod_for_the_first_time():
    assert step(lease(), voided(pod_id="pod-7")).pod_id == "pod-7"
    with pytest.raises(Failure, match="belongs to no pod, not to pod-7"):
        step(lease(), entry(EntryKind.NOTED, pod_id="pod-7", note="seen"))
    assert step(lease(settled()), entry(EntryKind.ENDED, NOON + 5, pod_id="pod-1")).state is LeaseState.ENDED


def test_settling_again_with_another_price_is_a_replay_and_not_a_new_price():
    assert step(lease(settled()), settled(usd_per_hour=Usd(BILLED + 1))) is None


def test_a_note_is_not_repeated_but_may_come_back():
    spoken = lease(noted("slow"))
    assert step(spoken, noted("slow", NOON + 9)) is None
    assert step(step(spoken, noted("ready")), noted("slow")).notes == ("slow", "ready", "slow")
