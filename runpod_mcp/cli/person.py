"""The commands of the person in charge, declared: what may be spent, what was, what waits, what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from runpod_mcp.cli.options import Options, ledger_options, server_options

F = TypeVar("F", bound=Callable[..., Any])

WATCHED_EVERY = "5"
as_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.command()
@server_options
@as_json_option
def budget(as_json: bool, **flags: object) -> None:
    """Show what is used, promised and free of every budget. Needs no key."""
    from runpod_mcp.cli.money import run_budget

    run_budget(Options.of(flags), as_json)


@click.command()
@server_options
@click.option(
    "--watch",
    "seconds",
    type=click.FloatRange(1),
    is_flag=False,
    flag_value=WATCHED_EVERY,
    metavar="[SECONDS]",
    help=f"Draw again every {WATCHED_EVERY} seconds, or as many as are given, until interrupted.",
)
@click.option("--all", "show_all", is_flag=True, help="Pods made elsewhere too.")
@as_json_option
def pods(seconds: float | None, show_all: bool, as_json: bool, **flags: object) -> None:
    """Show pods with their price and lease, and creates that are still open."""
    from runpod_mcp.cli.pods import run_pods

    run_pods(Options.of(flags), seconds, show_all, as_json)


@click.command()
@ledger_options
@click.option("--by", type=click.Choice(["day", "pod", "gpu", "principal"]), default="day", show_default=True)
@click.option("--since", metavar="DATE|Nd", default="30d", show_default=True, help="From this UTC day on.")
@click.option("--until", metavar="DATE", help="Up to the end of this UTC day; up to now when left out.")
@click.option("--plot", metavar="FILE", help="Draw a chart too: FILE.svg, or FILE.png.")
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets.")
@as_json_option
def spend(**wishes: Any) -> None:
    """Show what leases cost, as the ledger counts it. Needs no key."""
    from runpod_mcp.cli.spend import SpendWish, run_spend

    ledger = wishes.pop("ledger")
    run_spend(Options.of({"ledger": ledger}), SpendWish(**wishes))


@click.command()
@ledger_options
@as_json_option
def approvals(as_json: bool, **flags: object) -> None:
    """Show the requests that wait for your yes or no."""
    from runpod_mcp.cli.approvals import run_approvals

    run_approvals(Options.of(flags), as_json)


@click.command()
@ledger_options
@click.argument("codes", metavar="CODE...", nargs=-1, required=True)
@as_json_option
def approve(codes: tuple[str, ...], as_json: bool, **flags: object) -> None:
    """Say yes to requests; good once, for ten minutes from when they were asked."""
    from runpod_mcp.cli.approvals import run_answer

    run_answer(Options.of(flags), codes, True, as_json)


@click.command()
@ledger_options
@click.argument("codes", metavar="CODE...", nargs=-1, required=True)
@as_json_option
def deny(codes: tuple[str, ...], as_json: bool, **flags: object) -> None:
    """Say no to requests; a yes that was not used yet is taken back."""
    from runpod_mcp.cli.approvals import run_answer

    run_answer(Options.of(flags), codes, False, as_json)


@click.group(invoke_without_command=True)
@ledger_options
@click.option("--since", metavar="DATE|Nh|Nd", help="From this time on, UTC.")
@click.option("--pod", "pod_id", metavar="ID", help="Only what concerns this pod.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The newest so many."
)
@as_json_option
@click.pass_context
def audit(
    context: click.Context,
    since: str | None,
    pod_id: str | None,
    limit: int,
    as_json: bool,
    ledger: str | None,
) -> None:
    """Show what was asked, decided and done."""
    if context.invoked_subcommand is not None:
        if since or pod_id or as_json or ledger:
            raise click.UsageError(f"{context.invoked_subcommand} takes its options after its name.")
        return
    from runpod_mcp.cli.audit import run_audit

    run_audit(Options.of({"ledger": ledger}), since, pod_id, limit, as_json)


@audit.command()
@ledger_options
@as_json_option
def verify(as_json: bool, **flags: object) -> None:
    """Follow the trail from its first record, and compute the ledger anew; exit code 1 when anything is wrong."""
    from runpod_mcp.cli.audit import run_verify

    run_verify(Options.of(flags), as_json)


COMMANDS: tuple[click.Command, ...] = (budget, pods, spend, approvals, approve, deny, audit)
WITH_A_SERVERS_FLAGS = ("budget", "pods")
WITH_A_LEDGERS_FLAG = ("spend", "approvals", "approve", "deny", "audit")
