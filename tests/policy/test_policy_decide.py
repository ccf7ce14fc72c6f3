"""The judgement of one request: rules, candidates, prices and budgets together."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_helpers import (
    A40,
    DISK,
    GPUS,
    H100,
    L4,
    NO_DISKS,
    NOW,
    RTX_4090,
    allowed,
    asked,
    case,
    catalog,
    denied,
    gpu,
    holding,
    judged,
    policy,
    request,
    usd,
)

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.policy.decide import MOST_CANDIDATES, terms_of
from runpod_mcp.policy.decision import Allow, Deny
from runpod_mcp.policy.document import LeaseTerms
from runpod_mcp.policy.offer import Offer, Wanted

CPU = {"computeType": "CPU"}


def types(decision: Allow) -> list[str]:
    return [candidate.type_id for candidate in decision.offer.candidates]


def left_out(offer: Offer) -> dict[str, str]:
    return {one.type_id: one.code.value for one in offer.placement.left_out}


def test_without_limits_what_is_sold_may_be_rented_at_the_price_of_the_dearest():
    found = allowed(case(), gpuTypeIds=[L4, H100], **NO_DISKS)
    assert types(found) == [L4, H100]
    assert found.offer.quote.usd_per_hour == usd(3.49) + DISK
    assert found.offer.quote_for(found.offer.candidates[0]).usd_per_hour == usd(0.49) + DISK


def test_a_rule_is_judged_before_any_price():
    rules = policy(pods={"images": ["runpod/*"]}, budget={"usd_per_hour": 0})
    assert denied(case(rules)).code == "image_not_allowed"


def test_dear_candidates_drop_out_with_their_reason_while_one_is_left():
    rules = policy(budget={"usd_per_hour_per_pod": 0.6})
    found = allowed(case(rules), gpuTypeIds=[H100, RTX_4090, L4, A40], **NO_DISKS)
    assert types(found) == [L4, A40]
    assert left_out(found.offer) == dict.fromkeys((H100, RTX_4090), "over_pod_hourly_budget")
    assert found.offer.quote.usd_per_hour == usd(0.53) + DISK


def test_where_no_candidate_has_room_the_cheapest_says_why():
    found = denied(case(policy(budget={"usd_per_hour": 0.49})), gpuTypeIds=[H100, L4], **NO_DISKS)
    assert (found.code, found.requested) == (Code.OVER_HOURLY_BUDGET, 0.490139)


def test_a_quote_exactly_at_the_budget_passes_and_a_micro_dollar_less_room_does_not():
    rules = policy(budget={"usd_per_hour": 1})
    wish = {"gpuTypeIds": [L4], **NO_DISKS}
    room = (1_000_000 - 490_000 - DISK) / 1_000_000
    allowed(case(rules, holding(room)), **wish)
    assert denied(case(rules, holding(room + 0.000001)), **wish).code == "over_hourly_budget"


def test_pods_made_elsewhere_count_when_they_are_given():
    rules = policy(budget={"usd_per_hour": 1})
    allowed(case(rules), gpuTypeIds=[L4], **NO_DISKS)
    crowded = case(rules, unmanaged=(holding(0.9),))
    assert crowded.everything.usd_per_hour == usd(0.9)
    assert denied(crowded, gpuTypeIds=[L4], **NO_DISKS).code == "over_hourly_budget"


@pytest.mark.parametrize(("ceiling", "left"), [(0.53 + DISK / 1e6, [L4, A40]), (0.53, [L4]), (1e308, None)])
def test_the_agents_own_ceiling_drops_what_is_dearer(ceiling, left):
    found = allowed(case(), gpuTypeIds=[L4, A40], maxUsdPerHour=ceiling, **NO_DISKS)
    assert types(found) == (left or [L4, A40])


def test_an_own_ceiling_below_everything_is_a_denial_that_names_it():
    found = denied(case(), gpuTypeIds=[L4, A40], maxUsdPerHour=0.4, **NO_DISKS)
    assert (found.code, found.field) == (Code.PRICE_ABOVE_MAXIMUM, "maxUsdPerHour")
    assert (found.limit, found.requested) == (0.4, 0.490139)
    assert denied(case(), gpuTypeIds=[L4], maxUsdPerHour=1e-300).limit == 0


def test_an_own_ceiling_and_a_persons_count_a_volume_that_costs_more_stopped():
    """7200 GB: $1 an hour running, $2 stopped, which the agent may make it at any time."""
    wish = {"gpuTypeIds": [L4], "containerDiskInGb": 1, "volumeInGb": 7200}
    found = allowed(case(), **wish)
    assert found.offer.quote.usd_per_hour == usd(1.49) + DISK
    assert denied(case(), maxUsdPerHour=1.6, **wish).requested == 2
    assert asked(case(policy(approval={"above_usd_per_hour": 1.6})), **wish)
    assert denied(case(policy(budget={"usd_per_hour_per_pod": 1.6})), **wish).requested == 2
    lease = found.offer.quote.usd_per_lease
    assert lease >= found.offer.plan(NOW).usd
    assert asked(case(policy(approval={"above_usd_per_lease": (lease - 1) / 1e6})), **wish)


def test_a_person_is_asked_when_the_dearest_candidate_is_above_their_limit():
    rules = policy(approval={"above_usd_per_hour": 0.5})
    assert "more than $0.50" in asked(case(rules), gpuTypeIds=[L4, A40], **NO_DISKS).reason
    assert types(allowed(case(rules), gpuTypeIds=[L4], **NO_DISKS)) == [L4]


def test_a_request_that_is_denied_is_never_put_to_a_person():
    rules = policy(approval={"tools": ["create_pod"]}, budget={"usd_per_hour": 0.1})
    assert isinstance(judged(case(rules), gpuTypeIds=[L4]), Deny)


def test_at_most_so_many_choices_are_tried_and_the_rest_is_left_out():
    many = tuple(gpu(f"Card {number:02}", round(0.5 + number / 100, 2)) for number in range(12))
    found = allowed(case(known=catalog(gpus=many)), **NO_DISKS)
    assert len(found.offer.candidates) == MOST_CANDIDATES
    assert found.offer.quote.usd_per_hour == usd(0.57) + DISK
    assert set(left_out(found.offer).values()) == {"no_capacity"}
    assert len(left_out(found.offer)) == 12 - MOST_CANDIDATES


def test_one_type_in_many_places_is_one_choice():
    centers = [
        "EU-RO-1",
        "US-KS-2",
        "EU-CZ-1",
        "EU-SE-1",
        "US-IL-1",
        "US-TX-3",
        "US-GA-1",
        "US-GA-2",
        "OC-AU-1",
    ]
    found = allowed(case(), gpuTypeIds=[L4], dataCenterIds=centers, dataCenterPriority="custom")
    assert types(found) == [L4] * 9
    together = allowed(
        case(one_place_each=False), gpuTypeIds=[L4], dataCenterIds=centers, dataCenterPriority="custom"
    )
    assert types(together) == [L4]


@pytest.mark.parametrize(
    ("tables", "arguments", "code", "field"),
    [
        ({"gpus": {"allow": []}}, {}, "gpu_not_allowed", None),
        ({"gpus": {"allow": ["Tesla T4"]}}, {}, "gpu_not_allowed", None),
        ({"cpus": {"allow": []}}, CPU, "cpu_not_allowed", None),
        ({}, {"gpuTypeIds": ["Tesla T4"]}, "price_unknown", "gpuTypeIds"),
        ({}, {"gpuTypeIds": [L4], "cloudType": "COMMUNITY"}, "price_unknown", "gpuTypeIds"),
        ({}, {"gpuTypeIds": [L4], "gpuCount": 9}, "too_many_gpus", "gpuTypeIds"),
        ({}, {**CPU, "cloudType": "COMMUNITY"}, "cloud_not_allowed", "cpuFlavorIds"),
        ({}, {**CPU, "vcpuCount": 64}, "invalid_arguments", "cpuFlavorIds"),
        (
            {"pods": {"countries": ["RO"]}},
            {"dataCenterIds": ["US-KS-2"]},
            "data_center_not_allowed",
            "dataCenterIds",
        ),
        ({"pods": {"data_centers": ["AP-*"]}}, {}, "data_center_not_allowed", "dataCenterIds"),
        ({}, {"countryCodes": ["ZZ"]}, "data_center_not_allowed", "dataCenterIds"),
    ],
)
def test_where_nothing_is_left_the_denial_says_why(tables, arguments, code, field):
    found = denied(case(policy(**tables)), **arguments)
    assert (found.code, found.field) == (code, field)


def test_what_the_policy_allows_but_nobody_sells_cannot_be_mended_by_the_agent():
    assert denied(case(policy(gpus={"allow": ["Tesla T4"]}))).retry is Retry.NEVER


def test_an_id_nobody_knows_is_no_denial_but_a_slip():
    with pytest.raises(Failure, match="did you mean 'NVIDIA L4'") as failure:
        judged(case(), gpuTypeIds=["NVIDIA L-4"])
    assert failure.value.code is Code.INVALID_ARGUMENTS


def test_a_gpu_id_that_differs_from_a_denied_one_in_spaces_only_is_denied_too():
    known = catalog(gpus=(gpu("NVIDIA A30", 0.3), gpu("NVIDIA  A30", 0.3), gpu(L4, 0.4)))
    rules = policy(gpus={"deny": ["nvidia a30"]})
    assert types(allowed(case(rules, known=known))) == [L4]
    for one in ("NVIDIA A30", "NVIDIA  A30"):
        assert denied(case(rules, known=known), gpuTypeIds=[one]).code == "gpu_not_allowed"


def test_an_allowed_id_is_still_matched_to_the_letter_in_the_catalog():
    known = catalog(gpus=(gpu("NVIDIA A30", 0.3),))
    with pytest.raises(Failure, match="there is no GPU type"):
        judged(case(policy(gpus={"allow": ["NVIDIA A30"]}), known=known), gpuTypeIds=["nvidia a30"])


def test_a_network_volume_pins_the_pod_to_its_place():
    decision = judged(case(), pinned="EU-RO-1", gpuTypeIds=[L4], networkVolumeId="v")
    assert isinstance(decision, Allow)
    assert decision.offer.candidates[0].data_center_ids == ("EU-RO-1",)
    assert decision.offer.wanted.disks.volume_gb == 0
    elsewhere = judged(case(policy(pods={"countries": ["US"]})), pinned="EU-RO-1", networkVolumeId="v")
    assert isinstance(elsewhere, Deny)
    assert elsewhere.code == "data_center_not_allowed"


def test_a_cpu_pod_costs_its_vcpus_and_takes_no_gpus():
    rules = policy(gpus={"allow": [], "max_running": 0, "max_per_pod": 0})
    found = allowed(case(rules), **CPU, cpuFlavorIds=["cpu3c"], vcpuCount=4, containerDiskInGb=1)
    assert found.offer.quote.usd_per_hour == usd(0.12) + DISK
    assert (found.offer.wanted.gpus, found.offer.plan(NOW).gpus) == (0, 0)


@pytest.mark.parametrize(
    ("lease", "arguments", "seconds", "kept"),
    [
        ({}, {}, 7200, 24 * 3600),
        ({}, {"leaseHours": 0.5}, 1800, 24 * 3600),
        ({}, {"volumeInGb": 0}, 7200, 0),
        ({}, {"networkVolumeId": "v"}, 7200, 0),
        ({"on_expiry": "terminate"}, {}, 7200, 0),
        ({"keep_stopped_hours": 0}, {}, 7200, 0),
        ({}, {"leaseHours": 1e-9}, 1, 24 * 3600),
    ],
)
def test_a_lease_lasts_as_asked_and_a_volume_is_kept_after_it_where_there_is_one(
    lease, arguments, seconds, kept
):
    terms = terms_of(LeaseTerms(**lease), Wanted(request(**arguments)))
    assert (terms.lease_seconds, terms.keep_stopped_seconds) == (seconds, kept)


def test_the_time_a_stopped_pod_is_kept_is_promised_too():
    rules = policy(lease={"default_hours": 1, "keep_stopped_hours": 10}, budget={"usd_total": 0.6})
    small = {"gpuTypeIds": [L4], "containerDiskInGb": 1}
    allowed(case(rules), volumeInGb=20, **small)
    assert denied(case(rules), volumeInGb=40, **small).code == "over_total_budget"


@given(
    st.lists(st.sampled_from([one.id for one in GPUS]), max_size=4),
    st.integers(1, 8),
    st.integers(1, 500),
    st.integers(0, 5000),
    st.floats(0.01, 100),
    st.integers(0, 40),
)
def test_a_quote_is_never_below_the_price_of_any_candidate(ids, count, container, volume, hours, budget):
    decision = judged(
        case(policy(budget={"usd_per_hour": budget}, lease={"default_hours": 1, "max_hours": 100})),
        gpuTypeIds=ids,
        gpuCount=count,
        containerDiskInGb=container,
        volumeInGb=volume,
        leaseHours=hours,
    )
    if isinstance(decision, Deny):
        return
    offer = decision.offer
    plan = offer.plan(NOW)
    assert plan.usd_per_hour <= budget * 1_000_000
    assert plan.usd_per_hour == offer.quote.dearest_usd_per_hour
    assert plan.usd <= offer.quote.usd_per_lease
    for candidate in offer.candidates:
        one = offer.quote_for(candidate)
        assert candidate.usd_per_hour == case().catalog.gpus[candidate.type_id].price("SECURE") * count
        assert candidate.usd_per_hour < one.usd_per_hour <= offer.quote.usd_per_hour
        assert one.usd_per_lease <= offer.quote.usd_per_lease


def test_the_same_question_has_the_same_answer():
    situation = case(policy(budget={"usd_per_hour": 2}), holding(0.5))
    assert judged(situation, gpuTypeIds=[L4, H100]) == judged(situation, gpuTypeIds=[L4, H100])
    with pytest.raises(dataclasses.FrozenInstanceError):
        situation.policy = policy()
