"""The built-in price list, for commands that need a price and no network."""

from __future__ import annotations

from fractions import Fraction

from runpod_mcp.money import Usd
from runpod_mcp.policy.drafts import Card
from runpod_mcp.simulator.price_list import read_price_list


def cards() -> list[Card]:
    """Every GPU type with its memory and its list price in Secure Cloud."""
    found = read_price_list().gpus.values()
    return [
        Card(gpu.id, gpu.memory, _price(gpu.offers["SECURE"].sold, gpu.offers["SECURE"].price))
        for gpu in found
    ]


def _price(sold: bool, dollars: Fraction) -> Usd | None:
    return Usd(-(-dollars * 1_000_000 // 1)) if sold and dollars else None
