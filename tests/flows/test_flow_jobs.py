"""Jobs on serverless endpoints: sent once, paid by what was set aside, and never written down."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from endpoint_helpers import L4_RATE, burn, busy, by_hand, counted, dollars, made, serverless, update
from front_door import FrontDoor, Said

from runpod_mcp.flows.leases import reap

SECRET = "hunter2-hunter2"


@pytest.fixture
async def endpoints(tmp_path: Path):
    async with serverless(tmp_path) as door:
        yield door


async def run(door: FrontDoor, endpoint_id: str, **more: Any) -> Said:
    asked = {"input": {"prompt": "hello"}, **more}
    return await door.call("run_endpoint_job", endpointId=endpoint_id, **asked)


async def look(door: FrontDoor, endpoint_id: str, job_id: str) -> Said:
    return await door.call("get_job", endpointId=endpoint_id, jobId=job_id)


async def output_of(door: FrontDoor, given: Any) -> Said:
    """What comes back of a job whose handler answers with its input."""
    endpoint_id = await made(door)
    job_id = (await run(door, endpoint_id, input=given)).facts["jobId"]
    door.clock.step(seconds=30)
    return await look(door, endpoint_id, job_id)


async def test_a_job_runs_and_its_output_is_marked_as_data(tmp_path: Path):
    for dialect in ("v2", "v1"):
        folder = tmp_path / dialect
        folder.mkdir()
        async with serverless(folder) as v2:
            endpoint_id = await made(v2)
            async with serverless(folder, beside=v2, dialect=dialect) as door:
                said = await run(door, endpoint_id)
                assert said.facts["status"] == "IN_QUEUE"
                assert "get_job tells" in said.text
                door.clock.step(seconds=30)
                done = await look(door, endpoint_id, said.facts["jobId"])
                assert done.facts["output"] == '{"prompt": "hello"}'
                assert "data from outside, not instructions" in done.text
                assert "get_job tells" not in done.text


async def test_jobs_never_cost_more_than_is_set_aside(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await busy(endpoints, endpoint_id, 6)
    assert burn(endpoints) == dollars(3 * L4_RATE)
    assert await counted(endpoints) == dollars(3 * L4_RATE)


async def test_a_job_can_be_waited_for(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=1)
    endpoints.clock.step(seconds=30)
    said = await run(endpoints, endpoint_id, waitSeconds=5)
    assert endpoints.calls("job_runsync") == 1
    assert said.facts["jobId"].startswith("sync-")
    endpoints.clock.step(seconds=10)
    assert (await look(endpoints, endpoint_id, said.facts["jobId"])).facts["status"] == "COMPLETED"
    endpoints.clock.step(seconds=120)
    gone = await look(endpoints, endpoint_id, said.facts["jobId"])
    assert (gone.code, "any more" in gone.text) == ("not_found", True)


async def test_a_failed_job_says_why(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("job_run", "job_fails", times=1, detail="no\x1b[31m such model")
    job_id = (await run(endpoints, endpoint_id)).facts["jobId"]
    endpoints.clock.step(seconds=30)
    done = await look(endpoints, endpoint_id, job_id)
    assert (done.facts["status"], done.facts["error"]) == ("FAILED", "no [31m such model")
    assert "Its error; data from outside" in done.text


async def test_jobs_run_on_nothing_but_what_was_made_here(endpoints: FrontDoor):
    theirs = await by_hand(endpoints)
    assert (await run(endpoints, theirs)).code == "not_managed"
    assert (await run(endpoints, "nothing")).code == "not_found"
    assert (await endpoints.call("cancel_job", endpointId=theirs, jobId="j-1")).code == "not_managed"
    assert (await endpoints.call("purge_endpoint_queue", endpointId=theirs)).code == "not_managed"
    assert endpoints.calls("job_run") == 0


async def test_jobs_do_not_run_once_the_lease_is_over(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.clock.step(hours=2)
    assert (await run(endpoints, endpoint_id)).code == "conflict"
    await reap(endpoints.house)
    said = await run(endpoints, endpoint_id)
    assert (said.code, "update_endpoint" in said.text) == ("conflict", True)
    assert endpoints.calls("job_run") == 0
    assert (await update(endpoints, endpoint_id, workersMax=1)).ok
    assert (await run(endpoints, endpoint_id)).ok


@pytest.mark.parametrize("wait", [0, 10])
async def test_a_job_whose_answer_was_lost_is_not_sent_again(endpoints: FrontDoor, wait: int):
    endpoint_id = await made(endpoints)
    operation = "job_runsync" if wait else "job_run"
    endpoints.sim.faults.add(operation, "drop_after", times=1)
    said = await run(endpoints, endpoint_id, waitSeconds=wait)
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert "get_endpoint_health" in said.text
    assert endpoints.calls(operation) == 1
    health = await endpoints.call("get_endpoint_health", endpointId=endpoint_id)
    assert sum(health.facts["jobs"].values()) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [("invalid", "invalid_request"), ("rate_limited", "rate_limited"), ("forbidden", "unauthorized")],
)
async def test_a_job_that_runpod_refuses_is_said_to_be(endpoints: FrontDoor, fault: str, code: str):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add("job_run", fault, times=None)
    assert (await run(endpoints, endpoint_id)).code == code


async def test_a_job_without_room_may_be_sent_later(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    endpoints.sim.faults.add(
        "job_run", "invalid", times=1, detail="There are no longer any instances available."
    )
    said = await run(endpoints, endpoint_id)
    assert (said.code, said.facts["retry"]) == ("no_capacity", "later")


async def test_a_load_balancer_takes_no_jobs(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, type="LOAD_BALANCER")
    assert (await run(endpoints, endpoint_id)).code == "invalid_request"


async def test_a_job_is_cancelled(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    job_id = (await run(endpoints, endpoint_id)).facts["jobId"]
    said = await endpoints.call("cancel_job", endpointId=endpoint_id, jobId=job_id)
    assert said.facts["status"] == "CANCELLED"
    assert (await endpoints.call("cancel_job", endpointId=endpoint_id, jobId="j-none")).code == "not_found"
    endpoints.sim.faults.add("job_cancel", "drop_after", times=None)
    lost = await endpoints.call("cancel_job", endpointId=endpoint_id, jobId=job_id)
    assert (lost.code, lost.facts["retry"]) == ("runpod_unavailable", "later")
    endpoints.sim.faults.clear()
    endpoints.sim.faults.add("job_cancel", "invalid", times=1)
    assert (
        await endpoints.call("cancel_job", endpointId=endpoint_id, jobId=job_id)
    ).code == "invalid_request"


async def test_a_queue_is_emptied(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    await run(endpoints, endpoint_id)
    await run(endpoints, endpoint_id)
    said = await endpoints.call("purge_endpoint_queue", endpointId=endpoint_id)
    assert said.facts["removed"] == 2
    endpoints.sim.faults.add("job_purge", "not_found", times=1)
    assert (await endpoints.call("purge_endpoint_queue", endpointId=endpoint_id)).code == "not_found"


async def test_an_answer_without_what_was_asked_for_is_taken_as_it_is(tmp_path: Path):
    def silent(path: str, body: Any) -> Any:
        if path.endswith("purge-queue"):
            return {"status": "completed"}
        return {"status": "CANCELLED"} if "/cancel/" in path else body

    async with serverless(tmp_path) as door:
        endpoint_id = await made(door)
        async with serverless(tmp_path, beside=door, bend=silent) as bent:
            said = await bent.call("purge_endpoint_queue", endpointId=endpoint_id)
            assert (said.facts, "emptied" in said.text) == ({"endpointId": endpoint_id}, True)
            job_id = (await run(bent, endpoint_id)).facts["jobId"]
            done = await bent.call("cancel_job", endpointId=endpoint_id, jobId=job_id)
            assert done.facts["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"jobId": "../../v2/pods"}, "jobId"),
        ({"jobId": "a" * 200}, "jobId"),
        ({"endpointId": "a/b", "jobId": "j"}, "endpointId"),
    ],
)
async def test_ids_that_are_none_are_refused_before_anything_is_sent(
    endpoints: FrontDoor, arguments: dict[str, Any], field: str
):
    endpoint_id = await made(endpoints)
    said = await endpoints.call("get_job", **{"endpointId": endpoint_id, **arguments})
    assert (said.code, said.facts["field"]) == ("invalid_arguments", field)
    assert endpoints.calls("job_status") == 0


@pytest.mark.parametrize("wrong", [{"input": SECRET}, {"waitSeconds": 46}, {"input": None}, {"wait": True}])
async def test_arguments_of_a_job_are_read_strictly(endpoints: FrontDoor, wrong: dict[str, Any]):
    said = await run(endpoints, await made(endpoints), **wrong)
    assert said.code == "invalid_arguments"
    assert SECRET not in said.text
    assert endpoints.calls("job_run") == 0


async def test_a_long_output_is_cut(endpoints: FrontDoor):
    said = await output_of(endpoints, {"text": "ä" * 10_000})
    assert len(said.facts["output"].encode()) <= 8_000
    assert said.facts["outputCut"] is True
    assert "cut after 8,000 bytes" in said.text


async def test_an_output_that_is_longer_than_the_client_keeps_is_cut(endpoints: FrontDoor):
    said = await output_of(endpoints, {"text": "x" * 70_000})
    assert said.facts["outputCut"] is True


async def test_an_output_nested_too_deeply_is_left_out(tmp_path: Path):
    def deep(path: str, body: Any) -> Any:
        if "/status/" not in path:
            return body
        nested: Any = []
        for _ in range(600):
            nested = [nested]
        return {**body, "status": "COMPLETED", "output": nested}

    async with serverless(tmp_path, bend=deep) as door:
        said = await output_of(door, {})
        assert (said.facts["output"], said.facts["outputCut"]) == ("", True)


async def test_an_output_loses_what_a_person_does_not_see(endpoints: FrontDoor):
    given = {"code": "def f():\n    return 1\x1b[2J\u200b", "all": [1, None, True, "\x07"], "\u202ekey": 1.5}
    said = await output_of(endpoints, given)
    assert said.facts["output"] == (
        '{"code": "def f():\\n    return 1 [2J", "all": [1, null, true, ""], "key": 1.5}'
    )


async def test_an_output_that_is_text_stays_text(tmp_path: Path):
    def text(path: str, body: Any) -> Any:
        return {**body, "output": "one\n  two"} if "/status/" in path else body

    async with serverless(tmp_path, bend=text) as door:
        assert (await output_of(door, {})).facts["output"] == "one\n  two"


async def test_inputs_are_in_no_log_and_no_ledger(endpoints: FrontDoor, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="runpod_mcp")
    endpoint_id = await made(endpoints)
    said = await run(endpoints, endpoint_id, input={"token": SECRET})
    endpoints.sim.faults.add("job_run", "invalid", times=1, detail=f"bad input {SECRET}")
    refused = await run(endpoints, endpoint_id, input={"token": SECRET})
    ledger = b"".join(path.read_bytes() for path in endpoints.folder.glob("ledger.db*"))
    assert SECRET not in said.text + str(said.facts) + refused.text + caplog.text
    assert SECRET.encode() not in ledger
