"""What Runpod can answer to a create, and what becomes of the money: four outcomes and no fifth."""

from __future__ import annotations

import contextlib
import sqlite3

import anyio
import pytest
from front_door import A4000, L4, RTX_4090, TAG, front_door

from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.money import MICRO

DIALECTS = ["v2", "v1"]
MADE = ["error_after", "drop_after", "hang_after", "garbage", "truncated"]
NOT_MADE = ["error_before", "drop_before", "hang", "unavailable"]


# no capacity


async def test_no_capacity_on_every_candidate_frees_the_money_and_says_what_was_tried(door):
    door.sim.faults.add("create", "no_capacity", times=None)
    said = await door.create([RTX_4090, L4], allowedCudaVersions=["12.8"], dataCenterIds=["EU-RO-1"])
    assert (said.code, said.facts["retry"]) == ("no_capacity", "later")
    for word in (RTX_4090, L4, "dataCenterIds", "allowedCudaVersions", "list_gpu_types"):
        assert word in said.text
    assert door.create_calls == 2
    assert await door.leases() == []
    assert (await door.budget("hour"))["left"] == 20.0


async def test_a_real_lack_of_stock_is_no_capacity(both):
    both.sim.stock.set(L4, free=0)
    said = await both.create()
    assert (said.code, both.create_calls, both.created) == ("no_capacity", 1, 0)
    assert await both.leases() == []


@pytest.mark.parametrize("kind", ["no_capacity", "lost_race"])
async def test_v1_says_500_for_a_lack_of_capacity_and_is_believed_when_no_tag_is_listed(tmp_path, kind):
    async with front_door(tmp_path, dialect="v1") as door:
        door.sim.faults.add("create", kind)
        said = await door.create()
        assert said.code == "no_capacity"
        assert await door.leases() == []
        assert (door.create_calls, door.created) == (1, 0)
        assert door.calls("list") >= 1


async def test_v1s_words_of_no_capacity_are_not_believed_when_the_tag_is_listed(tmp_path):
    async with front_door(tmp_path, dialect="v1") as door:
        door.sim.faults.add(
            "create", "error_after", detail="create pod: There are no instances currently available"
        )
        said = await door.create()
        assert said.pod_id == door.live[0]["id"]
        await door.keep_promises()


async def test_v1s_500_about_the_image_is_a_refusal(tmp_path):
    async with front_door(tmp_path, dialect="v1") as door:
        door.sim.faults.add("create", "error_before", detail="create pod: image not found")
        said = await door.create()
        assert (said.code, said.facts["retry"]) == ("invalid_request", "changed")
        assert await door.leases() == []


# refused

REFUSALS = {
    "unauthorized": ("unauthorized", "never"),
    "forbidden": ("unauthorized", "never"),
    "insufficient_balance": ("insufficient_balance", "later"),
    "invalid": ("invalid_request", "changed"),
    "rate_limited": ("rate_limited", "later"),
    "cloudflare_1010": ("runpod_unavailable", "later"),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refusal_frees_the_money_and_is_not_tried_again(both, kind):
    both.sim.faults.add("create", kind)
    said = await both.create([RTX_4090, L4])
    assert (said.code, said.facts["retry"]) == REFUSALS[kind], said.text
    assert (both.create_calls, both.created) == (1, 0)
    assert await both.leases() == []
    assert (await both.create()).ok, "the money is there again"


async def test_a_refusal_after_a_lack_of_capacity_frees_the_money_too(door):
    door.sim.faults.add("create", "no_capacity")
    door.sim.faults.add("create", "insufficient_balance")
    said = await door.create([RTX_4090, L4, A4000])
    assert (said.code, door.create_calls) == ("insufficient_balance", 2)
    assert await door.leases() == []


async def test_an_empty_account_is_insufficient_balance(door):
    door.sim.settings.change({"enforce_balance": True, "balance_usd": 0.1})
    said = await door.create()
    assert (said.code, said.facts["retry"]) == ("insufficient_balance", "later")
    assert door.created == 0


async def test_the_accounts_spend_limit_is_insufficient_balance(both):
    both.sim.settings.change({"spend_limit_usd": 0.1})
    said = await both.create()
    assert (said.code, both.created) == ("insufficient_balance", 0)
    assert await both.leases() == []


# unknown


@pytest.mark.parametrize("kind", MADE)
async def test_a_lost_answer_is_settled_by_the_tag(both, kind):
    both.sim.faults.add("create", kind)
    said = await both.create()
    assert said.pod_id == both.live[0]["id"]
    assert (both.create_calls, both.created) == (1, 1)
    lease = await both.the_lease()
    assert (lease.state, lease.pod_id) == (LeaseState.RUNNING, said.pod_id)


@pytest.mark.parametrize("kind", MADE)
async def test_a_lost_answer_is_looked_up_patiently_while_the_list_lags(both, kind):
    both.sim.faults.add("any", "list_lag", seconds=5)
    both.sim.faults.add("create", kind)
    said = await both.create()
    assert said.pod_id == both.live[0]["id"]
    assert both.create_calls == 1


@pytest.mark.parametrize("kind", NOT_MADE)
async def test_when_no_pod_shows_up_the_money_stays_set_aside_and_nothing_is_sent_again(both, kind):
    both.sim.faults.add("create", kind)
    said = await both.create([RTX_4090, L4])
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert (both.create_calls, both.created) == (1, 0)
    lease = await both.the_lease()
    assert lease.state is LeaseState.UNKNOWN
    assert lease.reservation.id in said.text
    assert (await both.budget("hour"))["left"] == pytest.approx(20 - 0.749723)
    both.clock.step(days=3)
    assert (await both.budget("hour"))["left"] == pytest.approx(20 - 0.749723), "it never expires by itself"


async def test_a_pod_that_the_list_hides_for_long_stays_counted_as_unknown(both):
    both.sim.faults.add("any", "list_lag", seconds=3600)
    both.sim.faults.add("create", "drop_after")
    said = await both.create()
    assert (said.code, both.create_calls, len(both.live)) == ("outcome_unknown", 1, 1)
    assert (await both.the_lease()).state is LeaseState.UNKNOWN


async def test_looking_for_the_pod_survives_lists_that_cannot_be_read(both):
    both.sim.faults.add("create", "drop_after")
    both.sim.faults.add("list", "garbage", times=2)
    said = await both.create()
    assert said.pod_id == both.live[0]["id"]


async def test_a_lost_answer_of_the_second_candidate_ends_the_trying(door):
    door.sim.faults.add("create", "no_capacity")
    door.sim.faults.add("create", "drop_before")
    said = await door.create([RTX_4090, L4, A4000])
    assert (said.code, door.create_calls) == ("outcome_unknown", 2)
    assert len(await door.leases()) == 1


async def test_a_pod_of_someone_elses_is_never_taken_for_ours(both):
    both.sim.by_hand({"create": {"name": "my pod", "env": {TAG: "r-somebodyelse"}}})
    both.sim.faults.add("create", "drop_before")
    assert (await both.create()).code == "outcome_unknown"
    assert (await both.the_lease()).pod_id is None


# billed dearer


async def test_a_pod_billed_above_the_ceiling_is_ended_at_once(both):
    both.sim.faults.add("create", "dearer", factor=1.5)
    said = await both.create()
    assert (said.code, said.facts["retry"]) == ("price_above_quote", "changed")
    assert said.facts["limit"] == 0.499723
    assert said.facts["requested"] > 0.74
    assert both.live == []
    assert await both.leases() == []
    assert both.create_calls == 1


async def test_a_price_that_rose_since_the_quote_is_found_out(door):
    await door.create(dryRun=True)
    door.sim.faults.add("any", "price_rise", factor=1.1)
    assert (await door.create()).code == "price_above_quote"
    assert door.live == []


async def test_a_pod_billed_dearer_that_does_not_end_stays_counted_at_its_real_price_and_due(both):
    both.sim.faults.add("create", "dearer", factor=3)
    both.sim.faults.add("delete", "ignored", times=None)
    said = await both.create()
    assert (said.code, said.facts["retry"]) == ("price_above_quote", "never")
    lease = await both.the_lease()
    assert lease.state is LeaseState.RUNNING
    assert lease.usd_per_hour / MICRO == pytest.approx(both.live[0]["usd_per_hour"], abs=2e-6)
    assert lease.due_at <= both.house.now()
    both.sim.faults.clear()
    assert (await both.call("delete_pod", podId=lease.pod_id)).ok
    assert both.live == []


async def test_a_pod_billed_cheaper_counts_at_its_bill(both):
    both.sim.faults.add("create", "dearer", factor=0.5)
    said = await both.create()
    assert said.pod["usdPerHour"] == pytest.approx(both.live[0]["usd_per_hour"], abs=2e-6)


async def test_a_price_of_nothing_is_no_price_and_the_ceiling_counts(both):
    both.sim.faults.add("create", "dearer", factor=0)
    said = await both.create()
    assert said.pod["usdPerHour"] == 0.499723


# the caller goes away, the ledger goes away


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_that_cancels_mid_create_leaves_a_finished_story(tmp_path, dialect, at, mode):
    async with front_door(tmp_path, dialect=dialect, mode=mode) as door:
        door.sim.faults.add("create", "hold", at=at)
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as call:
                tasks.start_soon(_cancel_when_held, door, call)
                await door.create()
        assert call.cancelled_caught
        await _until_running(door)
        assert (await door.the_lease()).pod_id == door.live[0]["id"]
        assert door.create_calls == 1
        await door.keep_promises()


async def _cancel_when_held(door, call):
    await door.until_held()
    call.cancel()
    for _ in range(20):
        await anyio.lowlevel.checkpoint()
    door.sim.holds.release()


async def _until_running(door):
    with anyio.fail_after(5):
        while (await door.the_lease()).state is not LeaseState.RUNNING:
            await anyio.lowlevel.checkpoint()


async def test_a_client_that_hangs_up_mid_create_leaves_a_finished_story(tmp_path):
    async with front_door(tmp_path) as stays, anyio.create_task_group() as tasks:
        async with front_door(tmp_path, beside=stays) as leaves:
            stays.sim.faults.add("create", "hold", at="after")
            tasks.start_soon(_create_whatever_comes, leaves)
            await stays.until_held()
            tasks.start_soon(_cancel_when_held, stays, anyio.CancelScope())
        await _until_running(stays)
        assert (await stays.the_lease()).pod_id == stays.live[0]["id"]
        await stays.keep_promises()


async def _create_whatever_comes(door):
    with contextlib.suppress(Exception):  # the line is gone; how the client says so is its own business
        await door.create()


class Locked:
    """Another program that holds the ledger's write lock."""

    def __init__(self, path):
        self._db = sqlite3.connect(path, isolation_level=None)

    def __enter__(self):
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self._db.execute("ROLLBACK")
        self._db.close()


async def _while_ledger_is_locked(door, fault, **create):
    """The reply to a create during which the ledger became locked, after the money was set aside."""
    door.sim.faults.add("create", "hold", at="before")
    if fault:
        door.sim.faults.add("create", **fault)
    answers, answered = [], anyio.Event()

    async def ask():
        answers.append(await door.create(**create))
        answered.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await door.until_held()
        with Locked(door.ledger_path):
            door.sim.holds.release()
            with anyio.fail_after(10):
                await answered.wait()
    return answers[0]


async def test_a_pod_that_could_not_be_written_down_is_named_and_stays_counted(both):
    said = await _while_ledger_is_locked(both, None)
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert both.live[0]["id"] in said.text
    assert (await both.the_lease()).state is LeaseState.OPEN


async def test_an_unknown_outcome_that_cannot_be_written_down_is_still_called_unknown(both):
    said = await _while_ledger_is_locked(both, {"kind": "drop_before"})
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert (await both.the_lease()).still_counts


async def test_a_refusal_that_cannot_be_written_down_is_told_with_its_reason_and_the_money_stays(both):
    said = await _while_ledger_is_locked(both, {"kind": "insufficient_balance"})
    assert said.code == "insufficient_balance"
    assert "set aside" in said.text
    assert (await both.the_lease()).still_counts


async def test_no_capacity_that_cannot_be_written_down_is_told_and_the_money_stays(both):
    said = await _while_ledger_is_locked(both, {"kind": "no_capacity"})
    assert said.code == "no_capacity"
    assert "set aside" in said.text
    assert (await both.the_lease()).still_counts


async def test_a_pod_billed_dearer_is_ended_even_when_the_ledger_cannot_be_written(both):
    said = await _while_ledger_is_locked(both, {"kind": "dearer"})
    assert said.code == "price_above_quote"
    assert both.live == []
    assert (await both.the_lease()).still_counts
