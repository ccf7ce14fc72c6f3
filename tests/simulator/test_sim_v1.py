from __future__ import annotations

import pytest
from sim_helpers import L4

H100 = "NVIDIA H100 80GB HBM3"


async def create(http, **body):
    return await http.post("/v1/pods", json={"imageName": "ubuntu:24.04", "gpuTypeIds": [L4], **body})


async def test_a_bare_create_gets_the_documented_defaults(http):
    answer = await create(http)
    pod = answer.json()
    assert answer.status_code == 201
    assert (pod["name"], pod["containerDiskInGb"], pod["volumeInGb"]) == ("my pod", 50, 20)
    assert (pod["ports"], pod["volumeMountPath"]) == (["8888/http", "22/tcp"], "/workspace")
    assert (pod["desiredStatus"], pod["costPerHr"]) == ("RUNNING", 0.49)
    assert (pod["publicIp"], pod["portMappings"], pod["machine"], "gpu" in pod) == ("", None, {}, False)


async def test_no_capacity_is_a_500_with_known_words(http, sim):
    sim.stock.set(L4, free=0)
    answer = await create(http)
    text = "create pod: There are no instances currently available"
    assert (answer.status_code, answer.json()) == (500, {"error": text, "status": 500})


async def test_the_whole_list_is_tried_on_the_server(http, sim, clock):
    sim.stock.set(L4, free=0)
    pod = (await create(http, gpuTypeIds=[L4, H100], gpuTypePriority="custom")).json()
    clock.step(minutes=2)
    seen = (await http.get(f"/v1/pods/{pod['id']}")).json()
    assert (seen["gpu"]["id"], seen["costPerHr"]) == (H100, 3.49)


async def test_priority_custom_keeps_the_order_and_availability_the_stock(http, clock):
    custom = (await create(http, gpuTypeIds=[H100, L4], gpuTypePriority="custom")).json()
    most = (await create(http, gpuTypeIds=[H100, L4])).json()
    assert (custom["costPerHr"], most["costPerHr"]) == (3.49, 0.49)
    order = ["US-GA-2", "EU-RO-1"]
    pod = (await create(http, dataCenterIds=order, dataCenterPriority="custom")).json()
    clock.step(minutes=2)
    seen = (await http.get(f"/v1/pods/{pod['id']}?includeMachine=true")).json()
    assert seen["machine"]["dataCenterId"] == "US-GA-2"
    assert set(seen["portMappings"]) == {"22"}
    assert seen["machineId"]


@pytest.mark.parametrize(
    "body",
    [
        {"gpuTypeIds": ["NVIDIA B300 SXM6 AC"]},
        {"dataCenterIds": ["US-MD-1"]},
        {"gpuCount": "1"},
        {"cloudType": "ALL"},
        {"imageName": ""},
        {"name": "x" * 192},
        {"computeType": "CPU", "containerDiskInGb": 21},
    ],
)
async def test_values_outside_the_document_are_400(http, body):
    answer = await create(http, **body)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400


async def test_a_cpu_pod_ignores_the_gpu_fields(http):
    pod = (await create(http, computeType="CPU", vcpuCount=4, cpuFlavorIds=["cpu5c"])).json()
    assert (pod["costPerHr"], pod["cpuFlavorId"], pod["volumeInGb"]) == (0.14, "cpu5c", 0)


async def test_an_interruptible_pod_costs_the_spot_price_and_can_be_taken(http, sim):
    pod = (await create(http, interruptible=True)).json()
    assert pod["costPerHr"] == 0.22
    sim.by_hand({"interrupt": pod["id"]})
    seen = (await http.get(f"/v1/pods/{pod['id']}")).json()
    assert seen["desiredStatus"] == "EXITED"
    assert "outbid" in seen["lastStatusChange"]


async def test_countries_and_bandwidth_narrow_the_placement(http):
    assert (await create(http, countryCodes=["JP"])).status_code == 500
    assert (await create(http, minDownloadMbps=9000)).status_code == 500
    assert (await create(http, countryCodes=["SE"])).status_code == 201


async def test_community_pods_have_a_public_ip_only_when_asked(http, clock):
    asked = {"cloudType": "COMMUNITY", "gpuTypeIds": ["NVIDIA GeForce RTX 4090"]}
    without = (await create(http, **asked)).json()["id"]
    with_ip = (await create(http, **asked, supportPublicIp=True)).json()["id"]
    clock.step(minutes=2)
    seen = [(await http.get(f"/v1/pods/{pod}")).json() for pod in (without, with_ip)]
    assert (seen[0]["publicIp"], seen[0]["portMappings"]) == ("", None)
    assert seen[1]["publicIp"].startswith("203.0.113.")


async def test_the_list_is_a_bare_array_with_filters(http):
    first = (await create(http, name="a")).json()
    await create(http, name="b")
    found = (await http.get("/v1/pods?name=a&computeType=GPU")).json()
    assert [pod["id"] for pod in found] == [first["id"]]
    assert [pod["name"] for pod in (await http.get("/v1/pods")).json()] == ["b", "a"]
    assert (await http.get("/v1/pods?desiredStatus=EXITED")).json() == []


async def test_verbs_stop_start_restart_reset_and_delete(http, sim):
    url = f"/v1/pods/{(await create(http)).json()['id']}"
    assert (await http.post(f"{url}/restart")).status_code == 200
    assert (await http.post(f"{url}/stop")).json()["desiredStatus"] == "EXITED"
    assert (await http.post(f"{url}/restart")).status_code == 400
    sim.stock.set(L4, free=0)
    refused = await http.post(f"{url}/start")
    assert refused.status_code == 500
    assert refused.json()["error"].startswith("start pod: There are not enough free GPUs")
    sim.stock.set(L4, free=1)
    assert (await http.post(f"{url}/start")).json()["desiredStatus"] == "RUNNING"
    await http.patch(url, json={"locked": True})
    assert (await http.post(f"{url}/reset")).status_code == 400
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(url)).json()["error"] == "pod not found"


async def test_patch_may_grow_a_volume_and_not_shrink_it(http):
    url = f"/v1/pods/{(await create(http)).json()['id']}"
    grown = (await http.patch(url, json={"volumeInGb": 30, "env": {"A": "1"}, "ports": ["80/http"]})).json()
    assert (grown["volumeInGb"], grown["env"], grown["ports"]) == (30, {"A": "1"}, ["80/http"])
    assert (await http.post(f"{url}/update", json={"volumeInGb": 10})).status_code == 400


async def test_templates_and_volumes_read_under_their_v1_names(http):
    assert (await http.get("/v1/templates/simtorch01")).json()["imageName"].startswith("runpod/pytorch")
    assert [each["id"] for each in (await http.get("/v1/templates")).json()] == ["simmine001", "simserve01"]
    made = (
        await http.post("/v1/networkvolumes", json={"name": "d", "size": 10, "dataCenterId": "EU-RO-1"})
    ).json()
    pod = (await create(http, networkVolumeId=made["id"], templateId="simmine001")).json()
    assert pod["volumeInGb"] == 0
    query = "includeNetworkVolume=true&includeTemplate=true"
    seen = (await http.get(f"/v1/pods/{pod['id']}?{query}")).json()
    assert (seen["networkVolume"], seen["template"]["id"]) == (made, "simmine001")
    await http.delete(f"/v1/pods/{pod['id']}")
    assert (await http.get(f"/v1/networkvolumes/{made['id']}")).json() == made
    assert (await http.delete(f"/v1/networkvolumes/{made['id']}")).status_code == 204
    assert (await http.get("/v1/networkvolumes")).json() == []
    assert (await http.post("/v1/networkvolumes", json={"size": 0})).status_code == 400


async def test_the_door_of_v1(http, sim):
    for key, status in (("", 401), ("Bearer sim_wrong", 401), ("Bearer sim_forbidden", 403)):
        assert (await http.get("/v1/pods", headers={"authorization": key})).status_code == status
    assert (await http.get("/v1/nothing")).json() == {"error": "not found", "status": 404}
    assert (await http.post("/v1/pods", content=b"{")).status_code == 400
    sim.settings.change({"v1_retired": True})
    assert (await http.get("/v1/pods")).status_code == 410
