"""Pods and their leases as a table, once or again and again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import click

from runpod_mcp.cli.money import without_making
from runpod_mcp.cli.opened import nothing_yet
from runpod_mcp.cli.options import Options
from runpod_mcp.cli.tables import CUT, NOTHING, Column, alarm, count, cut, say, span, table, width, wrapped
from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.errors import Failure, Retry
from runpod_mcp.flows import read_pods
from runpod_mcp.flows.context import House
from runpod_mcp.flows.costs import asked_of, hardware_of
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.logs import log_to_stderr
from runpod_mcp.money import as_dollars, show_dollars
from runpod_mcp.pods.summary import hardware
from runpod_mcp.wiring import has_ledger, open_house

HOME, TO_LINE_END, TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"
_SHOWN = (
    "podId",
    "name",
    "status",
    "why",
    "gpuTypeId",
    "gpuCount",
    "cpuFlavorId",
    "vcpuCount",
    "cloudType",
    "dataCenterId",
    "usdPerHour",
    "leaseEndsAt",
    "usdLeftOnLease",
    "managed",
)
_WAITING = {
    LeaseState.OPEN: "being made",
    LeaseState.UNKNOWN: "outcome unknown",
    LeaseState.RUNNING: "unlisted",
    LeaseState.STOPPED: "unlisted",
}
"""What a pod is that the ledger counts and Runpod does not list."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Pods as rows of facts at a time (seconds since 1970, UTC); `others` are the pods made elsewhere that are not shown."""

    at: int
    rows: Sequence[Mapping[str, Any]]
    others: Sequence[Mapping[str, Any]] = ()


def run_pods(options: Options, seconds: float | None, show_all: bool, as_json: bool) -> None:
    """Show pods, once, or every few seconds until interrupted.

    Raises:
        Failure: Runpod or the ledger cannot be read.
        click.UsageError: it is to be watched where there is no terminal, or as JSON.
    """
    if seconds is not None and (as_json or not sys.stdout.isatty()):
        raise click.UsageError(
            "--watch draws on a terminal; leave it out for --json, and where the output is no terminal."
        )
    settings = options.settings()
    if not has_ledger(settings) and not show_all:
        if as_json:
            click.echo(json.dumps(facts_of(Seen(0, ())), indent=2))
        else:
            say(*wrapped(f"{nothing_yet(settings)} --all shows pods made elsewhere.", width()))
        return
    log_to_stderr()

    async def run() -> None:
        async with open_house(without_making(settings)) as house:
            if seconds is None:
                _print(await look(house, show_all), as_json)
            else:
                await watch(house, seconds, show_all, _draw)

    try:
        anyio.run(run)
    except KeyboardInterrupt:
        click.echo()


async def look(house: House, show_all: bool) -> Seen:
    """The pods of this ledger, and all others where they are wanted."""
    listed, missing = await read_pods.list_pods(house)
    now = house.now()
    waiting = [_waiting_row(lease, now) for lease in missing]
    rows = [_row(house, one, now) for one in listed]
    ours = [row for row in rows if row["managed"] or show_all]
    return Seen(now, [*ours, *waiting], [row for row in rows if not row["managed"] and not show_all])


async def watch(
    house: House, seconds: float, show_all: bool, draw: Callable[[Seen | None, str], None]
) -> None:
    """Look and draw, again and again; what cannot be read for a moment is said beside what was seen last.

    Raises:
        Failure: what does not pass by itself, such as a key that is not accepted.
    """
    seen: Seen | None = None
    while True:
        trouble = ""
        try:
            seen = await look(house, show_all)
        except Failure as failure:
            if failure.retry is not Retry.LATER:
                raise
            trouble = f"Cannot be read at {house.clock.now():%H:%M:%S} UTC, trying again: {failure.message}"
        draw(seen, trouble)
        await house.clock.sleep(seconds)


def _row(house: House, one: read_pods.Seen, now: int) -> dict[str, Any]:
    facts = read_pods.shown(house, one.pod, one.lease)
    row = {name: facts[name] for name in _SHOWN if name in facts}
    if one.lease is None:
        return row
    known = {} if {"gpuTypeId", "cpuFlavorId"} & set(row) else {"hardware": _hardware(one.lease)}
    return {**row, **known, "leaseSecondsLeft": one.lease.due_at - now}


def _hardware(lease: Lease) -> str:
    """What was asked for, where Runpod does not say what it is."""
    return f"{lease.gpus} x {hardware_of(lease)}" if lease.gpus else hardware_of(lease)


def _waiting_row(lease: Lease, now: int) -> dict[str, Any]:
    row = {
        "reservation": lease.reservation.id,
        "podId": lease.pod_id,
        "name": asked_of(lease).get("name"),
        "hardware": _hardware(lease),
        "status": lease.state.value,
        "usdPerHour": as_dollars(lease.usd_per_hour),
        "leaseEndsAt": iso(from_epoch(lease.due_at)),
        "managed": True,
        "why": _WAITING[lease.state],
        "leaseSecondsLeft": lease.due_at - now,
    }
    return {name: value for name, value in row.items() if value is not None}


def facts_of(seen: Seen) -> dict[str, Any]:
    """What was seen as a JSON object."""
    return {"pods": list(seen.rows), "notShown": len(seen.others)}


def _print(seen: Seen, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts_of(seen), indent=2))
    else:
        say(*lines_of(seen, width()))


def lines_of(seen: Seen, most: int | None) -> list[str]:
    """What was seen as lines that are at most so wide."""
    managed = [row for row in seen.rows if row["managed"]]
    head = f"{count(len(managed), 'pod')} of this ledger at {from_epoch(seen.at):%Y-%m-%d %H:%M:%S} UTC, {_rate(managed)}"
    lines = wrapped(head, most)
    if seen.rows:
        lines += ["", *table(_COLUMNS, [_cells(row) for row in seen.rows], most)]
    if seen.others:
        more = f"{count(len(seen.others), 'pod')} made elsewhere ({_rate(seen.others)}): --all shows them."
        lines += ["", *wrapped(more, most)]
    return lines


def _rate(rows: Sequence[Mapping[str, Any]]) -> str:
    """What they cost together; `at least` where the price of one is not known."""
    known = [row["usdPerHour"] for row in rows if "usdPerHour" in row]
    return f"{'' if len(known) == len(rows) else 'at least '}{show_dollars(sum(known))}/h"


_COLUMNS = [
    Column("id", least=14),
    Column("name", 4, least=8),
    Column("status", least=8),
    Column("hardware", 2, least=14),
    Column("place", 5),
    Column("$/h", right=True),
    Column("ends (UTC)", 3),
    Column("left", 1, right=True),
    Column("managed", 6),
]


def _cells(row: Mapping[str, Any]) -> list[str]:
    ends = row.get("leaseEndsAt", "")
    is_waiting = "reservation" in row
    return [
        row.get("podId") or row["reservation"],
        str(row.get("name", NOTHING)),
        row["why"] if is_waiting else row["status"],
        row.get("hardware") or hardware(dict(row)),
        " ".join(row[key] for key in ("cloudType", "dataCenterId") if key in row) or NOTHING,
        show_dollars(row["usdPerHour"]) if "usdPerHour" in row else "?",
        f"{ends[5:10]} {ends[11:16]}" if ends else NOTHING,
        span(row["leaseSecondsLeft"]) if ends else NOTHING,
        "yes" if row["managed"] else "no",
    ]


def _draw(seen: Seen | None, trouble: str) -> None:
    """Draw over what was there, as much as the screen has room for."""
    columns, high = shutil.get_terminal_size()
    lines = [alarm(line) for line in wrapped(trouble, columns)] if trouble else []
    lines += lines_of(seen, columns) if seen else []
    lines.append(cut("Ctrl-C ends this.", columns))
    if len(lines) > high - 1:
        lines = [*lines[: max(1, high - 2)], CUT]
    say(f"{HOME}{TO_LINE_END}" + f"{TO_LINE_END}\n{TO_LINE_END}".join(lines) + TO_SCREEN_END)
