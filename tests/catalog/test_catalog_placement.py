"""From a request to candidates, in the order to try them."""

from __future__ import annotations

import dataclasses

import pytest
from catalog_helpers import (
    A30,
    A30_TWO_SPACES,
    A40,
    ANYTHING,
    CENTERS,
    GPUS,
    H100,
    L4,
    RTX_4090,
    catalog,
    gpu,
    left_out,
    placed,
    places,
    types,
    usd,
)
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.catalog.catalog import Stock
from runpod_mcp.catalog.placement import LeftOut, Permits
from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.values import DATA_CENTER_IDS, GPU_TYPE_IDS

CPU = {"computeType": "CPU"}


def permits(**rules) -> Permits:
    return dataclasses.replace(ANYTHING, **rules)


def refused(**arguments) -> Failure:
    with pytest.raises(Failure) as failure:
        placed(**arguments)
    return failure.value


# which types, and in which order


def test_without_a_wish_every_type_is_a_candidate_the_fullest_and_then_the_cheapest_first():
    assert types(placed()) == [RTX_4090, H100, L4, A40, A30]


def test_an_order_of_ones_own_is_kept_and_a_list_without_one_is_sorted():
    asked = [A40, H100, RTX_4090]
    assert types(placed(gpuTypeIds=asked, gpuTypePriority="custom")) == asked
    assert types(placed(gpuTypeIds=asked)) == [RTX_4090, H100, A40]


def test_custom_without_a_list_is_no_order():
    assert types(placed(gpuTypePriority="custom")) == types(placed())
    assert types(placed(**CPU, cpuFlavorPriority="custom")) == types(placed(**CPU))


def test_an_empty_list_means_every_type():
    assert types(placed(gpuTypeIds=[])) == types(placed())


def test_a_type_that_is_named_twice_is_tried_once():
    assert types(placed(gpuTypeIds=[L4, L4])) == [L4]


def test_what_has_no_stock_is_left_out_with_its_reason_while_something_else_has_some():
    found = placed(gpuTypeIds=[A30, A30_TWO_SPACES])
    assert types(found) == [A30]
    assert left_out(found) == {A30_TWO_SPACES: "no_capacity"}


def test_what_has_no_stock_is_tried_when_nothing_else_has_any_or_when_the_order_was_given():
    assert types(placed(gpuTypeIds=[A30_TWO_SPACES])) == [A30_TWO_SPACES]
    asked = [A30_TWO_SPACES, A30]
    assert types(placed(gpuTypeIds=asked, gpuTypePriority="custom")) == asked


def test_the_price_is_for_the_whole_pod_in_the_cloud_that_was_asked_for():
    (four,) = placed(gpuTypeIds=[L4], gpuCount=4).candidates
    (cheap,) = placed(gpuTypeIds=[L4], cloudType="COMMUNITY").candidates
    (cores,) = placed(**CPU, cpuFlavorIds=["cpu3c"], vcpuCount=8).candidates
    assert (four.usd_per_hour, cheap.usd_per_hour, cores.usd_per_hour) == (usd(1.96), usd(0.4), usd(0.24))


def test_ids_that_differ_only_in_spaces_are_two_types():
    (one,) = placed(gpuTypeIds=[A30]).candidates
    (other,) = placed(gpuTypeIds=[A30_TWO_SPACES]).candidates
    assert (one.usd_per_hour, other.usd_per_hour) == (usd(0.33), usd(0.34))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"gpuTypeIds": [A40], "cloudType": "COMMUNITY"}, "price_unknown"),
        ({"gpuTypeIds": ["NVIDIA B200"]}, "price_unknown"),
        ({"gpuTypeIds": [L4], "gpuCount": 11}, "too_many_gpus"),
        ({"gpuTypeIds": [L4], "gpuCount": 10**9}, "too_many_gpus"),
        ({**CPU, "cpuFlavorIds": ["cpu3m"]}, "price_unknown"),
        ({**CPU, "cpuFlavorIds": ["cpu5m"]}, "price_unknown"),
        ({**CPU, "cpuFlavorIds": ["cpu3c"], "vcpuCount": 64}, "invalid_arguments"),
        ({**CPU, "cpuFlavorIds": ["cpu3c"], "cloudType": "COMMUNITY"}, "cloud_not_allowed"),
    ],
)
def test_a_choice_that_cannot_be_had_drops_out_with_its_reason(arguments, code):
    found = placed(**arguments)
    assert found.candidates == ()
    assert list(left_out(found).values()) == [code]


def test_a_placeholder_price_is_no_candidate():
    known = catalog(gpus=(gpu(L4, 0.50, most=1), gpu(A40, 0.49)))
    found = placed(known)
    assert types(found) == [A40]
    assert left_out(found) == {L4: "price_unknown"}


def test_a_catalog_without_any_gpu_or_cpu_has_no_price_for_those_of_the_document():
    assert set(left_out(placed(catalog(gpus=())))) == set(GPU_TYPE_IDS)
    assert set(left_out(placed(catalog(cpus=()), **CPU)).values()) == {"price_unknown"}


def test_what_the_policy_does_not_allow_is_told_only_where_it_was_asked_for():
    only_l4 = permits(gpu=lambda one: one == L4, cpu=lambda one: one == "cpu3c")
    asked = placed(permits=only_l4, gpuTypeIds=[H100, L4])
    assert (types(asked), left_out(asked)) == ([L4], {H100: "gpu_not_allowed"})
    assert left_out(placed(permits=only_l4)) == {}
    cpus = placed(permits=only_l4, **CPU, cpuFlavorIds=["cpu5c", "cpu3c"])
    assert (types(cpus), left_out(cpus)) == (["cpu3c"], {"cpu5c": "cpu_not_allowed"})
    assert types(placed(permits=only_l4, **CPU)) == ["cpu3c"]


def test_cpu_flavors_are_ordered_like_gpu_types():
    assert types(placed(**CPU)) == ["cpu5c", "cpu3c"]
    asked = ["cpu3c", "cpu5c"]
    assert types(placed(**CPU, cpuFlavorIds=asked)) == ["cpu5c", "cpu3c"]
    assert types(placed(**CPU, cpuFlavorIds=asked, cpuFlavorPriority="custom")) == asked


# names that nobody knows


@pytest.mark.parametrize(
    ("arguments", "field", "meant"),
    [
        ({"gpuTypeIds": ["RTX 4090"]}, "gpuTypeIds", RTX_4090),
        ({"gpuTypeIds": [L4, "nvidia l4"]}, "gpuTypeIds", L4),
        ({"gpuTypeIds": [" NVIDIA L4"]}, "gpuTypeIds", L4),
        ({"gpuTypeIds": ["NVIDIA\u00a0L4"]}, "gpuTypeIds", L4),
        ({"gpuTypeIds": ["NVIDIA RTX  A4500"]}, "gpuTypeIds", "NVIDIA RTX A4500"),
        ({**CPU, "cpuFlavorIds": ["cpu3C"]}, "cpuFlavorIds", "cpu3c"),
        ({"dataCenterIds": ["EU-RO1"]}, "dataCenterIds", "EU-RO-1"),
    ],
)
def test_an_id_nobody_knows_is_refused_and_the_nearest_is_named(arguments, field, meant):
    failure = refused(**arguments)
    assert (failure.code, failure.field) == (Code.INVALID_ARGUMENTS, field)
    assert f"did you mean {meant!r}?" in failure.message


def test_an_id_like_no_other_is_refused_without_a_guess_and_shown_clean_and_cut():
    failure = refused(gpuTypeIds=["\x1b" + "ä" * 500])
    assert "did you mean" not in failure.message
    assert len(failure.message) < 120
    assert "\x1b" not in failure.message


def test_ids_of_the_catalog_that_the_document_does_not_have_are_known():
    known = catalog(gpus=(*GPUS, gpu("NVIDIA B300", 6.0)))
    assert types(placed(known, gpuTypeIds=["NVIDIA B300"])) == ["NVIDIA B300"]
    assert places(placed(dataCenterIds=["XX-NEW-1"], gpuTypeIds=[L4])) == [("XX-NEW-1",)]


# where


def test_without_limits_any_place_will_do():
    assert set(places(placed())) == {()}
    assert set(places(placed(dataCenterIds=[]))) == {()}


def test_places_that_were_asked_for_are_kept_and_one_named_twice_is_one():
    assert places(placed(gpuTypeIds=[L4], dataCenterIds=["US-KS-2", "EU-RO-1", "US-KS-2"])) == [
        ("US-KS-2", "EU-RO-1")
    ]


def test_naming_all_26_of_the_document_is_a_limit_too():
    assert places(placed(gpuTypeIds=[L4], dataCenterIds=list(DATA_CENTER_IDS))) == [DATA_CENTER_IDS]


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({"countryCodes": ["RO"]}, ("EU-RO-1",)),
        ({"countryCodes": ["ro", "us"]}, ("EU-RO-1", "US-KS-2")),
        ({"globalNetworking": True}, ("EU-RO-1", "EU-CZ-1")),
        ({"globalNetworking": True, "countryCodes": ["CZ"]}, ("EU-CZ-1",)),
        ({"dataCenterIds": ["EU-FR-1", "EU-RO-1"], "countryCodes": ["RO"]}, ("EU-RO-1",)),
        ({"pinned": "US-KS-2"}, ("US-KS-2",)),
        ({"pinned": "US-KS-2", "dataCenterIds": ["EU-RO-1", "US-KS-2"]}, ("US-KS-2",)),
        ({"pinned": "ZZ-OLD-1"}, ("ZZ-OLD-1",)),
    ],
)
def test_countries_networks_and_volumes_narrow_the_places(arguments, left):
    assert places(placed(gpuTypeIds=[L4], **arguments)) == [left]


def test_a_policy_that_limits_places_narrows_them_and_an_unknown_country_is_in_none():
    at_home = permits(place=lambda _, country: country in ("RO", "CZ"), limits_place=True)
    assert places(placed(permits=at_home, gpuTypeIds=[L4])) == [("EU-RO-1", "EU-CZ-1")]
    assert places(placed(permits=at_home, gpuTypeIds=[L4], dataCenterIds=["US-KS-2", "EU-CZ-1"])) == [
        ("EU-CZ-1",)
    ]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"countryCodes": ["ZZ"]}, ("countryCodes ZZ",)),
        ({"countryCodes": ["ZZ"], "dataCenterIds": []}, ("fits countryCodes ZZ",)),
        ({"dataCenterIds": ["US-KS-2"], "globalNetworking": True}, ("dataCenterIds US-KS-2", "globalNet")),
        ({"dataCenterIds": ["US-KS-2"], "pinned": "EU-RO-1"}, ("US-KS-2", "network volume", "EU-RO-1")),
        ({"permits": permits(place=lambda *_: False, limits_place=True)}, ("any place",)),
    ],
)
def test_where_no_place_is_left_every_filter_is_named(arguments, named):
    failure = refused(**arguments)
    assert (failure.code, failure.field) == (Code.DATA_CENTER_NOT_ALLOWED, "dataCenterIds")
    assert all(part in failure.message for part in named), failure.message


STOCKED = {"EU-RO-1": Stock.LOW, "US-KS-2": Stock.HIGH, "EU-CZ-1": Stock.NONE}
TWO = {"dataCenterIds": ["EU-CZ-1", "EU-RO-1", "US-KS-2"], "gpuTypeIds": [L4]}


def test_a_candidate_is_looked_for_where_it_has_stock_the_fullest_place_first():
    (found,) = placed(catalog(gpus=(gpu(L4, places=STOCKED),)), **TWO).candidates
    assert (found.data_center_ids, found.stock) == (("US-KS-2", "EU-RO-1"), Stock.HIGH)


def test_an_order_of_places_becomes_one_candidate_for_each_where_lists_have_no_order():
    known = catalog(gpus=(gpu(L4, places=STOCKED), gpu(A40, places=STOCKED)))
    wish = {**TWO, "gpuTypeIds": [L4, A40], "dataCenterPriority": "custom", "gpuTypePriority": "custom"}
    found = placed(known, **wish)
    assert types(found) == [L4, L4, A40, A40]
    assert places(found) == [("EU-RO-1",), ("US-KS-2",)] * 2
    assert places(placed(known, one_place_each=False, **wish)) == [("EU-RO-1", "US-KS-2")] * 2


def test_an_order_of_places_without_any_limit_of_place_is_no_order():
    assert places(placed(gpuTypeIds=[L4], dataCenterPriority="custom")) == [()]


def test_a_candidate_with_stock_in_none_of_the_places_keeps_them_but_counts_as_out_of_stock():
    known = catalog(gpus=(gpu(L4, places={"EU-CZ-1": Stock.NONE}), gpu(A40, stock=Stock.LOW)))
    (found,) = placed(known, **TWO).candidates
    assert (found.data_center_ids, found.stock) == (("EU-CZ-1", "EU-RO-1", "US-KS-2"), Stock.NONE)
    assert types(placed(known, dataCenterIds=["EU-RO-1"])) == [A40]


def test_a_candidate_that_is_left_out_later_is_remembered_with_all_its_places():
    found = placed(gpuTypeIds=[L4, A40], dataCenterIds=["EU-RO-1", "US-KS-2"], dataCenterPriority="custom")
    rest = found.without([LeftOut(L4, Code.OVER_DAILY_BUDGET, "too dear")])
    assert types(rest) == [A40, A40]
    assert left_out(rest) == {L4: "over_daily_budget"}
    assert rest.without([]) == rest


ids = st.sampled_from([one.id for one in GPUS])
spots = st.sampled_from([one.id for one in CENTERS])


@given(
    st.lists(ids, max_size=4),
    st.lists(spots, max_size=4),
    st.sampled_from(["availability", "custom"]),
    st.sampled_from(["availability", "custom"]),
    st.integers(1, 12),
    st.sets(ids),
    st.sets(spots),
)
def test_every_candidate_is_asked_for_allowed_sold_and_where_it_may_be(
    asked, where, priority, places_priority, count, allowed, allowed_places
):
    rules = permits(gpu=allowed.__contains__, place=lambda one, _: one in allowed_places, limits_place=True)
    wish = {
        "permits": rules,
        "gpuTypeIds": asked,
        "dataCenterIds": where,
        "gpuTypePriority": priority,
        "dataCenterPriority": places_priority,
        "gpuCount": count,
    }
    if not allowed_places & set(where or [one.id for one in CENTERS]):
        assert refused(**wish).code is Code.DATA_CENTER_NOT_ALLOWED
        return
    found = placed(**wish)
    for candidate in found.candidates:
        card = catalog().gpus[candidate.type_id]
        assert candidate.type_id in allowed
        assert not asked or candidate.type_id in asked
        assert candidate.usd_per_hour == (card.price("SECURE") or 0) * count > 0
        assert count <= card.max_count("SECURE")
        assert candidate.data_center_ids
        assert set(candidate.data_center_ids) <= allowed_places & set(where or allowed_places)
    assert not {one.type_id for one in found.left_out} & set(types(found))
