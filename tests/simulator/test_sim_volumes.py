from __future__ import annotations

from fractions import Fraction

import httpx2
import pytest
from sim_helpers import books, create

BODY = {"name": "data", "size": 100, "dataCenter": "EU-RO-1"}
V1_BODY = {"name": "data", "size": 100, "dataCenterId": "EU-RO-1"}
HUNDRED = 100 * Fraction("0.07") / 720


async def make(http, **changes):
    answer = await http.post("/v2/network-volumes", json={**BODY, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_volume_lives_through_both_apis(http):
    volume = await make(http)
    url = f"/v2/network-volumes/{volume['id']}"
    assert (await http.get("/v2/network-volumes")).json() == {"networkVolumes": [volume]}
    grown = await http.patch(url, json={"name": "more", "size": 100})
    assert (grown.status_code, grown.json()) == (200, {**volume, "name": "more"})
    seen = {"id": volume["id"], "name": "more", "size": 100, "dataCenterId": "EU-RO-1"}
    assert (await http.get("/v1/networkvolumes")).json() == [seen]
    assert (await http.patch(f"/v1/networkvolumes/{volume['id']}", json={"size": 150})).json()["size"] == 150
    again = await http.post(f"/v1/networkvolumes/{volume['id']}/update", json={"name": "last"})
    assert (again.status_code, again.json()["name"]) == (200, "last")
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(url)).status_code == 404
    assert (await http.get(f"/v1/networkvolumes/{volume['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({**BODY, "size": 9}, "$.size: minimum: got 9, want 10"),
        ({**BODY, "size": 4097}, "$.size: maximum: got 4097, want 4096"),
        ({**BODY, "name": ""}, "$.name: minLength: got 0, want 1"),
        ({**BODY, "type": "FAST"}, "$.type: value must be one of 'STANDARD', 'HIGH_PERFORMANCE'"),
        ({**BODY, "dataCenterId": "EU-RO-1"}, "$: additional properties 'dataCenterId' not allowed"),
    ],
)
async def test_a_v2_body_outside_the_contract_is_422(http, body, error):
    answer = await http.post("/v2/network-volumes", json=body)
    assert (answer.status_code, answer.json()["errors"]) == (422, [error])


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"size": 50}, 400), ({"type": "STANDARD"}, 422), ({"size": 5000}, 422)],
)
async def test_a_v2_volume_only_grows_and_never_changes_its_tier(http, body, status):
    volume = await make(http)
    assert (await http.patch(f"/v2/network-volumes/{volume['id']}", json=body)).status_code == status
    assert (await http.get(f"/v2/network-volumes/{volume['id']}")).json() == volume


@pytest.mark.parametrize(
    "body", [{"size": 100}, {"size": 50}, {"size": 4001}, {"size": "150"}, {"name": "x" * 192}]
)
async def test_a_v1_update_must_be_greater_and_of_the_right_kind(http, body):
    made = (await http.post("/v1/networkvolumes", json=V1_BODY)).json()
    answer = await http.patch(f"/v1/networkvolumes/{made['id']}", json=body)
    assert (answer.status_code, set(answer.json())) == (400, {"error", "status"})


@pytest.mark.parametrize("field", ["name", "size", "dataCenterId"])
async def test_v1_needs_what_its_document_requires(http, field):
    body = {name: value for name, value in V1_BODY.items() if name != field}
    answer = await http.post("/v1/networkvolumes", json=body)
    assert (answer.status_code, field in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("body", [{**V1_BODY, "size": 0}, ["size"], "data"])
async def test_v1_makes_no_volume_of_nothing(http, body):
    assert (await http.post("/v1/networkvolumes", json=body)).status_code == 400
    assert (await http.get("/v1/networkvolumes")).json() == []


async def test_a_tier_that_a_data_center_has_not_is_refused(http):
    fast = await make(http, type="HIGH_PERFORMANCE")
    assert fast["type"] == "HIGH_PERFORMANCE"
    for center in ("EU-SE-1", "NOWHERE-1"):
        body = {**BODY, "dataCenter": center, "type": "HIGH_PERFORMANCE"}
        assert (await http.post("/v2/network-volumes", json=body)).status_code == 400


async def test_a_volume_in_use_by_a_pod_cannot_be_deleted(http):
    volume = await make(http)
    pod = await create(http, mounts={"network": [{"volumeId": volume["id"], "path": "/workspace"}]})
    for url in (f"/v2/network-volumes/{volume['id']}", f"/v1/networkvolumes/{volume['id']}"):
        assert (await http.delete(url)).status_code == 400
    await http.delete(f"/v2/pods/{pod['id']}")
    assert (await http.delete(f"/v2/network-volumes/{volume['id']}")).status_code == 204


@pytest.mark.parametrize(
    ("size", "tier", "month"),
    [
        (1000, "STANDARD", Fraction(70)),
        (3000, "STANDARD", Fraction(170)),
        (1000, "HIGH_PERFORMANCE", Fraction(140)),
    ],
)
async def test_a_volume_is_billed_by_size_and_tier_until_it_is_deleted(http, sim, clock, size, tier, month):
    volume = await make(http, size=size, type=tier)
    clock.step(hours=720)
    await http.delete(f"/v2/network-volumes/{volume['id']}")
    clock.step(hours=720)
    figures = sim.books.figures(sim.now())
    assert (figures.charged, figures.burn, figures.peak) == (month, 0, month / 720)


async def test_the_books_hold_volumes_apart_from_pods_and_in_every_sum(http, sim, clock):
    volume = await make(http)
    clock.step(hours=1)
    await http.patch(f"/v2/network-volumes/{volume['id']}", json={"size": 200})
    clock.step(hours=1)
    said = await books(http)
    assert said["volumes"] == [
        {
            "id": volume["id"],
            "name": "data",
            "size_gb": 200,
            "usd_per_hour": float(2 * HUNDRED),
            "charged_usd": float(3 * HUNDRED),
        }
    ]
    assert said["burn_usd_per_hour"] == said["peak_usd_per_hour"] == float(2 * HUNDRED)
    assert said["charged_usd"] == float(3 * HUNDRED)
    assert (said["live"], said["pods"], said["created"], said["create_calls"]) == ([], {}, 0, 0)
    assert {row.kind for row in sim.books.rows} == {"network_volume"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("error_before", 500),
        ("rate_limited", 429),
        ("invalid", 422),
        ("not_found", 404),
        ("forbidden", 403),
        ("unavailable", 503),
    ],
)
async def test_a_fault_instead_of_the_work_makes_no_volume(http, sim, kind, status):
    sim.faults.add("volume_create", kind)
    answer = await http.post("/v2/network-volumes", json=BODY)
    assert (answer.status_code, "pod" in answer.json()["detail"]) == (status, False)
    assert (await books(http))["volumes"] == []
    await make(http)


@pytest.mark.parametrize("kind", ["error_after", "drop_after", "hang_after", "garbage", "truncated"])
async def test_a_fault_after_the_work_leaves_a_volume_behind(http, sim, kind):
    sim.faults.add("volume_create", kind)
    with pytest.raises((httpx2.HTTPError, ValueError)):
        (await http.post("/v2/network-volumes", json=BODY)).raise_for_status().json()
    assert [each["name"] for each in (await books(http))["volumes"]] == ["data"]


async def test_faults_on_volumes_can_be_meant_for_one_of_them_or_for_all(http, sim):
    first, second = await make(http), await make(http)
    sim.faults.add("volume_get", "unavailable", match={"id": second["id"]})
    urls = [f"/v2/network-volumes/{each['id']}" for each in (first, second)]
    assert [(await http.get(url)).status_code for url in urls] == [200, 503]
    sim.faults.add("volumes", "unavailable", times=2)
    assert (await http.get("/v2/network-volumes")).status_code == 503
    assert (await http.delete(urls[0])).status_code == 503
    assert (await http.get("/v2/templates")).status_code == 200


async def test_a_delete_or_a_change_may_be_answered_and_not_done(http, sim):
    volume = await make(http)
    sim.faults.add("volume_delete", "ignored")
    sim.faults.add("volume_update", "ignored")
    url = f"/v2/network-volumes/{volume['id']}"
    assert (await http.delete(url)).status_code == 204
    assert (await http.patch(url, json={"size": 500})).status_code == 200
    assert (await http.get(url)).json() == volume


async def test_a_volume_may_be_billed_dearer_than_its_price(http, sim):
    sim.faults.add("volume_create", "dearer", factor=3)
    await make(http)
    assert sim.books.figures(sim.now()).burn == 3 * HUNDRED


async def test_a_list_of_volumes_may_lag_while_that_of_pods_does_not(http, sim, clock):
    sim.faults.add("volume_list", "list_lag", seconds=30, linger_seconds=20, times=None)
    volume = await make(http)
    pod = await create(http)

    async def shown() -> list[str]:
        return [each["id"] for each in (await http.get("/v2/network-volumes")).json()["networkVolumes"]]

    assert await shown() == []
    assert [each["id"] for each in (await http.get("/v2/pods")).json()["pods"]] == [pod["id"]]
    clock.step(seconds=30)
    assert await shown() == [volume["id"]]
    await http.delete(f"/v2/network-volumes/{volume['id']}")
    assert await shown() == [volume["id"]]
    clock.step(seconds=20)
    assert await shown() == []
