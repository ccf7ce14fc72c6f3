"""Money: prices round up, limits round down, and nothing in between is guessed."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.money import Usd, as_dollars, cost, dollars, limit, read_price, show, show_dollars, total

amounts = st.decimals(0, 10_000_000, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("sent", "micros"),
    [
        (0.74, 740_000),
        ("0.74", 740_000),
        (" 0.74 ", 740_000),
        (1, 1_000_000),
        (0, 0),
        (0.7400000095, 740_000),
        (0.0000001, 1),
        ("0.0000001", 1),
        ("0.74000001", 740_001),
        (999_999.9, 999_999_900_000),
    ],
)
def test_a_price_is_read_from_a_number_or_a_string_and_rounds_up(sent, micros):
    assert read_price(sent) == micros


@pytest.mark.parametrize(
    "sent",
    [
        None,
        True,
        False,
        "",
        "free",
        "$0.74",
        "0,74",
        [0.74],
        {"usd": 1},
        math.nan,
        math.inf,
        -math.inf,
        "NaN",
        "-Infinity",
        "sNaN",
        -0.01,
        "-1",
        1_000_000,
        "1e400",
        10**5000,
    ],
    ids=lambda sent: repr(sent)[:20] if not isinstance(sent, int) or abs(sent) < 10**9 else "huge",
)
def test_what_is_no_price_is_none(sent):
    assert read_price(sent) is None


@given(st.integers(0, 9_999_999))
def test_the_noise_of_a_32_bit_float_does_not_change_a_price(micros):
    as_sent = struct.unpack("f", struct.pack("f", micros / 1_000_000))[0]
    assert read_price(as_sent) == micros


@given(amounts)
def test_a_limit_is_never_more_than_what_was_written_and_less_by_no_whole_micro_dollar(amount):
    assert 0 <= Fraction(amount) * 1_000_000 - limit(amount) < 1


@given(amounts)
def test_an_amount_is_never_less_than_what_was_written(amount):
    assert 0 <= dollars(amount) - Fraction(amount) * 1_000_000 < 1


def test_a_limit_with_more_digits_than_a_decimal_usually_keeps_is_not_rounded_up():
    assert limit(Decimal("0." + "9" * 60)) == 999_999
    assert dollars("0." + "0" * 60 + "1") == 1


def test_a_limit_may_be_as_large_as_a_float_can_be():
    assert limit(1e308) == int(Decimal("1e308")) * 1_000_000


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, "much", Decimal("sNaN"), "1e999999"])
def test_an_amount_that_is_no_number_is_refused(amount):
    with pytest.raises(ValueError, match="not an amount in dollars"):
        dollars(amount)


@pytest.mark.parametrize("amount", [math.nan, math.inf])
def test_a_limit_that_is_no_number_is_refused(amount):
    with pytest.raises(ValueError, match="not an amount in dollars"):
        limit(amount)


@given(st.integers(0, 10**9), st.integers(0, 10**8))
def test_a_cost_rounds_up_by_less_than_a_micro_dollar(rate, seconds):
    charged = cost(Usd(rate), seconds)
    assert 0 <= charged * 3600 - rate * seconds < 3600


def test_time_that_runs_backwards_costs_nothing():
    assert cost(Usd(1_000_000), -3600) == 0


def test_amounts_add_up():
    assert total([Usd(1), Usd(2)]) == 3
    assert total([]) == 0


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (0, "$0.00"),
        (740_000, "$0.74"),
        (2_800, "$0.0028"),
        (1_234_567_890_000, "$1,234,567.89"),
        (7, "$0.000007"),
        (499_723, "$0.4997"),
        (-2_500_000, "-$2.50"),
        (1_500_001, "$1.50"),
    ],
)
def test_money_is_shown_in_as_few_digits_as_say_it(micros, shown):
    assert show(Usd(micros)) == shown


def test_an_amount_in_dollars_is_shown_the_same_way():
    assert show_dollars(0.4997) == show(Usd(499_700))
    assert as_dollars(Usd(499_723)) == 0.499723
