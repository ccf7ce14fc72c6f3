"""What is a price, what is stock, and how old both may be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from catalog_helpers import NOON, catalog, gpu, usd

from runpod_mcp.catalog.catalog import CloudOffer, Stock
from runpod_mcp.catalog.countries import COUNTRIES, country_of
from runpod_mcp.pods.values import DATA_CENTER_IDS


@pytest.mark.parametrize(
    ("offer", "price"),
    [
        (CloudOffer(True, usd(0.74), 8), 740_000),
        (CloudOffer(False, usd(0.74), 8), None),
        (CloudOffer(True, None, 8), None),
        (CloudOffer(True, usd(0), 8), None),
        (CloudOffer(True, usd(0.50), 1), None),
        (CloudOffer(True, usd(0.50), 0), None),
        (CloudOffer(True, usd(0.50), 8), 500_000),
        (CloudOffer(True, usd(0.51), 1), 510_000),
    ],
)
def test_a_placeholder_a_zero_and_what_is_not_sold_are_no_prices(offer, price):
    assert offer.price == price


def test_a_cloud_the_catalog_does_not_name_sells_nothing():
    card = gpu("X", 0.74)
    assert (card.price("SECURE"), card.max_count("SECURE")) == (740_000, 8)
    assert (card.price("COMMUNITY"), card.price("MOON")) == (None, None)
    assert card.max_count("MOON") == 0


@pytest.mark.parametrize(
    ("word", "stock"),
    [
        ("HIGH", Stock.HIGH),
        ("High", Stock.HIGH),
        ("Medium", Stock.MEDIUM),
        ("LOW", Stock.LOW),
        ("NONE", Stock.NONE),
        ("None", Stock.NONE),
        (None, Stock.UNKNOWN),
        ("", Stock.UNKNOWN),
        ("PLENTY", Stock.UNKNOWN),
        (3, Stock.UNKNOWN),
        (["HIGH"], Stock.UNKNOWN),
    ],
)
def test_stock_is_read_in_the_words_of_both_apis(word, stock):
    assert Stock.read(word) is stock


def test_unknown_stock_is_better_than_none_and_worse_than_any():
    assert Stock.NONE < Stock.UNKNOWN < Stock.LOW < Stock.MEDIUM < Stock.HIGH


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(0, True), (30, True), (30.001, False), (-0.001, False), (86_400, False)]
)
def test_a_catalog_is_fresh_for_a_while_and_never_before_it_was_read(seconds, fresh):
    now = NOON + timedelta(seconds=seconds)
    assert catalog().is_fresh(now, timedelta(seconds=30)) is fresh


def test_the_country_of_every_data_center_in_the_document_is_known():
    assert all(country_of(one) for one in DATA_CENTER_IDS)
    assert all(len(country) == 2 and country.isupper() for country in COUNTRIES.values())
    assert country_of("EUR-IS-1") == "IS"
    assert country_of("XX-NEW-1") is None
