"""Money as an integer number of micro-dollars, rounded against us."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import NewType

Usd = NewType("Usd", int)
"""Micro-dollars: 1 US dollar is 1,000,000. A rate is micro-dollars per hour."""

ZERO = Usd(0)
MICRO = 1_000_000
SECONDS_PER_HOUR = 3600
HOURS_PER_MONTH = 720

_FLOAT32 = Context(prec=7)
_EXACT = Context(prec=400)
_MICRO_DOLLAR = Decimal("0.000001")


def read_price(value: object) -> Usd | None:
    """Read a price Runpod sent, a JSON number or a numeric string in dollars; None when it is not a price.

    Runpod declares prices as 32-bit floats, so a number is first snapped to the seven digits such a float
    carries (0.7400000095 is 0.74), then rounded up to a whole micro-dollar.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        dollars = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    if not dollars.is_finite() or dollars < 0 or dollars >= 1_000_000:
        return None
    if isinstance(value, float):
        dollars = _FLOAT32.plus(dollars)
    return _whole_micros(dollars, ROUND_CEILING)


def dollars(amount: int | float | str | Decimal) -> Usd:
    """Micro-dollars for an amount in dollars, rounded up; for amounts people write, which must be exact.

    Raises:
        ValueError: the amount is not a finite number.
    """
    return _rounded(amount, ROUND_CEILING)


def limit(amount: int | float | Decimal) -> Usd:
    """Micro-dollars for a ceiling in dollars, rounded down, so that what is allowed is never more than was written.

    Raises:
        ValueError: the amount is not a finite number.
    """
    return _rounded(amount, ROUND_FLOOR)


def _rounded(amount: int | float | str | Decimal, rounding: str) -> Usd:
    try:
        return _whole_micros(Decimal(str(amount)), rounding)
    except InvalidOperation as error:
        raise ValueError(f"not an amount in dollars: {amount!r}") from error


def _whole_micros(exact: Decimal, rounding: str) -> Usd:
    """Rounds once, whatever the number of digits; an infinite amount or no number at all is an InvalidOperation."""
    if not exact.is_finite():
        raise InvalidOperation
    return Usd(int(exact.quantize(_MICRO_DOLLAR, rounding, _EXACT).scaleb(6, _EXACT)))


def cost(usd_per_hour: Usd, seconds: int) -> Usd:
    """What a rate (micro-dollars per hour) costs over whole seconds, rounded up."""
    return Usd(-(-usd_per_hour * max(seconds, 0) // SECONDS_PER_HOUR))


def total(amounts: Iterable[Usd]) -> Usd:
    """The sum of amounts in micro-dollars."""
    return Usd(sum(amounts))


def as_dollars(amount: Usd) -> float:
    """Dollars as a JSON number, exact to the micro-dollar."""
    return amount / MICRO


def show(amount: Usd) -> str:
    """Dollars for a reader: two digits, more where cents would hide the amount ("$0.0028")."""
    sign, amount = ("-" if amount < 0 else ""), Usd(abs(amount))
    exact = Decimal(amount) / MICRO
    if amount == 0 or amount % 10_000 == 0:
        return f"{sign}${exact:,.2f}"
    digits = 4 if amount >= 100 else 6
    text = f"{exact:,.{digits}f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{sign}${whole}.{fraction:0<2}"


def show_dollars(amount: float) -> str:
    """The same for an amount that is already in dollars, such as one in a reply."""
    return show(Usd(round(amount * MICRO)))
