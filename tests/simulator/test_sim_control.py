from __future__ import annotations

import pytest
from sim_helpers import L4, books, create

from runpod_mcp.clock import SteppedClock
from runpod_mcp.simulator.time_line import TimeLine


async def test_the_books_answer_what_the_design_promises(http):
    await create(http)
    said = await books(http)
    assert {
        "create_calls",
        "created",
        "live",
        "burn_usd_per_hour",
        "peak_usd_per_hour",
        "charged_usd",
        "charged_by_day",
        "charged_by_month",
        "peak_pods",
        "peak_gpus",
        "ended",
        "pods",
    } <= set(said)
    assert {"id", "name", "env", "usd_per_hour"} <= set(said["live"][0])


async def test_faults_are_added_shown_and_cleared(http):
    one = {"on": "create", "kind": "error_after", "times": 1}
    shown = (await http.post("/_sim/faults", json=[one, {"on": "list", "kind": "hang"}])).json()["faults"]
    assert [(fault["on"], fault["kind"]) for fault in shown] == [("create", "error_after"), ("list", "hang")]
    again = await http.post("/_sim/faults", json=shown[0])
    assert len(again.json()["faults"]) == 3
    assert (await http.delete("/_sim/faults")).json() == {"faults": []}
    assert (await http.get("/_sim/faults")).json() == {"faults": []}


async def test_the_clock_can_be_stepped_and_sped_up(http, clock):
    before = (await http.get("/_sim/clock")).json()["now"]
    after = (await http.post("/_sim/clock", json={"step_seconds": 3600, "speed": 60})).json()
    assert (before, after) == ("2026-11-23T12:00:00+00:00", {"now": "2026-11-23T13:00:00+00:00", "speed": 60})
    clock.step(minutes=1)
    assert (await http.get("/_sim/clock")).json()["now"] == "2026-11-23T14:00:00+00:00"


def test_time_never_runs_backwards():
    base = SteppedClock()
    line = TimeLine(base)
    start = line.now()
    base.step(hours=-1)
    assert line.now() == start
    base.step(minutes=5)
    assert (line.now() - start).total_seconds() == 300


async def test_stock_and_prices_can_be_set(http):
    body = {"gpuTypeId": L4, "cloud": "SECURE", "dataCenterId": "AP-JP-1", "free": 3, "secure_price": 0.6}
    assert (await http.post("/_sim/stock", json=body)).json()[L4]["SECURE"]["AP-JP-1"] == 3
    pod = await create(http, dataCenterIds=["AP-JP-1"])
    assert pod["cost"] == 0.6
    assert (await http.get("/_sim/stock", params={"gpuTypeId": L4})).json()[L4]["SECURE"]["AP-JP-1"] == 2


async def test_settings_can_be_read_and_switched(http):
    assert (await http.get("/_sim/settings")).json()["v1_retired"] is False
    assert (await http.post("/_sim/settings", json={"v1_retired": True})).json()["v1_retired"] is True
    assert (await http.get("/v1/pods")).status_code == 410


async def test_someone_else_can_act_by_hand(http):
    made = (await http.post("/_sim/pods", json={"create": {"gpuTypeId": L4, "name": "theirs"}})).json()
    said = await books(http)
    assert (said["create_calls"], said["created"], said["live"][0]["name"]) == (0, 0, "theirs")
    for verb in ("stop", "start", "fail", "start", "interrupt"):
        assert (await http.post("/_sim/pods", json={verb: made["id"]})).status_code == 200
    priced = {"reprice": made["id"], "usd_per_hour": 1.5}
    await http.post("/_sim/pods", json={"start": made["id"]})
    await http.post("/_sim/pods", json=priced)
    assert (await http.get(f"/v2/pods/{made['id']}")).json()["cost"] == 1.5
    assert (await http.get("/_sim/books?by_hand=false")).json()["peak_usd_per_hour"] == 0
    assert (await http.post("/_sim/pods", json={"end": made["id"]})).json()["status"] == "TERMINATED"


async def test_a_failed_container_reads_as_error_and_can_be_started(http, sim):
    pod = await create(http)
    sim.by_hand({"fail": pod["id"]})
    seen = (await http.get(f"/v2/pods/{pod['id']}")).json()
    assert (seen["status"], seen["actions"]) == ("ERROR", ["start", "terminate"])
    started = await http.post(f"/v2/pods/{pod['id']}/action", json={"action": "start"})
    assert started.json()["status"] == "RUNNING"


async def test_requests_are_on_record_without_keys(http, sim):
    sim.faults.add("create", "error_after")
    await http.post("/v2/pods?x=1", json={"name": "a"})
    await http.get("/v2/pods", headers={"authorization": "Bearer sim_wrong"})
    answer = await http.get("/_sim/requests")
    seen = answer.json()["requests"]
    assert [(each["method"], each["path"], each["status"]) for each in seen] == [
        ("POST", "/v2/pods", 500),
        ("GET", "/v2/pods", 401),
    ]
    assert (seen[0]["query"], seen[0]["body"], seen[0]["faults"]) == (
        {"x": ["1"]},
        {"name": "a"},
        ["error_after"],
    )
    assert "sim_" not in answer.text


async def test_reset_empties_the_account_and_keeps_the_time(http, sim):
    await create(http)
    sim.step(hours=1)
    sim.faults.add("any", "hang")
    assert (await http.post("/_sim/reset")).json() == {"reset": True}
    said = await books(http)
    assert (said["create_calls"], said["live"], said["charged_usd"]) == (0, [], 0)
    assert said["now"] == "2026-11-23T13:00:00+00:00"
    assert (await http.get("/v2/pods")).json()["pods"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "nothing"}),
        ("faults", 3),
        ("clock", {"step_seconds": -1}),
        ("clock", {"speed": -1}),
        ("clock", {"step_seconds": "1"}),
        ("clock", {}),
        ("stock", {"gpuTypeId": "none", "free": 1}),
        ("stock", {"gpuTypeId": L4, "dataCenterId": "none"}),
        ("stock", {"gpuTypeId": L4, "cloud": "ALL"}),
        ("stock", {"gpuTypeId": L4, "free": -1}),
        ("settings", {"boot": 1}),
        ("settings", {"boot_seconds": "1"}),
        ("settings", [1]),
        ("pods", {"end": "none"}),
        ("pods", {"create": {"colour": "red"}}),
        ("pods", {"create": {"gpuTypeId": "none"}}),
        ("pods", {"dance": 1}),
        ("release", {"number": "x"}),
    ],
)
async def test_bad_control_input_says_what_was_expected(http, path, body):
    answer = await http.post(f"/_sim/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_a_control_body_that_is_no_json_is_400(http):
    assert (await http.post("/_sim/clock", content=b"{")).json() == {"error": "expected a JSON body"}
    assert (await http.get("/_sim/books?by_hand=maybe")).status_code == 400
