"""The job interface of serverless endpoints."""

from __future__ import annotations

import anyio
import httpx2
import pytest
from test_sim_endpoints import PRICE, make, run, workers


async def status(http, endpoint, job):
    return (await http.get(f"/ai/v2/{endpoint['id']}/status/{job}")).json()


async def test_a_job_passes_the_queue_runs_and_echoes_its_input(http, clock):
    made = await make(http)
    job = await run(http, made)
    assert await status(http, made, job) == {"id": job, "status": "IN_QUEUE"}
    clock.step(seconds=11)
    running = await status(http, made, job)
    assert (running["status"], running["delayTime"]) == ("IN_PROGRESS", 10_000)
    clock.step(seconds=1)
    done = await status(http, made, job)
    assert (done["status"], done["executionTime"], done["output"]) == ("COMPLETED", 2000, {"a": 1})
    assert done["workerId"] == (await workers(http, made))["workers"][0]["id"]


async def test_runsync_answers_when_the_job_is_done(http, clock):
    made = await make(http)
    before = clock.now()
    answer = (await http.post(f"/ai/v2/{made['id']}/runsync", json={"input": [1, 2]})).json()
    assert (answer["status"], answer["output"]) == ("COMPLETED", [1, 2])
    assert answer["id"].startswith("sync-")
    assert (clock.now() - before).total_seconds() == 12
    clock.step(seconds=60)
    assert (await http.get(f"/ai/v2/{made['id']}/status/{answer['id']}")).status_code == 404


async def test_runsync_gives_up_waiting_and_the_job_goes_on(http, sim, clock):
    sim.settings.change({"job_seconds": 300})
    made = await make(http)
    before = clock.now()
    url = f"/ai/v2/{made['id']}/runsync"
    answer = (await http.post(f"{url}?wait=30000", json={"input": {}})).json()
    assert (answer["status"], (clock.now() - before).total_seconds()) == ("IN_PROGRESS", 30)
    clock.step(seconds=280)
    assert (await status(http, made, answer["id"]))["status"] == "COMPLETED"
    assert (await http.post(f"{url}?wait=10", json={"input": {}})).status_code == 400


async def test_runsync_hears_of_a_cancel_that_comes_meanwhile(http, sim):
    sim.faults.add("job_runsync", "job_never_ends")
    made = await make(http)
    answers = []

    async def wait():
        answers.append((await http.post(f"/ai/v2/{made['id']}/runsync", json={"input": {}})).json())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            while not (jobs := list(sim.world.fleet.endpoints[made["id"]].jobs)):
                await anyio.lowlevel.checkpoint()
            await http.post(f"/ai/v2/{made['id']}/cancel/{jobs[0]}")
    assert answers[0]["status"] == "CANCELLED"


async def test_with_the_clock_stopped_runsync_answers_what_there_is(http, sim):
    sim.world.clock.set_speed(0)
    made = await make(http)
    answer = (await http.post(f"/ai/v2/{made['id']}/runsync", json={"input": {}})).json()
    assert answer["status"] == "IN_QUEUE"


@pytest.mark.parametrize(
    "body", ["{", [], {}, {"input": {}, "policy": {"ttl": 1}}, {"input": {}, "policy": {"later": 1}}]
)
async def test_a_job_without_an_input_or_with_a_strange_policy_is_400(http, body):
    made = await make(http)
    url = f"/ai/v2/{made['id']}/run"
    answer = await (http.post(url, content=body) if isinstance(body, str) else http.post(url, json=body))
    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert (await workers(http, made))["workers"] == []


async def test_the_door_of_the_job_interface(http):
    made = await make(http)
    url = f"/ai/v2/{made['id']}/health"
    for key, code in (("", 401), ("Bearer sim_wrong", 401), ("sim_forbidden", 403), ("sim_key", 200)):
        assert (await http.get(url, headers={"authorization": key})).status_code == code
    assert (await http.get("/ai/v2/none/health")).status_code == 404
    assert (await http.get(f"/ai/v2/{made['id']}/nothing")).status_code == 404
    assert (await http.post(url)).status_code == 405


async def test_a_job_can_be_made_to_fail_and_be_tried_again(http, sim, clock):
    made = await make(http)
    sim.faults.add("job_run", "job_fails", detail="out of memory")
    job = await run(http, made)
    assert (await http.post(f"/ai/v2/{made['id']}/retry/{job}")).status_code == 400
    clock.step(seconds=12)
    failed = await status(http, made, job)
    assert (failed["status"], failed["error"], "output" in failed) == ("FAILED", "out of memory", False)
    again = (await http.post(f"/ai/v2/{made['id']}/retry/{job}")).json()
    assert again == {"id": job, "status": "IN_QUEUE"}
    health = (await http.get(f"/ai/v2/{made['id']}/health")).json()
    assert (health["jobs"]["retried"], health["jobs"]["failed"]) == (1, 0)


async def test_a_job_that_never_ends_bills_until_it_times_out(http, sim, clock):
    sim.faults.add("job_run", "job_never_ends")
    made = await make(http, timeout=60_000, workers={"max": 1, "idleTimeout": 5})
    job = await run(http, made)
    clock.step(hours=1)
    assert (await http.get(f"/ai/v2/{made['id']}/status/{job}")).status_code == 404
    assert sim.books.figures(sim.now()).charged == PRICE * (10 + 60 + 5) / 3600


async def test_a_policy_bounds_one_job(http, sim, clock):
    sim.settings.change({"job_seconds": 100})
    made = await make(http)
    job = await run(http, made, policy={"executionTimeout": 5000})
    clock.step(seconds=15)
    assert (await status(http, made, job))["status"] == "TIMED_OUT"
    other = await make(http, workers={"max": 0})
    waiting = await run(http, other, policy={"ttl": 20_000})
    clock.step(seconds=20)
    assert (await status(http, other, waiting))["status"] == "TIMED_OUT"


async def test_cancel_stops_a_job_wherever_it_is(http, sim, clock):
    made = await make(http, workers={"max": 1, "idleTimeout": 5})
    first, second = await run(http, made), await run(http, made)
    clock.step(seconds=10)
    for job in (first, second, first):
        said = (await http.post(f"/ai/v2/{made['id']}/cancel/{job}")).json()
        assert said == {"id": job, "status": "CANCELLED"}
    clock.step(seconds=5)
    assert sim.books.figures(sim.now()).charged == PRICE * 15 / 3600
    assert (await http.post(f"/ai/v2/{made['id']}/cancel/none")).status_code == 404


async def test_a_purge_empties_the_queue_and_leaves_running_jobs(http, clock):
    made = await make(http, workers={"max": 1})
    jobs = [await run(http, made) for _ in range(3)]
    clock.step(seconds=10)
    said = (await http.post(f"/ai/v2/{made['id']}/purge-queue")).json()
    assert said == {"removed": 2, "status": "completed"}
    states = [(await status(http, made, job))["status"] for job in jobs]
    assert states == ["IN_PROGRESS", "CANCELLED", "CANCELLED"]


async def test_a_stream_gives_each_result_once(http, clock):
    made = await make(http)
    job = await run(http, made)
    url = f"/ai/v2/{made['id']}/stream/{job}"
    assert (await http.get(url)).json() == {"status": "IN_QUEUE", "stream": []}
    clock.step(seconds=12)
    assert (await http.get(url)).json() == {"status": "COMPLETED", "stream": [{"output": {"a": 1}}]}
    assert (await http.post(url)).json() == {"status": "COMPLETED", "stream": []}


async def test_results_are_kept_for_half_an_hour(http, clock):
    made = await make(http)
    job = await run(http, made)
    clock.step(seconds=12, minutes=29)
    assert (await status(http, made, job))["status"] == "COMPLETED"
    clock.step(minutes=1)
    assert (await http.get(f"/ai/v2/{made['id']}/status/{job}")).status_code == 404


async def test_health_counts_workers_and_jobs(http, clock):
    made = await make(http, workers={"min": 2, "max": 2})
    clock.step(seconds=10)
    await run(http, made)
    health = (await http.get(f"/ai/v2/{made['id']}/health")).json()
    counts = {"idle": 1, "running": 1, "ready": 2, "initializing": 0, "throttled": 0, "unhealthy": 0}
    assert health["workers"] == counts
    assert (health["jobs"]["inProgress"], health["jobs"]["inQueue"]) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "error", "submitted"),
    [
        ("drop_before", httpx2.ReadError, 0),
        ("drop_after", httpx2.RemoteProtocolError, 1),
        ("hang", httpx2.ReadTimeout, 0),
    ],
)
async def test_lines_drop_on_jobs_as_on_pods(http, sim, kind, error, submitted):
    made = await make(http)
    sim.faults.add("job_run", kind)
    with pytest.raises(error):
        await http.post(f"/ai/v2/{made['id']}/run", json={"input": {}}, timeout=5)
    assert len(sim.world.fleet.endpoints[made["id"]].jobs) == submitted


async def test_a_cancel_may_be_answered_and_not_done(http, sim):
    made = await make(http)
    job = await run(http, made)
    sim.faults.add("job_cancel", "ignored")
    assert (await http.post(f"/ai/v2/{made['id']}/cancel/{job}")).json()["status"] == "IN_QUEUE"


async def test_a_payload_has_a_largest_size(http):
    made = await make(http)
    big = {"input": "x" * (10 * 1024 * 1024)}
    assert (await http.post(f"/ai/v2/{made['id']}/run", json=big)).status_code == 413
    assert (await http.post(f"/ai/v2/{made['id']}/runsync", json=big)).status_code == 200


async def test_the_edge_and_a_full_server_answer_jobs_too(http, sim):
    made = await make(http)
    for kind, code in (("cloudflare_1010", 403), ("rate_limited", 429), ("unavailable", 503)):
        sim.faults.add("jobs", kind)
        answer = await http.post(f"/ai/v2/{made['id']}/run", json={"input": {}})
        assert answer.status_code == code
    assert (await http.post(f"/ai/v2/{made['id']}/run", json={"input": {}})).status_code == 200


async def test_a_job_whose_worker_dies_with_the_balance_goes_back_into_the_queue(http, sim, clock):
    sim.settings.change({"job_seconds": 7200, "enforce_balance": True, "balance_usd": 0.56})
    made = await make(http, timeout=9_000_000)
    job = await run(http, made)
    clock.step(minutes=20)
    assert (await status(http, made, job))["status"] == "IN_PROGRESS"
    clock.step(minutes=20)
    assert (await status(http, made, job))["status"] == "IN_QUEUE"
    assert float(sim.books.figures(sim.now()).charged) == pytest.approx(0.56)
