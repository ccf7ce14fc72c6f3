"""A policy to start from: valid whatever was answered, comments kept, and true to the answers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.cli.price_list import cards
from runpod_mcp.errors import Code, Failure
from runpod_mcp.policy.document import PRESETS, Policy, preset, read_policy
from runpod_mcp.policy.drafts import SCHEMA_BESIDE, Answers, Card, chosen, draft, put

CARDS = [
    Card("NVIDIA L4", 24, 490_000),
    Card("NVIDIA L40S", 48, 990_000),
    Card("NVIDIA H100 80GB HBM3", 80, 3_490_000),
    Card("NVIDIA H100 PCIe", 80, 2_490_000),
    Card("NVIDIA RTX A30", 24, None),
]


def drafted(name: str = "solo", **answers: object) -> Policy:
    return read_policy(draft(preset(name), Answers(**answers), CARDS), "draft.toml")


@pytest.mark.parametrize("name", PRESETS)
def test_without_answers_it_is_the_ready_made_policy(name):
    text = draft(preset(name), Answers(), CARDS)
    assert read_policy(text, "x").model_dump() == read_policy(preset(name), "x").model_dump()
    assert text.startswith(SCHEMA_BESIDE + "\n")
    assert text.partition("\n")[2] == preset(name).partition("\n")[2]


def test_a_day_takes_the_month_and_the_total_along():
    budget = drafted("research", usd_per_day=Decimal(200)).budget
    assert (budget.usd_per_day, budget.usd_per_month, budget.usd_total) == (
        200_000_000,
        2_000_000_000,
        10**10,
    )
    assert budget.usd_per_hour == 40_000_000


def test_an_hour_is_never_above_the_day():
    budget = drafted(usd_per_day=Decimal("0.75")).budget
    assert (budget.usd_per_hour_per_pod, budget.usd_per_hour, budget.usd_per_day) == (750_000,) * 3
    assert drafted(usd_per_day=Decimal("0.333")).budget.usd_per_day == 333_000


def test_named_gpus_are_allowed_and_the_dearest_fits_into_the_hour():
    rules = drafted(gpus="L4, h100")
    assert rules.gpus.allow == ("NVIDIA L4", "NVIDIA H100 80GB HBM3", "NVIDIA H100 PCIe")
    assert (rules.budget.usd_per_hour_per_pod, rules.budget.usd_per_hour) == (4_000_000, 4_000_000)
    assert drafted(gpus="L4").budget.usd_per_hour_per_pod == 1_000_000


def test_a_day_outranks_the_price_of_a_card():
    assert drafted(gpus="h100", usd_per_day=Decimal(2)).budget.usd_per_hour_per_pod == 2_000_000


def test_any_gpu_leaves_the_choice_to_the_money():
    rules = drafted(gpus=" Any ")
    assert rules.gpus.allow == ("*",)
    assert rules.budget == drafted().budget


def test_a_policy_without_a_list_gets_one():
    text = draft(preset("team"), Answers(gpus="L4"), CARDS)
    assert read_policy(text, "x").gpus.allow == ("NVIDIA L4",)
    assert "# what colleagues start by hand counts too" in text


def test_the_end_of_a_lease_is_what_was_answered():
    assert drafted(on_expiry="terminate").lease.on_expiry == "terminate"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("L4", ["NVIDIA L4"]),
        ("nvidia l40s,", ["NVIDIA L40S"]),
        ("24 GB", ["NVIDIA L4"]),
        ("up to 48gb", ["NVIDIA L4", "NVIDIA L40S"]),
        ("a30", ["NVIDIA RTX A30"]),
        ("H100 pcie, H100", ["NVIDIA H100 PCIe", "NVIDIA H100 80GB HBM3"]),
    ],
)
def test_names_and_sizes_mean_types_that_are_sold(words, found):
    assert [card.id for card in chosen(words, CARDS)] == found


@pytest.mark.parametrize(
    ("words", "says"),
    [("9090", "no GPU type '9090'."), ("H1000 PCIe", "did you mean 'NVIDIA H100 PCIe'?"), ("1 GB", "1 GB")],
)
def test_a_name_that_nobody_sells_is_refused(words, says):
    with pytest.raises(Failure, match="There is no GPU type") as failure:
        chosen(words, CARDS)
    assert failure.value.code is Code.INVALID_ARGUMENTS
    assert says in failure.value.message


def test_a_value_replaces_its_whole_statement_and_keeps_the_comment():
    text = "[a]\nx = [\n  1,\n] # c\ny = 1     # why\n[b]\nx = 2"
    assert (
        put(text, "a", "y", "2") == "[a]\nx = [\n  1,\n] # c\ny = 2                         # why\n[b]\nx = 2"
    )
    assert put(text, "a", "x", "[]").startswith("[a]\nx = []\ny = 1")
    assert put(text, "b", "x", "3").endswith("[b]\nx = 3")
    assert put(text, "b", "z", "3").endswith("[b]\nz = 3\nx = 2")


@given(
    st.sampled_from(PRESETS),
    st.none() | st.decimals("0.01", 1_000_000, places=4),
    st.none() | st.lists(st.sampled_from([card.id for card in cards()] + ["48 GB"]), min_size=1, max_size=4),
    st.sampled_from([None, "stop", "terminate"]),
)
def test_whatever_was_answered_it_is_a_policy_of_that_day_and_those_cards(name, day, gpus, ends):
    answers = Answers(day, ", ".join(gpus) if gpus else None, ends)
    rules = read_policy(draft(preset(name), answers, cards()), "draft.toml")
    if day is not None:
        assert rules.budget.usd_per_day == int(day * 1_000_000)
        assert rules.budget.usd_per_hour <= rules.budget.usd_per_day
    for one in gpus or ():
        assert "GB" in one or rules.gpus.permits(one) or name == "team"
    assert ends in (None, rules.lease.on_expiry)
