"""When what is around fails: each trouble has its code and its words, and nothing is lost or spent."""

from __future__ import annotations

import sqlite3
import sys

import pytest
from front_door import L4, ROOMY, front_door

READING = ["list_pods", "list_gpu_types", "list_data_centers"]


async def test_without_a_key_everything_says_what_to_set(tmp_path):
    async with front_door(tmp_path, key=None) as door:
        for said in [await door.create(), await door.call("list_pods"), await door.call("list_gpu_types")]:
            assert (said.code, said.facts["retry"]) == ("unauthorized", "never")
            assert "RUNPOD_API_KEY" in said.text
        assert await door.leases() == []
        assert (await door.call("get_budget")).ok, "the ledger is here, not at Runpod"


async def test_without_a_key_v1_shows_prices_and_rents_nothing(tmp_path):
    async with front_door(tmp_path, key=None, dialect="v1") as door:
        assert (await door.call("list_gpu_types")).ok
        said = await door.create()
        assert (said.code, said.facts["retry"]) == ("unauthorized", "never")
        assert "RUNPOD_API_KEY" in said.text
        assert await door.leases() == []


@pytest.mark.parametrize(("key", "word"), [("sim_wrong", "RUNPOD_API_KEY"), ("sim_forbidden", "permissions")])
@pytest.mark.parametrize("dialect", ["v2", "v1"])
async def test_a_key_that_runpod_refuses_is_named_and_nothing_is_promised(tmp_path, key, word, dialect):
    async with front_door(tmp_path, key=key, dialect=dialect) as door:
        for said in [await door.create(), await door.call("list_pods")]:
            assert (said.code, said.facts["retry"]) == ("unauthorized", "never")
            assert word in said.text
            assert key not in said.text
        assert await door.leases() == []
        assert door.created == 0


async def test_a_policy_that_breaks_stops_spending_at_once_and_says_where(both):
    pod = await both.create()
    both.write_policy("version = 1\n[budget]\nusd_per_huor = 2\n")
    for tool, arguments in [("create_pod", {"imageName": "x", "gpuTypeIds": [L4]}), ("get_budget", {})]:
        said = await both.call(tool, **arguments)
        assert (said.code, said.facts["retry"]) == ("policy_broken", "never")
        for word in ("policy.toml", "usd_per_huor", "usd_per_hour"):
            assert word in said.text
    assert both.create_calls == 1
    assert (await both.call("get_pod", podId=pod.pod_id)).ok
    gpus = await both.call("list_gpu_types")
    assert {row.get("whyNot") for row in gpus.facts["gpuTypes"]} == {"policy_broken"}
    assert not any(row["allowed"] for row in (await both.call("list_data_centers")).facts["dataCenters"])
    both.write_policy(ROOMY)
    assert (await both.create()).ok


async def test_a_server_starts_under_a_broken_policy_and_lists_its_tools(tmp_path):
    async with front_door(tmp_path, "this is not TOML") as door:
        assert "create_pod" in await door.tools()
        said = await door.create()
        assert said.code == "policy_broken"
        assert "line 1" in said.text


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permissions")
@pytest.mark.parametrize("make", ["garbage", "folder", "foreign", "cut off"])
async def test_a_ledger_that_cannot_be_used_stops_spending_and_says_so(tmp_path, make):
    path = tmp_path / "ledger.db"
    if make == "garbage":
        path.write_bytes(b"not a ledger at all" * 500)
    elif make == "folder":
        path.mkdir()
    elif make == "cut off":
        path.touch()
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE contacts (name TEXT)")
        db.close()
    async with front_door(tmp_path) as door:
        for tool in ("create_pod", "get_budget", "list_pods", "delete_pod"):
            arguments = {
                "create_pod": {"imageName": "x", "gpuTypeIds": [L4]},
                "delete_pod": {"podId": "abcdefghij1234"},
            }
            said = await door.call(tool, **arguments.get(tool, {}))
            assert (said.code, said.facts["retry"]) == ("ledger_unavailable", "never")
            assert "ledger" in said.facts["message"]
        assert door.create_calls == 0


@pytest.fixture
def locked():
    """Lock a ledger as another program would."""
    held = []

    def lock(path):
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        held.append(db)

    yield lock
    for db in held:
        db.close()


async def test_a_locked_ledger_stops_spending_and_may_pass_later(both, locked):
    pod = await both.create()
    locked(both.ledger_path)
    both.clock.step(seconds=1)
    said = await both.create()
    assert (said.code, said.facts["retry"]) == ("ledger_unavailable", "later")
    assert both.create_calls == 1
    assert (await both.call("get_pod", podId=pod.pod_id)).ok


async def test_a_pod_that_ended_while_the_ledger_is_locked_is_said_to_have_ended(both, locked):
    first, second = await both.create(), await both.create()
    locked(both.ledger_path)
    deleted = await both.call("delete_pod", podId=first.pod_id)
    stopped = await both.call("stop_pod", podId=second.pod_id)
    assert {deleted.code, stopped.code} == {"ledger_unavailable"}
    assert "is deleted, but that could not be written down" in deleted.text
    assert "is stopped, but that could not be written down" in stopped.text
    assert len(both.live) == 1
    assert len(await both.leases()) == 2, "more is counted than is true, never less"


async def test_it_can_be_written_down_later_by_the_same_call(both):
    pod = await both.create()
    db = sqlite3.connect(both.ledger_path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    await both.call("delete_pod", podId=pod.pod_id)
    db.execute("ROLLBACK")
    db.close()
    assert (await both.call("delete_pod", podId=pod.pod_id)).ok
    assert await both.leases() == []


@pytest.mark.parametrize(
    "kind", ["garbage", "truncated", "unavailable", "drop_before", "hang", "cloudflare_1010"]
)
async def test_a_catalog_that_cannot_be_read_is_no_price_and_nothing_is_rented(both, kind):
    both.sim.faults.add("catalog", kind, times=None)
    for said in [
        await both.create(),
        await both.call("list_gpu_types"),
        await both.call("list_data_centers"),
    ]:
        assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later"), said.text
    assert both.create_calls == 0
    assert await both.leases() == []
    both.sim.faults.clear()
    assert (await both.create()).ok


async def test_prices_are_read_again_when_they_are_old(door):
    await door.create()
    door.sim.stock.set(L4, secure_price=0.6)
    door.clock.step(seconds=31)
    assert (await door.create(dryRun=True)).facts["quote"]["usdPerHour"] == pytest.approx(0.609723)


@pytest.mark.parametrize("tool", READING)
async def test_a_busy_runpod_is_asked_again_and_then_given_up(both, tool):
    both.sim.faults.add("any", "rate_limited", times=1, retry_after=2)
    assert (await both.call(tool)).ok
    both.sim.faults.add("any", "rate_limited", times=None, retry_after=120)
    both.clock.step(minutes=1)
    said = await both.call(tool)
    assert (said.code, said.facts["retry"]) == ("rate_limited", "later")
    assert "120 seconds" in said.text


@pytest.mark.parametrize("what", [{"templateId": "simtorch01"}, {"networkVolumeId": "vol0000000"}])
async def test_a_template_or_volume_that_cannot_be_read_stops_the_rent(both, what):
    both.sim.faults.add("templates" if "templateId" in what else "volumes", "unavailable", times=None)
    said = await both.create(**what)
    assert (said.code, said.facts["retry"], both.create_calls) == ("runpod_unavailable", "later", 0)


async def test_a_retired_api_says_where_to_go(tmp_path):
    async with front_door(tmp_path, dialect="v1") as door:
        door.sim.settings.change({"v1_retired": True})
        said = await door.create()
        assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "never")
        assert "https://api.runpod.io/v2" in said.text
        assert await door.leases() == []


async def test_a_price_of_zero_is_no_price(both):
    both.sim.stock.set(L4, secure_price=0)
    said = await both.create()
    assert (said.code, both.create_calls) == ("price_unknown", 0)


async def test_what_is_left_is_not_told_wrongly_when_it_cannot_be_read(tmp_path):
    async with front_door(tmp_path, ROOMY.replace("[gpus]", "include_unmanaged = true\n[gpus]")) as door:
        pod = await door.create()
        door.sim.faults.add("list", "unavailable", times=None, skip=1)
        said = await door.call("delete_pod", podId=pod.pod_id)
        assert said.ok
        assert said.facts["budgetLeft"] == {}
        assert "cannot be read now" in said.text
