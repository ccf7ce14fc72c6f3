from __future__ import annotations

import pytest
from sim_helpers import L4, create, v2_body

BODY = {
    "name": "mine",
    "image": "mine:1",
    "args": "sleep 60",
    "disk": 30,
    "ports": ["22/tcp"],
    "env": {"TOKEN": "{{ RUNPOD_SECRET_token }}"},
    "mounts": {"persistent": {"size": 40, "path": "/data"}},
}


async def make(http, **changes):
    answer = await http.post("/v2/templates", json={**BODY, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_template_lives_through_both_apis(http):
    made = await make(http)
    assert {name: made[name] for name in BODY} == BODY
    assert (made["public"], made["serverless"], made["category"]) == (False, False, "NVIDIA")
    assert (made["startSsh"], made["startJupyter"], made["registry"]) == (True, True, None)
    url = f"/v2/templates/{made['id']}"
    assert (await http.get(url)).json() == made
    assert made["id"] in [each["id"] for each in (await http.get("/v2/templates")).json()["templates"]]
    seen = (await http.get(f"/v1/templates/{made['id']}")).json()
    assert (seen["imageName"], seen["volumeInGb"], seen["volumeMountPath"]) == ("mine:1", 40, "/data")
    assert seen["dockerStartCmd"] == ["sleep", "60"]
    changed = (await http.patch(url, json={"image": "mine:2", "env": {}, "mounts": {}})).json()
    assert changed == {**made, "image": "mine:2", "env": {}}
    again = await http.post(f"/v1/templates/{made['id']}/update", json={"readme": "# hello"})
    assert (again.status_code, again.json()["readme"]) == (200, "# hello")
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(url)).status_code == 404
    assert (await http.delete(f"/v1/templates/{made['id']}")).json()["status"] == 404


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": ""}, "$.name: minLength: got 0, want 1"),
        ({"imageName": "a"}, "$: additional properties 'imageName' not allowed"),
        ({"disk": 0}, "$.disk: minimum: got 0, want 1"),
        ({"category": "TPU"}, "$.category: value must be one of 'CPU', 'NVIDIA', 'AMD'"),
        ({"mounts": {"network": []}}, "$.mounts: additional properties 'network' not allowed"),
        (
            {"mounts": {"persistent": {"size": 9, "path": "/a"}}},
            "$.mounts.persistent.size: minimum: got 9, want 10",
        ),
    ],
)
async def test_a_v2_body_outside_the_contract_is_422(http, changes, error):
    answer = await http.post("/v2/templates", json={**BODY, **changes})
    assert (answer.status_code, answer.json()["errors"]) == (422, [error])


async def test_names_are_unique_and_registries_known(http):
    await make(http)
    assert (await http.post("/v2/templates", json=BODY)).status_code == 400
    assert (await http.post("/v1/templates", json={"name": "mine", "imageName": "a"})).status_code == 400
    assert (await http.patch("/v2/templates/simmine001", json={"name": "mine"})).status_code == 400
    assert (await http.patch("/v2/templates/simmine001", json={"name": "my template"})).status_code == 200
    unknown = {**BODY, "name": "other", "registry": "none"}
    assert (await http.post("/v2/templates", json=unknown)).status_code == 400


async def test_public_templates_can_be_read_and_not_changed(http):
    for source, known in (
        ("verified", "simverif01"),
        ("community", "simcommun1"),
        ("official", "simtorch01"),
    ):
        shown = (await http.get(f"/v2/catalog/templates?source={source}")).json()["templates"]
        assert known in [each["id"] for each in shown]
    assert (await http.get("/v2/catalog/templates?source=mine")).status_code == 422
    url = "/v2/templates/simtorch01"
    assert (await http.patch(url, json={"name": "x"})).status_code == 404
    assert (await http.delete(url)).status_code == 404
    assert (await http.get(url)).status_code == 200


async def test_v1_lists_own_templates_and_others_by_flag(http):
    async def shown(query: str) -> set[str]:
        return {each["id"] for each in (await http.get(f"/v1/templates?{query}")).json()}

    own = {"simmine001", "simserve01"}
    assert await shown("") == own
    assert await shown("includeRunpodTemplates=true") == own | {"simtorch01", "simubuntu1"}
    assert await shown("includePublicTemplates=true") == own | {"simverif01", "simcommun1"}
    endpoint = {
        "name": "e",
        "type": "QUEUE",
        "image": "a",
        "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1},
    }
    assert (await http.post("/v2/serverless", json=endpoint)).status_code == 201
    assert await shown("") == own
    assert len(await shown("includeEndpointBoundTemplates=true")) == 3


async def test_v1_creates_with_its_defaults_and_ignores_unknown_names(http):
    body = {"name": "old", "imageName": "a:1", "dockerStartCmd": ["sleep", "1"], "later": 1}
    answer = await http.post("/v1/templates", json=body)
    made = answer.json()
    assert (answer.status_code, made["containerDiskInGb"], made["volumeInGb"]) == (200, 50, 20)
    assert (made["ports"], made["isPublic"]) == (["8888/http", "22/tcp"], False)
    for wrong in ({"name": "x"}, {"imageName": "a"}, {**body, "name": "y", "containerDiskInGb": "50"}):
        assert (await http.post("/v1/templates", json=wrong)).status_code == 400


async def test_a_template_that_a_pod_refers_to_cannot_be_deleted(http):
    made = await make(http, env={"A": "1"})
    pod = (await http.post("/v1/pods", json={"templateId": made["id"], "gpuTypeIds": [L4]})).json()
    assert (pod["image"], pod["dockerStartCmd"], pod["env"]) == ("mine:1", ["sleep", "60"], {"A": "1"})
    assert (await http.delete(f"/v2/templates/{made['id']}")).status_code == 400
    await http.delete(f"/v1/pods/{pod['id']}")
    assert (await http.delete(f"/v1/templates/{made['id']}")).status_code == 204


async def test_a_v2_pod_is_made_from_a_template_once(http):
    made = await make(http)
    pod = await create(http, image=None, disk=None, ports=None, templateId=made["id"])
    assert (pod["image"], pod["mounts"], pod["template"]) == ("mine:1", BODY["mounts"], None)
    await http.patch(f"/v2/templates/{made['id']}", json={"image": "mine:2"})
    assert (await http.get(f"/v2/pods/{pod['id']}")).json()["image"] == "mine:1"
    assert (await http.delete(f"/v2/templates/{made['id']}")).status_code == 204
    assert (await http.post("/v2/pods", json=v2_body(templateId=made["id"]))).status_code == 404


async def test_faults_strike_templates_by_name(http, sim):
    sim.faults.add("template_create", "error_after")
    assert (await http.post("/v2/templates", json=BODY)).status_code == 500
    shown = (await http.get("/v2/templates")).json()["templates"]
    assert "mine" in [each["name"] for each in shown]
    sim.faults.add("template_public", "rate_limited")
    assert (await http.get("/v2/templates")).status_code == 200
    assert (await http.get("/v2/catalog/templates")).status_code == 429
    for verb in ("update", "delete"):
        sim.faults.add(f"template_{verb}", "ignored")
    url = "/v2/templates/simmine001"
    assert (await http.patch(url, json={"image": "x"})).json()["image"] == "ubuntu:24.04"
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(url)).status_code == 200
