"""The command line: `runpod-mcp` alone serves an agent over stdio; the rest is for the person in charge."""

from __future__ import annotations

import os
import sys

import click

from runpod_mcp import __version__
from runpod_mcp.cli.options import Options, server_options
from runpod_mcp.errors import Failure

TAKE_FLAGS = ("serve", "reconcile", "reap")
"""Commands that take a server's flags, before their name or after it."""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@server_options
@click.version_option(__version__, prog_name="runpod-mcp")
@click.pass_context
def cli(context: click.Context, /, **flags: object) -> None:
    """Rent Runpod GPUs for an agent, inside limits you set. Unofficial.

    Without a command: serve MCP over stdio. Start with `runpod-mcp demo`, which needs no key and no money.
    """
    context.obj = flags
    if context.invoked_subcommand is None:
        from runpod_mcp.cli.serve import serve_stdio

        serve_stdio(Options.of(flags))
    elif context.invoked_subcommand not in TAKE_FLAGS and any(flags.values()):
        given = ", ".join(f"--{name.replace('_', '-')}" for name, value in flags.items() if value)
        raise click.UsageError(f"{context.invoked_subcommand} does not take {given}")


@cli.command()
@server_options
@click.option(
    "--http", "address", metavar="HOST:PORT", help="Serve Streamable HTTP here instead; loopback only."
)
def serve(address: str | None, **flags: object) -> None:
    """Serve MCP to an agent, over stdio unless --http is given."""
    from runpod_mcp.cli.serve import serve_http, serve_stdio

    options = Options.of(flags)
    if address is None:
        serve_stdio(options)
    else:
        serve_http(options, address)


@cli.command()
def demo() -> None:
    """Watch an agent rent, be refused, and clean up, on the simulator: no key, no money, no network."""
    from runpod_mcp.cli.demo import run_demo

    sys.exit(run_demo())


@cli.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), required=True, help="Port on 127.0.0.1; 0 for any free one."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same world.")
@click.option(
    "--boot-seconds", type=click.FloatRange(0), default=5, show_default=True, help="Until a pod has ports."
)
def simulator(port: int, seed: int, boot_seconds: float) -> None:
    """Run a stand-in for Runpod: /v2, /v1, /graphql, and /_sim to control it and read its books."""
    from runpod_mcp.cli.simulator import run_simulator

    run_simulator(port, seed, boot_seconds)


@cli.command()
@server_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def reconcile(as_json: bool, **flags: object) -> None:
    """Compare the ledger with Runpod once: adopt, correct, close, report what nobody rented here."""
    from runpod_mcp.cli.keep import run_reconcile

    run_reconcile(Options.of(flags), as_json)


@cli.command()
@server_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def reap(as_json: bool, **flags: object) -> None:
    """End every lease that is due, once; for cron and timers."""
    from runpod_mcp.cli.keep import run_reap

    run_reap(Options.of(flags), as_json)


@cli.group()
def policy() -> None:
    """Write and check the policy: what an agent may rent and spend."""


@policy.command("init")
@click.option("--preset", "name", default="solo", show_default=True, help="solo, team, ci or research.")
@click.option("--path", metavar="FILE", help="Where to write it; the usual place when left out.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def policy_init(name: str, path: str | None, force: bool) -> None:
    """Write a policy file to start from."""
    from runpod_mcp.cli.policy import init

    init(name, path, force)


@policy.command("check")
@click.argument("path", metavar="[FILE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def policy_check(path: str | None, as_json: bool) -> None:
    """Read a policy strictly and say in plain words what it allows."""
    from runpod_mcp.cli.policy import check

    check(path, as_json)


def main() -> None:
    """Run the command line: what failed is one line on stderr; 0 done, 1 refused or failed, 2 wrong usage."""
    try:
        cli.main(prog_name="runpod-mcp")
    except BaseException as error:
        known = _known(error)
        if known is None:
            raise
        if isinstance(known, Failure):
            click.echo(f"runpod-mcp: {known}", err=True)
        else:
            os.dup2(
                os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
            )  # or Python complains once more at the end
        sys.exit(1)


def _known(error: BaseException) -> Failure | BrokenPipeError | None:
    """What can be said in a line, also where a task group wrapped it; None for what was not foreseen."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _known(inner))), None)
    return error if isinstance(error, Failure | BrokenPipeError) else None
