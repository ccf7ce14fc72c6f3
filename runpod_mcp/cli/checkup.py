"""`runpod-mcp doctor`: everything this server needs, looked at once, and what an agent could go round."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial

import anyio
import click
from anyio import to_thread

from runpod_mcp.cli.checkup_clients import key_told, look_at_bypasses, look_at_clients
from runpod_mcp.cli.checkup_cloud import look_at_api
from runpod_mcp.cli.checkup_files import look_at_key, look_at_ledger, look_at_policy
from runpod_mcp.cli.findings import Finding, State, bad
from runpod_mcp.cli.options import Options
from runpod_mcp.cli.tables import say
from runpod_mcp.cli.words import paragraph
from runpod_mcp.clients.entry import KEY_FILE
from runpod_mcp.clients.machine import Machine, this_machine
from runpod_mcp.clock import Clock, SystemClock
from runpod_mcp.config import DEFAULT_API_URL, Settings, colour_allowed, environment
from runpod_mcp.errors import Failure
from runpod_mcp.logs import log_to_stderr, redact
from runpod_mcp.runpod.connect import connect, dialect_of

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.BAD: "red"}
_PATIENCE = 90.0
"""Seconds that one part of the look may take."""

Look = Callable[[], Awaitable[Iterable[Finding]]]


def run_doctor(options: Options, as_json: bool) -> int:
    """Print what was found; 1 when something is bad."""
    log_to_stderr(logging.CRITICAL)
    try:
        machine = this_machine(environment(), sys.platform)
    except Failure as failure:
        findings = [bad("machine", failure.message)]
    else:
        findings = anyio.run(examine, options, machine, SystemClock())
    if as_json:
        sound = all(one.state is not State.BAD for one in findings)
        click.echo(json.dumps({"sound": sound, "checks": [asdict(one) for one in findings]}, indent=2))
    else:
        _print(findings)
    return 1 if any(one.state is State.BAD for one in findings) else 0


async def examine(options: Options, machine: Machine, clock: Clock) -> list[Finding]:
    """Everything that can be found out now; one part that cannot be looked at never keeps the others from it."""
    settings, findings = _settings(options, machine.env)
    looks: list[tuple[str, Look]] = []
    told_by, seen = "", machine
    keyless = settings is not None and settings.api_key is None and not settings.simulator
    if keyless and KEY_FILE not in machine.env and (told := key_told(machine)):
        told_by, seen = told[0], replace(machine, env={**machine.env, **told[1]})
        settings, findings = _settings(options, seen.env)
    if settings is not None:
        usable, trouble = _usable(settings, clock)
        findings += trouble
        looks = [
            ("key", partial(to_thread.run_sync, look_at_key, settings, seen, told_by)),
            ("policy", partial(to_thread.run_sync, look_at_policy, settings, machine)),
            ("ledger", partial(look_at_ledger, usable, clock)),
        ]
        if not trouble:
            looks.insert(1, ("api", partial(look_at_api, settings, clock)))
    looks += [
        ("clients", partial(to_thread.run_sync, look_at_clients, machine)),
        ("bypass", partial(to_thread.run_sync, look_at_bypasses, machine)),
    ]
    for what, look in looks:
        findings += await guarded(what, look)
    return [replace(one, line=redact(one.line)) for one in findings]


async def guarded(what: str, look: Look, seconds: float = _PATIENCE) -> list[Finding]:
    """What a look finds, or that and why it found nothing."""
    try:
        with anyio.fail_after(seconds):
            return list(await look())
    except Failure as failure:
        return [bad(what, failure.message)]
    except TimeoutError:
        return [bad(what, f"No end of it after {seconds:g} seconds.")]
    except Exception as error:  # whatever it is, the rest can still be looked at
        return [bad(what, f"This could not be looked at ({type(error).__name__}).")]


def _settings(options: Options, env: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """The settings; where some are broken, each is said and left out, so that the rest can be looked at."""
    findings: list[Finding] = []
    while True:
        try:
            settings = options.settings(env)
        except Failure as failure:
            findings.append(bad("settings", failure.message, "No server starts until this is mended."))
            if failure.field not in env:
                return None, findings
            env = {name: value for name, value in env.items() if name != failure.field}
        else:
            return settings, findings


def _usable(settings: Settings, clock: Clock) -> tuple[Settings, list[Finding]]:
    """The settings with whatever would keep a house from being opened taken out, and what that was."""
    try:
        dialect_of(settings.api_url)
        if not settings.simulator:
            connect(settings.api_url, settings.api_key, clock)
    except Failure as failure:
        found = bad("settings", failure.message, "No server starts until this is mended.")
        return replace(settings, api_url=DEFAULT_API_URL, api_key=None), [found]
    return settings, []


def _print(findings: Iterable[Finding]) -> None:
    for one in findings:
        mark = f"{one.state:<5}"
        head, *rest = paragraph(f"{one.what}: {one.line}", " " * len(mark)).splitlines()
        shown = click.style(mark, fg=_COLOURS[one.state], bold=True) if colour_allowed() else mark
        say(shown + head[len(mark) :], *rest)
        if one.do:
            say(paragraph(one.do, "     -> ", "        "))
    counts = {state: sum(one.state is state for one in findings) for state in State}
    say("", f"{counts[State.BAD]} bad, {counts[State.WARN]} to know about, {counts[State.OK]} ok.")
