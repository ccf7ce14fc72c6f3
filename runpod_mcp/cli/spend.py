"""What was spent: from the ledger, without a key."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from runpod_mcp.cli.opened import from_ledger, nothing_yet, now
from runpod_mcp.cli.options import Options
from runpod_mcp.cli.plot import check_plot, write_plot
from runpod_mcp.cli.tables import (
    FREE,
    USED,
    Column,
    bar,
    bar_length,
    cents,
    progress,
    say,
    table,
    width,
    wrapped,
)
from runpod_mcp.cli.times import moment, when
from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.flows.costs import By, Group, Groups, ledger_costs
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.money import as_dollars, total


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendWish:
    """What of the spending is to be shown, and how."""

    by: By
    since: str
    until: str | None
    plot: str | None
    as_csv: bool
    as_json: bool


def run_spend(options: Options, wish: SpendWish) -> None:
    """Show what leases cost.

    Raises:
        Failure: the ledger cannot be read, or the plot not be written.
        click.UsageError: the time is none, or two ways of printing were asked for.
    """
    if wish.as_csv and wish.as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    if wish.plot:
        check_plot(wish.plot)
    settings, this_moment = options.settings(), now()
    start = moment(wish.since, this_moment, "--since")
    end = moment(wish.until, this_moment, "--until", ends=True) if wish.until else this_moment
    if start >= this_moment:
        raise click.BadParameter("name a time that is past.", param_hint="--since")
    if end <= start:
        raise click.UsageError("--until must be after --since.")
    end = max(start, min(end, this_moment))

    async def work(ledger: Ledger) -> list[Group]:
        latest = max(this_moment, (await ledger.spending(this_moment, ())).now)
        groups = Groups(wish.by)
        async for cost in ledger_costs(ledger, start, end, latest, _tell):
            groups.add(cost)
        return groups.sorted()

    groups = from_ledger(settings, work)
    progress()
    spent = Spent(wish.by, start, end, tuple(groups or ()))
    if wish.plot:
        bars = [(f"{one.name} {one.about}".strip(), one.usd) for one in spent.groups]
        write_plot(Path(wish.plot), spent.title, bars, by_day=wish.by == "day")
        click.echo(f"Wrote {wish.plot}", err=True)
    if wish.as_csv:
        click.echo(spent.as_csv(), nl=False)
    elif wish.as_json:
        click.echo(json.dumps(spent.facts(), indent=2))
    elif groups is None:
        say(*wrapped(nothing_yet(settings), width()))
    else:
        say(*spent.lines(width()))


def _tell(month: str) -> None:
    progress(f"Reading {month}")


@dataclass(frozen=True, slots=True)
class Spent:
    """What leases cost in [start, end), together by something."""

    by: By
    start: int
    end: int
    groups: tuple[Group, ...]

    @property
    def title(self) -> str:
        """What this shows, in a line."""
        return f"What leases cost by {_BY_WORDS[self.by]}, {when(self.start)} to {when(self.end)} UTC"

    def facts(self) -> dict[str, Any]:
        """The same as a JSON object."""
        rows = [
            {
                self.by: one.name,
                **({"hardware": one.about} if one.about else {}),
                "leases": one.leases,
                "usd": as_dollars(one.usd),
            }
            for one in self.groups
        ]
        return {
            "since": iso(from_epoch(self.start)),
            "until": iso(from_epoch(self.end)),
            "by": self.by,
            "rows": rows,
            "totalUsd": as_dollars(total(one.usd for one in self.groups)),
        }

    def as_csv(self) -> str:
        """The rows with a line of names; US dollars to the micro-dollar."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow([self.by, "leases", "usd"])
        rows.writerows([one.name, one.leases, f"{as_dollars(one.usd):.6f}"] for one in self.groups)
        return text.getvalue()

    def lines(self, most: int | None) -> list[str]:
        """A table with bars, as wide as may be."""
        if not self.groups:
            return wrapped(f"Nothing was spent from {when(self.start)} to {when(self.end)} UTC.", most)
        dearest = max(one.usd for one in self.groups)
        about = self.by == "pod"
        rows = [
            [
                one.name,
                *([one.about] if about else []),
                f"{one.leases}",
                cents(one.usd),
                bar([(USED, one.usd)], dearest, bar_length(most)).rstrip(FREE),
            ]
            for one in self.groups
        ]
        spent = cents(total(one.usd for one in self.groups))
        rows.append(["total", *([""] if about else []), "", spent, ""])
        columns = [
            Column(_BY_WORDS[self.by], least=14 if about else 10),
            *([Column("hardware", 3, least=8)] if about else []),
            Column("leases", 2, right=True),
            Column("cost", right=True),
            Column("", 1),
        ]
        return [*wrapped(self.title, most), "", *table(columns, rows, most)]


_BY_WORDS = {"day": "day (UTC)", "pod": "pod", "gpu": "GPU type", "principal": "principal"}
