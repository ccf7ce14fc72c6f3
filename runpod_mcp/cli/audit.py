"""The audit trail: read, and followed from its beginning."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from runpod_mcp.cli.opened import from_ledger, nothing_yet, now
from runpod_mcp.cli.options import Options
from runpod_mcp.cli.tables import (
    NARROW,
    NOTHING,
    Column,
    alarm,
    count,
    progress,
    progress_of,
    say,
    table,
    width,
    wrapped,
)
from runpod_mcp.cli.times import moment, when
from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.ledger.audit import Record
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.money import show_dollars

Facts = Mapping[str, Any]


def run_audit(options: Options, since: str | None, pod_id: str | None, limit: int, as_json: bool) -> None:
    """Show the newest records, oldest first.

    Raises:
        Failure: the ledger cannot be read.
        click.BadParameter: the time is none.
    """
    settings = options.settings()
    start = moment(since, now(), "--since") if since else 0
    records = from_ledger(settings, lambda ledger: ledger.records(start, pod_id, limit))
    if as_json:
        click.echo(json.dumps({"records": [facts_of(one) for one in records or ()]}, indent=2))
    elif records is None:
        say(*wrapped(nothing_yet(settings), width()))
    elif not records:
        say("Nothing was recorded that fits.")
    else:
        say(*lines_of(records, width()))
        say(*([f"These are the newest {limit:,}; --limit shows more."] if len(records) == limit else []))


def facts_of(record: Record) -> dict[str, Any]:
    """A record as a JSON object."""
    return {
        "seq": record.seq,
        "at": iso(from_epoch(record.at)),
        "kind": record.kind,
        "principal": record.principal,
        "tool": record.tool,
        "reservation": record.reservation_id,
        "podId": record.pod_id,
        "verdict": verdict_of(record),
        "facts": record.facts,
        "seal": record.seal,
    }


def _columns(is_narrow: bool) -> list[Column]:
    return [
        Column("time (UTC)"),
        Column("who", 2, least=5),
        Column("kind", 4),
        Column("tool", 1),
        Column("pod or reservation", 3, least=14),
        Column("verdict", least=14 if is_narrow else 26, wraps=True),
    ]


def lines_of(records: Sequence[Record], most: int | None) -> list[str]:
    """Records as a table that is at most so wide."""
    is_narrow = most is not None and most < NARROW
    rows = [
        [
            when(one.at)[5 if is_narrow else 0 :],
            one.principal or NOTHING,
            one.kind,
            one.tool or NOTHING,
            one.pod_id or one.reservation_id or NOTHING,
            verdict_of(one),
        ]
        for one in records
    ]
    return table(_columns(is_narrow), rows, most)


def verdict_of(record: Record) -> str:
    """What a record says, in words; of a kind that is not known here, its facts."""
    words = _WORDS.get(record.kind)
    return words(record.facts) if words else json.dumps(dict(record.facts), sort_keys=True)


def _reserved(facts: Facts) -> str:
    return f"{_usd(facts, 'usdPerHour')}/h set aside until {_time(facts, 'leaseEndsAt')}"


def _lease(facts: Facts) -> str:
    what = str(facts.get("what"))
    parts = [_LEASE_WORDS.get(what, what)]
    parts += [f"at {_usd(facts, 'usdPerHour')}/h"] if "usdPerHour" in facts else []
    parts += [f"until {_time(facts, 'leaseEndsAt')}"] if "leaseEndsAt" in facts else []
    said = " ".join(parts)
    return f"{said}: {facts['note']}" if "note" in facts else said


_LEASE_WORDS = {
    "settled": "rented",
    "voided": "came to nothing",
    "unknown": "answer lost, a pod may exist",
    "repriced": "now costs",
    "noted": "noted",
}


def _called(facts: Facts) -> str:
    verdict = str(facts.get("verdict"))
    return f"{verdict}: {facts['message']}" if "message" in facts else verdict


def _made(facts: Facts) -> str:
    return f"made: {facts.get('name')}"


def _asked(facts: Facts) -> str:
    if facts.get("usdPerHour") == facts.get("usdAtMost") == 0:
        return "a person is asked"
    return f"a person is asked: up to {_usd(facts, 'usdPerHour')}/h, {_usd(facts, 'usdAtMost')} in all"


def _answered(facts: Facts) -> str:
    return f"{facts.get('answer')}, by {_BY.get(str(facts.get('by')), facts.get('by'))}"


def _used(facts: Facts) -> str:
    return f"yes used up, said {_time(facts, 'answeredAt')}"


_BY = {"cli": "the command line", "dialog": "the client's dialog", "dashboard": "the dashboard"}


def _policy(facts: Facts) -> str:
    more = facts.get("why") or facts.get("from") or ""
    return f"policy {facts.get('state')}{f': {more}' if more else ''}"


_WORDS: Mapping[str, Callable[[Facts], str]] = {
    "reserved": _reserved,
    "lease": _lease,
    "called": _called,
    "made": _made,
    "asked": _asked,
    "answered": _answered,
    "used": _used,
    "policy": _policy,
}


def _usd(facts: Facts, name: str) -> str:
    amount = facts.get(name)
    return show_dollars(amount) if isinstance(amount, int | float) else "?"


def _time(facts: Facts, name: str) -> str:
    seconds = facts.get(name)
    return f"{when(seconds)} UTC" if isinstance(seconds, int) else "?"


@dataclass(frozen=True, slots=True)
class Verified:
    """What is wrong with the trail and with the ledger, and the newest record."""

    trail: Sequence[str]
    ledger: Sequence[str]
    last: Record | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.trail and not self.ledger

    def facts(self) -> dict[str, Any]:
        """The same as a JSON object."""
        last = self.last
        return {
            "whole": self.is_whole,
            "records": last.seq if last else 0,
            "lastSeal": last.seal if last else None,
            "trail": list(self.trail),
            "ledger": list(self.ledger),
        }


def run_verify(options: Options, as_json: bool) -> None:
    """Follow the trail and compute the ledger anew; exit code 1 when anything is wrong.

    Raises:
        Failure: the ledger cannot be read.
    """
    settings = options.settings()
    found = from_ledger(settings, verify)
    progress()
    done = found or Verified((), (), None)
    if as_json:
        click.echo(json.dumps(done.facts(), indent=2))
    elif found is None:
        say(*wrapped(nothing_yet(settings), width()))
    else:
        say(*_verified_lines(done, width()))
    sys.exit(0 if done.is_whole else 1)


async def verify(ledger: Ledger) -> Verified:
    """Follow the trail from its first record, and compare the ledger with all that was ever written in it."""
    trail = await ledger.verify_audit(progress_of)
    try:
        wrong = await ledger.verify(progress_of)
    except ValueError as error:
        wrong = (f"what is written makes no sense: {error}",)
    newest = await ledger.records(most=1)
    return Verified(trail, wrong, newest[-1] if newest else None)


def _verified_lines(done: Verified, most: int | None) -> list[str]:
    lines = [alarm(line) for one in done.trail for line in wrapped(f"Trail: {one}.", most)]
    lines += [alarm(line) for one in done.ledger for line in wrapped(f"Ledger: {one}.", most)]
    if done.is_whole:
        records = count(done.last.seq if done.last else 0, "record")
        lines += wrapped(f"The trail is whole ({records}), and the ledger adds up.", most)
    if done.last:
        last = (
            f"The last record is {done.last.seq}, of {when(done.last.at)} UTC. Its seal, to keep elsewhere:"
        )
        lines += [*wrapped(last, most), *wrapped(done.last.seal, most, "  ")]
    return lines
