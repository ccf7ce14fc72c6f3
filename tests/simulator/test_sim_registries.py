from __future__ import annotations

import pytest
from sim_helpers import L4, create, v2_body

SECRET = "hunter2-and-more"
BODY = {"name": "hub", "username": "someone-secret", "password": SECRET}
ARN = "arn:aws:ecr:us-east-1:123456789012:repository/team/model"


async def make(http):
    answer = await http.post("/v2/registries", json=BODY)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_credentials_are_written_and_never_read_back(http):
    made = await make(http)
    assert set(made) == {"id", "name"}
    urls = ["registries", f"registries/{made['id']}"]
    answers = [await http.get(f"/v2/{url}") for url in urls]
    answers += [await http.get(f"/v1/containerregistryauth{url.removeprefix('registries')}") for url in urls]
    assert [answer.json() for answer in answers] == [{"registries": [made]}, made, [made], made]
    for answer in [*answers, await http.get("/_sim/books")]:
        assert SECRET not in answer.text
        assert "someone-secret" not in answer.text
    for path in ("/v2/registries/none", "/v1/containerregistryauth/none"):
        assert (await http.get(path)).status_code == 404


async def test_v1_makes_and_deletes_them_too(http):
    answer = await http.post("/v1/containerregistryauth", json=BODY)
    made = answer.json()
    assert (answer.status_code, set(made)) == (200, {"id", "name"})
    assert (await http.post("/v1/containerregistryauth", json=BODY)).status_code == 400
    assert (await http.post("/v1/containerregistryauth", json={"name": "x"})).status_code == 400
    assert (await http.delete(f"/v1/containerregistryauth/{made['id']}")).status_code == 204
    assert (await http.delete(f"/v1/containerregistryauth/{made['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**BODY, "name": ""}, 422),
        ({"name": "a", "username": "b"}, 422),
        ({**BODY, "url": "ghcr.io"}, 422),
        (BODY, 400),
    ],
)
async def test_v2_refuses_what_is_not_in_the_contract_and_a_name_that_is_taken(http, body, status):
    await make(http)
    answer = await http.post("/v2/registries", json=body)
    assert answer.status_code == status
    assert SECRET not in answer.text


async def test_a_credential_in_use_by_a_pod_stays_and_templates_lose_a_deleted_one(http):
    made = await make(http)
    pod = await create(http, registry=made["id"])
    template = {"name": "private", "image": "ghcr.io/a/b", "registry": made["id"]}
    template_id = (await http.post("/v2/templates", json=template)).json()["id"]
    for url in (f"/v2/registries/{made['id']}", f"/v1/containerregistryauth/{made['id']}"):
        assert (await http.delete(url)).status_code == 400
    await http.delete(f"/v2/pods/{pod['id']}")
    assert (await http.delete(f"/v2/registries/{made['id']}")).status_code == 204
    assert (await http.get(f"/v2/templates/{template_id}")).json()["registry"] is None


async def test_a_pod_cannot_name_a_credential_that_is_not_there(http):
    answer = await http.post("/v2/pods", json=v2_body(registry="none"))
    assert (answer.status_code, answer.json()["detail"]) == (400, "container registry auth none not found")
    old = {"imageName": "a", "gpuTypeIds": [L4], "containerRegistryAuthId": "none"}
    assert (await http.post("/v1/pods", json=old)).status_code == 400
    pod = await create(http)
    changed = await http.patch(f"/v2/pods/{pod['id']}", json={"registry": "none"})
    assert changed.status_code == 400


async def test_delegations_of_ecr(http):
    answer = await http.post("/v2/registries/delegations", json={"resource": ARN, "name": "team"})
    made = answer.json()
    assert (answer.status_code, made["repository"], made["awsRegion"]) == (201, "team/model", "us-east-1")
    assert (await http.get("/v2/registries/delegations")).json() == {"delegations": [made]}
    assert (
        await http.post("/v2/registries/delegations", json={"resource": "arn:aws:s3:::x"})
    ).status_code == 400
    assert (await http.delete(f"/v2/registries/delegations/{made['id']}")).status_code == 204
    assert (await http.delete(f"/v2/registries/delegations/{made['id']}")).status_code == 404


async def test_faults_strike_registries_by_name(http, sim):
    sim.faults.add("registry_create", "error_before")
    assert (await http.post("/v2/registries", json=BODY)).status_code == 500
    assert (await http.get("/v2/registries")).json() == {"registries": []}
    made = await make(http)
    sim.faults.add("registry_delete", "ignored")
    assert (await http.delete(f"/v2/registries/{made['id']}")).status_code == 204
    assert (await http.get(f"/v2/registries/{made['id']}")).status_code == 200
