"""Judging a request on a terminal and saying why; nothing is rented and nothing is written."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import anyio
import click

from runpod_mcp.cli.tables import Column, say, table, width, wrapped
from runpod_mcp.clock import SystemClock
from runpod_mcp.config import Settings, read_settings
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.judge import decided, gather
from runpod_mcp.flows.resolve import resolve
from runpod_mcp.ledger.sqlite_look import SqliteLook
from runpod_mcp.money import show, show_dollars
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy import explain as reasons
from runpod_mcp.policy.decision import AskHuman, Deny
from runpod_mcp.policy.explain import BudgetSays, Choice, Explanation, RuleSays, Verdict
from runpod_mcp.server.failures import read_create
from runpod_mcp.wiring import open_house

LARGEST_REQUEST = 1_000_000


def explain(path: str | None, request: str, simulator: bool, ledger: str | None, as_json: bool) -> None:
    """Judge the request in a file; exit code 1 when it is denied.

    Raises:
        Failure: the policy is broken, the request cannot be read, or prices cannot.
    """
    asked = read_request(_json_of(request))
    settings = read_settings(policy=path, simulator=simulator, ledger=ledger)

    async def run() -> tuple[str, list[str], Explanation]:
        async with _house(settings) as (house, notes):
            policy = house.policies.current()
            wanted = await resolve(house, asked)
            case = await gather(house, policy, wanted)
            found = replace(reasons.explain(case, wanted), decision=await decided(house, case, wanted))
            return policy.origin, notes, found

    origin, notes, found = anyio.run(run)
    if as_json:
        click.echo(json.dumps(_facts(origin, notes, found), indent=2))
    else:
        say(*lines_of(origin, notes, found, width()))
    sys.exit(1 if isinstance(found.decision, Deny) else 0)


@asynccontextmanager
async def _house(settings: Settings) -> AsyncIterator[tuple[House, list[str]]]:
    """A house that only reads: prices from Runpod, or from the simulator where there is no key; sums from the ledger."""
    notes = []
    if settings.simulator:
        notes.append("Prices and stock are the simulator's.")
    elif settings.api_key is None:
        notes.append("There is no API key, so prices and stock are those of the built-in list, not today's.")
    else:
        notes.append("Prices and stock are Runpod's, read now.")
    known = settings.ledger if settings.ledger and settings.ledger.exists() else None
    notes.append(
        f"What is spent is read from {known}." if known else "There is no ledger yet, so nothing is spent."
    )
    only_reading = replace(settings, ledger=None, simulator=settings.simulator or settings.api_key is None)
    async with open_house(only_reading, SystemClock()) as house:
        yield (replace(house, ledger=SqliteLook(known)) if known else house), notes


def _json_of(file: str) -> Any:
    name = "What came from stdin" if file == "-" else file
    try:
        data = _bytes_of(file)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise _unreadable(name, f"cannot be read ({reason})") from error
    if len(data) > LARGEST_REQUEST:
        raise _unreadable(name, "is larger than a request can be")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise _unreadable(name, "is nested too deeply") from error
    except ValueError as error:
        raise _unreadable(name, f"is not JSON ({error})") from error


def _bytes_of(file: str) -> bytes:
    """No more than is looked at: a device can be read without end."""
    if file == "-":
        return sys.stdin.buffer.read(LARGEST_REQUEST + 1)
    with Path(file).expanduser().open("rb") as opened:
        return opened.read(LARGEST_REQUEST + 1)


def _unreadable(file: str, problem: str) -> Failure:
    return Failure(Code.INVALID_ARGUMENTS, f"{file} {problem}.", field="--request")


def read_request(data: Any) -> CreateRequest:
    """Arguments of `create_pod` read as strictly as the tool reads them; also inside `{"tool": …, "arguments": …}`.

    Raises:
        Failure: `invalid_arguments`.
    """
    if isinstance(data, dict) and "tool" in data:
        if data["tool"] != "create_pod":
            raise Failure(Code.INVALID_ARGUMENTS, "tool: only create_pod can be explained.", field="tool")
        data = data.get("arguments", {name: value for name, value in data.items() if name != "tool"})
    if not isinstance(data, dict):
        raise Failure(Code.INVALID_ARGUMENTS, "expected the arguments of create_pod as an object.")
    return read_create(data)


def _facts(origin: str, notes: list[str], found: Explanation) -> dict[str, Any]:
    """Everything for a program; what does not apply is null."""
    return {
        "policy": origin,
        "notes": notes,
        "rules": [asdict(one) for one in found.rules],
        "candidates": [asdict(one) for one in found.choices],
        "budgets": [asdict(one) for one in found.budgets],
        "decision": decision_facts(found),
    }


def decision_facts(found: Explanation) -> dict[str, Any]:
    """The decision as an object: `verdict` is allow, ask or deny."""
    decision = found.decision
    if isinstance(decision, Deny):
        return {"verdict": "deny", **decision.as_failure().as_structure()}
    quote = decision.offer.quote
    price = {"usd_per_hour": quote.usd_per_hour / 1e6, "usd_per_lease": quote.usd_per_lease / 1e6}
    why = (
        {"verdict": "ask", "reason": decision.reason}
        if isinstance(decision, AskHuman)
        else {"verdict": "allow"}
    )
    return {**why, **price}


def lines_of(origin: str, notes: list[str], found: Explanation, most: int | None) -> Iterator[str]:
    """The same for a person, in lines that are at most so wide."""
    for line in (f"Policy: {origin}", *notes):
        yield from wrapped(line, most)
    yield from ("", *table(_RULES, [_rule(one) for one in found.rules], most))
    if found.choices:
        yield from ("", *wrapped("Candidates, in the order to try them:", most))
        yield from table(_CHOICES, [_choice(one) for one in found.choices], most)
    if found.budgets:
        yield from ("", *table(_BUDGETS, [_budget(one) for one in found.budgets], most))
    yield ""
    for line in _decision(found):
        yield from wrapped(line, most)


_RULES = (Column(""), Column("rule", least=14, wraps=True), Column("says", least=16, wraps=True))
_CHOICES = (
    Column(""),
    Column("type", least=14, wraps=True),
    Column("price"),
    Column("stock", 1),
    Column("", least=10, wraps=True),
)
_BUDGETS = (
    Column(""),
    Column("budget"),
    Column("limit", right=True),
    Column("spent", 3, right=True),
    Column("promised", 2, right=True),
    Column("needed", right=True),
    Column("left", 1, right=True),
)
_MARK = {Verdict.OK: "ok", Verdict.DENIED: "no", Verdict.ASKS: "ask", Verdict.NOT_APPLICABLE: "-"}


def _rule(one: RuleSays) -> list[str]:
    usd = "usd" in one.rule.lower()
    shown = [
        f"{name} {_usd(value) if usd and not isinstance(value, str) else value}"
        for name, value in (("limit", one.limit), ("used", one.used), ("requested", one.requested))
        if value is not None
    ]
    said = f" - {one.message}" if one.message else f" ({one.when})" if one.when else ""
    return [_MARK[one.verdict], one.rule, f"{', '.join(shown)}{said}"]


def _choice(one: Choice) -> list[str]:
    price = f"{show_dollars(one.usd_per_hour)}/h" if one.usd_per_hour is not None else "-"
    return [_MARK[one.verdict], one.type_id, price, one.stock or "", one.message]


def _budget(one: BudgetSays) -> list[str]:
    amounts = (one.limit, one.spent, one.promised, one.needed, one.left)
    return [_MARK[one.verdict], one.when, *map(_usd, amounts)]


def _usd(amount: float | None) -> str:
    return "none" if amount is None else show_dollars(amount)


def _passes(one: dict[str, Any]) -> str:
    changed = {name: value for name, value in one.items() if name != "usdPerHour"}
    return f"Would pass: {json.dumps(changed)[1:-1]} ({show_dollars(one['usdPerHour'])}/h)"


def _decision(found: Explanation) -> list[str]:
    decision = found.decision
    if isinstance(decision, Deny):
        return [f"Denied: {decision.code}: {decision.message}", *map(_passes, decision.alternatives)]
    quote = decision.offer.quote
    price = f"at most {show(quote.usd_per_hour)}/h, {show(quote.usd_per_lease)} for the lease"
    if isinstance(decision, AskHuman):
        return [f"A person is asked first: {decision.reason}; {price}."]
    return [f"Allowed: {price}."]
