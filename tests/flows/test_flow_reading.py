"""Looking at pods: short rows, full detail without secrets, pages, and what nobody can vouch for."""

from __future__ import annotations

import json

import anyio
import pytest
from front_door import IMAGE, L4, LIMITLESS, ROOMY, RTX_4090, front_door

from runpod_mcp.simulator.faults import Kind


async def test_an_empty_account_has_no_pods(both):
    said = await both.call("list_pods")
    assert said.facts == {"pods": [], "total": 0}
    assert said.text == "0 pods"


async def test_a_list_has_a_short_row_for_each_pod_oldest_first(both):
    names = ["one", "two", "three"]
    for name in names:
        await both.create(name=name)
        both.clock.step(minutes=1)
    said = await both.call("list_pods")
    assert [row["name"] for row in said.facts["pods"]] == names
    assert said.facts["total"] == 3
    for row in said.facts["pods"]:
        for fact in (row["podId"], row["name"], row["leaseEndsAt"], L4, "$0.4997/h"):
            assert fact in said.text


async def test_one_pod_is_shown_with_how_to_connect_once_it_is_ready(both):
    pod = await both.create()
    assert any("not reachable yet" in one for one in pod.pod["warnings"])
    both.clock.step(minutes=2)
    said = await both.call("get_pod", podId=pod.pod_id)
    assert said.pod["ssh"].startswith("ssh root@203.0.113.")
    assert said.pod["http"] == [f"https://{pod.pod_id}-8888.proxy.runpod.net"]
    assert said.pod["gpuTypeId"] == L4
    assert "warnings" not in said.pod
    for fact in (said.pod["ssh"], said.pod["http"][0], said.pod["leaseEndsAt"], IMAGE):
        assert fact in said.text


async def test_a_cpu_pod_is_shown_with_its_vcpus(both):
    pod = await both.call("create_pod", computeType="CPU", vcpuCount=4, imageName=IMAGE, volumeInGb=0)
    said = await both.call("get_pod", podId=pod.pod_id)
    assert said.pod["vcpuCount"] == 4
    assert "4 vCPU cpu" in said.text


async def test_full_detail_holds_everything_but_env_values(both):
    pod = await both.create(env={"HF_TOKEN": "hunter2-swordfish"})
    said = await both.call("get_pod", podId=pod.pod_id, detail="full")
    full = said.facts["full"]
    assert full["container_disk_gb"] == 50
    assert full["usd_per_hour"] == 0.49
    assert "HF_TOKEN" in json.dumps(full)
    assert "hunter2-swordfish" not in said.text + json.dumps(said.facts)
    assert "container_disk_gb" in said.text


async def test_a_pod_made_elsewhere_is_shown_as_not_managed(both):
    pod = both.sim.by_hand({"create": {"name": "theirs"}})
    listed = await both.call("list_pods")
    assert listed.facts["pods"][0]["managed"] is False
    assert "not managed" in listed.text
    one = await both.call("get_pod", podId=pod.id)
    assert "not managed by this server" in one.text
    assert "leaseEndsAt" not in one.pod


async def test_a_pod_nobody_knows_is_not_found(both):
    said = await both.call("get_pod", podId="nosuchpod12345")
    assert said.code == "not_found"
    assert "list_pods" in said.text


async def test_a_pod_that_was_ours_and_is_gone_is_said_to_be(both):
    pod = await both.create()
    await both.call("delete_pod", podId=pod.pod_id)
    said = await both.call("get_pod", podId=pod.pod_id)
    assert said.code == "not_found"
    assert "rented here" in said.text


async def test_a_pod_that_is_gone_after_the_ledger_closed_it_is_not_managed(both):
    """Runpod said in two places that it was gone; it shows up again, and is nobody's until it is ended."""
    pod = await both.create()
    both.sim.faults.add("delete", "ignored")
    both.sim.faults.add("get", "not_found")
    both.sim.faults.add("any", "list_lag", seconds=3600)
    await both.call("delete_pod", podId=pod.pod_id)
    both.sim.faults.clear()
    assert (await both.call("get_pod", podId=pod.pod_id)).pod["managed"] is False
    await both.call("delete_pod", podId=pod.pod_id)


async def test_a_create_whose_outcome_is_unknown_is_listed_as_pending(both):
    for _ in range(2):
        both.sim.faults.add("create", "drop_before")
        await both.create()
    said = await both.call("list_pods")
    assert [row["state"] for row in said.facts["pending"]] == ["unknown", "unknown"], "each of them"
    assert said.text.count("outcome unknown") == 2
    for row in said.facts["pending"]:
        assert row["reservation"] in said.text
        assert row["usdPerHour"] == 0.499723


async def test_a_create_under_way_is_listed_as_pending(both):
    both.sim.faults.add("create", "hold")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(both.create)
        await both.until_held()
        said = await both.call("list_pods")
        assert [row["state"] for row in said.facts["pending"]] == ["open"]
        assert "create is under way" in said.text
        both.sim.holds.release()


async def test_a_pod_that_runpod_does_not_list_is_listed_as_pending(both):
    pod = await both.create()
    both.sim.faults.add("any", "list_lag", seconds=3600)
    said = await both.call("list_pods")
    assert said.facts["pending"][0]["podId"] == pod.pod_id
    assert f"pod {pod.pod_id} is running but Runpod does not list it" in said.text
    both.sim.faults.clear()


async def test_a_pod_that_shows_up_after_its_create_was_lost_is_shown_with_its_lease(both):
    both.sim.faults.add("any", "list_lag", seconds=3600)
    both.sim.faults.add("create", "drop_after")
    await both.create()
    both.sim.faults.clear()
    said = await both.call("list_pods")
    assert "pending" not in said.facts
    assert "managed" not in said.facts["pods"][0]
    shown = await both.call("get_pod", podId=said.facts["pods"][0]["podId"])
    assert shown.pod["managed"] is True
    assert shown.pod["usdPerHour"] == 0.499723


async def test_a_pod_in_error_bills_and_is_shown_so(both):
    pod = await both.create()
    both.sim.by_hand({"fail": pod.pod_id})
    said = await both.call("get_pod", podId=pod.pod_id)
    assert said.pod["status"] in ("error", "running")
    assert said.pod["usdPerHour"] == 0.499723


async def test_a_pod_that_runpod_now_bills_dearer_carries_a_warning(both):
    pod = await both.create()
    both.sim.by_hand({"reprice": pod.pod_id, "usd_per_hour": 2.0})
    said = await both.call("get_pod", podId=pod.pod_id)
    assert any("bills $2.00/h" in one for one in said.pod["warnings"])
    both.sim.by_hand({"end": pod.pod_id})
    await both.call("delete_pod", podId=pod.pod_id)


async def test_a_list_that_cannot_be_read_is_an_error_and_not_an_empty_list(both):
    await both.create()
    for kind in (Kind.GARBAGE, Kind.TRUNCATED, Kind.UNAVAILABLE, Kind.DROP_BEFORE):
        both.sim.faults.add("list", kind, times=None)
        said = await both.call("list_pods")
        assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later"), kind
        both.sim.faults.clear()


# pages


@pytest.mark.parametrize("dialect", ["v2", "v1"])
async def test_fifty_pods_fit_into_eight_thousand_bytes_of_text_and_of_structure(tmp_path, dialect):
    async with front_door(tmp_path, LIMITLESS, dialect=dialect) as door:
        door.sim.settings.change({"spend_limit_usd": None})
        for number in range(50):
            assert (await door.create([L4, RTX_4090], name=f"run {number}")).ok
        door.clock.step(minutes=5)
        said = await door.call("list_pods")
        assert said.facts["total"] == len(said.facts["pods"]) == 50
        assert "nextCursor" not in said.facts
        assert len(said.text.encode()) <= 8000
        assert len(json.dumps(said.facts, separators=(",", ":")).encode()) <= 8000


async def test_pods_with_long_names_come_in_pages_that_are_no_longer(door):
    for number in range(60):
        door.sim.by_hand({"create": {"name": f"{number:02} " + "ä" * 150, "gpuTypeId": RTX_4090}})
    names = set()
    async for said in _pages(door, limit=50):
        assert len(said.text.encode()) <= 8000
        assert len(json.dumps(said.facts, ensure_ascii=False, separators=(",", ":")).encode()) <= 8000
        names |= {row["name"][:2] for row in said.facts["pods"]}
    assert len(names) == 60


async def _pages(door, **arguments):
    said = await door.call("list_pods", **arguments)
    yield said
    while cursor := said.facts.get("nextCursor"):
        assert f"cursor {cursor}" in said.text
        said = await door.call("list_pods", cursor=cursor, **arguments)
        yield said


async def test_pages_hold_every_pod_once(door):
    for number in range(7):
        door.sim.by_hand({"create": {"name": f"pod {number}"}})
        door.clock.step(seconds=1)
    seen = []
    async for said in _pages(door, limit=3):
        assert said.facts["total"] == 7
        assert said.text.startswith("7 pods, ")
        seen += [row["name"] for row in said.facts["pods"]]
    assert seen == [f"pod {number}" for number in range(7)]


@pytest.mark.parametrize("tool", ["list_pods", "list_gpu_types", "list_data_centers"])
@pytest.mark.parametrize("cursor", ["garbage", "gpus-1x", "pods-", "places--1", "pods-١", "x" * 5000])
async def test_a_cursor_that_is_not_of_this_list_is_refused(door, tool, cursor):
    said = await door.call(tool, cursor=cursor)
    assert (said.code, said.facts["field"]) == ("invalid_arguments", "cursor")
    assert len(said.text) < 300


async def test_a_cursor_of_another_list_is_refused(door):
    cursor = (await door.call("list_data_centers", limit=2)).facts["nextCursor"]
    assert (await door.call("list_gpu_types", cursor=cursor)).code == "invalid_arguments"
    assert (await door.call("list_data_centers", cursor=cursor, limit=2)).ok


async def test_a_cursor_beyond_the_end_gives_an_empty_page(door):
    cursor = (await door.call("list_data_centers", limit=1)).facts["nextCursor"]
    kind = cursor.rpartition("-")[0]
    said = await door.call("list_data_centers", cursor=f"{kind}-999")
    assert said.facts["dataCenters"] == []
    assert "nextCursor" not in said.facts


# the catalog


async def test_gpu_types_are_listed_cheapest_first_with_what_the_policy_allows(both):
    said = await both.call("list_gpu_types")
    assert [row["gpuTypeId"] for row in said.facts["gpuTypes"]] == ["NVIDIA RTX A4000", L4, RTX_4090]
    assert all(row["allowed"] for row in said.facts["gpuTypes"])
    assert f"{L4}: 24 GB, $0.49/h" in said.text


async def test_gpu_types_that_are_not_allowed_say_why(tmp_path):
    text = 'version = 1\n[budget]\nusd_per_hour_per_pod = 1.5\n[gpus]\ndeny = ["*H100*"]\nmax_per_pod = 2\n'
    async with front_door(tmp_path, text) as door:
        said = await door.call("list_gpu_types", allowedOnly=False, gpuCount=2)
        why = {row["gpuTypeId"]: row.get("whyNot") for row in said.facts["gpuTypes"]}
        assert why["NVIDIA H100 80GB HBM3"] == "gpu_not_allowed"
        assert why["NVIDIA GeForce RTX 3070"] == "price_unknown"
        assert why[L4] is None
        assert why["NVIDIA L40S"] == "over_pod_hourly_budget"
        many = await door.call("list_gpu_types", allowedOnly=False, gpuCount=3)
        assert {row.get("whyNot") for row in many.facts["gpuTypes"]} >= {"too_many_gpus"}
        assert "not allowed: gpu_not_allowed" in said.text


async def test_a_cloud_that_is_not_allowed_is_said_to_be_so(tmp_path):
    async with front_door(tmp_path, None) as door:
        said = await door.call("list_gpu_types", cloudType="COMMUNITY", allowedOnly=False)
        assert {row.get("whyNot") for row in said.facts["gpuTypes"]} == {
            "cloud_not_allowed",
            "gpu_not_allowed",
        }
        assert (await door.call("list_gpu_types", cloudType="COMMUNITY")).facts["gpuTypes"] == []


async def test_what_is_allowed_by_the_list_can_be_rented(both):
    for row in (await both.call("list_gpu_types")).facts["gpuTypes"]:
        said = await both.create(row["gpuTypeId"], dryRun=True)
        assert said.ok, said.text


async def test_gpu_types_come_in_pages_too(tmp_path):
    async with front_door(tmp_path, LIMITLESS) as door:
        first = await door.call("list_gpu_types", limit=5)
        assert len(first.facts["gpuTypes"]) == 5
        second = await door.call("list_gpu_types", limit=5, cursor=first.facts["nextCursor"])
        ids = [row["gpuTypeId"] for row in first.facts["gpuTypes"] + second.facts["gpuTypes"]]
        assert len(set(ids)) == 10


async def test_data_centers_say_whether_they_are_allowed_and_what_they_have(tmp_path):
    async with front_door(tmp_path, 'version = 1\n[pods]\ndata_centers = ["EU-*"]\n') as door:
        said = await door.call("list_data_centers")
        rows = {row["dataCenterId"]: row for row in said.facts["dataCenters"]}
        assert rows["EU-RO-1"] == {
            "dataCenterId": "EU-RO-1",
            "country": "RO",
            "region": "EUROPE",
            "networkVolumes": True,
            "globalNetworking": True,
            "allowed": True,
        }
        assert rows["US-KS-2"]["allowed"] is False
        assert "US-KS-2: US, network volumes, global networking, not allowed" in said.text


# what Runpod may say that the simulator does not


def _every_pod(**fields):
    """Bends every pod in an answer."""

    def bend(call, body):
        for pod in body.get("pods", [body]) if isinstance(body, dict) else body:
            if isinstance(pod, dict) and "image" in pod:
                pod.update(fields)
        return body

    return bend


@pytest.mark.parametrize(("dialect", "field"), [("v2", "status"), ("v1", "desiredStatus")])
@pytest.mark.parametrize("state", ["HIBERNATED", None, 7])
async def test_a_state_nobody_knows_is_shown_as_unknown_and_counts_as_billing(
    tmp_path, dialect, field, state
):
    async with front_door(tmp_path, dialect=dialect, bend=_every_pod(**{field: state})) as door:
        pod = await door.create()
        assert pod.pod["status"] == "unknown"
        assert any("may be billing" in one for one in pod.pod["warnings"])
        listed = await door.call("list_pods")
        assert listed.facts["pods"][0]["status"] == "unknown"
        assert (await door.call("stop_pod", podId=pod.pod_id)).code == "runpod_unavailable", (
            "unknown is not stopped"
        )
        assert (await door.budget("hour"))["spent"] == 0.499723


async def test_a_pod_made_elsewhere_whose_price_is_not_told_stops_spending_where_it_counts(tmp_path):
    text = ROOMY.replace("[gpus]", "include_unmanaged = true\n[gpus]")
    async with front_door(tmp_path, text, bend=_every_pod(cost=None)) as door:
        door.sim.by_hand({"create": {}})
        said = await door.create()
        assert (said.code, said.facts["retry"], door.create_calls) == ("price_unknown", "later", 0)
        assert "made elsewhere" in said.text


async def test_a_pod_made_elsewhere_that_is_listed_as_terminated_counts_nothing(tmp_path):
    text = ROOMY.replace("[gpus]", "include_unmanaged = true\n[gpus]")
    async with front_door(tmp_path, text, bend=_every_pod(status="TERMINATED")) as door:
        door.sim.by_hand({"create": {}})
        assert (await door.budget("hour"))["spent"] == 0


async def test_a_pod_whose_price_or_disks_are_not_told_counts_at_what_was_set_aside(tmp_path):
    for number, missing in enumerate([{"cost": None}, {"disk": None}, {"cost": "free"}]):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with front_door(folder, bend=_every_pod(**missing)) as door:
            assert (await door.create()).pod["usdPerHour"] == 0.499723
            await door.keep_promises()


async def test_a_pod_that_reads_as_terminated_after_a_stop_is_gone(tmp_path):
    states = {}

    def bend(call, body):
        if isinstance(body, dict) and body.get("id") in states:
            body["status"] = states[body["id"]]
        for pod in body.get("pods", ()) if isinstance(body, dict) else ():
            bend(call, pod)
        return body

    async with front_door(tmp_path, bend=bend) as door:
        pod = await door.create()
        states[pod.pod_id] = "TERMINATED"
        assert (await door.call("stop_pod", podId=pod.pod_id)).code == "not_found"
        assert await door.leases() == []


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"status": "stopped"}, ["beta"]),
        ({"status": "running"}, ["alpha", "theirs"]),
        ({"gpuTypeId": RTX_4090}, ["alpha"]),
        ({"gpuTypeId": L4, "managed": True}, ["beta"]),
        ({"managed": False}, ["theirs"]),
        ({"name": "ALP"}, ["alpha"]),
        ({"name": "nothing of this name"}, []),
        ({"dataCenterId": "XX-1"}, []),
        ({"status": None, "name": None}, ["alpha", "beta", "theirs"]),
    ],
)
async def test_a_list_is_filtered_here_since_runpod_filters_nothing(door, filters, names):
    await door.create(RTX_4090, name="alpha")
    door.clock.step(seconds=1)
    beta = await door.create(L4, name="beta", volumeInGb=20)
    await door.call("stop_pod", podId=beta.pod_id)
    door.clock.step(seconds=1)
    door.sim.by_hand({"create": {"name": "theirs", "gpuTypeId": L4}})
    said = await door.call("list_pods", **filters)
    assert [row["name"] for row in said.facts["pods"]] == names
    assert said.facts["total"] == len(names)
    if len(names) < 3:
        assert said.text.startswith(f"{len(names)} of 3 pods")


async def test_a_cursor_is_good_for_the_filters_it_was_given_under(door):
    for number in range(3):
        door.sim.by_hand({"create": {"name": f"pod {number}"}})
    first = await door.call("list_pods", name="pod", limit=2)
    cursor = first.facts["nextCursor"]
    assert len((await door.call("list_pods", name="pod", limit=2, cursor=cursor)).facts["pods"]) == 1
    for other in ({}, {"name": "po"}, {"managed": False}):
        said = await door.call("list_pods", cursor=cursor, **other)
        assert (said.code, said.facts["field"]) == ("invalid_arguments", "cursor")


async def test_a_thousand_pods_never_come_in_one_reply(door):
    door.sim.stock.set(L4, free=1000)
    for number in range(1000):
        door.sim.by_hand({"create": {"name": f"pod {number}", "gpuTypeId": L4}})
    assert (await door.call("list_pods", limit=51)).code == "invalid_arguments"
    seen, cursor = [], None
    while not seen or cursor:
        said = await door.call("list_pods", cursor=cursor)
        assert len(json.dumps(said.facts["pods"], separators=(",", ":")).encode()) <= 8000
        seen += [row["podId"] for row in said.facts["pods"]]
        cursor = said.facts.get("nextCursor")
    assert len(seen) == len(set(seen)) == 1000
