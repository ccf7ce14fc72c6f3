"""Every operation of Runpod's two documents is played by the simulator, or a reason why not stands here.

And each answer fits its schema.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from sim_documents import V1, V2, document, fits, only_with_documents, operations
from sim_helpers import L4, create

pytestmark = only_with_documents

NOT_PLAYED = {
    "GET /v2/account/ssh-keys": "nothing here logs in to an account",
    "PUT /v2/account/ssh-keys": "it replaces every key of an account, which no client of ours may ever do",
    "GET /v2/clusters": "clusters are many pods at once; they are not rented here",
    "POST /v2/clusters": "clusters are not rented here",
    "GET /v2/clusters/{id}": "clusters are not rented here",
    "PATCH /v2/clusters/{id}": "clusters are not rented here",
    "DELETE /v2/clusters/{id}": "clusters are not rented here",
    "GET /v2/clusters/{id}/pods": "clusters are not rented here",
    "GET /v1/openapi.json": "the document itself is Runpod's",
    "GET /v1/docs": "a page for people",
}

ENDPOINT = {
    "name": "llm",
    "type": "QUEUE",
    "image": "mine:1",
    "gpu": {"pools": ["ADA_24"]},
    "workers": {"min": 1},
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
}
VOLUME = {"name": "d", "size": 10}
TEMPLATE = {"name": "t"}
REGISTRY = {"name": "r", "username": "u", "password": "p"}
ARN = "arn:aws:ecr:us-east-1:123456789012:repository/a"
SOME_POD = {"name": "p", "image": "a", "disk": 10, "gpu": {"id": L4, "count": 1}}
OLD_POD = {"imageName": "a", "gpuTypeIds": [L4]}
BODIES: dict[str, Any] = {
    "POST /v2/pods": SOME_POD,
    "PATCH /v2/pods/{id}": {"name": "q"},
    "POST /v2/pods/{id}/action": {"action": "stop"},
    "POST /v2/serverless": ENDPOINT,
    "PATCH /v2/serverless/{id}": {"image": "mine:2"},
    "POST /v2/templates": {**TEMPLATE, "image": "a"},
    "PATCH /v2/templates/{id}": {"image": "b"},
    "POST /v2/network-volumes": {**VOLUME, "dataCenter": "EU-RO-1"},
    "PATCH /v2/network-volumes/{id}": {"size": 20},
    "POST /v2/registries": REGISTRY,
    "POST /v2/registries/delegations": {"resource": ARN},
    "POST /v1/pods": OLD_POD,
    "PATCH /v1/pods/{podId}": {"name": "q"},
    "POST /v1/pods/{podId}/update": {"name": "q"},
    "POST /v1/endpoints": {"templateId": "simserve01"},
    "PATCH /v1/endpoints/{endpointId}": {"workersMax": 4},
    "POST /v1/endpoints/{endpointId}/update": {"workersMax": 4},
    "POST /v1/templates": {**TEMPLATE, "imageName": "a"},
    "PATCH /v1/templates/{templateId}": {"imageName": "b"},
    "POST /v1/templates/{templateId}/update": {"imageName": "b"},
    "POST /v1/networkvolumes": {**VOLUME, "dataCenterId": "EU-RO-1"},
    "PATCH /v1/networkvolumes/{networkVolumeId}": {"size": 20},
    "POST /v1/networkvolumes/{networkVolumeId}/update": {"size": 20},
    "POST /v1/containerregistryauth": REGISTRY,
}


EVERY = list(operations())


async def prepared(http, clock) -> dict[str, str]:
    """One of each thing, and the ids to put into paths."""
    pod = (await create(http))["id"]
    volume = (await http.post("/v2/network-volumes", json={**VOLUME, "dataCenter": "EU-RO-1"})).json()["id"]
    endpoint = (await http.post("/v2/serverless", json=ENDPOINT)).json()["id"]
    registry = (await http.post("/v2/registries", json={**REGISTRY, "name": "first"})).json()["id"]
    delegation = (await http.post("/v2/registries/delegations", json={"resource": ARN})).json()["id"]
    await http.get(f"/ai/v2/{endpoint}/health")
    clock.step(hours=3)
    worker = (await http.get(f"/v2/serverless/{endpoint}/workers")).json()["workers"][0]["id"]
    return {
        "/v2/pods/": pod,
        "/v2/serverless/": endpoint,
        "/v2/templates/": "simmine001",
        "/v2/network-volumes/": volume,
        "/v2/registries/delegations/": delegation,
        "/v2/registries/": registry,
        "/v2/catalog/gpus/": L4,
        "/v2/catalog/cpus/": "cpu3c",
        "/v2/catalog/datacenters/": "EU-RO-1",
        "/v1/pods/": pod,
        "/v1/endpoints/": endpoint,
        "/v1/templates/": "simmine001",
        "/v1/networkvolumes/": volume,
        "/v1/containerregistryauth/": registry,
        "worker": worker,
    }


def filled(path: str, ids: dict[str, str]) -> str:
    path = path.replace("{workerId}", ids["worker"])
    start = next((start for start in ids if path.startswith(start)), "")
    return re.sub(r"\{\w+\}", lambda _: ids.get(start, "none"), path)


@pytest.mark.parametrize(("operation", "document", "item"), EVERY, ids=[each[0] for each in EVERY])
async def test_the_simulator_plays_it_as_the_document_says(http, clock, operation, document, item):
    method, path = operation.split(" ", 1)
    url = filled(path, await prepared(http, clock))
    answer = await http.request(method, url, json=BODIES.get(operation))
    if operation in NOT_PLAYED:
        assert answer.status_code in (404, 405), "it is played: take its reason away"
        return
    expected = {code for code in item["responses"] if code.startswith("2")} or {"200"}
    assert str(answer.status_code) in expected, answer.text
    content = item["responses"].get(str(answer.status_code), {}).get("content", {})
    if schema := content.get("application/json", {}).get("schema"):
        fits(document, schema, answer.json())


def test_every_reason_is_for_an_operation_that_exists():
    assert set(NOT_PLAYED) | set(BODIES) <= {operation for operation, _, _ in EVERY}


async def test_answers_fit_the_v2_document_in_rarer_states(http, sim, clock):
    cpu = {**ENDPOINT, "cpu": [{"id": "cpu3c", "vcpuCount": 2}]}
    del cpu["gpu"]
    made = (await http.post("/v2/serverless", json=cpu)).json()
    fits(V2, "Endpoint", made)
    one = {"type": "REQUEST_COUNT", "requestCount": 1}
    for routing in ("LOAD_BALANCER", "QUEUE"):
        body = {**ENDPOINT, "type": routing, "scaling": one}
        fits(V2, "Endpoint", (await http.post("/v2/serverless", json=body)).json())
    picky = {"pools": ["AMPERE_24"], "excludedTypes": [L4], "minCudaVersion": "12.4"}
    fits(V2, "Endpoint", (await http.post("/v2/serverless", json={**ENDPOINT, "gpu": picky})).json())
    sim.stock.set("NVIDIA GeForce RTX 4090", free=0)
    full = (await http.post("/v2/serverless", json=ENDPOINT)).json()
    waiting = (await http.get(f"/v2/serverless/{full['id']}/workers")).json()
    assert waiting["summary"]["throttled"] == 1
    fits(V2, "ListEndpointWorkersResponse", waiting)
    for path in ("serverless", "templates", "network-volumes", "registries"):
        fits(V2, "ErrorResponse", (await http.post(f"/v2/{path}", json={"x": 1})).json())
        fits(V2, "ErrorResponse", (await http.get(f"/v2/{path}/none")).json())


async def test_every_v1_view_of_an_endpoint_fits_the_document(http):
    await http.post("/v2/serverless", json={**ENDPOINT, "dataCenterIds": ["EU-RO-1"]})
    cpu = {"templateId": "simserve01", "computeType": "CPU", "workersMin": 1}
    assert (await http.post("/v1/endpoints", json=cpu)).status_code == 200
    shown = (await http.get("/v1/endpoints?includeTemplate=true&includeWorkers=true")).json()
    assert len(shown) == 2
    for endpoint in shown:
        assert endpoint["workers"]
        fits(V1, "Endpoint", endpoint)


def names_of(name: str, schema: dict[str, Any]) -> set[str]:
    """The properties a request schema of a document allows, through its references."""
    if "$ref" in schema:
        schema = document(name)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    parts = [names_of(name, each) for each in schema.get("allOf", ())]
    return set(schema.get("properties", ())).union(*parts)


REQUESTS = [each for each in EVERY if "requestBody" in each[2] and each[0] not in NOT_PLAYED]


@pytest.mark.parametrize(("operation", "name", "item"), REQUESTS, ids=[each[0] for each in REQUESTS])
async def test_a_body_may_hold_exactly_the_names_of_the_document(http, clock, operation, name, item):
    """Each name is sent with a value of no possible kind: a known one is refused for that, an unknown as unknown."""
    method, path = operation.split(" ", 1)
    url = filled(path, await prepared(http, clock))
    known = names_of(name, item["requestBody"]["content"]["application/json"]["schema"])
    answer = await http.request(method, url, json={**{each: [[1.5]] for each in known}, "unheardOf": 1})
    if name == V2:
        unknown = [text for text in answer.json()["errors"] if text.startswith("$: additional")]
        assert (answer.status_code, unknown) == (422, ["$: additional properties 'unheardOf' not allowed"])
    else:
        refused = {text.partition(":")[0].removeprefix("$.") for text in answer.json()["error"].split("; ")}
        assert known <= {text.partition("[")[0] for text in refused}
        assert answer.status_code == 400
