"""Looking after leases from a terminal, cron or a timer."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import anyio
import click

from runpod_mcp.cli.options import Options
from runpod_mcp.flows.keeper import tell_of_ends
from runpod_mcp.flows.leases import Ended, reap, reap_not_ready
from runpod_mcp.flows.looks import Report
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.webhook import deliver_rest
from runpod_mcp.logs import log_to_stderr
from runpod_mcp.money import as_dollars, show
from runpod_mcp.pods.summary import brief, describe_brief
from runpod_mcp.wiring import open_house

NEWS_WITHIN = 15.0
"""Seconds a command may take to tell the webhook what it did."""


def run_reconcile(options: Options, as_json: bool) -> None:
    """Compare the ledger with Runpod once; exit code 1 when a pod that should be gone is not."""
    log_to_stderr()

    async def run() -> Report:
        async with open_house(options.settings()) as house:
            return await reconcile(house)

    report = anyio.run(run)
    facts = {name: value for name, value in asdict(report).items() if name != "unmanaged"}
    if as_json:
        pods = [brief(pod, None) for pod in report.unmanaged]
        total = as_dollars(report.unmanaged_usd_per_hour)
        click.echo(json.dumps({**facts, "unmanaged": pods, "unmanagedUsdPerHour": total}, indent=2))
    else:
        _print(facts)
        for pod in report.unmanaged:
            click.echo(f"not managed: {describe_brief(brief(pod, None))}")
        if report.unmanaged:
            click.echo(f"Pods nobody here rented cost {show(report.unmanaged_usd_per_hour)}/h together.")
    sys.exit(1 if report.not_ended else 0)


def run_reap(options: Options, as_json: bool) -> None:
    """End what is due once; exit code 1 when something could not be ended."""
    log_to_stderr()

    async def run() -> Ended:
        settings = options.settings()
        async with open_house(settings) as house:
            done = await reap(house)
            await reap_not_ready(house, done)
            await tell_of_ends(house, done)
            await deliver_rest(house, settings.webhook_secret, NEWS_WITHIN)
            return done

    done = anyio.run(run)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    else:
        _print(asdict(done))
    sys.exit(1 if done.failed else 0)


def _print(facts: dict[str, list[str]]) -> None:
    lines = [f"{name.replace('_', ' ')}: {line}" for name, found in facts.items() for line in found]
    click.echo("\n".join(lines) or "Nothing to do.")
