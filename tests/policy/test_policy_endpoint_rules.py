"""The rules for serverless endpoints, without an endpoint."""

from __future__ import annotations

from typing import Any

from policy_helpers import A40, H100, L4, RTX_4090, policy, usd

from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.endpoint_rules import Fleet, allowed_places, judge_places, judge_workers

PRICES = {L4: usd(0.69), RTX_4090: usd(1.12), "cpu3c": usd(0.03)}


def judged(fleet: Fleet, settings: dict[str, Any] | None = None, **rules: Any) -> Deny | None:
    whole = {
        "image_name": "a/b:1",
        "volume_in_gb": 0,
        "ports": [],
        "container_disk_in_gb": 20,
        **(settings or {}),
    }
    return judge_workers(policy(**rules), CreateRequest.model_construct(**whole), fleet)


def denied(fleet: Fleet, settings: dict[str, Any] | None = None, **rules: Any) -> Deny:
    found = judged(fleet, settings, **rules)
    assert found is not None
    return found


def test_a_fleet_costs_what_all_its_workers_cost_on_the_dearest_card():
    fleet = Fleet(workers_max=3, gpu_type_ids=(L4, RTX_4090), gpu_count=2)
    assert fleet.usd_per_worker(PRICES) == usd(2.24)
    assert fleet.usd_per_hour(PRICES) == usd(6.72)
    assert (fleet.gpus, fleet.gpus_per_worker) == (6, 2)


def test_a_fleet_of_cpu_workers_has_no_gpus_and_is_priced_by_vcpus():
    fleet = Fleet(workers_max=5, cpus=(("cpu3c", 4),))
    assert fleet.usd_per_hour(PRICES) == usd(0.6)
    assert fleet.gpus == 0


def test_a_single_price_that_is_not_known_is_no_price():
    assert Fleet(workers_max=1, gpu_type_ids=(L4, A40)).usd_per_hour(PRICES) is None
    assert Fleet(workers_max=1).usd_per_hour(PRICES) is None


def test_a_fleet_without_workers_costs_nothing():
    assert Fleet(workers_max=0, gpu_type_ids=(L4,)).usd_per_hour(PRICES) == 0


def test_every_card_must_be_allowed_and_those_that_are_would_pass():
    fleet = Fleet(workers_max=1, gpu_type_ids=(L4, H100, A40))
    found = denied(fleet, gpus={"allow": [L4, A40]})
    assert (found.code, found.field) == ("gpu_not_allowed", "gpuTypeIds")
    assert list(found.alternatives) == [{"gpuTypeIds": [L4, A40]}]
    assert list(denied(Fleet(workers_max=1, gpu_type_ids=(H100,)), gpus={"deny": [H100]}).alternatives) == []


def test_every_flavor_must_be_allowed():
    fleet = Fleet(workers_max=1, cpus=(("cpu3c", 2), ("cpu5c", 2)))
    found = denied(fleet, cpus={"allow": ["cpu5c"]})
    assert (found.field, list(found.alternatives)) == ("cpuFlavorIds", [{"cpuFlavorIds": ["cpu5c"]}])


def test_what_endpoints_do_not_have_is_no_alternative():
    fleet = Fleet(workers_max=1, gpu_type_ids=(L4,))
    found = denied(fleet, pods={"cloud_types": ["COMMUNITY"]})
    assert (found.code, list(found.alternatives)) == ("cloud_not_allowed", [])


def test_the_settings_of_a_worker_are_judged_like_those_of_a_pod():
    fleet = Fleet(workers_max=1, gpu_type_ids=(L4,), gpu_count=2)
    assert denied(fleet, gpus={"max_per_pod": 1}).code == "too_many_gpus"
    assert denied(fleet, pods={"images": ["runpod/*"]}).code == "image_not_allowed"
    assert denied(fleet, {"lease_hours": 30}).code == "lease_too_long"
    assert list(denied(fleet, {"ports": ["22/tcp"]}, pods={"ports": []}).alternatives) == [{"ports": []}]
    assert judged(fleet) is None


def test_no_place_named_is_any_place_and_refused_where_places_are_limited():
    assert judge_places(policy(), []) is None
    found = judge_places(policy(pods={"countries": ["RO"]}), [])
    assert found is not None
    assert (found.code, list(found.alternatives)) == ("data_center_not_allowed", [])


def test_every_place_must_be_allowed():
    rules = policy(pods={"countries": ["RO"]})
    assert judge_places(rules, ["EU-RO-1"]) is None
    found = judge_places(rules, ["EU-RO-1", "US-KS-2", "MOON-1"])
    assert found is not None
    assert (found.requested, list(found.alternatives)) == (
        "US-KS-2, MOON-1",
        [{"dataCenterIds": ["EU-RO-1"]}],
    )


def test_the_allowed_places_are_named_only_where_they_are_limited():
    places = ["EU-RO-1", "US-KS-2"]
    assert allowed_places(policy(), places) == ()
    assert allowed_places(policy(pods={"data_centers": ["EU-*"]}), places) == ("EU-RO-1",)
