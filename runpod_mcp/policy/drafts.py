"""A policy to start from: a ready-made one with a person's own answers written into it. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import MICRO, Usd
from runpod_mcp.pods.words import clean, nearest
from runpod_mcp.policy.written import LARGEST_AMOUNT

HALF_DOLLAR = MICRO // 2
FOR_DISKS = MICRO // 20
"""Set beside a GPU's price per hour; 360 GB cost that much."""
ANY = "any"
"""What a person says for every GPU type, whatever it costs."""
SCHEMA_LINE = re.compile(r"#:schema .*")
SCHEMA_BESIDE = "#:schema ./policy.schema.json"


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU type that is sold: its memory in GB and its list price, micro-dollars per hour, None where it has none."""

    id: str
    memory_gb: int
    usd_per_hour: Usd | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answered; None where the ready-made policy will do."""

    usd_per_day: Decimal | None = None
    gpus: str | None = None
    on_expiry: str | None = None


def draft(text: str, answers: Answers, cards: Sequence[Card]) -> str:
    """The text of a ready-made policy with these answers in it.

    A month and a total keep their proportion to the day. What a pod may cost per hour is raised to the dearest GPU that
    was named, and never above the day.

    Raises:
        Failure: `invalid_arguments`: an answer names no GPU that is sold.
    """
    text = SCHEMA_LINE.sub(SCHEMA_BESIDE, text, count=1)
    if answers.gpus and answers.gpus.strip().casefold() == ANY:
        text = put(text, "gpus", "allow", '["*"]')
    elif answers.gpus:
        text = _with_cards(text, chosen(answers.gpus, cards))
    if answers.usd_per_day is not None:
        text = _with_day(text, answers.usd_per_day)
    if answers.on_expiry:
        text = put(text, "lease", "on_expiry", json.dumps(answers.on_expiry))
    return text


def chosen(words: str, cards: Sequence[Card]) -> list[Card]:
    """The GPU types that a person means by names such as `4090, L4` or by a size such as `24 GB`.

    A size means every type with up to so much memory; a word means every type that has it as a word of its name.

    Raises:
        Failure: `invalid_arguments`.
    """
    found: list[Card] = []
    for word in (part.strip() for part in words.split(",") if part.strip()):
        size = re.fullmatch(r"(?:up to )?(\d{1,4}) ?gb", word.casefold())
        if size:
            fit = [card for card in cards if 0 < card.memory_gb <= int(size[1]) and card.usd_per_hour]
        else:
            fit = [card for card in cards if _words(word) <= _words(card.id)]
        if not fit:
            hint = nearest(word, [card.id for card in cards])
            meant = f"; did you mean {hint!r}?" if hint else "."
            message = f"There is no GPU type {clean(word, 60)!r}{meant}"
            raise Failure(Code.INVALID_ARGUMENTS, message, field="--gpus")
        found += [card for card in fit if card not in found]
    return found


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", name.casefold()))


def _with_cards(text: str, named: Sequence[Card]) -> str:
    ids = "".join(f"    {json.dumps(card.id)},\n" for card in named)
    text = put(text, "gpus", "allow", f"[\n{ids}]")
    dearest = max((card.usd_per_hour or 0 for card in named), default=0)
    needed = -(-(dearest + FOR_DISKS) // HALF_DOLLAR) * HALF_DOLLAR
    for key in ("usd_per_hour_per_pod", "usd_per_hour"):
        if _amount(text, key) < Decimal(needed) / MICRO:
            text = put(text, "budget", key, _written(Decimal(needed) / MICRO))
    return text


def _with_day(text: str, day: Decimal) -> str:
    before = _amount(text, "usd_per_day")
    budget = tomllib.loads(text)["budget"]
    for key in ("usd_per_month", "usd_total"):
        if key in budget:
            amount = min(_amount(text, key) * day / before, Decimal(LARGEST_AMOUNT))
            text = put(text, "budget", key, _written(amount))
    for key in ("usd_per_hour_per_pod", "usd_per_hour"):
        text = put(text, "budget", key, _written(min(_amount(text, key), day)))
    return put(text, "budget", "usd_per_day", _written(day))


def _amount(text: str, key: str) -> Decimal:
    return Decimal(str(tomllib.loads(text, parse_float=Decimal)["budget"][key]))


def _written(amount: Decimal) -> str:
    exact = amount.quantize(Decimal("0.01"))
    return str(exact) if exact == amount else f"{amount.quantize(Decimal('0.000001')).normalize():f}"


def put(text: str, table: str, key: str, value: str) -> str:
    """TOML text with a key of a table set to a value, written as TOML; comments and everything else stay.

    The table must be there under a header of its own.
    """
    lines = text.split("\n")
    top = lines.index(f"[{table}]") + 1
    ends = (at for at in range(top, len(lines)) if lines[at].startswith("["))
    for at in range(top, next(ends, len(lines))):
        if re.match(rf"{key}\s*=", lines[at]):
            return "\n".join([*lines[:at], _line(key, value, lines[at]), *lines[_end(lines, at) :]])
    return "\n".join([*lines[:top], f"{key} = {value}", *lines[top:]])


def _line(key: str, value: str, before: str) -> str:
    """The new line, with the comment that stood at the end of the old one."""
    comment = before[before.rindex(" #") :].strip() if " #" in before else ""
    line = f"{key} = {value}"
    return f"{line:<29} {comment}" if comment else line


def _end(lines: Sequence[str], start: int) -> int:
    """The line after the statement that begins on this one."""
    for end in range(start + 1, len(lines)):
        try:
            tomllib.loads("\n".join(lines[start:end]))
        except ValueError:
            continue
        return end
    return len(lines)
