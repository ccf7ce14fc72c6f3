"""A request id makes a repeat safe: the same pod, never a second one."""

from __future__ import annotations

import hashlib
import json

import anyio
import pytest
from front_door import L4, RTX_4090, front_door

from runpod_mcp.flows.reserve import HASH_ROUNDS
from runpod_mcp.ledger.entries import LeaseState


async def test_the_same_request_again_gives_the_same_pod(both):
    first = await both.create(requestId="train-1", env={"MODE": "a"})
    again = await both.create(requestId="train-1", env={"MODE": "a"})
    assert first.pod_id == again.pod_id
    assert again.text.startswith("Already rented.")
    assert any("earlier call" in note for note in again.facts["notes"])
    assert both.create_calls == 1


@pytest.mark.parametrize("change", [{"gpuCount": 2}, {"env": {"MODE": "b"}}, {"leaseHours": 1}])
async def test_the_same_id_with_other_arguments_is_a_conflict(door, change):
    await door.create(requestId="train-1", env={"MODE": "a"})
    said = await door.create(**{"requestId": "train-1", "env": {"MODE": "a"}, **change})
    assert (said.code, said.facts["field"]) == ("conflict", "requestId")
    assert door.create_calls == 1


async def test_many_calls_at_once_with_one_id_make_one_pod(both):
    said = []

    async def ask():
        said.append(await both.create(requestId="once"))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(ask)
    assert (both.create_calls, both.created) == (1, 1)
    assert {one.pod_id for one in said if one.ok} == {both.live[0]["id"]}
    assert {one.code for one in said} <= {None, "conflict"}
    assert {one.facts["retry"] for one in said if not one.ok} <= {"later"}


async def test_the_id_of_a_pod_that_has_ended_says_so_and_makes_no_new_one(both):
    first = await both.create(requestId="train-1")
    await both.call("delete_pod", podId=first.pod_id)
    said = await both.create(requestId="train-1")
    assert said.code == "not_found"
    assert "new requestId" in said.text
    assert both.create_calls == 1


async def test_the_id_of_a_pod_that_runpod_hides_is_not_free_either(both):
    first = await both.create(requestId="train-1")
    both.sim.faults.add("get", "not_found")
    said = await both.create(requestId="train-1")
    assert (said.code, said.facts["retry"]) == ("not_found", "later")
    assert first.pod_id in said.text
    assert both.create_calls == 1
    assert (await both.create(requestId="train-1")).pod_id == first.pod_id


async def test_an_id_whose_create_came_to_nothing_is_free_again(both):
    both.sim.faults.add("create", "insufficient_balance")
    assert (await both.create(requestId="train-1")).code == "insufficient_balance"
    assert (await both.create(RTX_4090, requestId="train-1")).ok, "even with other arguments"


async def test_a_repeat_after_a_lost_answer_finds_the_pod_and_never_makes_another(both):
    both.sim.faults.add("any", "list_lag", seconds=3600)
    both.sim.faults.add("create", "drop_after")
    lost = await both.create(requestId="train-1")
    assert (lost.code, lost.facts["retry"]) == ("outcome_unknown", "later")
    assert "same requestId" in lost.text
    still = await both.create(requestId="train-1")
    assert still.code == "outcome_unknown"
    both.sim.faults.clear()
    found = await both.create(requestId="train-1")
    assert found.pod_id == both.live[0]["id"]
    assert (await both.the_lease()).state is LeaseState.RUNNING
    assert both.create_calls == 1


async def test_a_repeat_while_the_first_call_is_under_way_says_so(both):
    both.sim.faults.add("create", "hold")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: both.create(requestId="train-1"))
        await both.until_held()
        said = await both.create(requestId="train-1")
        assert (said.code, said.facts["retry"]) == ("conflict", "later")
        both.sim.holds.release()
    assert both.create_calls == 1


async def test_a_second_server_on_the_same_ledger_gives_the_same_pod(door):
    first = await door.create(requestId="train-1")
    async with front_door(door.folder, beside=door) as other:
        assert (await other.create(requestId="train-1")).pod_id == first.pod_id
        assert (await other.create("NVIDIA RTX A4000", requestId="train-1")).code == "conflict"
    assert door.create_calls == 1


async def test_a_repeat_is_answered_although_the_budget_is_used_up_by_now(tmp_path):
    async with front_door(
        tmp_path, 'version = 1\n[budget]\nusd_per_hour = 0.5\n[gpus]\nallow = ["NVIDIA L4"]\n'
    ) as door:
        first = await door.create(requestId="train-1")
        assert (await door.create()).code == "over_hourly_budget"
        assert (await door.create(requestId="train-1")).pod_id == first.pod_id


async def test_a_dry_run_never_uses_up_an_id(door):
    await door.create(requestId="train-1", dryRun=True)
    assert (await door.create(L4, requestId="train-1")).ok
    assert (await door.create(RTX_4090, requestId="train-1", dryRun=True)).facts["dryRun"] is True


async def test_equal_requests_leave_no_equal_hashes_in_the_ledger(door):
    for request_id in ("a", "b"):
        assert (await door.create(requestId=request_id, env={"PIN": "1234"})).ok
    one, other = await door.leases()
    assert one.reservation.request_hash != other.reservation.request_hash


async def test_a_short_secret_is_not_found_in_the_ledger_by_hashing_what_else_is_known(door):
    await door.create(requestId="a", env={"PIN": "1234"})
    reservation = (await door.the_lease()).reservation
    asked = json.loads(reservation.request)
    known = {name: value for name, value in asked.items() if name not in ("requestId", "dryRun")}
    whole = json.dumps(known | {"env": {"PIN": "1234"}}, sort_keys=True).encode()
    salted = reservation.id.encode() + whole
    quick = {hashlib.sha256(text).hexdigest() for text in (whole, salted, whole + reservation.id.encode())}
    assert reservation.request_hash not in quick
    slow = hashlib.pbkdf2_hmac("sha256", whole, reservation.id.encode(), HASH_ROUNDS)
    assert slow.hex() == reservation.request_hash, "else this test guesses at something else"
    assert HASH_ROUNDS >= 10_000


async def test_without_a_request_id_no_hash_of_the_secrets_is_kept_at_all(door):
    await door.create(env={"PIN": "1234"})
    assert (await door.the_lease()).reservation.request_hash == ""
