"""The kinds of value that a person writes into a policy: how each is read, and the same in JSON Schema for editors."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from runpod_mcp.money import Usd, limit
from runpod_mcp.pods.create_input import check_port
from runpod_mcp.pods.words import nearest

MAX_LEASE_HOURS = 8760
LARGEST_AMOUNT = 10_000_000
"""Dollars."""
LARGEST_COUNT = 1_000_000_000
"""Of anything that is counted; more is a slip of the pen."""
ASKABLE_TOOLS = (
    "create_pod",
    "update_pod",
    "start_pod",
    "stop_pod",
    "restart_pod",
    "delete_pod",
    "extend_lease",
    "create_network_volume",
    "update_network_volume",
    "delete_network_volume",
    "create_template",
    "update_template",
    "delete_template",
    "create_registry",
    "delete_registry",
    "create_endpoint",
    "update_endpoint",
    "delete_endpoint",
)
"""Tools for which a policy can demand a person's yes; the others only read."""


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("expected an amount in dollars, such as 2.50")
    exact = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    if not exact.is_finite() or not 0 <= exact <= LARGEST_AMOUNT:
        raise ValueError("expected an amount in dollars from 0 to 10,000,000")
    return limit(exact)


def _time(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number, such as 2 or 0.5")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected a whole number")
    return value


def _list(value: object) -> object:
    if not isinstance(value, list | tuple) or not all(
        isinstance(item, str) and item.strip() for item in value
    ):
        raise ValueError('expected a list of names, such as ["NVIDIA L4"]')
    return tuple(value)


def _not_empty(value: object) -> object:
    if value == []:
        raise ValueError("is empty, so nothing could be rented; leave the key out for no such limit")
    return value


def _country(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2}", value):
        raise ValueError("expected a two-letter country code such as US or CZ")
    return value.upper()


def _port(value: object) -> object:
    """A port, or a pattern that some port can fit: one without a protocol would never match, and nobody would know."""
    if not isinstance(value, str) or "*" not in value:
        check_port(str(value).strip().lower())
    elif not _PORT_PATTERN.fullmatch(value.strip().lower()):
        raise ValueError('no port fits this pattern; write "*/http", "8888/*" or "*"')
    return value


_PORT_PATTERN = re.compile(
    r"[0-9*]+/(?:http|tcp|[htcp]*\*[htcp*]*)|[0-9*]*\*(?:http|ttp|tp|p|tcp|cp)?", re.ASCII
)


def _tool(value: object) -> object:
    if value not in ASKABLE_TOOLS:
        meant = nearest(str(value), ASKABLE_TOOLS)
        raise ValueError(f"expected {meant}" if meant else f"expected one of {', '.join(ASKABLE_TOOLS)}")
    return value


def _address(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[!-~]+", value):
        raise ValueError("expected an address such as https://example.com/hook")
    return value


def _schema(**facts: Any) -> WithJsonSchema:
    return WithJsonSchema(facts)


_DOLLARS = _schema(type="number", minimum=0, maximum=LARGEST_AMOUNT)
_NAMES = {"type": "array", "items": {"type": "string", "pattern": r"\S"}}
_A_PORT = (
    r"^(?:(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])/(?:http|tcp)"
    r"|7[0-9]{4}/tcp|[0-9*]*\*[0-9*]*/(?:http|tcp)|[0-9*]+/\*|[0-9*]*\*)$"
)
"""Narrower than what is read: `80*p` and the like are taken too, and an editor need not offer them."""

Amount = Annotated[Usd, BeforeValidator(_amount), _DOLLARS]
Time = Annotated[float, BeforeValidator(_time)]
Hours = Annotated[
    Time, Field(gt=0, le=MAX_LEASE_HOURS), _schema(type="number", exclusiveMinimum=0, maximum=MAX_LEASE_HOURS)
]
HoursOrNone = Annotated[
    Time, Field(ge=0, le=MAX_LEASE_HOURS), _schema(type="number", minimum=0, maximum=MAX_LEASE_HOURS)
]
Minutes = Annotated[Time, Field(gt=0), _schema(type="number", exclusiveMinimum=0)]
Count = Annotated[
    int,
    BeforeValidator(_whole),
    Field(ge=0, le=LARGEST_COUNT),
    _schema(type="integer", minimum=0, maximum=LARGEST_COUNT),
]
Version = BeforeValidator(_whole)
Names = Annotated[tuple[str, ...], BeforeValidator(_list), WithJsonSchema(_NAMES)]
SomeNames = Annotated[Names, BeforeValidator(_not_empty), WithJsonSchema({**_NAMES, "minItems": 1})]
Clouds = Annotated[
    tuple[Literal["SECURE", "COMMUNITY"], ...],
    BeforeValidator(_list),
    BeforeValidator(_not_empty),
    _schema(type="array", items={"type": "string", "enum": ["SECURE", "COMMUNITY"]}, minItems=1),
]
Countries = Annotated[
    tuple[Annotated[str, BeforeValidator(_country)], ...],
    BeforeValidator(_list),
    _schema(type="array", items={"type": "string", "pattern": "^[A-Za-z]{2}$"}),
]
Ports = Annotated[
    tuple[Annotated[str, BeforeValidator(_port)], ...],
    BeforeValidator(_list),
    _schema(type="array", items={"type": "string", "pattern": _A_PORT}),
]
Tools = Annotated[
    tuple[Annotated[str, BeforeValidator(_tool)], ...],
    BeforeValidator(_list),
    _schema(type="array", items={"type": "string", "enum": list(ASKABLE_TOOLS)}),
]
Address = Annotated[
    str, BeforeValidator(_address), _schema(type="string", pattern="^https?://[!-~]+$", format="uri")
]
