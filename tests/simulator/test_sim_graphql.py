from __future__ import annotations

import json

import pytest
from sim_helpers import L4, create


async def ask(http, query, variables=None, **more):
    return await http.post("/graphql", json={"query": query, "variables": variables}, **more)


NO_KEY = {"headers": {"authorization": ""}}


async def test_the_catalogue_needs_no_key_and_ends_in_unknown(http):
    answer = await ask(http, "{ gpuTypes { id securePrice secureCloud } myself { id } }", **NO_KEY)
    data = answer.json()["data"]
    assert data["myself"] is None
    assert data["gpuTypes"][-1] == {"id": "unknown", "securePrice": 0, "secureCloud": False}
    assert {"id": L4, "securePrice": 0.49, "secureCloud": True} in data["gpuTypes"]


async def test_the_lowest_price_is_the_cheaper_cloud(http):
    query = """
      query Prices($id: String = "none", $count: Int!) {  # a comment
        gpuTypes(input: {id: $id}) {
          kind: __typename
          lowestPrice(input: {gpuCount: $count}) { uninterruptablePrice stockStatus }
          secure: lowestPrice(input: {gpuCount: 1, secureCloud: true, dataCenterId: "AP-JP-1"}) { stockStatus }
        }
      }"""
    found = (await ask(http, query, {"id": L4, "count": 1})).json()["data"]["gpuTypes"]
    assert found == [
        {
            "kind": "gpuTypes",
            "lowestPrice": {"uninterruptablePrice": 0.44, "stockStatus": "High"},
            "secure": {"stockStatus": None},
        }
    ]


async def test_data_centers_and_cpu_flavors_are_in_the_catalogue(http):
    query = "{ dataCenters { id listed gpuAvailability { gpuTypeId stockStatus } } cpuFlavors { id specifics { securePrice } } }"
    data = (await ask(http, query)).json()["data"]
    assert sum(center["listed"] for center in data["dataCenters"]) == 32
    assert {"gpuTypeId": L4, "stockStatus": "High"} in data["dataCenters"][0]["gpuAvailability"]
    assert data["cpuFlavors"][0] == {"id": "cpu3c", "specifics": {"securePrice": 0.03}}


async def test_the_account_shows_balance_and_spend(http, clock):
    pod = await create(http, disk=1)
    clock.step(hours=2)
    query = "{ myself { clientBalance currentSpendPerHr spendLimit pods { id env runtime { uptimeInSeconds } machine { podHostId } } } }"
    me = (await ask(http, query)).json()["data"]["myself"]
    assert me["clientBalance"] == pytest.approx(1000 - 2 * (0.49 + 0.1 / 720))
    assert me["currentSpendPerHr"] == pytest.approx(0.49 + 0.1 / 720)
    assert me["pods"][0]["id"] == pod["id"]
    assert me["pods"][0]["machine"]["podHostId"].startswith(pod["id"])


@pytest.mark.parametrize(
    "query",
    [
        "{ nothing { id } }",
        "{ gpuTypes { nothing } }",
        "{ gpuTypes }",
        "{ gpuTypes {",
        "{ ? }",
        "{ gpuTypes(input: {a: [1, true], b: 1.5}) { id } } extra",
        "subscription { a }",
        "{ gpuTypes(input: {a: }) { id } }",
        "fragment F on X { a }",
        3,
    ],
)
async def test_a_query_that_does_not_fit_is_http_400(http, query):
    answer = await ask(http, query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"].startswith("GRAPHQL_")


async def test_the_door_of_graphql(http, sim):
    me = "{ myself { id } }"
    assert (await ask(http, me, headers={"authorization": "Bearer sim_wrong"})).status_code == 401
    forbidden = await ask(http, me, headers={"authorization": "Bearer sim_forbidden"})
    assert (forbidden.status_code, forbidden.json()["errors"][0]["message"]) == (200, "Forbidden")
    assert (await ask(http, me, headers={"user-agent": "python-urllib/3"})).text == "error code: 1010"
    by_query = await http.post("/graphql?api_key=k", json={"query": me}, **NO_KEY)
    assert by_query.json()["data"]["myself"]["id"] == "user_simulated"
    assert "api_key" not in sim.requests.seen[-1].query
    sim.settings.change({"graphql_retired": True})
    assert (await ask(http, me)).status_code == 410


async def test_pods_can_be_made_and_ended_by_mutation(http, sim):
    make = (
        "mutation M($input: X) { podFindAndDeployOnDemand(input: $input) { id costPerHr desiredStatus env } }"
    )
    wanted = {
        "gpuTypeId": L4,
        "imageName": "ubuntu:24.04",
        "containerDiskInGb": 10,
        "env": [{"key": "A", "value": "1"}],
        "terminateAfter": "2026-11-23T12:10:00Z",
    }
    pod = (await ask(http, make, {"input": wanted})).json()["data"]["podFindAndDeployOnDemand"]
    assert (pod["costPerHr"], pod["env"]) == (0.49, ["A=1"])
    sim.step(hours=1)
    verb = 'mutation { %s(input: {podId: "%s"}) { desiredStatus } }'
    stopped = (await ask(http, verb % ("podStop", pod["id"]))).json()
    assert stopped["data"] == {"podStop": {"desiredStatus": "EXITED"}}
    end = f"mutation {{ podTerminate(input: {{podId: {json.dumps(pod['id'])}}}) }}"
    assert (await ask(http, end)).json() == {"data": {"podTerminate": None}}
    again = (await ask(http, end)).json()
    assert again["errors"][0]["message"] == "pod not found to terminate"
    assert (await ask(http, make, {"input": {**wanted, "objectMounts": None}})).status_code == 400
    assert (await ask(http, make, {"input": {**wanted, "env": 3}})).status_code == 400
    dear = (await ask(http, make, {"input": {**wanted, "deployCost": 0.4}})).json()
    assert dear["errors"][0]["message"].startswith("There are no longer any instances")
    assert (await ask(http, make, {"input": wanted}, **NO_KEY)).status_code == 401
    one = (
        await ask(http, "query Q($id: String) { pod(input: {podId: $id}) { id } }", {"id": pod["id"]})
    ).json()
    assert one["data"]["pod"] is None
    assert sim.books.snapshot()["create_calls"] == 5
