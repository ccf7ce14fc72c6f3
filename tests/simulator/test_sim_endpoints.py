"""Serverless endpoints: what may be asked, and what workers cost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from sim_helpers import L4, books

PRICE = Fraction("1.12")
"""What the price list says a serverless RTX 4090 costs, the only type of its pool."""
POOL = "ADA_24"
VLLM = "runpod/worker-v1-vllm:stable"


def body(**changes):
    whole = {
        "name": "llm",
        "type": "QUEUE",
        "image": "mine:1",
        "gpu": {"pools": [POOL]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


async def make(http, **changes):
    answer = await http.post("/v2/serverless", json=body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def run(http, endpoint, **more):
    answer = await http.post(f"/ai/v2/{endpoint['id']}/run", json={"input": {"a": 1}, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def workers(http, endpoint):
    return (await http.get(f"/v2/serverless/{endpoint['id']}/workers")).json()


async def test_an_endpoint_has_the_documented_defaults(http):
    made = await make(http)
    assert made["workers"] == {"min": 0, "max": 3, "idleTimeout": 10}
    assert (made["timeout"], made["flashboot"], made["gpu"]["count"]) == (300_000, "OFF", 1)
    assert made["requestUrls"]["run"].endswith(f"/ai/v2/{made['id']}/run")
    assert "api.runpod.ai" not in str(made["requestUrls"])
    assert (await http.get("/v2/serverless")).json() == {"endpoints": [made]}
    assert (await http.get(f"/v2/serverless/{made['id']}")).json() == made


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": None}, "$: missing property 'name'"),
        ({"type": None}, "$: missing property 'type'"),
        ({"image": None}, "$: missing property 'image'"),
        ({"workersMax": 3}, "$: additional properties 'workersMax' not allowed"),
        ({"gpu": {"pools": []}}, "$.gpu.pools: minItems: got 0, want 1"),
        (
            {"gpu": {"pools": [POOL], "id": L4}},
            "$.gpu: additional properties 'id' not allowed",
        ),
        ({"workers": {"max": -1}}, "$.workers.max: minimum: got -1, want 0"),
        ({"workers": {"idleTimeout": 3601}}, "$.workers.idleTimeout: maximum: got 3601, want 3600"),
        (
            {"scaling": {"type": "QUEUE_DELAY", "requestCount": 1}},
            "$.scaling: missing property 'queueDelay'",
        ),
        (
            {"scaling": {"type": "SOON"}},
            "$.scaling.type: value must be one of 'QUEUE_DELAY', 'REQUEST_COUNT'",
        ),
        ({"type": "LOAD_BALANCER"}, "$.scaling.type: value must be one of 'REQUEST_COUNT'"),
        (
            {"gpu": None, "cpu": [{"id": "cpu3c", "vcpuCount": 2}] * 2},
            "$.cpu: items are not unique",
        ),
    ],
)
async def test_a_body_outside_the_contract_is_422(http, changes, error):
    answer = await http.post("/v2/serverless", json=body(**changes))
    assert answer.status_code == 422
    assert error in answer.json()["errors"]


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu": None},
        {"cpu": [{"id": "cpu3c", "vcpuCount": 2}]},
        {"gpu": {"pools": ["NO_POOL"]}},
        {"gpu": {"pools": [POOL], "excludedTypes": [L4]}},
        {"gpu": {"pools": [POOL], "excludedTypes": [" NVIDIA GeForce RTX 4090 "]}},
        {"gpu": {"pools": [POOL], "allowedCudaVersions": ["12.8"], "minCudaVersion": "12.4"}},
        {"gpu": None, "cpu": [{"id": "cpu9", "vcpuCount": 2}]},
        {"gpu": None, "cpu": [{"id": "cpu3c", "vcpuCount": 6}]},
        {"workers": {"min": 4}},
        {"networkVolumes": ["none"]},
        {"scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"idleTimeout": 5}},
        {"registry": "none"},
    ],
)
async def test_a_broken_rule_between_fields_is_400(http, changes):
    assert (await http.post("/v2/serverless", json=body(**changes))).status_code == 400
    assert (await http.get("/v2/serverless")).json() == {"endpoints": []}


async def test_a_serverless_template_lends_its_settings_and_a_pod_template_is_422(http):
    made = await make(http, image=None, templateId="simserve01", env={"A": "1"})
    assert (made["image"], made["disk"], made["env"]) == (VLLM, 30, {"A": "1"})
    refused = await http.post("/v2/serverless", json=body(templateId="simtorch01"))
    assert refused.status_code == 422
    assert (await http.post("/v2/serverless", json=body(templateId="none"))).status_code == 404


async def test_without_jobs_an_endpoint_costs_nothing(http, sim, clock):
    await make(http)
    clock.step(days=3)
    said = await books(http)
    assert (said["charged_usd"], said["burn_usd_per_hour"]) == (0, 0)
    assert [(each["name"], each["workers"]) for each in said["endpoints"]] == [("llm", 0)]


async def test_workers_that_always_run_are_billed_from_the_create_on(http, sim, clock):
    made = await make(http, workers={"min": 2, "max": 3}, gpu={"pools": [POOL], "count": 2})
    clock.step(hours=3)
    figures = sim.books.figures(sim.now())
    assert (figures.burn, figures.peak, figures.charged) == (4 * PRICE, 4 * PRICE, 12 * PRICE)
    (entry,) = (await books(http))["endpoints"]
    assert (entry["id"], entry["workers"], entry["usd_per_hour"]) == (made["id"], 2, float(4 * PRICE))
    assert entry["charged_usd"] == float(12 * PRICE)
    assert (figures.pods, figures.gpus, figures.peak_gpus) == (0, 0, 0)


async def test_a_job_starts_a_worker_that_boots_works_idles_and_goes(http, sim, clock):
    made = await make(http, workers={"max": 3, "idleTimeout": 30})
    await run(http, made)
    states = []
    for seconds in (0, 10, 2, 29, 1):
        clock.step(seconds=seconds)
        seen = await workers(http, made)
        states.append([each["status"] for each in seen["workers"]])
    assert states == [["INITIALIZING"], ["RUNNING"], ["IDLE"], ["IDLE"], []]
    clock.step(hours=1)
    figures = sim.books.figures(sim.now())
    assert (figures.charged, figures.peak, figures.burn) == (PRICE * 42 / 3600, PRICE, 0)
    assert [row.what for row in sim.books.rows] == ["started", "idle"]


async def test_no_more_workers_run_than_the_endpoint_may_have(http, sim, clock):
    made = await make(http, workers={"max": 2, "idleTimeout": 5})
    for _ in range(5):
        await run(http, made)
    assert (await workers(http, made))["summary"]["total"] == 2
    clock.step(minutes=5)
    figures = sim.books.figures(sim.now())
    assert (figures.peak, figures.burn) == (2 * PRICE, 0)
    assert figures.charged == PRICE * ((10 + 6 + 5) + (10 + 4 + 5)) / 3600
    health = (await http.get(f"/ai/v2/{made['id']}/health")).json()
    assert health["jobs"]["completed"] == 5


async def test_events_between_two_looks_happen_at_their_own_times(http, sim, clock):
    made = await make(http, workers={"max": 1, "idleTimeout": 5})
    await run(http, made)
    clock.step(days=1, seconds=3)
    await run(http, made)
    clock.step(days=1)
    assert sim.books.figures(sim.now()).charged == 2 * PRICE * 17 / 3600
    rows = [row.at for row in sim.books.rows]
    assert (rows[1] - rows[0]).total_seconds() == (rows[3] - rows[2]).total_seconds() == 17


async def test_fewer_workers_are_cheaper_at_once_but_a_job_may_finish(http, sim, clock):
    made = await make(http, workers={"min": 2, "max": 2})
    url = f"/v2/serverless/{made['id']}"
    clock.step(seconds=10)
    await run(http, made)
    assert (await workers(http, made))["summary"]["running"] == 1
    assert (await http.patch(url, json={"workers": {"min": 0, "max": 0}})).status_code == 200
    assert sim.books.figures(sim.now()).burn == PRICE
    clock.step(seconds=2)
    assert sim.books.figures(sim.now()).burn == 0
    await run(http, made)
    assert (await workers(http, made))["workers"] == []
    assert (await http.patch(url, json={"workers": {"max": 1}})).status_code == 200
    assert (await workers(http, made))["summary"]["initializing"] == 1


async def test_a_lower_minimum_lets_the_surplus_idle_down(http, clock):
    made = await make(http, workers={"min": 2, "max": 2, "idleTimeout": 60})
    clock.step(minutes=10)
    await http.patch(f"/v2/serverless/{made['id']}", json={"workers": {"min": 1}})
    assert (await workers(http, made))["summary"]["total"] == 1


async def test_a_deleted_endpoint_costs_nothing_more_and_its_jobs_are_gone(http, sim, clock):
    made = await make(http, workers={"min": 1})
    job = await run(http, made)
    clock.step(hours=1)
    assert (await http.delete(f"/v2/serverless/{made['id']}")).status_code == 204
    clock.step(days=1)
    figures = sim.books.figures(sim.now())
    assert (figures.charged, figures.burn) == (PRICE, 0)
    assert (await http.get(f"/ai/v2/{made['id']}/status/{job}")).status_code == 404
    assert (await http.get(f"/v2/serverless/{made['id']}")).status_code == 404
    assert (await http.delete(f"/v2/serverless/{made['id']}")).status_code == 404
    assert (await books(http))["endpoints"] == []
    bound = await http.get("/v1/templates?includeEndpointBoundTemplates=true")
    assert {each["id"] for each in bound.json()} == {"simmine001", "simserve01"}


async def test_workers_take_gpus_from_the_stock_and_wait_when_there_are_none(http, sim):
    gpu = "NVIDIA GeForce RTX 4090"
    sim.stock.set(gpu, cloud="SECURE", free=0)
    sim.stock.set(gpu, cloud="SECURE", data_center_id="EU-RO-1", free=1)
    made = await make(http, workers={"min": 2})
    seen = await workers(http, made)
    assert (seen["summary"]["throttled"], seen["summary"]["total"]) == (1, 2)
    assert seen["workers"][0]["dataCenterId"] == "EU-RO-1"
    assert sim.stock.free((gpu, "SECURE", "EU-RO-1")) == 0
    assert sim.books.figures(sim.now()).burn == PRICE
    sim.stock.set(gpu, cloud="SECURE", data_center_id="US-IL-1", free=1)
    assert (await workers(http, made))["summary"]["throttled"] == 0
    await http.delete(f"/v2/serverless/{made['id']}")
    assert sim.stock.free((gpu, "SECURE", "US-IL-1")) == 1


async def test_exclusions_data_centers_volumes_and_cuda_narrow_the_placement(http, clock):
    volume = {"name": "d", "size": 10, "dataCenter": "US-KS-2"}
    volume_id = (await http.post("/v2/network-volumes", json=volume)).json()["id"]
    gpu = {"pools": ["AMPERE_24"], "excludedTypes": ["NVIDIA RTX A5000", "NVIDIA GeForce RTX 3090"]}
    made = await make(http, gpu=gpu, networkVolumes=[volume_id], workers={"min": 1})
    (worker,) = (await workers(http, made))["workers"]
    assert (worker["gpuTypeId"], worker["dataCenterId"]) == (L4, "US-KS-2")
    assert (await http.delete(f"/v2/network-volumes/{volume_id}")).status_code == 400
    elsewhere = await make(http, gpu=gpu, dataCenterIds=["EU-SE-1"], workers={"min": 1})
    assert (await workers(http, elsewhere))["workers"][0]["dataCenterId"] == "EU-SE-1"
    old = await make(http, gpu={**gpu, "allowedCudaVersions": ["11.8"]}, workers={"min": 1})
    assert (await workers(http, old))["summary"]["throttled"] == 1


async def test_a_cpu_endpoint_is_billed_by_vcpu(http, sim):
    made = await make(http, gpu=None, cpu=[{"id": "cpu3c", "vcpuCount": 4}], workers={"min": 1})
    assert made["cpu"] == [{"id": "cpu3c", "vcpuCount": 4, "memory": 8}]
    assert sim.books.figures(sim.now()).burn == 4 * Fraction("0.04")
    (worker,) = (await workers(http, made))["workers"]
    assert (worker["gpuCount"], worker["gpuTypeId"]) == (0, None)
    refused = await http.patch(f"/v2/serverless/{made['id']}", json={"gpu": {"pools": [POOL]}})
    assert refused.status_code == 400


async def test_the_catalogue_shows_what_a_worker_costs(http, sim):
    listed = {gpu["id"]: gpu for gpu in (await http.get("/v2/catalog/gpus")).json()["gpus"]}
    assert listed["NVIDIA GeForce RTX 4090"]["price"]["serverless"] == 1.12
    assert listed[L4]["price"]["serverless"] == pytest.approx(0.49 * 1.5)
    assert "serverless" not in listed["NVIDIA RTX 2000 Ada Generation"]["price"]
    sim.faults.add("any", "price_rise", match={"gpuTypeId": "NVIDIA GeForce RTX 4090"}, factor=2)
    await make(http, workers={"min": 1})
    assert sim.books.figures(sim.now()).burn == 2 * PRICE


async def test_a_patch_changes_what_it_names_and_container_settings_make_a_release(http, clock):
    made = await make(http, workers={"min": 1}, env={"A": "1"})
    url = f"/v2/serverless/{made['id']}"
    first = (await workers(http, made))["workers"][0]["id"]
    scaled = (await http.patch(url, json={"name": "new", "timeout": 5000})).json()
    assert scaled == {**made, "name": "new", "timeout": 5000}
    assert len((await http.get(f"{url}/releases")).json()["releases"]) == 1
    changed = (await http.patch(url, json={"image": "mine:2", "gpu": {"count": 2}})).json()
    assert (changed["image"], changed["env"], changed["gpu"]["count"]) == ("mine:2", {"A": "1"}, 2)
    releases = (await http.get(f"{url}/releases")).json()
    assert releases["endpointVersion"] == 2
    assert {entry["field"] for entry in releases["releases"][0]["diff"]} == {"gpuCount", "template.imageName"}
    (worker,) = (await workers(http, made))["workers"]
    assert (worker["id"] == first, worker["image"], worker["isStale"]) == (False, "mine:2", False)


async def test_a_worker_in_the_middle_of_a_job_keeps_the_old_version_until_it_is_done(http, clock):
    made = await make(http, workers={"min": 1, "max": 1})
    clock.step(seconds=10)
    await run(http, made)
    await http.patch(f"/v2/serverless/{made['id']}", json={"image": "mine:2"})
    (worker,) = (await workers(http, made))["workers"]
    assert (worker["isStale"], worker["status"], worker["image"]) == (True, "RUNNING", "mine:1")
    rollout = (await http.get(f"/v2/serverless/{made['id']}/releases")).json()["rollout"]
    assert rollout == {"inProgress": True, "workersOnLatest": 0, "workersTotal": 1, "percentOnLatest": 0}
    clock.step(seconds=2)
    assert (await workers(http, made))["workers"][0]["isStale"] is False


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"gpu": {"excludedTypes": [L4]}}, 422),
        ({"type": "LOAD_BALANCER"}, 422),
        ({"cpu": [{"id": "cpu3c", "vcpuCount": 2}]}, 400),
        ({"workers": {"min": 9}}, 400),
        ({"templateId": "simtorch01"}, 422),
        ({"gpu": {"minCudaVersion": "x"}}, 422),
    ],
)
async def test_a_patch_that_may_not_be_changes_nothing(http, change, status):
    made = await make(http)
    url = f"/v2/serverless/{made['id']}"
    assert (await http.patch(url, json=change)).status_code == status
    assert (await http.get(url)).json() == made


async def test_the_log_of_a_worker_is_a_stream_of_events(http, clock):
    made = await make(http, workers={"min": 1})
    clock.step(minutes=2)
    (worker,) = (await workers(http, made))["workers"]
    url = f"/v2/serverless/{made['id']}/workers/{worker['id']}/logs"
    answer = await http.get(f"{url}?source=system")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "create container mine:1" in answer.text
    first = answer.text.splitlines()[0]
    assert (first.startswith("id: 2026-11-23T12:00:"), "/" in first) == (True, False)
    assert (await http.get(f"{url}x")).status_code == 404
    assert (await http.get(f"/v2/serverless/{made['id']}/workers/none/logs")).status_code == 404


async def test_v1_speaks_of_the_same_endpoint_in_its_own_names(http, sim):
    body = {"templateId": "simserve01", "gpuTypeIds": ["NVIDIA GeForce RTX 4090"], "workersMin": 1}
    made = (await http.post("/v1/endpoints", json=body)).json()
    assert (made["name"], made["workersMax"], made["idleTimeout"]) == ("vLLM worker", 3, 5)
    assert (made["scalerType"], made["scalerValue"], made["executionTimeoutMs"]) == (
        "QUEUE_DELAY",
        4,
        600_000,
    )
    assert sim.books.figures(sim.now()).burn == PRICE
    seen = (await http.get(f"/v2/serverless/{made['id']}")).json()
    assert (seen["gpu"]["pools"], seen["image"]) == ([POOL], VLLM)
    assert (await http.get("/v1/endpoints")).json() == [made]
    query = "includeTemplate=true&includeWorkers=true"
    full = (await http.get(f"/v1/endpoints/{made['id']}?{query}")).json()
    assert (full["template"]["id"], full["workers"][0]["endpointId"]) == ("simserve01", made["id"])
    pods = (await http.get(f"/v1/pods?includeWorkers=true&endpointId={made['id']}")).json()
    assert [pod["id"] for pod in pods] == [full["workers"][0]["id"]]
    assert (await http.get("/v1/pods")).json() == []
    changed = await http.patch(f"/v1/endpoints/{made['id']}", json={"workersMin": 0, "workersMax": 0})
    assert (changed.status_code, changed.json()["workersMax"]) == (200, 0)
    assert sim.books.figures(sim.now()).burn == 0
    await http.post(f"/v1/endpoints/{made['id']}/update", json={"gpuCount": 2, "flashboot": True})
    assert (await http.get(f"/v2/serverless/{made['id']}")).json()["flashboot"] == "FLASHBOOT"
    assert (await http.delete("/v1/templates/simserve01")).status_code == 400
    assert (await http.delete(f"/v1/endpoints/{made['id']}")).status_code == 204
    assert (await http.get(f"/v1/endpoints/{made['id']}")).json()["error"] == "endpoint not found"
    assert (await http.get("/v1/templates/simserve01")).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"templateId": None},
        {"templateId": "simtorch01"},
        {"templateId": "none"},
        {"gpuTypeIds": ["NVIDIA NOTHING"]},
        {"gpuTypeIds": ["NVIDIA RTX 2000 Ada Generation"]},
        {"idleTimeout": 0},
        {"workersMin": 4},
        {"name": "x" * 192},
        {"computeType": "CPU", "vcpuCount": 6},
        {"networkVolumeId": "none"},
    ],
)
async def test_v1_refuses_with_400_and_its_own_body(http, changes):
    answer = await http.post("/v1/endpoints", json={"templateId": "simserve01", **changes})
    assert (answer.status_code, set(answer.json())) == (400, {"error", "status"})


async def test_a_v1_endpoint_shares_its_template_until_v2_changes_a_setting_of_its_own(http):
    made = (await http.post("/v1/endpoints", json={"templateId": "simserve01"})).json()
    await http.patch("/v1/templates/simserve01", json={"imageName": "other:1"})
    seen = (await http.get(f"/v2/serverless/{made['id']}")).json()
    assert seen["image"] == "other:1"
    assert (await http.get(f"/v1/endpoints/{made['id']}")).json()["version"] == 2
    own = (await http.patch(f"/v2/serverless/{made['id']}", json={"image": "other:2"})).json()
    assert own["image"] == "other:2"
    assert (await http.get("/v2/templates/simserve01")).json()["image"] == "other:1"
    assert (await http.get(f"/v1/endpoints/{made['id']}")).json()["templateId"] != "simserve01"


async def test_a_v1_cpu_endpoint_names_its_instances(http, sim):
    body = {"templateId": "simserve01", "computeType": "CPU", "cpuFlavorIds": ["cpu3g"], "workersMin": 1}
    made = (await http.post("/v1/endpoints", json=body)).json()
    assert (made["computeType"], made["instanceIds"]) == ("CPU", ["cpu3g-2-8"])
    assert sim.books.figures(sim.now()).burn == 2 * Fraction("0.05")
    bigger = await http.patch(f"/v1/endpoints/{made['id']}", json={"vcpuCount": 4})
    assert bigger.json()["instanceIds"] == ["cpu3g-4-16"]


async def test_a_load_balancer_has_no_queue(http):
    scaling = {"type": "REQUEST_COUNT", "requestCount": 1}
    made = await make(http, type="LOAD_BALANCER", scaling=scaling, workers={"idleTimeout": 60})
    assert set(made["requestUrls"]) == {"base", "health"}
    answer = await http.post(f"/ai/v2/{made['id']}/run", json={"input": {}})
    assert answer.status_code == 400
    url = f"/v2/serverless/{made['id']}"
    other = {"scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}}
    assert (await http.patch(url, json=other)).status_code == 400


@pytest.mark.parametrize(("kind", "made"), [("error_before", 0), ("error_after", 1), ("no_capacity", 0)])
async def test_faults_strike_endpoints_by_name(http, sim, kind, made):
    sim.faults.add("endpoint_create", kind)
    assert (await http.post("/v2/serverless", json=body(workers={"min": 1}))).status_code in (400, 500)
    assert len((await books(http))["endpoints"]) == made
    sim.faults.add("endpoints", "unavailable")
    assert (await http.get("/v1/endpoints")).status_code == 503
    assert (await http.get("/v1/endpoints")).status_code == 200


async def test_scripted_trouble_of_endpoints(http, sim, clock):
    sim.faults.add("endpoint_create", "dearer", factor=2)
    dear = await make(http, workers={"min": 1})
    assert sim.books.figures(sim.now()).burn == 2 * PRICE
    sim.faults.add("endpoint_delete", "ignored")
    assert (await http.delete(f"/v2/serverless/{dear['id']}")).status_code == 204
    sim.faults.add("endpoint_update", "ignored")
    change = {"workers": {"min": 0, "max": 0}}
    assert (await http.patch(f"/v2/serverless/{dear['id']}", json=change)).status_code == 200
    assert sim.books.figures(sim.now()).burn == 2 * PRICE
    await http.delete(f"/v2/serverless/{dear['id']}")
    sim.faults.add("endpoint_create", "never_ready")
    dead = await make(http)
    job = await run(http, dead)
    clock.step(hours=1)
    assert (await workers(http, dead))["summary"]["initializing"] == 1
    assert (await http.get(f"/ai/v2/{dead['id']}/status/{job}")).json()["status"] == "IN_QUEUE"
    assert sim.books.figures(sim.now()).burn == PRICE


async def test_a_list_of_endpoints_may_lag(http, sim, clock):
    sim.faults.add("endpoint_list", "list_lag", seconds=30, linger_seconds=20, times=None)
    made = await make(http)
    assert (await http.get("/v2/serverless")).json() == {"endpoints": []}
    clock.step(seconds=30)
    assert len((await http.get("/v1/endpoints")).json()) == 1
    await http.delete(f"/v2/serverless/{made['id']}")
    lingering = (await http.get("/v2/serverless")).json()["endpoints"]
    assert [each["id"] for each in lingering] == [made["id"]]
    assert (await http.get("/v1/endpoints")).status_code == 200
    clock.step(seconds=20)
    assert (await http.get("/v2/serverless")).json() == {"endpoints": []}


async def test_workers_stop_at_the_spend_limit_and_with_the_balance(http, sim, clock):
    sim.settings.change({"spend_limit_usd": 2.5})
    made = await make(http, workers={"min": 3})
    assert (await workers(http, made))["summary"]["throttled"] == 1
    await http.delete(f"/v2/serverless/{made['id']}")
    sim.settings.change({"enforce_balance": True, "balance_usd": 1.12})
    await make(http, workers={"min": 1})
    clock.step(hours=5)
    figures = sim.books.figures(sim.now())
    assert (figures.charged, figures.burn) == (PRICE, 0)


async def test_v1_moves_an_endpoint_to_another_template(http):
    volume = {"name": "d", "size": 10, "dataCenterId": "EU-RO-1"}
    volume_id = (await http.post("/v1/networkvolumes", json=volume)).json()["id"]
    other = {"name": "other", "imageName": "other:1", "isServerless": True}
    template = (await http.post("/v1/templates", json=other)).json()["id"]
    made = (await http.post("/v1/endpoints", json={"templateId": "simserve01"})).json()
    wanted = {"templateId": template, "networkVolumeId": volume_id, "dataCenterIds": ["EU-RO-1"]}
    moved = (await http.patch(f"/v1/endpoints/{made['id']}", json=wanted)).json()
    assert (moved["templateId"], moved["networkVolumeId"]) == (template, volume_id)
    assert (moved["dataCenterIds"], moved["version"]) == (["EU-RO-1"], 2)
    assert (await http.get(f"/v2/serverless/{made['id']}")).json()["image"] == "other:1"


async def test_a_v1_cpu_endpoint_keeps_its_cpus_when_only_its_name_changes(http):
    body = {"templateId": "simserve01", "computeType": "CPU", "vcpuCount": 4}
    made = (await http.post("/v1/endpoints", json=body)).json()
    renamed = (await http.patch(f"/v1/endpoints/{made['id']}", json={"name": "cpus"})).json()
    assert renamed == {**made, "name": "cpus"}
    assert len(made["instanceIds"]) == 4


async def test_a_v2_patch_may_apply_a_serverless_template_once(http):
    template = {
        "name": "fast",
        "image": "fast:1",
        "args": "serve 'unclosed",
        "serverless": True,
        "allowedCudaVersions": ["12.8"],
        "env": {"A": "1", "B": "1"},
    }
    template_id = (await http.post("/v2/templates", json=template)).json()["id"]
    made = await make(http, env={"C": "1"})
    change = {"templateId": template_id, "env": {"B": "2"}}
    changed = (await http.patch(f"/v2/serverless/{made['id']}", json=change)).json()
    assert (changed["image"], changed["env"]) == ("fast:1", {"A": "1", "B": "2"})
    assert (changed["args"], changed["gpu"]["allowedCudaVersions"]) == ("serve 'unclosed", [])
    seeded = await make(http, image=None, templateId=template_id)
    assert seeded["gpu"]["allowedCudaVersions"] == ["12.8"]
    gpu = {"pools": [POOL], "minCudaVersion": "12.4"}
    floored = await make(http, image=None, templateId=template_id, gpu=gpu)
    assert (floored["gpu"]["allowedCudaVersions"], floored["gpu"]["minCudaVersion"]) == ([], "12.4")
    assert (await http.delete(f"/v2/templates/{template_id}")).status_code == 204


async def test_jobs_of_a_deleted_endpoint_are_cancelled(http, sim, clock):
    made = await make(http, workers={"max": 1})
    for _ in range(2):
        await run(http, made)
    clock.step(seconds=10)
    endpoint = sim.world.fleet.endpoints[made["id"]]
    assert {job.status for job in endpoint.jobs.values()} >= {"IN_QUEUE"}
    await http.delete(f"/v2/serverless/{made['id']}")
    assert {job.status for job in endpoint.jobs.values()} == {"CANCELLED"}


async def test_an_account_is_told_what_its_workers_cost(http):
    await make(http, workers={"min": 2})
    query = {"query": "query { myself { currentSpendPerHr } }"}
    said = (await http.post("/graphql", json=query)).json()
    assert said["data"]["myself"]["currentSpendPerHr"] == float(2 * PRICE)
