from __future__ import annotations

import anyio
import httpx2
import pytest
from sim_helpers import L4, books, create, v2_body

from runpod_mcp.clock import SteppedClock
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.faults import Kind


async def post(http):
    return await http.post("/v2/pods", json=v2_body())


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("no_capacity", 400),
        ("lost_race", 400),
        ("error_before", 500),
        ("rate_limited", 429),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("insufficient_balance", 402),
        ("invalid", 422),
        ("not_found", 404),
        ("cloudflare_1010", 403),
        ("unavailable", 503),
    ],
)
async def test_a_fault_instead_of_the_work_makes_no_pod(http, sim, kind, status):
    sim.faults.add("create", kind, retry_after=9)
    answer = await post(http)
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("9" if kind == "rate_limited" else None)
    said = sim.books.snapshot()
    assert (said["create_calls"], said["created"]) == (1, 0)
    assert (await post(http)).status_code == 201


async def test_an_error_after_the_work_leaves_a_pod_behind(http, sim):
    sim.faults.add("create", "error_after")
    assert (await post(http)).status_code == 500
    assert len((await http.get("/v2/pods")).json()["pods"]) == 1


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ("drop_before", httpx2.ReadError, 0),
        ("drop_after", httpx2.RemoteProtocolError, 1),
        ("hang", httpx2.ReadTimeout, 0),
        ("hang_after", httpx2.ReadTimeout, 1),
    ],
)
async def test_a_broken_line_is_a_transport_error(http, sim, clock, kind, error, made):
    sim.faults.add("create", kind)
    before = clock.now()
    with pytest.raises(error):
        await http.post("/v2/pods", json=v2_body(), timeout=30)
    assert sim.books.snapshot()["created"] == made
    assert (clock.now() - before).total_seconds() == (30 if "hang" in kind else 0)


@pytest.mark.parametrize("kind", ["garbage", "truncated"])
async def test_an_unreadable_answer_still_made_the_pod(http, sim, kind):
    sim.faults.add("create", kind)
    sim.faults.add("delete", kind)
    answer = await post(http)
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    pod = sim.books.snapshot()["live"][0]
    gone = await http.delete(f"/v2/pods/{pod['id']}")
    assert (gone.status_code, gone.content != b"") == (200, True)
    assert sim.books.snapshot()["live"] == []


async def test_a_pod_that_never_becomes_ready_bills_without_ports(http, sim, clock):
    sim.faults.add("create", "never_ready")
    sim.faults.add("create", "no_machine")
    slow, dead = await create(http), await create(http)
    clock.step(hours=2)
    for pod in (slow, dead):
        seen = (await http.get(f"/v2/pods/{pod['id']}")).json()
        assert (seen["status"], seen["runtime"]) == ("RUNNING", None)
    machines = [
        (await http.get(f"/v1/pods/{pod['id']}?includeMachine=true")).json()["machine"]
        for pod in (slow, dead)
    ]
    assert (machines[0] != {}, machines[1]) == (True, {})
    assert sim.books.snapshot()["charged_usd"] > 1.9


async def test_a_phantom_is_listed_then_vanishes_uncharged(http, sim, clock):
    sim.faults.add("create", "vanish", seconds=20)
    pod = await create(http)
    clock.step(seconds=10)
    assert (await http.get(f"/v2/pods/{pod['id']}")).status_code == 200
    clock.step(seconds=10)
    assert (await http.get(f"/v2/pods/{pod['id']}")).status_code == 404
    said = await books(http)
    assert (said["charged_usd"], said["ended"][0]["why"]) == (0, "vanished")


async def test_an_ignored_delete_answers_success_and_bills_on(http, sim):
    pod = await create(http)
    sim.faults.add("delete", "ignored")
    sim.faults.add("stop", "ignored")
    assert (await http.delete(f"/v2/pods/{pod['id']}")).status_code == 204
    stopped = await http.post(f"/v2/pods/{pod['id']}/action", json={"action": "stop"})
    assert (stopped.status_code, stopped.json()["status"]) == (200, "RUNNING")
    assert len(sim.books.snapshot()["live"]) == 1


async def test_a_start_without_gpus_gives_the_data_and_no_card(http, sim):
    pod = await create(http)
    url = f"/v2/pods/{pod['id']}/action"
    await http.post(url, json={"action": "stop"})
    sim.faults.add("start", "start_without_gpus")
    started = (await http.post(url, json={"action": "start"})).json()
    assert (started["status"], started["gpu"]["count"], started["cost"]) == ("RUNNING", 0, 0.0)
    assert sim.books.snapshot()["running_gpus"] == 0


async def test_a_lagging_list_hides_new_pods_and_keeps_ended_ones(http, sim, clock):
    sim.faults.add("list", "list_lag", seconds=30, linger_seconds=20, times=None)
    pod = await create(http)
    assert (await http.get("/v2/pods")).json()["pods"] == []
    clock.step(seconds=30)
    assert len((await http.get("/v2/pods")).json()["pods"]) == 1
    await http.delete(f"/v2/pods/{pod['id']}")
    shown = (await http.get("/v2/pods")).json()["pods"]
    assert [(each["status"], each["cost"]) for each in shown] == [("RUNNING", 0.49)]
    clock.step(seconds=20)
    assert (await http.get("/v2/pods")).json()["pods"] == []
    sim.faults.clear()
    await create(http)
    assert len((await http.get("/v2/pods")).json()["pods"]) == 1


async def test_faults_can_match_skip_and_repeat(http, sim):
    sim.faults.add("create", "error_before", match={"gpuTypeId": "NVIDIA A40"})
    sim.faults.add("create", "no_capacity", skip=1, times=2, match={"dialect": "v2", "name": "trial"})
    assert [(await post(http)).status_code for _ in range(4)] == [201, 400, 400, 201]
    other = await http.post("/v2/pods", json=v2_body(gpu={"id": "NVIDIA A40", "count": 1}))
    assert other.status_code == 500
    assert sim.faults.queue == []


async def test_a_fault_without_a_count_stays_until_cleared(http, sim):
    sim.faults.add("any", "unavailable", times=None)
    assert {(await http.get("/v2/pods")).status_code for _ in range(3)} == {503}
    sim.faults.clear()
    assert (await http.get("/v2/pods")).status_code == 200


async def test_the_fault_speaks_each_dialect(http, sim):
    sim.faults.add("create", "no_capacity", times=2)
    v1 = await http.post("/v1/pods", json={"imageName": "a", "gpuTypeIds": [L4]})
    query = 'mutation { podFindAndDeployOnDemand(input: {gpuTypeId: "NVIDIA L4", imageName: "a"}) { id } }'
    graphql = await http.post("/graphql", json={"query": query})
    assert (v1.status_code, graphql.status_code) == (500, 200)
    assert graphql.json()["data"] is None


@pytest.mark.parametrize("at", ["before", "after"])
async def test_a_held_call_waits_for_its_release(http, sim, at):
    sim.faults.add("create", "hold", at=at)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, http)
            while not sim.holds.held:
                await anyio.lowlevel.checkpoint()
            assert sim.books.snapshot()["created"] == (at == "after")
            assert (await http.get("/_sim/held")).json()["held"][0]["at"] == at
            assert (await http.post("/_sim/release")).json() == {"released": 1}
    assert sim.books.snapshot()["created"] == 1


async def test_a_hold_and_another_fault_can_meet_in_one_call(http, sim):
    sim.faults.add("create", "hold", at="after")
    sim.faults.add("create", "error_after")
    answers = []

    async def go():
        answers.append((await post(http)).status_code)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go)
            while not sim.holds.held:
                await anyio.lowlevel.checkpoint()
            sim.holds.release(1)
    assert answers == [500]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "nothing"},
        {"kind": "hang", "on": "nowhere"},
        {"kind": "hang", "often": 1},
        {"kind": "hang", "times": 0},
        {"kind": "hang", "seconds": -1},
        {"kind": "hold", "at": "during"},
        {"kind": "hang", "match": {"colour": "red"}},
    ],
)
def test_an_impossible_fault_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Simulator(SteppedClock()).faults.add(**{"on": "any", **wrong})


def test_every_kind_has_words_of_its_own():
    assert len({kind.value for kind in Kind}) == len(Kind)


async def test_a_container_that_never_starts_says_so_in_its_log(http, sim, clock):
    sim.faults.add("create", "never_ready")
    pod = await create(http)
    clock.step(minutes=5)
    logs = (await http.get(f"/v2/pods/{pod['id']}/logs")).text
    assert "error creating container" in logs
    assert "start container" not in logs


async def test_a_fault_after_the_work_also_spoils_a_refusal(http, sim):
    sim.stock.set(L4, free=0)
    sim.faults.add("create", "error_after")
    assert (await post(http)).status_code == 500
    assert sim.books.snapshot()["created"] == 0


async def test_ignored_start_and_restart_change_nothing(http, sim):
    pod = await create(http)
    url = f"/v1/pods/{pod['id']}"
    sim.faults.add("restart", "ignored")
    assert (await http.post(f"{url}/restart")).status_code == 200
    await http.post(f"{url}/stop")
    sim.faults.add("start", "ignored")
    sim.faults.add("update", "ignored")
    assert (await http.post(f"{url}/start")).json()["desiredStatus"] == "EXITED"
    assert (await http.patch(url, json={"name": "b"})).json()["name"] == "trial"


async def test_a_phantom_refused_for_money_leaves_nothing_to_vanish(http, sim, clock):
    sim.settings.change({"spend_limit_usd": 0})
    sim.faults.add("create", "vanish")
    assert (await post(http)).status_code == 201
    sim.faults.add("create", "dearer")
    assert (await post(http)).status_code == 400
    clock.step(hours=1)
    assert (await books(http))["live"] == []


@pytest.mark.parametrize("path", ["/v2/pods", "/v1/pods", "/graphql"])
async def test_cloudflare_answers_bare_text_in_front_of_every_dialect(http, sim, path):
    sim.faults.add("any", "cloudflare_1010")
    answer = await http.post(path, json={"query": "{ myself { id } }"})
    assert (answer.status_code, answer.text) == (403, "error code: 1010")
