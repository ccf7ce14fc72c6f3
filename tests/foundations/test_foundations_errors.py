"""Failures as values, and time that is passed in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.clock import SteppedClock, SystemClock, epoch, from_epoch, iso
from runpod_mcp.errors import Code, Failure, Retry


def test_a_failure_as_structure_leaves_out_what_does_not_apply():
    failure = Failure(Code.NO_CAPACITY, "Nothing is free.", Retry.LATER)
    assert failure.as_structure() == {
        "code": "no_capacity",
        "message": "Nothing is free.",
        "retry": "later",
    }


def test_a_failure_as_structure_keeps_every_number_even_zero():
    failure = Failure(
        Code.TOO_MANY_PODS,
        "Too many.",
        field="gpuCount",
        limit=0,
        used=0,
        requested=1,
        alternatives=({"gpuCount": 1},),
    )
    structure = failure.as_structure()
    assert structure == {
        "code": "too_many_pods",
        "message": "Too many.",
        "field": "gpuCount",
        "limit": 0,
        "used": 0,
        "requested": 1,
        "alternatives": [{"gpuCount": 1}],
        "retry": "changed",
    }
    assert json.loads(json.dumps(structure)) == structure


def test_a_failure_reads_as_code_and_message_and_two_alike_are_not_one():
    first, second = Failure(Code.CONFLICT, "Busy."), Failure(Code.CONFLICT, "Busy.")
    assert str(first) == "conflict: Busy."
    assert first != second
    assert {first, second} == {second, first}


def test_every_code_is_one_word_of_small_letters():
    assert all(code.value == code.name.lower() for code in Code)


def test_the_systems_clock_tells_utc():
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_the_systems_clock_never_runs_backwards():
    clock = SystemClock()
    moments = [clock.now() for _ in range(1000)]
    assert moments == sorted(moments)
    clock._start += timedelta(hours=1)
    assert clock.now() - moments[0] > timedelta(minutes=59), (
        "as if the machine's clock had been set back by an hour"
    )


@pytest.mark.anyio
async def test_to_sleep_on_the_systems_clock_for_no_time_returns():
    await SystemClock().sleep(0)


@pytest.mark.anyio
async def test_a_stepped_clock_moves_only_when_told_and_to_sleep_is_to_move_it():
    clock = SteppedClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    assert clock.step(hours=2) == datetime(2026, 1, 1, 2, tzinfo=UTC)
    clock.step(hours=-1)
    await clock.sleep(90)
    assert iso(clock.now()) == "2026-01-01T01:01:30Z"


def test_seconds_round_down_also_before_1970():
    assert epoch(datetime(1970, 1, 1, 0, 0, 1, 999_999, UTC)) == 1
    assert epoch(datetime(1969, 12, 31, 23, 59, 59, 1, UTC)) == -1


@given(st.integers(0, 4_000_000_000))
def test_seconds_and_times_are_the_same_thing(seconds):
    assert epoch(from_epoch(seconds)) == seconds


def test_a_time_elsewhere_is_written_in_utc():
    assert iso(datetime(2026, 11, 23, 15, tzinfo=timezone(timedelta(hours=1)))) == "2026-11-23T14:00:00Z"
