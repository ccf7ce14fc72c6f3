"""What a denial offers instead: never a promise that does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_helpers import A40, H100, L4, NO_DISKS, RTX_4090, case, catalog, gpu, holding, policy, request

from runpod_mcp.catalog.catalog import Catalog, DataCenter, GpuType, Stock
from runpod_mcp.errors import Failure
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.alternatives import MOST_OFFERED, with_alternatives
from runpod_mcp.policy.decide import Case, decide
from runpod_mcp.policy.decision import Allow, Deny
from runpod_mcp.policy.offer import Wanted

CPU = {"computeType": "CPU"}


def offered(situation: Case, **arguments: Any) -> list[dict[str, Any]]:
    """What is offered instead of a request that is denied; each of it is tried, and must be allowed."""
    wanted = Wanted(request(**arguments))
    found = decide(situation, wanted)
    assert isinstance(found, Deny), found
    whole = with_alternatives(situation, wanted, found)
    assert (whole.code, whole.message, whole.field) == (found.code, found.message, found.field)
    assert len(whole.alternatives) <= MOST_OFFERED
    for change in whole.alternatives:
        holds(situation, arguments, change)
    return list(whole.alternatives)


def holds(situation: Case, arguments: Mapping[str, Any], change: Mapping[str, Any]) -> None:
    applied = {**arguments, **change}
    price = applied.pop("usdPerHour")
    decision = decide(situation, Wanted(request(**applied)))
    assert isinstance(decision, Allow), (change, decision)
    assert decision.offer.quote.usd_per_hour / 1e6 == price


def test_a_gpu_type_that_is_not_allowed_is_answered_with_the_cheapest_that_is():
    rules = policy(gpus={"allow": [L4, RTX_4090]})
    assert offered(case(rules), gpuTypeIds=[H100], **NO_DISKS) == [
        {"gpuTypeIds": [L4], "usdPerHour": 0.490139}
    ]


def test_a_tight_day_is_answered_with_shorter_leases_first():
    rules = policy(budget={"usd_per_day": 1}, lease={"max_hours": 8})
    found = offered(case(rules), gpuTypeIds=[RTX_4090], leaseHours=4, **NO_DISKS)
    assert found == [
        {"leaseHours": 1.25, "usdPerHour": 0.740139},
        {"gpuTypeIds": [L4], "leaseHours": 2.0, "usdPerHour": 0.490139},
    ]


def test_too_many_gpus_for_the_money_are_answered_with_fewer_or_cheaper_ones():
    rules = policy(budget={"usd_per_hour": 1.7})
    found = offered(case(rules), gpuTypeIds=[RTX_4090], gpuCount=4, **NO_DISKS)
    assert found == [
        {"gpuCount": 2, "usdPerHour": 1.480139},
        {"gpuCount": 3, "gpuTypeIds": [L4], "usdPerHour": 1.470139},
    ]


def test_a_dear_volume_is_answered_with_a_smaller_one():
    rules = policy(budget={"usd_per_hour": 0.6})
    found = offered(case(rules), gpuTypeIds=[L4], containerDiskInGb=1, volumeInGb=2000)
    assert found == [{"volumeInGb": 20, "usdPerHour": 0.492917}]


def test_a_cpu_pod_is_answered_with_another_flavor_or_fewer_vcpus():
    rules = policy(budget={"usd_per_hour": 0.26})
    found = offered(case(rules), **CPU, cpuFlavorIds=["cpu5c"], vcpuCount=8, containerDiskInGb=1)
    assert found == [
        {"cpuFlavorIds": ["cpu3c"], "usdPerHour": 0.240139},
        {"vcpuCount": 4, "usdPerHour": 0.160139},
    ]


def test_more_vcpus_than_there_are_is_answered_with_as_many_as_there_are():
    found = offered(case(), **CPU, vcpuCount=2**29)
    assert [one["vcpuCount"] for one in found] == [32]


def test_the_remedy_of_a_rule_is_kept_only_where_its_price_fits_too():
    rules = policy(gpus={"max_per_pod": 2}, budget={"usd_per_hour": 1})
    assert offered(case(rules), gpuTypeIds=[L4], gpuCount=4, **NO_DISKS) == [
        {"gpuCount": 2, "usdPerHour": 0.980139}
    ]
    poor = policy(gpus={"max_per_pod": 2}, budget={"usd_per_hour": 0.6})
    assert offered(case(poor), gpuTypeIds=[L4], gpuCount=4, **NO_DISKS)[0]["gpuCount"] == 1


def test_what_a_person_would_have_to_allow_is_not_offered_as_passing():
    rules = policy(gpus={"allow": [L4, A40]}, approval={"above_usd_per_hour": 0.4})
    assert offered(case(rules), gpuTypeIds=[H100]) == []


def test_nothing_is_offered_where_nothing_would_pass():
    assert offered(case(policy(budget={"usd_per_hour": 0.01})), gpuTypeIds=[L4]) == []
    assert offered(case(known=catalog(gpus=())), gpuTypeIds=[L4], gpuCount=9) == []
    assert offered(case(known=catalog(cpus=())), **CPU, vcpuCount=8) == []


@pytest.mark.parametrize(
    ("tables", "arguments"),
    [
        ({"pods": {"images": ["runpod/*"]}}, {"imageName": "evil/x"}),
        ({"pods": {"templates": ["t"]}}, {"templateId": "u"}),
        ({"pods": {"max_running": 0}}, {}),
    ],
)
def test_no_change_of_what_is_rented_helps_an_image_a_template_or_too_many_pods(tables, arguments):
    assert offered(case(policy(**tables)), **arguments) == []


def test_an_id_nobody_knows_beside_a_denied_one_is_left_to_who_reports_slips():
    situation, wanted = case(policy(gpus={"allow": [L4]})), Wanted(request(gpuTypeIds=["zzz"]))
    found = decide(situation, wanted)
    assert isinstance(found, Deny)
    assert [one["gpuTypeIds"] for one in with_alternatives(situation, wanted, found).alternatives] == [[L4]]
    mixed = Wanted(request(gpuTypeIds=[L4, "zzz"]))
    with pytest.raises(Failure, match="zzz"):
        decide(situation, mixed)
    assert with_alternatives(situation, mixed, found).alternatives


def test_a_count_beyond_all_reason_is_answered_at_once():
    rules = policy(gpus={"allow": [L4], "max_per_pod": 2})
    found = offered(case(rules), gpuTypeIds=[H100], gpuCount=10**9, **NO_DISKS)
    assert found[0] == {"gpuCount": 2, "gpuTypeIds": [L4], "usdPerHour": 0.980139}


def test_a_broken_rule_beside_a_place_that_is_not_allowed_is_answered_with_what_mends_both():
    rules = policy(pods={"data_centers": ["EU-*"], "ports": ["22/tcp"]}, gpus={"deny": [H100]})
    wish = {**NO_DISKS, "dataCenterIds": ["US-KS-2"]}
    found = offered(case(rules), gpuTypeIds=[L4], ports=["80/http"], **wish)
    assert found == [{"ports": [], "dataCenterIds": ["EU-RO-1"], "usdPerHour": 0.490139}]
    found = offered(case(rules), gpuTypeIds=[H100], ports=["22/tcp"], **wish)
    assert found[0] == {"dataCenterIds": ["EU-RO-1"], "gpuTypeIds": [L4], "usdPerHour": 0.490139}
    nowhere = policy(pods={"data_centers": ["XX-*"], "ports": ["22/tcp"]})
    assert offered(case(nowhere), ports=["80/http"], dataCenterIds=["US-KS-2"]) == []


def test_where_no_single_change_helps_the_smallest_pod_grows_back_as_far_as_it_passes():
    rules = policy(budget={"usd_per_hour": 0.6, "usd_total": 0.5}, lease={"max_hours": 8})
    wish = {
        "gpuTypeIds": [RTX_4090],
        "gpuCount": 4,
        "leaseHours": 8,
        "containerDiskInGb": 200,
        "volumeInGb": 4000,
    }
    (found,) = offered(case(rules), **wish)
    assert found == {
        "gpuTypeIds": [L4],
        "leaseHours": 1,
        "containerDiskInGb": 50,
        "volumeInGb": 0,
        "gpuCount": 1,
        "usdPerHour": 0.496945,
    }
    cpus = policy(budget={"usd_per_hour": 0.1, "usd_total": 0.03})
    wish = {**CPU, "vcpuCount": 32, "containerDiskInGb": 200}
    fewer = {"vcpuCount": 2, "usdPerHour": 0.087778}
    assert offered(case(cpus), **wish, leaseHours=0.7) == [{"leaseHours": 0.25, **fewer}]
    assert offered(case(cpus), **wish, leaseHours=0.01) == [fewer]


def test_the_other_cloud_is_offered_where_nothing_in_the_one_asked_for_would_pass():
    rules = policy(budget={"usd_per_hour_per_pod": 0.4})
    assert offered(case(rules), gpuTypeIds=[RTX_4090], **NO_DISKS) == [
        {"cloudType": "COMMUNITY", "usdPerHour": 0.340139}
    ]
    secure = policy(budget={"usd_per_hour_per_pod": 0.4}, pods={"cloud_types": ["SECURE"]})
    assert offered(case(secure), gpuTypeIds=[RTX_4090], **NO_DISKS) == []
    assert offered(case(), **CPU, cloudType="COMMUNITY", gpuCount=9) == [
        {"cloudType": "SECURE", "usdPerHour": 0.086945}
    ]


budgets = st.fixed_dictionaries(
    {},
    optional={
        "usd_per_hour_per_pod": st.floats(0, 8),
        "usd_per_hour": st.floats(0, 8),
        "usd_per_day": st.floats(0, 30),
        "usd_total": st.floats(0, 30),
    },
)
types = st.lists(st.sampled_from([L4, RTX_4090, A40, H100]), unique=True, max_size=3)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "gpuTypeIds": types,
        "gpuCount": st.integers(1, 12),
        "computeType": st.sampled_from(["GPU", "CPU"]),
        "cpuFlavorIds": st.lists(st.sampled_from(["cpu3c", "cpu5c"]), unique=True),
        "vcpuCount": st.sampled_from([2, 8, 32, 128]),
        "cloudType": st.sampled_from(["SECURE", "COMMUNITY"]),
        "containerDiskInGb": st.integers(1, 200),
        "volumeInGb": st.integers(0, 5000),
        "leaseHours": st.floats(0.001, 40),
        "maxUsdPerHour": st.floats(0.01, 8),
        "dataCenterIds": st.lists(st.sampled_from(["EU-RO-1", "US-KS-2"]), unique=True),
        "dataCenterPriority": st.sampled_from(["availability", "custom"]),
        "ports": st.lists(st.sampled_from(["22/tcp", "80/http"]), unique=True),
    },
)


@settings(max_examples=300, deadline=None)
@given(
    budgets,
    wishes,
    types,
    st.integers(0, 4),
    st.integers(0, 300),
    st.lists(st.floats(0, 2), max_size=2),
    st.floats(0.5, 30),
    st.sampled_from([[], ["22/tcp"], ["*"]]),
    st.floats(0, 10),
)
def test_every_alternative_offered_gives_allow_when_it_is_applied(
    budget, wish, allow, most, disk, held, hours, ports, ask_above
):
    rules = policy(
        budget=budget,
        gpus={"allow": allow, "max_per_pod": most, "max_running": 6},
        cpus={"max_vcpus_per_pod": 2**most},
        pods={
            "cloud_types": ["SECURE"],
            "max_container_disk_gb": disk,
            "max_volume_gb": disk,
            "countries": ["RO"],
            "ports": ports,
        },
        lease={"default_hours": 0.5, "max_hours": hours},
        approval={"above_usd_per_hour": ask_above},
    )
    situation = case(rules, *(holding(rate) for rate in held))
    wanted = Wanted(request(**wish))
    found = decide(situation, wanted)
    if isinstance(found, Deny):
        offers = with_alternatives(situation, wanted, found).alternatives
        for change in offers:
            holds(situation, wish, change)
        if not offers:
            assert not any(isinstance(decide(situation, Wanted(one)), Allow) for one in smallest(wish))


def smallest(wish: dict[str, Any]) -> Iterator[CreateRequest]:
    """The least that could be asked for instead, of each type and in each cloud."""
    kept = {name: value for name, value in wish.items() if name in ("computeType", "maxUsdPerHour")}
    least = {"leaseHours": min(0.05, wish.get("leaseHours", 0.05)), "ports": [], **NO_DISKS, "vcpuCount": 2}
    for cloud in ("SECURE", "COMMUNITY"):
        for one in (L4, RTX_4090, A40, H100):
            yield request(**kept, **least, cloudType=cloud, gpuTypeIds=[one])


def test_one_card_with_a_large_pod_does_not_make_the_search_long():
    known = catalog(gpus=(gpu(L4, 0.49, most=10), gpu(H100, 3.49, most=10**9)))
    rules = policy(gpus={"max_per_pod": 4}, budget={"usd_per_hour": 0.1})
    assert offered(case(rules, known=known), gpuTypeIds=[H100], gpuCount=10**9) == []


# where, how long, and what is in stock


def stocked(known: Catalog, **stock: dict[str, Stock]) -> Catalog:
    """The catalog with the stock of GPU types by data center; a type that is not named is sold out."""
    gpus = {
        one: replace(
            card,
            stock=max(stock.get(one.split()[-1], {}).values(), default=Stock.NONE),
            stock_by_data_center=stock.get(one.split()[-1], {}),
        )
        for one, card in known.gpus.items()
    }
    return replace(known, gpus=gpus)


def test_places_are_answered_with_those_that_are_allowed_and_have_stock():
    centers = {"EU-RO-1": Stock.NONE, "EU-CZ-1": Stock.LOW, "EU-SE-1": Stock.HIGH, "US-KS-2": Stock.HIGH}
    known = replace(catalog(), data_centers={one: DataCenter(one, one, country=one[3:5]) for one in centers})
    situation = case(policy(pods={"data_centers": ["EU-*"]}), known=stocked(known, L4=centers))
    assert offered(situation, gpuTypeIds=[L4], dataCenterIds=["US-KS-2"], **NO_DISKS) == [
        {"dataCenterIds": ["EU-SE-1", "EU-CZ-1"], "usdPerHour": 0.490139}
    ]
    assert offered(situation, gpuTypeIds=[L4], countryCodes=["KS"], **NO_DISKS) == [
        {"countryCodes": ["CZ", "SE"], "usdPerHour": 0.490139}
    ]
    both = offered(situation, gpuTypeIds=[L4], countryCodes=["SE"], dataCenterIds=["US-KS-2"], **NO_DISKS)
    assert both[0] == {
        "dataCenterIds": ["EU-SE-1", "EU-CZ-1"],
        "countryCodes": ["CZ", "SE"],
        "usdPerHour": 0.490139,
    }
    slip = offered(situation, gpuTypeIds=["zzz"], dataCenterIds=["US-KS-2"])
    assert [one["gpuTypeIds"] for one in slip] == [[L4]]


def test_a_network_volume_cannot_be_moved_to_another_place():
    situation, wish = case(policy(pods={"countries": ["RO"]})), request(networkVolumeId="v")
    found = decide(situation, Wanted(wish, "US-KS-2"))
    assert isinstance(found, Deny)
    assert with_alternatives(situation, Wanted(wish, "US-KS-2"), found).alternatives == []


def test_a_network_volume_is_not_taken_to_community_cloud_where_it_cannot_be():
    situation = case(known=catalog(gpus=(community_only(),)))
    found = decide(situation, Wanted(request(networkVolumeId="v"), "US-KS-2"))
    assert isinstance(found, Deny)
    assert found.code == "price_unknown"
    assert (
        with_alternatives(situation, Wanted(request(networkVolumeId="v"), "US-KS-2"), found).alternatives
        == []
    )
    assert offered(situation)[0]["cloudType"] == "COMMUNITY"


def community_only() -> GpuType:
    return replace(gpu(L4, 0.49, 0.3), clouds={"COMMUNITY": gpu(L4, 0.49, 0.3).clouds["COMMUNITY"]})


def test_a_private_network_that_no_allowed_place_has_is_answered_without_one():
    situation = case(policy(pods={"countries": ["RO"]}))
    assert offered(situation, gpuTypeIds=[L4], globalNetworking=True, **NO_DISKS) == [
        {"globalNetworking": False, "usdPerHour": 0.490139}
    ]
    assert offered(case(policy(pods={"countries": ["XX"]})), globalNetworking=True) == []


def test_what_is_sold_out_is_not_offered_unless_nobody_looked():
    known = stocked(catalog(), L4={"EU-RO-1": Stock.HIGH})
    rules = policy(gpus={"deny": [H100]}, pods={"cloud_types": ["SECURE"]})
    assert [one["gpuTypeIds"] for one in offered(case(rules, known=known), gpuTypeIds=[H100])] == [[L4]]
    sold_out = stocked(catalog(), L4={})
    assert offered(case(rules, known=sold_out), gpuTypeIds=[H100]) == []
    two = offered(case(policy(gpus={"max_per_pod": 2}), known=sold_out), gpuTypeIds=[L4], gpuCount=8)
    assert [one["gpuCount"] for one in two] == [2], "stock was read for one GPU, not for two"
    looked = replace(sold_out, gpu_count=2)
    rules = policy(gpus={"max_per_pod": 2}, pods={"cloud_types": ["SECURE"]})
    situation = case(rules, known=sold_out, readings=(looked,))
    assert [one.get("gpuTypeIds") for one in offered(situation, gpuTypeIds=[L4], gpuCount=8)] == []


def test_a_refused_type_is_answered_with_the_nearest_by_memory_and_then_the_cheapest():
    sizes = {L4: 24, RTX_4090: 24, A40: 48, H100: 80}
    known = catalog(gpus=tuple(replace(card, memory_gb=sizes[card.id]) for card in catalog().gpus.values()))
    found = offered(case(policy(gpus={"deny": [H100]}), known=known), gpuTypeIds=[H100], **NO_DISKS)
    assert [one["gpuTypeIds"] for one in found] == [[A40], [L4]]


def test_what_the_api_has_no_words_for_is_not_offered():
    rules = policy(pods={"max_volume_gb": 5})
    situation = case(rules, can_be_asked=lambda wish: wish.volume_in_gb in (0, 20))
    assert [one["volumeInGb"] for one in offered(situation, gpuTypeIds=[L4])] == [0]


def test_an_image_is_answered_with_its_allowed_name_and_those_that_are_allowed_whole():
    rules = policy(pods={"images": ["pytorch/*", "team/a:1", "team/b:2", "bad name"]})
    found = offered(case(rules), imageName="docker.io/pytorch/pytorch:2", gpuTypeIds=[L4])
    assert [one["imageName"] for one in found] == ["pytorch/pytorch:2", "team/a:1", "team/b:2"]
    assert [one["imageName"] for one in offered(case(rules), imageName="x", gpuTypeIds=[L4])] == [
        "team/a:1",
        "team/b:2",
    ]


def test_the_own_ceiling_may_be_raised_where_nothing_cheaper_is_left():
    rules = policy(gpus={"allow": [RTX_4090]})
    found = offered(case(rules), gpuTypeIds=[RTX_4090], maxUsdPerHour=0.5, **NO_DISKS)
    assert found == [{"maxUsdPerHour": 0.740139, "usdPerHour": 0.740139}]


def test_a_lease_below_an_hour_is_shortened_by_minutes():
    rules = policy(budget={"usd_total": 0.3})
    found = offered(case(rules), gpuTypeIds=[L4], leaseHours=0.7, **NO_DISKS)
    assert found[0]["leaseHours"] == 0.6
