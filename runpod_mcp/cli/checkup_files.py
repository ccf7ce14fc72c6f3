"""The doctor's look at this machine's files: the key, the policy, the ledger."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runpod_mcp.cli.findings import Finding, bad, ok, warn
from runpod_mcp.cli.policy import doubts, not_sold
from runpod_mcp.cli.tables import progress, progress_of
from runpod_mcp.clients.machine import Machine
from runpod_mcp.clock import Clock, epoch
from runpod_mcp.config import Settings, data_folder
from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import clock_behind
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.runpod.connect import dialect_of
from runpod_mcp.wiring import open_house

_SECOND_THOUGHTS = 60
"""Seconds that the ledger may have seen ahead of the clock before a person is told."""
_POSIX = os.name == "posix"


def look_at_key(settings: Settings, machine: Machine, told_by: str = "") -> list[Finding]:
    """Where the key comes from; never what it is. `told_by` names the client's settings that lead to it."""
    if settings.simulator:
        return [ok("key", "No key is needed on the simulator.")]
    if settings.api_key is None:
        return [
            bad(
                "key",
                "No API key is found, so nothing can be rented.",
                "Put it into a file that only you can read and set RUNPOD_API_KEY_FILE to it, or set RUNPOD_API_KEY.",
            )
        ]
    if settings.api_key.get_secret_value().startswith(("$", "{", "YOUR_")):
        return [bad("key", f"What stands in {settings.api_key_from} is a placeholder, not a key.")]
    told = f", which the settings of {told_by} name" if told_by else ""
    findings = [ok("key", f"Found in {settings.api_key_from}{told}.")]
    file = {
        "RUNPOD_API_KEY_FILE": machine.env.get("RUNPOD_API_KEY_FILE", ""),
        "runpodctl's config file": str(machine.home / ".runpod" / "config.toml"),
    }.get(settings.api_key_from)
    if file and _mode(path := Path(file).expanduser()) & 0o077:
        findings.append(
            warn("key", f"Others on this machine may read the key's file {path}.", f"chmod 600 {path}")
        )
    return findings


def look_at_policy(settings: Settings, machine: Machine) -> list[Finding]:
    """Whether there is a policy, whether it is sound, and who could change it."""
    path = settings.policy
    try:
        policy = PolicyFile(path, settings.policy_named).current()
    except Failure as failure:
        return [bad("policy", f"{failure.message} Nothing is rented until this is mended.")]
    if not settings.policy_named and not path.exists():
        return [
            warn(
                "policy",
                f"There is none at {path}, so a small default applies.",
                "Run: runpod-mcp policy init",
            )
        ]
    findings = [ok("policy", f"Read from {path}.")]
    if _POSIX and _mode(path) & stat.S_IWGRP:
        findings.append(warn("policy", f"A group may change {path}.", f"chmod g-w {path}"))
    if machine.works_in(path):
        line = f"{path} is in the folder worked in, where an agent may change it."
        findings.append(warn("policy", line, "Keep it in your config folder: runpod-mcp policy init"))
    try:
        dialect = dialect_of(settings.api_url)
    except Failure:
        dialect = "v2"
    doubted = [*doubts(policy), *not_sold(policy, dialect)]
    return findings + [warn("policy", line, "Run: runpod-mcp policy check") for line in doubted]


async def look_at_ledger(settings: Settings, clock: Clock) -> list[Finding]:
    """Whether the ledger can be written, is sound, is private, and has not seen a later time than it is."""
    if settings.ledger is None:
        return [ok("ledger", "It lives as long as the simulator in the server does.")]
    missing, findings = _file(settings.ledger) if isinstance(settings.ledger, Path) else (False, [])
    if missing:
        return findings
    async with open_house(settings, clock) as house:
        return [*await _state(house, str(settings.ledger)), *findings]


def _file(path: Path) -> tuple[bool, list[Finding]]:
    """Whether there is no file yet, and what its place tells."""
    if not os.path.lexists(path):
        return True, [_missing(path)]
    return False, list(_doors(path))


def _missing(path: Path) -> Finding:
    there = next((parent for parent in path.absolute().parents if parent.exists()), path)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return ok("ledger", f"There is none yet; the first server makes it at {path}.")
    return bad(
        "ledger", f"There is none yet, and {there} may not be written.", "Name another: RUNPOD_MCP_LEDGER"
    )


def _doors(path: Path) -> Iterator[Finding]:
    if not _POSIX:
        return
    folder = path.absolute().parent
    mode = _mode(folder)
    if _mode(path) & 0o077:
        yield warn("ledger", f"Others on this machine may open {path}.", f"chmod 600 {path}")
    if mode & 0o022 and not mode & stat.S_ISVTX:
        yield warn("ledger", f"Others on this machine may replace files in {folder}.", f"chmod go-w {folder}")
    elif folder == data_folder() and mode & 0o077:
        yield warn("ledger", f"Others on this machine may look into {folder}.", f"chmod 700 {folder}")


async def _state(house: House, path: str) -> list[Finding]:
    try:
        await house.ledger.claim("doctor", house.holder, house.now(), 1)
        wrong = [*await house.ledger.verify(progress_of), *await house.ledger.verify_audit(progress_of)]
        progress()
        count = len(await house.ledger.leases())
        latest = (await house.ledger.spending(0, ())).now
    except Failure as failure:
        return [bad("ledger", f"{failure.message} ({path}) Nothing is rented until this is mended.")]
    findings = [ok("ledger", f"{path} can be written and is sound; {count} leases count.")]
    if wrong:
        more = f" There are {len(wrong) - 1} more such findings." if len(wrong) > 1 else ""
        do = "Stop every server and restore the file from a backup."
        findings = [bad("ledger", f"{path} is not sound: {wrong[0]}.{more}", do)]
    return [*findings, *_time(latest, epoch(house.clock.now()))]


def _time(latest: int, now: int) -> list[Finding]:
    if behind := clock_behind(latest, now):
        return [bad("clock", behind.message, "Set the clock right, by NTP.")]
    if latest - now > _SECOND_THOUGHTS:
        line = f"The ledger has seen a time {latest - now} s ahead of this machine's clock."
        return [warn("clock", line, "Set the clock right, by NTP.")]
    return []


def _mode(path: Path) -> int:
    """Permissions, or none where there is no such file."""
    try:
        return path.stat().st_mode if _POSIX else 0
    except OSError:
        return 0
