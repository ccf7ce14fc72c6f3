"""The command line: `runpod-mcp` alone serves an agent over stdio; the rest is for the person in charge."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Collection, Mapping

import click

from runpod_mcp import __version__
from runpod_mcp.cli import person
from runpod_mcp.cli.options import Options, server_options
from runpod_mcp.cli.policy_commands import policy
from runpod_mcp.errors import Failure

TAKE_FLAGS = ("serve", "reconcile", "reap", "install", "doctor", *person.WITH_A_SERVERS_FLAGS)
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
        return
    taken = _taken_by(context.invoked_subcommand, flags)
    if wrong := [
        f"--{name.replace('_', '-')}" for name, value in flags.items() if value and name not in taken
    ]:
        raise click.UsageError(f"{context.invoked_subcommand} does not take {', '.join(wrong)}")


def _taken_by(command: str, flags: Mapping[str, object]) -> Collection[str]:
    """Which of a server's flags a command takes."""
    if command in TAKE_FLAGS:
        return flags
    return ("ledger",) if command in person.WITH_A_LEDGERS_FLAG else ()


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


cli.add_command(policy)


@cli.command()
@click.argument("client")
@server_options
@click.option("--name", default="runpod", show_default=True, help="The server's name there.")
@click.option("--project", is_flag=True, help="For the project in this folder only.")
@click.option("--key-file", metavar="FILE", help="Where the server reads the key (RUNPOD_API_KEY_FILE).")
@click.option("--write-key", is_flag=True, help="Write the API key itself into the client's file.")
@click.option("--yes", is_flag=True, help="Write; without it, show what would be written.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def install(
    client: str,
    name: str,
    project: bool,
    key_file: str | None,
    write_key: bool,
    yes: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Put this server into a client's settings; first a dry run, then with --yes.

    CLIENT is claude-code, claude-desktop, cursor, vscode, codex, gemini, windsurf, goose, opencode or zed. The server
    gets the flags given here and the settings in force here.
    """
    from runpod_mcp.cli.install_client import Wish, run_install

    wish = Wish(name=name, project=project, key_file=key_file, write_key=write_key, yes=yes, as_json=as_json)
    run_install(client, Options.of(flags), wish)


@cli.command()
@click.argument("client")
@click.option("--name", default="runpod", show_default=True, help="The server's name there.")
@click.option("--project", is_flag=True, help="From the project in this folder only.")
@click.option("--yes", is_flag=True, help="Write; without it, show what would be written.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def uninstall(client: str, name: str, project: bool, yes: bool, as_json: bool) -> None:
    """Take this server out of a client's settings; first a dry run, then with --yes."""
    from runpod_mcp.cli.install_client import Wish, run_uninstall

    run_uninstall(client, Wish(name=name, project=project, yes=yes, as_json=as_json))


@cli.command()
@server_options
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool, **flags: object) -> None:
    """Look at everything this server needs, and at what an agent could go round; exit code 1 when something is bad."""
    from runpod_mcp.cli.checkup import run_doctor

    sys.exit(run_doctor(Options.of(flags), as_json))


@cli.command()
@click.option("--write", "write_to", metavar="DIR", help="Write what is stale in the repository at DIR.")
@click.option(
    "--check", "look_at", metavar="DIR", help="List what is stale there; exit code 1 when something is."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def reference(write_to: str | None, look_at: str | None, as_json: bool) -> None:
    """List tools, settings, commands, codes and policy keys, or write them into the README and the manifests."""
    from pathlib import Path

    from runpod_mcp.cli.reference import check_reference, print_reference, write_reference
    from runpod_mcp.reference.facts import facts_of

    if [write_to is not None, look_at is not None, as_json].count(True) != 1:
        raise click.UsageError("give one of --write DIR, --check DIR and --json")
    facts = facts_of(cli)
    if as_json:
        print_reference(facts)
    elif write_to is not None:
        write_reference(facts, Path(write_to))
    elif look_at is not None:
        sys.exit(0 if check_reference(facts, Path(look_at)) else 1)


for _command in person.COMMANDS:
    cli.add_command(_command)


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Only the output can say these here: files that are written speak in words of their own."""


def main() -> None:
    """Run the command line: what failed is one line on stderr; 0 done, 1 refused or failed, 2 wrong usage."""
    _open_what_is_closed()
    try:
        cli.main(prog_name="runpod-mcp")
    except BaseException as error:
        known = _known(error)
        if known is None:
            raise
        if not isinstance(known, BrokenPipeError):
            words = (
                known if isinstance(known, Failure) else f"The output cannot be written ({known.strerror})."
            )
            click.echo(f"runpod-mcp: {words}", err=True)
        if isinstance(known, OSError):
            os.dup2(
                os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
            )  # or Python complains once more at the end
        sys.exit(1)


def _open_what_is_closed() -> None:
    """Whoever starts a program may close its streams (`>&-`, some schedulers); then nothing is read or written there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  for as long as it runs


def _known(error: BaseException) -> Failure | OSError | None:
    """What can be said in a line, also where a task group wrapped it; None for what was not foreseen."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _known(inner))), None)
    if isinstance(error, Failure | BrokenPipeError):
        return error
    return error if isinstance(error, OSError) and error.errno in _NO_ROOM else None
