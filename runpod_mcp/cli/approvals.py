"""Requests that wait for a person's yes, and the answer."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

import click

from runpod_mcp.cli.opened import from_ledger, nothing_yet, now
from runpod_mcp.cli.options import Options
from runpod_mcp.cli.tables import count, say, span, width, wrapped
from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.ledger.approvals import Approval, ApprovalState
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.money import as_dollars, show
from runpod_mcp.pods.words import clean

CODE_LENGTH = 8
LONGEST_QUESTION = 20_000
"""Characters; every argument is in it."""


def run_approvals(options: Options, as_json: bool) -> None:
    """Show what waits for an answer.

    Raises:
        Failure: the ledger cannot be read.
    """
    settings = options.settings()
    found = from_ledger(settings, _waiting)
    waiting, moment = found or ([], now())
    if as_json:
        click.echo(json.dumps({"waiting": [_facts(one, moment) for one in waiting]}, indent=2))
    elif found is None:
        say(*wrapped(nothing_yet(settings), width()))
    elif not waiting:
        say("Nothing waits for an answer.")
    else:
        say(*lines_of(waiting, moment, width()))


async def _waiting(ledger: Ledger) -> tuple[list[Approval], int]:
    """What waits, and what the ledger takes for now."""
    moment = (await ledger.spending(now(), ())).now
    approvals = await ledger.open_approvals(moment)
    return [one for one in approvals if one.state is ApprovalState.WAITING], moment


def lines_of(waiting: Sequence[Approval], moment: int, most: int | None) -> list[str]:
    """What waits in words, each with its question."""
    lines = wrapped(f"{count(len(waiting), 'request')} waiting for your answer:", most)
    for one in waiting:
        asked = one.question
        head = f"{one.code}  {asked.tool} for {clean(asked.principal, 60)}, {_price(one)}, {span(asked.good_until - moment)} left"
        lines += ["", *wrapped(head, most), *wrapped(clean(asked.words, LONGEST_QUESTION), most, "  ")]
    return [*lines, "", *wrapped("Answer with: runpod-mcp approve CODE, or runpod-mcp deny CODE", most)]


def _price(one: Approval) -> str:
    asked = one.question
    if not asked.usd_per_hour and not asked.usd_at_most:
        return "costs nothing more"
    return f"up to {show(asked.usd_per_hour)}/h, {show(asked.usd_at_most)} in all"


def _facts(one: Approval, moment: int) -> dict[str, Any]:
    asked = one.question
    return {
        "code": one.code,
        "state": one.state.value,
        "tool": asked.tool,
        "principal": asked.principal,
        "question": clean(asked.words, LONGEST_QUESTION),
        "usdPerHour": as_dollars(asked.usd_per_hour),
        "usdAtMost": as_dollars(asked.usd_at_most),
        "askedAt": iso(from_epoch(asked.asked_at)),
        "goodUntil": iso(from_epoch(asked.good_until)),
        "secondsLeft": asked.good_until - moment,
    }


def run_answer(options: Options, typed: Sequence[str], yes: bool, as_json: bool) -> None:
    """Say yes or no to requests; exit code 1 when a code was refused.

    Raises:
        Failure: the ledger cannot be used.
        click.UsageError: there is no code in what was typed.
    """
    codes = codes_of(typed)
    if not codes:
        raise click.UsageError("Name the code of a request; runpod-mcp approvals shows them.")
    state = ApprovalState.APPROVED if yes else ApprovalState.DENIED
    settings = options.settings()
    none_yet = Failure(Code.NOT_FOUND, f"There is no such code. {nothing_yet(settings)}", Retry.NEVER)
    found = from_ledger(settings, lambda ledger: _answer(ledger, codes, state), writes=True)
    answers: list[tuple[str, Approval | Failure]] = found or [(code, none_yet) for code in codes]
    done = [one for _, one in answers if isinstance(one, Approval)]
    refused = [(code, one) for code, one in answers if isinstance(one, Failure)]
    for code, failure in refused:
        click.echo(f"runpod-mcp: {clean(code, 40)}: {failure.message}", err=True)
    if as_json:
        no = [{"typed": clean(code, 40), **failure.as_structure()} for code, failure in refused]
        click.echo(json.dumps({"answered": [_facts(one, now()) for one in done], "refused": no}, indent=2))
    else:
        say(*(line for one in done for line in wrapped(_said(one), width())))
    sys.exit(1 if refused else 0)


async def _answer(
    ledger: Ledger, codes: Sequence[str], state: ApprovalState
) -> list[tuple[str, Approval | Failure]]:
    """Each answer, or why it was refused; a ledger that cannot be used refuses them all at once."""
    answers: list[tuple[str, Approval | Failure]] = []
    for code in codes:
        try:
            answers.append((code, await ledger.answer(code, state, "cli", now())))
        except Failure as failure:
            if failure.code is Code.LEDGER_UNAVAILABLE:
                raise
            answers.append((code, failure))
    return answers


def codes_of(typed: Sequence[str]) -> list[str]:
    """The codes in what was typed, once each; case, spaces and dashes do not count, not even within a code."""
    parts = [re.sub(r"[\W_]+", "", one).upper() for one in typed]
    whole = "".join(parts)
    if any(len(part) < CODE_LENGTH for part in parts) and len(whole) % CODE_LENGTH == 0:
        parts = [whole[at : at + CODE_LENGTH] for at in range(0, len(whole), CODE_LENGTH)]
    return [part for part in dict.fromkeys(parts) if part]


def _said(one: Approval) -> str:
    asked = one.question
    what = f"{asked.tool} for {clean(asked.principal, 60)}"
    if one.state is ApprovalState.DENIED:
        return f"{one.code} is denied: {what}. The agent is told no when it makes this call again."
    until = f"{from_epoch(asked.good_until):%H:%M} UTC"
    return (
        f"{one.code} is allowed, once: {what}, {_price(one)}. The agent should now call again with the same arguments, "
        f"before {until}."
    )
