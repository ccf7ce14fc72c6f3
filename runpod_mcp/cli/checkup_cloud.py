"""The doctor's look at Runpod: reach, dialect, clock, and what the key may do as far as reading shows it."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from runpod_mcp.cli.findings import Finding, bad, ok, warn
from runpod_mcp.clock import Clock
from runpod_mcp.config import Settings
from runpod_mcp.errors import Code, Failure
from runpod_mcp.runpod.connect import Dialect, dialect_of
from runpod_mcp.runpod.failures import meaning
from runpod_mcp.runpod.http import Patience, Timeouts, Wire
from runpod_mcp.runpod.sent import Answer
from runpod_mcp.wiring import open_house, simulator_transport

CLOCKS_DIFFER_BY = 30
"""Seconds between this clock and Runpod's that a person should know of: leases end by this one."""
_NEWER = "Leave RUNPOD_API_URL out, or set it to https://api.runpod.io/v2."
_NEWEST = "v2"
_TIMEOUTS = Timeouts(connect=5, read=10)


async def look_at_api(settings: Settings, clock: Clock) -> list[Finding]:
    """Whether Runpod answers, in which dialect, and whether the key is let in."""
    dialect = dialect_of(settings.api_url)
    try:
        answer, milliseconds = await _knock(settings, dialect, clock)
    except Failure as failure:
        return [
            bad("api", f"{failure.message} ({settings.api_url})", "Check the network and RUNPOD_API_URL.")
        ]
    reached = _reached(settings, dialect, answer, milliseconds)
    findings = [reached, *_clock(answer, clock.now())]
    closed = _is_edge(answer) or answer.status == 410 or answer.status >= 500
    if closed or not (settings.api_key or settings.simulator):
        return findings
    return [*findings, *await _permissions(settings, clock)]


async def _knock(settings: Settings, dialect: Dialect, clock: Clock) -> tuple[Answer, int]:
    """One question without a key: whatever the answer is, it tells that there is one, and when."""
    transport = simulator_transport() if settings.simulator else None
    url = f"http://simulator/{dialect}" if settings.simulator else settings.api_url
    patience = Patience(attempts=1)
    wire = Wire(url, None, clock, needs_key=False, transport=transport, timeouts=_TIMEOUTS, patience=patience)
    try:
        before = clock.now()
        answer = await wire.read("/pods")
        return answer, round((clock.now() - before).total_seconds() * 1000)
    finally:
        await wire.close()


def _reached(settings: Settings, dialect: Dialect, answer: Answer, milliseconds: int) -> Finding:
    host = "The simulator" if settings.simulator else urlsplit(settings.api_url).hostname
    if answer.status == 410:
        do = "Upgrade runpod-mcp." if dialect == _NEWEST else _NEWER
        return bad("api", f"{host} has retired its {dialect} API (410).", do)
    if _is_edge(answer):
        do = "Try another network, without a VPN or proxy, or a newer runpod-mcp."
        return bad("api", f"{host} answers with HTTP 403. {meaning(answer).message}", do)
    if answer.status not in (200, 401, 403, 429):
        return bad("api", f"{host} answers with HTTP {answer.status}. {meaning(answer).message}")
    line = f"{host} answers in {milliseconds} ms; its {dialect} API is spoken."
    if dialect == "v1" and not settings.simulator:
        return warn("api", f"{line} Runpod announced to retire it on 2026-11-15.", _NEWER)
    return ok("api", line)


def _is_edge(answer: Answer) -> bool:
    """Whether it was what stands before Runpod that answered."""
    return answer.status == 403 and meaning(answer).code == Code.RUNPOD_UNAVAILABLE


def _clock(answer: Answer, now: datetime) -> list[Finding]:
    try:
        there = parsedate_to_datetime(answer.headers.get("date", ""))
        seconds = round((now - there).total_seconds())
    except (ValueError, TypeError):
        return []
    if abs(seconds) <= CLOCKS_DIFFER_BY:
        return [ok("clock", "This machine's clock and Runpod's agree.")]
    way = "ahead of" if seconds > 0 else "behind"
    line = f"This machine's clock is {abs(seconds)} s {way} Runpod's; leases end by this machine's clock."
    return [warn("clock", line, "Set the clock right, by NTP.")]


async def _permissions(settings: Settings, clock: Clock) -> list[Finding]:
    findings = []
    async with open_house(settings, clock) as house:
        try:
            pods = await house.api.list_pods()
            line = f"The key may list pods ({len(pods)} there). Whether it may rent shows when it first does."
            findings.append(ok("permissions", line))
        except Failure as failure:
            findings.append(_refused("list pods", failure))
        try:
            catalog = await house.prices.read("SECURE")
            findings.append(ok("prices", f"Prices can be read, of {len(catalog.gpus)} GPU types."))
        except Failure as failure:
            findings.append(_refused("read prices", failure, "prices"))
    return findings


def _refused(task: str, failure: Failure, what: str = "permissions") -> Finding:
    do = "Make a key in Runpod's console under Settings, API Keys, with read and write access to api.runpod.io/graphql."
    said = f"It was tried to {task}. {failure.message}"
    return bad(what, said, do if failure.code == "unauthorized" else "")
