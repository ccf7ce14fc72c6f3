"""Serverless endpoints: made inside the policy and the budgets, and read with what they can cost."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anyio
import pytest
from endpoint_helpers import (
    A4000_RATE,
    L4_RATE,
    RTX_4090_RATE,
    WORKER,
    burn,
    by_hand,
    counted,
    create,
    dollars,
    made,
    serverless,
    workers,
)
from front_door import A4000, H100, L4, LIMITLESS, RTX_4090, FrontDoor, front_door, toml_with

from runpod_mcp.errors import Failure
from runpod_mcp.flows.endpoints_create import quote_endpoint
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import LeaseKind, LeaseState
from runpod_mcp.runpod.endpoints import EndpointOrder
from runpod_mcp.runpod.results import Made
from runpod_mcp.runpod.templates import TemplateOrder
from runpod_mcp.runpod.volumes import VolumeOrder


@pytest.fixture
async def endpoints(tmp_path: Path):
    async with serverless(tmp_path) as door:
        yield door


async def test_an_endpoint_counts_as_if_all_its_workers_ran_all_the_time(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=3, gpuCount=2)
    assert burn(endpoints) == dollars(6 * L4_RATE)
    assert await counted(endpoints) == dollars(6 * L4_RATE)
    lease = await endpoints.the_lease()
    assert (lease.kind, lease.pod_id, lease.gpus) == (LeaseKind.ENDPOINT, endpoint_id, 6)
    assert lease.lease_ends_at == endpoints.house.now() + 2 * 3600
    budget = (await endpoints.call("get_budget")).facts
    assert (budget["podsRunning"], budget["gpusRunning"]) == (1, 6)


async def test_the_dearest_card_that_a_worker_may_get_is_what_counts(endpoints: FrontDoor):
    await made(endpoints, gpuTypeIds=[A4000, RTX_4090, L4], workersMin=2, workersMax=2)
    assert await counted(endpoints) == dollars(2 * RTX_4090_RATE)
    assert burn(endpoints) == dollars(2 * A4000_RATE)


async def test_cpu_workers_are_priced_by_their_vcpus(endpoints: FrontDoor):
    said = await create(endpoints, gpuTypeIds=None, cpuFlavorIds=["cpu3c"], vcpuCount=4, workersMin=1)
    types = await endpoints.house.api.resources.endpoints.worker_types()
    price = next(one.usd_per_hour for one in types if one.id == "cpu3c") / 1e6
    assert said.facts["endpoint"]["usdPerHourMax"] == dollars(3 * 4 * price)
    assert (await endpoints.the_lease()).gpus == 0
    shown = await endpoints.call("get_endpoint", endpointId=said.facts["endpoint"]["endpointId"])
    assert shown.facts["endpoint"]["cpuFlavorIds"] == ["cpu3c with 4 vCPUs"]


async def test_a_dry_run_quotes_and_makes_nothing(endpoints: FrontDoor):
    said = await create(endpoints, dryRun=True, leaseHours=3)
    assert said.facts["quote"] == {
        "usdPerHourPerWorker": L4_RATE,
        "usdPerHourMax": 2.205,
        "usdPerLease": 6.615,
        "leaseHours": 3,
        "gpusMax": 3,
    }
    assert "nothing made" in said.text
    assert endpoints.calls("endpoint_create") == 0
    assert await endpoints.leases() == []


async def test_the_container_settings_go_out_as_they_were_asked_for(endpoints: FrontDoor):
    await made(
        endpoints,
        type="LOAD_BALANCER",
        ports=["8000/http"],
        env={"A": "1"},
        idleTimeout=30,
        scalerValue=2,
        executionTimeoutMs=60_000,
        flashboot="FLASHBOOT",
        allowedCudaVersions=["12.8"],
    )
    (body,) = endpoints.bodies("endpoint_create")
    assert body["scaling"] == {"type": "REQUEST_COUNT", "requestCount": 2}
    assert body["workers"] == {"min": 0, "max": 3, "idleTimeout": 30}
    assert (body["env"], body["disk"], body["ports"]) == ({"A": "1"}, 20, ["8000/http"])
    assert body["gpu"]["excludedTypes"], "other cards of the pool are taken out"


POLICED = {
    "gpus": {"max_running": 4},
    "cpus": {"allow": ["cpu3c"], "max_vcpus_per_pod": 4},
    "pods": {
        "images": ["runpod/*"],
        "templates": ["tpl-*"],
        "ports": ["8000/http"],
        "data_centers": ["EU-*"],
        "max_container_disk_gb": 30,
    },
    "budget": {"usd_per_hour_per_pod": 4.0},
}


@pytest.mark.parametrize(
    ("asked", "code", "alternative"),
    [
        ({"gpuTypeIds": [H100]}, "gpu_not_allowed", {"gpuTypeIds": [A4000]}),
        ({"gpuTypeIds": [L4, H100]}, "gpu_not_allowed", {"gpuTypeIds": [L4]}),
        ({"gpuCount": 3, "workersMax": 2}, "too_many_gpus", {"gpuCount": 2}),
        ({"workersMax": 5}, "too_many_gpus", {"workersMax": 4, "usdPerHour": 2.94}),
        (
            {"gpuTypeIds": [RTX_4090], "workersMax": 4},
            "over_pod_hourly_budget",
            {"workersMax": 3, "usdPerHour": 3.36},
        ),
        (
            {"gpuTypeIds": None, "cpuFlavorIds": ["cpu3c", "cpu5c"]},
            "cpu_not_allowed",
            {"cpuFlavorIds": ["cpu3c"]},
        ),
        (
            {"gpuTypeIds": None, "cpuFlavorIds": ["cpu3c"], "vcpuCount": 8},
            "cpu_not_allowed",
            {"vcpuCount": 4},
        ),
        ({"imageName": "evil/miner"}, "image_not_allowed", None),
        ({"ports": ["22/tcp", "8000/http"]}, "port_not_allowed", {"ports": ["8000/http"]}),
        ({"containerDiskInGb": 31}, "disk_too_large", {"containerDiskInGb": 30}),
        (
            {"dataCenterIds": ["EU-RO-1", "US-KS-2"]},
            "data_center_not_allowed",
            {"dataCenterIds": ["EU-RO-1"]},
        ),
        ({"leaseHours": 9}, "lease_too_long", {"leaseHours": 8}),
        ({"maxUsdPerHour": 2.2}, "price_above_maximum", {"workersMax": 2}),
        ({"workersMin": 4}, "invalid_arguments", None),
        ({"gpuTypeIds": None}, "invalid_arguments", None),
        ({"imageName": None}, "invalid_arguments", None),
        ({"templateId": "none"}, "invalid_arguments", None),
        ({"networkVolumeIds": ["none"]}, "invalid_arguments", None),
        ({"name": "llm -fb"}, "invalid_arguments", None),
        ({"name": " llm"}, "invalid_arguments", None),
        ({"workersMax": 0}, "invalid_arguments", None),
        ({"workersMaximum": 2}, "invalid_arguments", None),
        ({"minCudaVersion": "new"}, "invalid_arguments", None),
        ({"env": {"RUNPOD_MCP_RESERVATION": "r-1"}}, "invalid_arguments", None),
    ],
)
async def test_what_the_policy_or_the_rules_refuse_is_refused_before_anything_is_sent(
    tmp_path: Path, asked: dict[str, Any], code: str, alternative: dict[str, Any] | None
):
    async with serverless(tmp_path, toml_with(**POLICED)) as door:
        said = await create(door, **asked)
        assert said.code == code, said.text
        if alternative:
            assert alternative.items() <= said.facts["alternatives"][0].items()
            assert (await create(door, **{**asked, **alternative, "usdPerHour": None})).ok
        else:
            assert "alternatives" not in said.facts
            assert door.calls("endpoint_create") == 0
            assert await door.leases() == []


async def test_a_budget_without_room_for_a_single_worker_offers_none(tmp_path: Path):
    async with serverless(tmp_path, toml_with(budget={"usd_total": 0.01})) as door:
        said = await create(door)
        assert (said.code, said.facts.get("alternatives")) == ("over_total_budget", None)


async def test_an_endpoint_is_one_of_the_pods_that_may_run(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"max_running": 1})) as door:
        await made(door)
        assert (await door.create()).code == "too_many_pods"
        assert (await create(door, name="other")).code == "too_many_pods"


@pytest.mark.parametrize("pods", [{"cloud_types": ["COMMUNITY"]}, {"interruptible": "require"}])
async def test_workers_are_secure_and_not_interruptible(tmp_path: Path, pods: dict[str, Any]):
    async with serverless(tmp_path, toml_with(pods=pods)) as door:
        said = await create(door)
        assert said.code in ("cloud_not_allowed", "interruptible_not_allowed")
        assert "alternatives" not in said.facts


async def test_a_person_is_asked_where_the_policy_says_so(tmp_path: Path):
    async with serverless(tmp_path, toml_with(approval={"above_usd_per_hour": 2.0})) as door:
        assert (await create(door)).code == "approval_required"
        dry = await create(door, dryRun=True)
        assert "person would be asked" in dry.facts["notes"][0]
        assert (await create(door, workersMax=2)).ok


async def test_a_type_that_no_worker_comes_with_is_named_with_the_nearest(tmp_path: Path):
    async with serverless(tmp_path, LIMITLESS) as door:
        said = await create(door, gpuTypeIds=["NVIDIA L44"])
        assert said.code == "invalid_arguments"
        assert "did you mean" in said.text
        assert (await create(door, gpuTypeIds=["NVIDIA A30"])).code == "invalid_arguments"
        assert (await create(door, gpuTypeIds=["zzz"])).text.count("?") == 0
        assert (await create(door, gpuTypeIds=None, cpuFlavorIds=["cpu9z"])).code == "invalid_arguments"


async def test_v1_tells_no_price_so_nothing_is_made(tmp_path: Path):
    async with serverless(tmp_path, dialect="v1") as door:
        said = await create(door)
        assert said.code == "price_unknown"
        assert "v2" in said.text
        assert door.calls("endpoint_create") == 0


async def test_a_card_without_a_price_is_not_rented(tmp_path: Path):
    def without_prices(path: str, body: Any) -> Any:
        for gpu in body.get("gpus", ()) if path == "GET /v2/catalog/gpus" else ():
            gpu["price"] = {**gpu["price"], "serverless": 0}
        return body

    async with serverless(tmp_path, bend=without_prices) as door:
        assert (await create(door)).code == "price_unknown"
        endpoint_id = await by_hand(door)
        shown = await door.call("get_endpoint", endpointId=endpoint_id)
        assert "price unknown" in shown.text


async def test_prices_that_cannot_be_read_now_rent_nothing(endpoints: FrontDoor):
    endpoints.sim.faults.add("catalog", "unavailable", times=None)
    assert (await create(endpoints)).code == "runpod_unavailable"
    assert endpoints.calls("endpoint_create") == 0


async def test_a_name_must_be_unused(endpoints: FrontDoor):
    await by_hand(endpoints)
    assert (await create(endpoints, name="theirs")).code == "conflict"
    assert (await create(endpoints)).ok
    said = await create(endpoints)
    assert (said.code, said.facts["field"]) == ("conflict", "name")
    assert len(await endpoints.leases()) == 1


async def test_a_lost_answer_is_looked_up_by_name(endpoints: FrontDoor):
    endpoints.sim.faults.add("endpoint_create", "drop_after", times=1)
    endpoints.sim.faults.add("endpoint_list", "unavailable", times=4, skip=1)
    said = await create(endpoints)
    assert said.ok
    assert endpoints.calls("endpoint_create") == 1
    assert (await endpoints.the_lease()).state is LeaseState.RUNNING


async def test_an_endpoint_that_is_not_seen_stays_counted_and_is_adopted_once_it_is(endpoints: FrontDoor):
    endpoints.sim.faults.add("endpoint_create", "drop_after", times=1)
    endpoints.sim.faults.add("endpoint_list", "list_lag", seconds=60)
    said = await create(endpoints)
    assert said.code == "outcome_unknown"
    assert await counted(endpoints) == dollars(3 * L4_RATE)
    listed = await endpoints.call("list_endpoints")
    assert listed.facts["pending"][0]["state"] == "unknown"
    assert "not settled" in listed.text
    assert (await create(endpoints)).code == "conflict"
    endpoints.clock.step(seconds=60)
    report = await reconcile(endpoints.house)
    assert "endpoint" in report.adopted[0]
    assert (await endpoints.the_lease()).state is LeaseState.RUNNING


GPUS: dict[str, Any] = {"gpuTypeIds": [L4, A4000], "gpuCount": 2}
CPUS: dict[str, Any] = {"gpuTypeIds": None, "cpuFlavorIds": ["cpu3c"], "vcpuCount": 4}
SAME_GPUS: dict[str, Any] = {"gpu_type_ids": (L4, A4000), "gpu_count": 2, "workers_max": 3}
SAME_CPUS: dict[str, Any] = {
    "gpu_type_ids": (),
    "cpu_flavor_ids": ("cpu3c",),
    "vcpu_count": 4,
    "workers_max": 3,
}


@pytest.mark.parametrize(
    ("asked", "theirs"),
    [
        (GPUS, {**SAME_GPUS, "workers_max": 5}),
        (GPUS, {**SAME_GPUS, "gpu_count": 1}),
        (GPUS, {**SAME_GPUS, "gpu_type_ids": (L4,)}),
        (GPUS, {**SAME_GPUS, "gpu_type_ids": (L4, A4000, RTX_4090)}),
        (GPUS, {**SAME_GPUS, "image": "corp/prod:1"}),
        (GPUS, {**SAME_GPUS, "kind": "LOAD_BALANCER", "scaler": "REQUEST_COUNT"}),
        (GPUS, SAME_CPUS),
        (CPUS, SAME_GPUS),
        (CPUS, {**SAME_CPUS, "vcpu_count": 8}),
        (CPUS, {**SAME_CPUS, "cpu_flavor_ids": ("cpu3c", "cpu5c")}),
    ],
)
async def test_an_endpoint_of_somebody_else_that_only_bears_the_name_is_never_adopted(
    endpoints: FrontDoor, asked: dict[str, Any], theirs: dict[str, Any]
):
    endpoints.sim.faults.add("endpoint_create", "drop_before", times=1)
    said = await create(endpoints, **asked)
    assert said.code == "outcome_unknown"
    assert said.text.count("Do not repeat the call") == 1
    endpoint_id = await by_hand(endpoints, name="llm", **theirs)
    for _ in range(6):
        endpoints.clock.step(seconds=300)
        assert not (await reconcile(endpoints.house)).adopted
    assert await endpoints.leases() == []
    assert (await endpoints.call("delete_endpoint", endpointId=endpoint_id)).code == "not_managed"


@pytest.mark.parametrize(
    "asked", [GPUS, CPUS, {"type": "LOAD_BALANCER", "scalerType": "REQUEST_COUNT", "ports": ["8000/http"]}]
)
@pytest.mark.parametrize("dialect", ["v2", "v1"])
async def test_an_endpoint_that_is_as_asked_is_adopted_by_whichever_server_sees_it(
    tmp_path: Path, asked: dict[str, Any], dialect: str
):
    async with serverless(tmp_path) as door:
        door.sim.faults.add("endpoint_create", "drop_after", times=1)
        door.sim.faults.add("endpoint_list", "unavailable", skip=1, times=100)
        assert (await create(door, **asked)).code == "outcome_unknown"
        door.sim.faults.clear()
        async with front_door(tmp_path, dialect=dialect, beside=door) as other:
            assert (await reconcile(other.house)).adopted
        assert (await door.the_lease()).state is LeaseState.RUNNING


async def test_an_endpoint_is_adopted_although_its_cards_are_not_told(endpoints: FrontDoor):
    endpoints.sim.faults.add("endpoint_create", "drop_after", times=1)
    endpoints.sim.faults.add("endpoint_list", "unavailable", skip=1, times=100)
    assert (await create(endpoints)).code == "outcome_unknown"
    endpoints.sim.faults.clear()
    endpoints.sim.faults.add("catalog", "unavailable", times=5)
    assert (await reconcile(endpoints.house)).adopted


async def test_an_endpoint_that_never_came_to_be_is_given_up_and_its_money_freed(endpoints: FrontDoor):
    endpoints.sim.faults.add("endpoint_create", "drop_before", times=1)
    assert (await create(endpoints)).code == "outcome_unknown"
    for _ in range(6):
        endpoints.clock.step(seconds=300)
        await reconcile(endpoints.house)
    assert await endpoints.leases() == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("no_capacity", "no_capacity"),
        ("invalid", "invalid_request"),
        ("insufficient_balance", "insufficient_balance"),
    ],
)
async def test_what_runpod_refuses_costs_nothing(endpoints: FrontDoor, fault: str, code: str):
    endpoints.sim.faults.add("endpoint_create", fault, times=1)
    assert (await create(endpoints)).code == code
    assert await endpoints.leases() == []


async def test_of_two_creates_that_have_room_for_one_only_one_is_made(tmp_path: Path):
    async with serverless(tmp_path, toml_with(budget={"usd_per_hour": 3.0})) as door:
        answers: list[str | None] = []

        async def make(name: str) -> None:
            answers.append((await create(door, name=name)).code)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(make, "one")
            tasks.start_soon(make, "two")
        assert sorted(map(str, answers)) == ["None", "over_hourly_budget"]
        assert len(door.books()["endpoints"]) == 1


async def test_of_two_creates_under_one_name_only_one_is_made(endpoints: FrontDoor):
    answers: list[str | None] = []

    async def make() -> None:
        answers.append((await create(endpoints)).code)

    endpoints.sim.faults.add("endpoint_create", "hold", times=1, at="before")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make)
        tasks.start_soon(make)
        await endpoints.until_held()
        while not answers:
            await anyio.lowlevel.checkpoint()
        endpoints.sim.holds.release()
    assert answers == ["conflict", None]
    assert len(endpoints.books()["endpoints"]) == 1


def with_more_workers(path: str, body: Any) -> Any:
    """Runpod that gives an endpoint more workers than it was asked for."""
    return {**body, "workers": {**body["workers"], "max": 30}} if path == "POST /v2/serverless" else body


async def test_an_endpoint_that_can_cost_more_than_was_asked_for_is_deleted_at_once(tmp_path: Path):
    async with serverless(tmp_path, bend=with_more_workers) as door:
        said = await create(door)
        assert said.code == "price_above_quote"
        assert "It was deleted" in said.text
        assert door.books()["endpoints"] == []
        assert await door.leases() == []


async def test_one_that_cannot_be_deleted_is_due_at_once(tmp_path: Path):
    async with serverless(tmp_path, bend=with_more_workers) as door:
        door.sim.faults.add("endpoint_delete", "ignored", times=None)
        said = await create(door)
        assert "goes on being tried" in said.text
        assert (await door.the_lease()).lease_ends_at <= door.house.now()


async def test_the_image_of_a_template_is_judged_and_written_out(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"images": ["runpod/*"]})) as door:
        good, bad = await template(door, "good", WORKER), await template(door, "bad", "evil/miner")
        assert (await create(door, imageName=None, templateId=bad)).code == "image_not_allowed"
        assert (await create(door, imageName=WORKER, templateId=bad, name="mine")).ok
        assert (await create(door, imageName=None, templateId=good)).ok
        body = door.bodies("endpoint_create")[-1]
        assert (body["image"], body["disk"], body["templateId"]) == (WORKER, 12, good)


async def template(door: FrontDoor, name: str, image: str, *, serverless: bool = True, **more: Any) -> str:
    order = TemplateOrder(name=name, image=image, serverless=serverless, container_disk_gb=12, **more)
    outcome = await door.house.api.resources.templates.create(order)
    assert isinstance(outcome, Made)
    return outcome.thing.id


async def test_templates_for_pods_or_with_our_tag_are_refused(endpoints: FrontDoor):
    of_pods = await template(endpoints, "pods", WORKER, serverless=False)
    tagged = await template(endpoints, "tagged", WORKER, env={"RUNPOD_MCP_RESERVATION": "r-1"})
    for template_id in (of_pods, tagged):
        said = await create(endpoints, templateId=template_id)
        assert (said.code, said.facts["field"]) == ("invalid_arguments", "templateId")


async def test_without_data_centers_the_allowed_ones_are_named(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"countries": ["RO", "CZ"]})) as door:
        await made(door)
        assert set(door.bodies("endpoint_create")[0]["dataCenterIds"]) == {"EU-RO-1", "EU-CZ-1"}
    (tmp_path / "none").mkdir()
    async with serverless(tmp_path / "none", toml_with(pods={"data_centers": ["MOON-*"]})) as door:
        assert (await create(door)).code == "data_center_not_allowed"


async def test_a_network_volume_does_not_lead_to_a_place_that_is_not_allowed(tmp_path: Path):
    async with serverless(tmp_path, toml_with(pods={"data_centers": ["EU-*"]})) as door:
        here, there = await volume(door, "here", "EU-RO-1"), await volume(door, "there", "US-KS-2")
        said = await create(door, networkVolumeIds=[there])
        assert (said.code, said.facts["field"]) == ("data_center_not_allowed", "networkVolumeIds")
        assert (await create(door, networkVolumeIds=[here])).ok


async def volume(door: FrontDoor, name: str, place: str) -> str:
    outcome = await door.house.api.resources.volumes.create(
        VolumeOrder(name=name, size_gb=10, data_center_id=place)
    )
    assert isinstance(outcome, Made)
    return outcome.thing.id


async def test_env_values_are_in_no_reply_no_log_and_no_ledger(
    endpoints: FrontDoor, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    said = await create(endpoints, env={"TOKEN": "hunter2-hunter2"})
    shown = await endpoints.call("get_endpoint", endpointId=said.facts["endpoint"]["endpointId"])
    assert shown.facts["endpoint"]["envNames"] == ["TOKEN"]
    assert "TOKEN" in (await endpoints.the_lease()).reservation.request
    everything = said.text + str(said.facts) + shown.text + str(shown.facts) + caplog.text
    ledger = b"".join(path.read_bytes() for path in endpoints.folder.glob("ledger.db*"))
    assert "hunter2" not in everything
    assert b"hunter2" not in ledger


async def test_the_list_shows_what_each_can_cost_and_whose_it_is(endpoints: FrontDoor):
    await made(endpoints)
    await by_hand(endpoints, name="a", gpu_type_ids=(RTX_4090,), workers_max=2)
    said = await endpoints.call("list_endpoints")
    theirs, ours = said.facts["endpoints"]
    assert (theirs["managed"], theirs["usdPerHourMax"]) == (False, dollars(2 * RTX_4090_RATE))
    assert (ours["managed"], ours["leaseEndsAt"]) == (True, "2026-11-23T14:00:00Z")
    assert "not managed" in said.text


async def test_a_long_list_comes_in_pages(endpoints: FrontDoor):
    for number in range(4):
        await by_hand(endpoints, name=f"e{number}")
    first = await endpoints.call("list_endpoints", limit=3)
    assert (len(first.facts["endpoints"]), first.facts["total"]) == (3, 4)
    second = await endpoints.call("list_endpoints", limit=3, cursor=first.facts["nextCursor"])
    assert [one["name"] for one in second.facts["endpoints"]] == ["e3"]
    assert (await endpoints.call("list_pods", cursor=first.facts["nextCursor"])).code == "invalid_arguments"


async def test_v1_reads_endpoints_without_prices(tmp_path: Path):
    async with serverless(tmp_path) as v2:
        endpoint_id = await made(v2, workersMin=1)
        async with serverless(tmp_path, beside=v2, dialect="v1") as v1:
            shown = (await v1.call("get_endpoint", endpointId=endpoint_id)).facts["endpoint"]
            assert (shown["gpuTypeIds"], shown["usdPerHourCounted"]) == ([L4], 2.205)
            assert "usdPerHourMax" not in shown
            assert (await v1.call("list_endpoints")).facts["total"] == 1
            assert (await v1.call("list_endpoint_workers", endpointId=endpoint_id)).facts["total"] == 1
            said = await v1.call("get_endpoint_logs", endpointId=endpoint_id, workerId="w1")
            assert said.code == "invalid_request"


async def test_workers_health_and_logs_are_shown(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=2)
    endpoints.clock.step(seconds=30)
    said = await endpoints.call("list_endpoint_workers", endpointId=endpoint_id, limit=1)
    assert (said.facts["total"], said.facts["workers"][0]["status"]) == (2, "IDLE")
    worker = said.facts["workers"][0]["workerId"]
    assert (await endpoints.call("get_endpoint_health", endpointId=endpoint_id)).facts["workers"]["idle"] == 2
    logs = await endpoints.call("get_endpoint_logs", endpointId=endpoint_id, workerId=worker, tail=5)
    assert logs.facts["lines"]
    since = await endpoints.call(
        "get_endpoint_logs",
        endpointId=endpoint_id,
        workerId=worker,
        since="2026-11-23T11:00:00",
        source="system",
    )
    assert since.ok


async def test_what_is_not_there_is_not_found(endpoints: FrontDoor):
    endpoint_id = await made(endpoints)
    for tool in ("get_endpoint", "delete_endpoint", "list_endpoint_workers", "get_endpoint_health"):
        assert (await endpoints.call(tool, endpointId="nothing")).code == "not_found"
        assert (await endpoints.call(tool, endpointId="../pods")).code == "invalid_arguments"
    logs = await endpoints.call("get_endpoint_logs", endpointId=endpoint_id, workerId="nobody")
    assert logs.code == "not_found"


async def test_a_pod_tool_does_not_touch_an_endpoint(endpoints: FrontDoor):
    endpoint_id = await made(endpoints, workersMin=1)
    for tool in ("delete_pod", "stop_pod", "get_pod", "start_pod"):
        assert (await endpoints.call(tool, podId=endpoint_id)).code == "not_found"
    assert (await endpoints.call("extend_lease", podId=endpoint_id, leaseHours=5)).code == "not_found"
    assert (await endpoints.the_lease()).state is LeaseState.RUNNING
    assert workers(endpoints, endpoint_id) == 1


async def test_a_quote_needs_no_order_to_be_sent(endpoints: FrontDoor):
    order = EndpointOrder(name="x", workers_max=1, image=WORKER, gpu_type_ids=(L4,))
    assert (await quote_endpoint(endpoints.house, order, None, None)).usd_per_lease == 1_470_000
    with pytest.raises(Failure, match="maxUsdPerHour"):
        await quote_endpoint(endpoints.house, order, 1, 0.7)
