from __future__ import annotations

import pytest
from sim_helpers import L4, create, v2_body

NO_CAPACITY = (
    "There are no longer any instances available with the requested specifications. "
    "Please refresh and try again."
)


async def refused(http, **changes):
    answer = await http.post("/v2/pods", json=v2_body(**changes))
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": None}, "$: missing property 'name'"),
        ({"supportPublicIp": True}, "$: additional properties 'supportPublicIp' not allowed"),
        ({"gpu": {"id": L4, "gpuCount": 1}}, "$.gpu: additional properties 'gpuCount' not allowed"),
        ({"disk": 0}, "$.disk: minimum: got 0, want 1"),
        ({"disk": "20"}, "$.disk: got string, want integer"),
        ({"cloud": "ALL"}, "$.cloud: value must be one of 'SECURE', 'COMMUNITY'"),
        ({"env": {"A": 1}}, "$.env.A: got integer, want string"),
        ({"mounts": {"network": [{"volumeId": "x"}]}}, "$.mounts.network[0]: missing property 'path'"),
    ],
)
async def test_a_body_outside_the_contract_is_422_with_each_violation(http, changes, error):
    status, problem = await refused(http, **changes)
    assert (status, problem["detail"]) == (422, "Request validation failed.")
    assert problem["errors"] == [error]


@pytest.mark.parametrize(
    "changes",
    [
        {"cpu": {"id": "cpu3c", "vcpuCount": 2}},
        {"gpu": None},
        {"image": None},
        {"disk": None},
        {"mounts": {"network": []}},
        {"mounts": {"persistent": {"size": 10, "path": "/a"}, "network": [{"volumeId": "v", "path": "/b"}]}},
        {"mounts": {"network": [{"volumeId": "unknown", "path": "/b"}]}},
        {"gpu": {"id": "NVIDIA NOTHING", "count": 1}},
        {"gpu": {"id": L4, "count": 1, "allowedCudaVersions": ["12.8"], "minCudaVersion": "12.4"}},
        {"gpu": None, "cpu": {"id": "cpu3c", "vcpuCount": 6}, "disk": 5},
        {"gpu": None, "cpu": {"id": "cpu3c", "vcpuCount": 2}, "disk": 21},
        {"args": "sleep 1", "cmd": ["sleep", "2"]},
    ],
)
async def test_a_broken_rule_between_fields_is_400(http, changes):
    status, problem = await refused(http, **changes)
    assert status == 400
    assert problem["detail"] != NO_CAPACITY


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu": {"id": "NVIDIA H200 NVL", "count": 1}},
        {"gpu": {"id": L4}},
        {"gpu": {"id": L4, "count": 11}},
        {"gpu": {"id": L4, "count": 1, "allowedCudaVersions": ["11.8"]}},
        {"gpu": {"id": L4, "count": 1, "minCudaVersion": "13.1"}},
        {"gpu": {"id": L4, "count": 1, "minRamPerGpu": 51}},
        {"gpu": {"id": L4, "count": 1, "minVcpuCountPerGpu": 13}},
        {"dataCenterIds": ["AP-JP-1"]},
        {"dataCenterIds": ["NOWHERE-1"]},
        {"cloud": "COMMUNITY", "gpu": {"id": "NVIDIA RTX 2000 Ada Generation", "count": 1}},
    ],
)
async def test_a_filter_nobody_meets_reads_like_sold_out_hardware(http, changes):
    status, problem = await refused(http, **changes)
    assert (status, problem["detail"]) == (400, NO_CAPACITY)


async def test_an_omitted_gpu_count_can_be_allowed(http, sim):
    sim.settings.change({"gpu_count_required": False})
    assert (await create(http, gpu={"id": L4}))["gpu"]["count"] == 1


async def test_stock_runs_out_and_comes_back_when_a_pod_ends(http, sim):
    sim.stock.set(L4, free=0)
    sim.stock.set(L4, cloud="SECURE", data_center_id="US-GA-2", free=1)
    pod = await create(http)
    assert pod["dataCenterId"] == "US-GA-2"
    assert (await refused(http))[1]["detail"] == NO_CAPACITY
    await http.delete(f"/v2/pods/{pod['id']}")
    await create(http)


async def test_data_centers_asked_for_are_a_hard_filter(http):
    assert (await create(http, dataCenterIds=["EU-SE-1"]))["dataCenterId"] == "EU-SE-1"


async def test_a_cpu_pod_takes_its_memory_from_the_flavor(http):
    pod = await create(http, gpu=None, cpu={"id": "cpu3g", "vcpuCount": 4})
    assert pod["cpu"] == {"id": "cpu3g", "vcpuCount": 4, "memory": 16}
    assert pod["cost"] == 0.16
    assert "gpu" not in pod


async def test_a_template_lends_what_the_body_leaves_out(http):
    pod = await create(http, image=None, disk=None, ports=None, templateId="simtorch01", env={"A": "1"})
    assert pod["image"].startswith("runpod/pytorch")
    assert (pod["disk"], pod["ports"]) == (50, ["8888/http", "22/tcp"])
    assert pod["mounts"] == {"persistent": {"size": 20, "path": "/workspace"}}
    assert pod["template"] is None
    mine = await create(http, image="mine:1", templateId="simmine001", env={"A": "1"})
    assert (mine["image"], mine["env"]) == ("mine:1", {"FROM_TEMPLATE": "yes", "A": "1"})


async def test_an_unknown_template_is_404_and_a_serverless_one_422(http):
    assert (await http.post("/v2/pods", json=v2_body(templateId="nope"))).status_code == 404
    assert (await http.post("/v2/pods", json=v2_body(templateId="simserve01"))).status_code == 422


async def test_a_network_volume_pins_the_pod_to_its_data_center(http):
    body = {"name": "data", "size": 50, "dataCenter": "US-KS-2"}
    volume = (await http.post("/v2/network-volumes", json=body)).json()
    mounts = {"network": [{"volumeId": volume["id"], "path": "/data"}]}
    pod = await create(http, mounts=mounts)
    assert (pod["dataCenterId"], pod["mounts"]) == ("US-KS-2", mounts)
    assert (await refused(http, mounts=mounts, dataCenterIds=["EU-RO-1"]))[1]["detail"] == NO_CAPACITY
    assert (await refused(http, mounts=mounts, cloud="COMMUNITY"))[0] == 400
    assert (await http.delete(f"/v2/network-volumes/{volume['id']}")).status_code == 400
    await http.delete(f"/v2/pods/{pod['id']}")
    assert (await http.patch(f"/v2/network-volumes/{volume['id']}", json={"size": 40})).status_code == 400
    assert (await http.delete(f"/v2/network-volumes/{volume['id']}")).status_code == 204
    assert (await http.get("/v2/network-volumes")).json() == {"networkVolumes": []}


async def act(http, pod, action):
    return await http.post(f"/v2/pods/{pod['id']}/action", json={"action": action})


async def test_actions_follow_the_state_machine(http):
    pod = await create(http)
    assert pod["actions"] == ["stop", "restart", "terminate"]
    assert (await act(http, pod, "start")).status_code == 409
    assert (await act(http, pod, "restart")).status_code == 200
    stopped = (await act(http, pod, "stop")).json()
    assert stopped["actions"] == ["start", "terminate"]
    assert (await act(http, pod, "stop")).status_code == 409
    assert (await act(http, pod, "start")).json()["status"] == "RUNNING"
    answer = await act(http, pod, "reset")
    assert answer.json()["errors"] == [
        "$.action: value must be one of 'start', 'stop', 'restart', 'terminate'"
    ]
    ended = await act(http, pod, "terminate")
    assert (ended.status_code, ended.content) == (204, b"")
    assert (await act(http, pod, "start")).json()["detail"] == "pod not found"


async def test_a_locked_pod_cannot_be_stopped(http):
    pod = await create(http)
    assert (await http.patch(f"/v2/pods/{pod['id']}", json={"locked": True})).json()["locked"]
    assert (await act(http, pod, "stop")).status_code == 409
    assert (await act(http, pod, "terminate")).status_code == 204


async def test_a_staged_start_passes_provisioning_and_starting(http, sim, clock):
    sim.settings.change({"staged_start": True})
    pod = await create(http)
    assert (pod["status"], pod["actions"]) == ("PROVISIONING", ["stop", "terminate"])
    clock.step(seconds=31)
    assert (await http.get(f"/v2/pods/{pod['id']}")).json()["status"] == "STARTING"
    clock.step(seconds=31)
    assert (await http.get(f"/v2/pods/{pod['id']}")).json()["status"] == "RUNNING"


async def test_start_is_refused_when_the_host_has_no_gpu_left(http, sim):
    pod = await create(http, dataCenterIds=["EU-RO-1"])
    await act(http, pod, "stop")
    sim.stock.set(L4, free=0)
    answer = await act(http, pod, "start")
    assert (answer.status_code, answer.json()["detail"]) == (400, "Failed to resume pod.")


async def test_a_deleted_pod_is_gone_everywhere(http):
    pod = await create(http)
    answer = await http.delete(f"/v2/pods/{pod['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await http.delete(f"/v2/pods/{pod['id']}")).status_code == 404
    assert (await http.get(f"/v2/pods/{pod['id']}")).json()["detail"] == "pod not found"
    assert (await http.get("/v2/pods")).json()["pods"] == []


async def test_the_list_is_newest_first_and_comes_in_pages(http):
    ids = [(await create(http))["id"] for _ in range(3)]
    first = (await http.get("/v2/pods?limit=2&desiredStatus=EXITED")).json()
    assert [pod["id"] for pod in first["pods"]] == ids[:0:-1]
    assert first["pagination"]["hasNextPage"]
    rest = (
        await http.get("/v2/pods", params={"limit": 2, "cursor": first["pagination"]["nextCursor"]})
    ).json()
    assert [pod["id"] for pod in rest["pods"]] == ids[:1]
    assert rest["pagination"] == {"nextCursor": None, "hasNextPage": False}
    assert (await http.get("/v2/pods?limit=0")).status_code == 422
    assert (await http.get("/v2/pods?cursor=zzz")).status_code == 422


async def test_patch_changes_settings_but_not_the_kind_of_storage(http):
    pod = await create(http, mounts={"persistent": {"size": 20, "path": "/workspace"}})
    url = f"/v2/pods/{pod['id']}"
    changed = (await http.patch(url, json={"name": "b", "cmd": ["sleep", "1"], "ports": []})).json()
    assert (changed["name"], changed["args"], changed["ports"]) == ("b", "sleep 1", [])
    shrink = {"mounts": {"persistent": {"size": 10, "path": "/workspace"}}}
    swap = {"mounts": {"network": [{"volumeId": "v", "path": "/b"}]}}
    assert [(await http.patch(url, json=body)).status_code for body in (shrink, swap)] == [400, 400]
    bare = await create(http)
    grow = {"mounts": {"persistent": {"size": 10, "path": "/workspace"}}}
    assert (await http.patch(f"/v2/pods/{bare['id']}", json=grow)).status_code == 400
    assert (await http.patch(url, json={"gpu": {"id": L4, "count": 8}})).status_code == 422


async def test_the_door_rules_of_v2(http):
    ask = http.get
    assert (await ask("/v2/pods", headers={"authorization": ""})).json()["detail"] == "missing bearer token"
    assert (await ask("/v2/pods", headers={"authorization": "Bearer sim_wrong"})).status_code == 401
    assert (await ask("/v2/pods", headers={"authorization": "Bearer sim_forbidden"})).json()[
        "detail"
    ] == "access denied"
    blocked = await ask("/v2/pods", headers={"user-agent": "Python-urllib/3.11"})
    assert (blocked.status_code, blocked.text) == (403, "error code: 1010")
    big = await http.post("/v2/pods", content=b" " * 102_401, headers={"authorization": ""})
    assert big.status_code == 413
    assert (await ask("/v2/networkvolumes")).json()["detail"] == "The requested path was not found."
    wrong = await http.put("/v2/pods")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, POST")
    fine = await ask("/v2/pods")
    assert fine.headers["ratelimit-policy"].startswith('"minute";q=180;w=60')
    assert len(fine.headers["x-request-id"]) == 32


async def test_enforced_limits_refuse_the_call_after_the_quota(http, sim, clock):
    sim.settings.change({"rate_limits_enforced": True})
    answers = [await http.get("/v2/pods") for _ in range(181)]
    assert {answer.status_code for answer in answers[:180]} == {200}
    assert answers[-1].status_code == 429
    clock.step(seconds=int(answers[-1].headers["retry-after"]))
    assert (await http.get("/v2/pods")).status_code == 200


async def test_logs_come_as_events_that_can_be_resumed(http, clock):
    pod = await create(http)
    clock.step(minutes=3)
    answer = await http.get(f"/v2/pods/{pod['id']}/logs")
    events = answer.text.strip().split("\n\n")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert '"line":"create container ubuntu:24.04"' in events[0]
    last = events[-2].splitlines()[0].removeprefix("id: ")
    resumed = await http.get(f"/v2/pods/{pod['id']}/logs", headers={"last-event-id": last})
    assert resumed.text.strip() == events[-1]
    system = await http.get(f"/v2/pods/{pod['id']}/logs?source=system&tail=1")
    assert system.text.count("data:") == 1
    assert (await http.get(f"/v2/pods/{pod['id']}/logs?tail=5001")).status_code == 422


async def test_the_same_seed_and_calls_give_the_same_ids(http, sim):
    first = [(await create(http))["id"] for _ in range(2)]
    sim.reset()
    assert [(await create(http))["id"] for _ in range(2)] == first
    assert all(len(pod_id) == 14 for pod_id in first)


async def test_a_patch_may_take_its_settings_from_a_template(http):
    pod = await create(http)
    url = f"/v2/pods/{pod['id']}"
    changed = (await http.patch(url, json={"templateId": "simmine001", "env": {"A": "1"}})).json()
    assert (changed["image"], changed["disk"]) == ("ubuntu:24.04", 10)
    assert changed["env"] == {"FROM_TEMPLATE": "yes", "A": "1"}
    assert (await http.patch(url, json={"globalNetworking": True})).json()["globalNetworking"]["enabled"]


async def test_a_network_mount_may_move_inside_the_pod(http):
    body = {"name": "data", "size": 50, "dataCenter": "EU-RO-1"}
    volume = (await http.post("/v2/network-volumes", json=body)).json()
    pod = await create(http, mounts={"network": [{"volumeId": volume["id"], "path": "/a"}]})
    moved = {"network": [{"volumeId": volume["id"], "path": "/b"}]}
    assert (await http.patch(f"/v2/pods/{pod['id']}", json={"mounts": moved})).json()["mounts"] == moved
    assert (await http.patch(f"/v2/network-volumes/{volume['id']}", json={"size": 60})).json()["size"] == 60
    assert (await http.get(f"/v2/network-volumes/{volume['id']}")).json()["size"] == 60
    assert (await http.get("/v2/network-volumes/none")).status_code == 404


async def test_storage_a_data_center_does_not_have_is_400(http):
    body = {"name": "data", "size": 50, "dataCenter": "US-TX-1"}
    assert (await http.post("/v2/network-volumes", json=body)).status_code == 400
    assert (await http.post("/v2/network-volumes", json={**body, "size": 5000})).status_code == 422


async def test_bodies_that_are_no_json_object_are_refused(http):
    assert (await http.post("/v2/pods", content=b"{")).status_code == 400
    assert (await http.post("/v2/pods", json=[1])).json()["errors"] == ["$: got array, want object"]
    assert (await http.post("/v2/pods/x/action", content=b"{")).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu": None, "cpu": {"id": "cpu9", "vcpuCount": 2}},
        {"gpu": None, "cpu": {"id": "cpu3c", "vcpuCount": 2}, "globalNetworking": True},
        {
            "gpu": None,
            "cpu": {"id": "cpu3c", "vcpuCount": 2},
            "mounts": {"persistent": {"size": 10, "path": "/"}},
        },
    ],
)
async def test_cpu_pods_have_rules_of_their_own(http, changes):
    assert (await refused(http, **changes))[0] == 400


async def test_a_cuda_filter_in_the_body_replaces_the_templates(http):
    assert (await create(http, gpu={"id": L4, "count": 1, "minCudaVersion": "12.9"}))["cudaVersion"] == "13.0"
    assert (await refused(http, gpu={"id": L4, "count": 1, "minCudaVersion": "12"}))[0] == 422
    odd = await create(http, args="echo 'unfinished")
    assert odd["cmd"] == ["echo 'unfinished"]


async def test_restart_boots_the_container_again(http, clock):
    pod = await create(http)
    clock.step(minutes=5)
    assert (await act(http, pod, "restart")).json()["runtime"] is None
    clock.step(minutes=2)
    logs = await http.get(f"/v2/pods/{pod['id']}/logs?source=container&since=2026-11-23T12:00:00Z")
    assert "heartbeat 0" in logs.text
    assert (await http.get(f"/v2/pods/{pod['id']}/logs?source=all")).status_code == 422
    assert (await http.get(f"/v2/pods/{pod['id']}/logs?tail=0")).text == ""
