"""`runpod-mcp policy`: the commands and their flags; what they do is imported when it is needed."""

from __future__ import annotations

import click

JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def policy() -> None:
    """Write, check and test the policy: what an agent may rent and spend."""


@policy.command("init")
@click.option("--preset", "name", help="solo, team, ci or research; solo when left out.")
@click.option(
    "--file", "--path", "path", metavar="FILE", help="Where to write it; the usual place when left out."
)
@click.option("--usd-per-day", metavar="DOLLARS", help="The most that a day may cost.")
@click.option("--gpus", metavar="NAMES", help='Such as "4090, L4", or up to a size such as "24 GB", or any.')
@click.option("--on-expiry", type=click.Choice(["stop", "terminate"]), help="At the end of a lease.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def policy_init(
    name: str | None,
    path: str | None,
    usd_per_day: str | None,
    gpus: str | None,
    on_expiry: str | None,
    yes: bool,
    force: bool,
) -> None:
    """Write a policy file to start from; on a terminal, three questions are asked."""
    from runpod_mcp.cli.policy_init import Wishes, init

    init(Wishes(name, usd_per_day, gpus, on_expiry), path, ask=not yes, force=force)


@policy.command("check")
@click.argument("path", metavar="[FILE]", required=False)
@JSON
def policy_check(path: str | None, as_json: bool) -> None:
    """Read a policy strictly and say in plain words what it allows, or everything that is wrong with it."""
    from runpod_mcp.cli.policy import check

    check(path, as_json)


@policy.command("explain")
@click.argument("path", metavar="[FILE]", required=False)
@click.option(
    "--request",
    "request",
    metavar="FILE",
    required=True,
    help="Arguments of create_pod as JSON; - for stdin.",
)
@click.option("--simulator", is_flag=True, help="Prices and stock of the built-in simulator, nothing spent.")
@click.option("--ledger", metavar="FILE", help="Ledger to read what is spent from (RUNPOD_MCP_LEDGER).")
@JSON
def policy_explain(
    path: str | None, request: str, simulator: bool, ledger: str | None, as_json: bool
) -> None:
    """Judge a request and say why: every rule, every price, every budget. Nothing is rented or written."""
    from runpod_mcp.cli.policy_explain import explain

    explain(path, request, simulator, ledger, as_json)


@policy.command("test")
@click.argument("folder", metavar="DIR")
@JSON
def policy_test(folder: str, as_json: bool) -> None:
    """Run the requests with expected verdicts in DIR/*.toml; exit code 1 when one differs."""
    from runpod_mcp.cli.policy_trials import run_tests

    run_tests(folder, as_json)


@policy.command("schema")
def policy_schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    from runpod_mcp.cli.policy import print_schema

    print_schema()
