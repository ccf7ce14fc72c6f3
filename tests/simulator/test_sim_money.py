from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import httpx2
import pytest
from sim_helpers import books, create

from runpod_mcp.clock import SteppedClock
from runpod_mcp.simulator.app import Simulator

L4_PRICE = Fraction("0.49")
DISK_20 = 20 * Fraction("0.10") / 720


async def test_a_pod_bills_from_placement_before_its_ports_exist(http, sim, clock):
    pod = await create(http)
    clock.step(seconds=30)
    seen = (await http.get(f"/v2/pods/{pod['id']}")).json()
    assert seen["status"] == "RUNNING"
    assert seen["runtime"] is None
    assert seen["ssh"]["direct"] is None
    figures = sim.books.figures(sim.now())
    assert figures.charged == (L4_PRICE + DISK_20) * 30 / 3600


async def test_ports_exist_after_the_boot_and_ssh_is_direct(http, clock):
    pod = await create(http)
    clock.step(seconds=61)
    seen = (await http.get(f"/v2/pods/{pod['id']}")).json()
    ports = {port["private"]: port for port in seen["runtime"]["ports"]}
    assert seen["ssh"]["direct"]["port"] == ports[22]["public"]
    assert ports[8888]["ip"].startswith("100.65.")


async def test_the_shown_cost_is_the_gpus_and_the_books_add_the_disks(http):
    pod = await create(http, gpu={"id": "NVIDIA L4", "count": 2})
    assert pod["cost"] == 0.98
    assert (await books(http))["burn_usd_per_hour"] == float(2 * L4_PRICE + DISK_20)


async def test_a_stopped_pod_keeps_costing_its_volume_at_twice_the_rate(http, sim, clock):
    pod = await create(http, mounts={"persistent": {"size": 100, "path": "/workspace"}})
    running = L4_PRICE + DISK_20 + 100 * Fraction("0.10") / 720
    clock.step(hours=1)
    stopped = (await http.post(f"/v2/pods/{pod['id']}/action", json={"action": "stop"})).json()
    assert (stopped["status"], stopped["cost"]) == ("EXITED", 0.0)
    clock.step(hours=10)
    figures = sim.books.figures(sim.now())
    assert figures.burn == 100 * Fraction("0.20") / 720
    assert figures.charged == running + 10 * figures.burn
    assert figures.peak == running


async def test_a_terminated_pod_costs_nothing_more(http, sim, clock):
    pod = await create(http)
    clock.step(hours=1)
    assert (await http.delete(f"/v2/pods/{pod['id']}")).status_code == 204
    clock.step(days=3)
    said = await books(http)
    assert said["live"] == []
    assert said["burn_usd_per_hour"] == 0
    assert said["charged_usd"] == float(L4_PRICE + DISK_20)
    assert said["ended"][0]["id"] == pod["id"]


async def test_charges_are_split_at_utc_midnight_and_month(http):
    clock = SteppedClock(datetime(2026, 11, 30, 22, tzinfo=UTC))
    sim = Simulator(clock)
    sim.by_hand({"create": {"gpuTypeId": "NVIDIA L4", "containerDiskInGb": 0}})
    clock.step(hours=5)
    said = sim.books.snapshot()
    assert said["charged_by_day"] == {"2026-11-30": 0.98, "2026-12-01": 1.47}
    assert said["charged_by_month"] == {"2026-11": 0.98, "2026-12": 1.47}


async def test_the_peak_remembers_what_ran_together_however_briefly(http, clock):
    first = await create(http)
    second = await create(http)
    await http.delete(f"/v2/pods/{first['id']}")
    await http.delete(f"/v2/pods/{second['id']}")
    said = await books(http)
    assert said["peak_usd_per_hour"] == float(2 * (L4_PRICE + DISK_20))
    assert (said["peak_pods"], said["peak_gpus"], said["charged_usd"]) == (2, 2, 0)


async def test_the_books_name_live_pods_with_their_env(http):
    pod = await create(http, env={"RUNPOD_MCP_RESERVATION": "abc"})
    live = (await books(http))["live"]
    assert [(row["id"], row["name"], row["env"]) for row in live] == [
        (pod["id"], "trial", {"RUNPOD_MCP_RESERVATION": "abc"})
    ]


async def test_a_dearer_bill_shows_on_the_pod_and_in_the_books(http, sim):
    sim.faults.add("create", "dearer", factor=3)
    pod = await create(http)
    assert pod["cost"] == pytest.approx(1.47)
    assert (await create(http))["cost"] == 0.49
    assert sim.books.snapshot()["live"][0]["usd_per_hour"] == float(3 * L4_PRICE + DISK_20)


async def test_a_price_rise_leaves_running_pods_at_their_price(http, sim):
    before = await create(http)
    sim.faults.add("any", "price_rise", match={"gpuTypeId": "NVIDIA L4"}, factor=2, times=None)
    assert (await http.get("/v2/catalog/gpus/NVIDIA L4")).json()["price"]["secure"] == 0.98
    assert (await create(http))["cost"] == 0.98
    assert (await http.get(f"/v2/pods/{before['id']}")).json()["cost"] == 0.49


async def test_growing_a_volume_raises_the_burn_at_once(http, sim):
    pod = await create(http, mounts={"persistent": {"size": 10, "path": "/workspace"}})
    before = sim.books.figures(sim.now()).burn
    change = {"mounts": {"persistent": {"size": 20, "path": "/workspace"}}}
    assert (await http.patch(f"/v2/pods/{pod['id']}", json=change)).status_code == 200
    assert sim.books.figures(sim.now()).burn - before == Fraction("0.10") * 10 / 720


async def test_an_empty_account_stops_what_has_network_storage_and_loses_the_rest(http, sim, clock):
    sim.settings.change({"enforce_balance": True, "balance_usd": 5, "charge_network_volumes": False})
    volume = {"name": "data", "size": 100, "dataCenter": "EU-RO-1"}
    volume_id = (await http.post("/v2/network-volumes", json=volume)).json()["id"]
    kept = await create(http, mounts={"network": [{"volumeId": volume_id, "path": "/workspace"}]})
    lost = await create(http)
    clock.step(days=1)
    assert (await http.get(f"/v2/pods/{kept['id']}")).json()["status"] == "EXITED"
    assert (await http.get(f"/v2/pods/{lost['id']}")).status_code == 404
    assert sim.books.snapshot()["charged_usd"] == pytest.approx(5)
    assert (await http.post("/v2/pods", json={})).status_code == 422


async def test_less_than_an_hour_of_credit_is_402(http: httpx2.AsyncClient, sim: Simulator):
    sim.settings.change({"enforce_balance": True, "balance_usd": 0.10})
    answer = await http.post(
        "/v2/pods", json={"name": "a", "image": "b", "disk": 5, "gpu": {"id": "NVIDIA L4", "count": 1}}
    )
    assert answer.status_code == 402


async def test_the_spend_limit_of_the_account_refuses_more(http, sim):
    sim.settings.change({"spend_limit_usd": 0.5})
    await create(http)
    answer = await http.post(
        "/v2/pods", json={"name": "a", "image": "b", "disk": 5, "gpu": {"id": "NVIDIA L4", "count": 1}}
    )
    assert answer.status_code == 400
    assert "spend limit" in answer.json()["detail"]


async def test_network_volumes_are_billed_when_the_settings_say_so(http, sim, clock):
    sim.settings.change({"charge_network_volumes": True})
    body = {"name": "data", "size": 2000, "dataCenter": "EU-RO-1"}
    volume = (await http.post("/v2/network-volumes", json=body)).json()
    clock.step(hours=720)
    await http.delete(f"/v2/network-volumes/{volume['id']}")
    clock.step(hours=720)
    said = await books(http)
    assert (said["charged_usd"], said["live"]) == (pytest.approx(1000 * 0.07 + 1000 * 0.05), [])


async def test_the_shown_cost_can_be_made_to_hold_the_disks(http, sim):
    sim.settings.change({"cost_includes_disks": True})
    assert (await create(http))["cost"] == float(L4_PRICE + DISK_20)


async def test_the_charges_of_the_segments_add_up_to_the_total(http, sim, clock):
    pod = await create(http, mounts={"persistent": {"size": 50, "path": "/workspace"}})
    for action in ("stop", "start", "stop"):
        clock.step(minutes=17)
        await http.post(f"/v2/pods/{pod['id']}/action", json={"action": action})
    clock.step(days=2)
    said = await books(http)
    segments = said["pods"][pod["id"]]
    assert [row["what"] for row in segments] == ["created", "stopped", "started", "stopped"]
    assert sum(row["charged_usd"] for row in segments) == pytest.approx(said["charged_usd"])
    assert sum(said["charged_by_day"].values()) == pytest.approx(said["charged_usd"])
